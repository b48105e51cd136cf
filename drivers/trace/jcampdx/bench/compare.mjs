// What npm jcampconverter reads in files, and how long it takes. See README.md.
//   node compare.mjs values FILE...     one JSON line a file: its spectra, numbers only
//   node compare.mjs time N FILE...     nanoseconds for N passes over all files, after as many to warm up
import { readFileSync } from "node:fs";
import { convert } from "jcampconverter";

const [mode, ...args] = process.argv.slice(2);
if (mode === "values") {
  for (const file of args) {
    const { flatten } = convert(readFileSync(file, "utf8"));
    const blocks = flatten.map((b) => ({ title: b.title, spectra: (b.spectra ?? []).map((s) => s.data) }));
    console.log(JSON.stringify(blocks));
  }
} else if (mode === "time") {
  const n = Number(args[0]);
  const texts = args.slice(1).map((f) => readFileSync(f, "utf8"));
  const pass = () => { for (let i = 0; i < n; i++) for (const t of texts) convert(t); };
  pass();
  const begin = process.hrtime.bigint();
  pass();
  console.log(String(process.hrtime.bigint() - begin));
}
