// Holds docs/openapi.yaml, docs/agent-openapi.yaml and docs/asyncapi.yaml against their specifications: node check.mjs.
// Exit code 1 with the faults and their places. That they say what the code does is checked by the Go tests of sync/hub,
// edge/api and sync/wire.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import SwaggerParser from "@apidevtools/swagger-parser";
import { Parser } from "@asyncapi/parser";

const docs = new URL("../../docs/", import.meta.url);
const faults = [];

for (const name of ["openapi.yaml", "agent-openapi.yaml"]) {
	try {
		await SwaggerParser.validate(fileURLToPath(new URL(name, docs)));
	} catch (e) {
		faults.push(...String(e.message).split("\n").map((line) => `docs/${name}: ${line}`));
	}
}

const { diagnostics } = await new Parser().parse(readFileSync(new URL("asyncapi.yaml", docs), "utf8"));
for (const d of diagnostics) {
	if (d.severity > 1) continue; // hints of style; 0 is an error, 1 a warning
	faults.push(`docs/asyncapi.yaml:${d.range.start.line + 1}: ${d.path.join(".")}: ${d.message}`);
}

for (const f of faults) console.error(f);
process.exit(faults.length > 0 ? 1 : 0);
