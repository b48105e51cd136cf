// Copies the libraries of package-lock.json, whose hashes npm checked, to static/vendor; with --check it says whether they
// are the same. uPlot comes as its authors compress it, a third of what a telephone would load of it, and is made a module.
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

/** Returns the text of a library as static/vendor has it. @param {string} from */
function copy(from) {
	const text = readFileSync(new URL(`node_modules/${from}`, import.meta.url), "utf8");
	if (from === files["uplot.js"]) return `${text.trim()}\nexport default uPlot;\n`;
	return text.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, "\n");
}

let differ = 0;
for (const [to, from] of Object.entries(files)) {
	const text = copy(from);
	const at = new URL(`static/vendor/${to}`, import.meta.url);
	if (!process.argv.includes("--check")) {
		writeFileSync(at, text);
	} else if (readFileSync(at, "utf8") !== text) {
		console.error(`static/vendor/${to} is not ${from}`);
		differ = 1;
	}
}
process.exit(differ);
