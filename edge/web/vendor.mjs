// Copies the libraries of package-lock.json, whose hashes npm checked, to static/vendor, and their licences, which no page
// loads, to licences; with --check it says whether they are the same. uPlot comes as its authors compress it, a third of what a telephone would load of it, and is made a module.
import { readFileSync, writeFileSync } from "node:fs";

const files = {
	"preact.js": "preact/dist/preact.module.js",
	"preact-hooks.js": "preact/hooks/dist/hooks.module.js",
	"htm.js": "htm/dist/htm.module.js",
	"uplot.js": "uplot/dist/uPlot.iife.min.js",
	"uplot.css": "uplot/dist/uPlot.min.css",
	"preact.LICENSE": "preact/LICENSE", // for THIRD_PARTY_NOTICES
	"htm.LICENSE": "htm/LICENSE",
	"uplot.LICENSE": "uplot/LICENSE",
};

/** Returns the text of a library or licence as it is kept. @param {string} from */
function copy(from) {
	const text = readFileSync(new URL(`node_modules/${from}`, import.meta.url), "utf8");
	if (from === files["uplot.js"]) return `${text.trim()}\nexport default uPlot;\n`;
	return text.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n");
}

let differ = 0;
for (const [to, from] of Object.entries(files)) {
	const text = copy(from);
	const name = `${to.endsWith(".LICENSE") ? "licences" : "static/vendor"}/${to}`, at = new URL(name, import.meta.url);
	if (!process.argv.includes("--check")) {
		writeFileSync(at, text);
	} else if (readFileSync(at, "utf8") !== text) {
		console.error(`${name} is not ${from}`);
		differ = 1;
	}
}
process.exit(differ);
