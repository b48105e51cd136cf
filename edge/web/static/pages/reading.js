// What one reading of a device shows: pictures, charts, and what its sentence has no room for.
import { bodyOf, energy, html, measure, number, percent, t, useState, word } from "/lib.js";
import { Chart, detector } from "/chart.js";
import { Agent, Facts, Says, Table } from "/ui.js";

/**
 * What a reading is drawn from.
 * @typedef {{o: any, b: any, artifacts: any[], all: any[]}} ReadingProps o: the observation as the API gives it; b: its typed body; all: those that are shown with it.
 */

/** What draws a reading, by the view that the API names. The table of kinds (drivers/kinds) says which kind has which. */
const views = /** @type {Record<string, (p: ReadingProps) => any>} */ ({
	"card": Card, "plasmagram": Analysis, "plate": Plate, "scan": Scan, "spectrum": Spectrum, "strip-chart": Occupancy, "threats": Threats, "weight": Weight,
});

/** What one reading shows, where there is something to see. @param {{o: any, all: any[]}} p */
export function Reading({ o, all }) {
	const View = views[o.view];
	if (!View) return null;
	const [, b] = bodyOf(o.observation);
	return html`<${View} o=${o} b=${b} artifacts=${o.observation.body.artifacts ?? []} all=${all} />`;
}

/** Its sentence, and what was measured. @param {ReadingProps} p */
function Card({ o, b }) {
	const measured = (b.values ?? []).map((/** @type {any} */ q) => [q.name, q.number === undefined || !Number.isFinite(Number(q.text)) ? `${q.text ?? ""} ${q.unit ?? ""}` : measure(q.number, q.unit ?? "", 2)]);
	return html`<section class="card"><h2>${word("kind", o.kind)} <small>${o.device}</small></h2><p><${Says} o=${o} /></p>
		${measured.length > 1 && html`<${Table} caption=${t("measured")} head=${[t("measure"), t("value")]} rows=${measured} />`}</section>`;
}

/** A plate with its picture. @param {ReadingProps} p */
function Plate({ o, b, artifacts }) {
	const picture = artifacts.find((a) => (a.mediaType ?? "").startsWith("image/"));
	const others = (b.alternatives ?? []).map((/** @type {any} */ a) => a.plate).join(", ");
	return html`<section class="card"><h2>${word("kind", o.kind)} ${b.plate}</h2>
		<${Facts} rows=${[[t("confidence"), percent(b.confidence ?? 0)], [t("region"), b.region], [t("other-reads"), others]]} />
		${picture && html`<img class="plate" src="/v1/artifacts/${picture.sha256}?type=${picture.mediaType}" alt=${t("plate-picture", { plate: b.plate })} />`}</section>`;
}

/** A weight in large. @param {ReadingProps} p */
function Weight({ o, b }) {
	const weight = `${measure(b.grossKg ?? b.kg ?? 0, "kg")}${b.net && b.grossKg !== undefined ? ` ${t("gross")}` : ""}`;
	return html`<section class="card"><h2>${word("kind", o.kind)} <small>${o.device}</small></h2>
		<p class="big">${weight}</p><p><${Says} o=${o} /></p></section>`;
}

/** An X-ray image; of a scan's two energies the high one, which shows both. @param {ReadingProps} p */
function Scan({ o, b, artifacts, all }) {
	if (!artifacts[0] || b.lowEnergy === true && hasPair(all, b)) return null;
	return html`<${Image} sha=${artifacts[0].sha256} with=${partners(o, all)} body=${b} />`;
}

/** Whether the other energy of a scan is there. @param {any[]} all @param {any} body */
const hasPair = (all, body) => all.some((o) => { const [k, b] = bodyOf(o.observation); return k === "xrayImage" && b.scanInstance === body.scanInstance && b.sopInstance !== body.sopInstance; });

/** The other files of an image's scan: its other energy, its threat report. @param {any} o @param {any[]} all */
function partners(o, all) {
	const [, body] = bodyOf(o.observation);
	return all.filter((other) => {
		const [k, b] = bodyOf(other.observation);
		return other.idx !== o.idx && (k === "xrayImage" || k === "xrayThreatReport") && b.scanInstance === body.scanInstance;
	}).map((other) => other.observation.body.artifacts[0].sha256);
}

/** An X-ray image with overlays, window and zoom. @param {{sha: string, with: string[], body: any}} p */
function Image({ sha, with: others, body }) {
	const [view, setView] = useState(/** @type {Record<string, boolean>} */ ({ overlay: true }));
	const [zoom, setZoom] = useState({ level: 1, x: 0.5, y: 0.5 });
	const [range, setRange] = useState([0, 1]);
	const [w, h] = [Number(body.columns), Number(body.rows)];
	const q = new URLSearchParams({ max: "1600" });
	for (const name of ["invert", "log", "equalise"]) if (view[name]) q.set(name, "true");
	if (view.overlay) for (const o of others) q.append("with", o);
	if (range[0] > 0 || range[1] < 1) q.set("window", range.join());
	if (zoom.level > 1) {
		const [rw, rh] = [Math.round(w / zoom.level), Math.round(h / zoom.level)];
		q.set("region", [Math.round((w - rw) * zoom.x), Math.round((h - rh) * zoom.y), rw, rh].join());
	}
	/** @param {number} dx @param {number} dy */
	const move = (dx, dy) => setZoom({ ...zoom, x: Math.min(1, Math.max(0, zoom.x + dx)), y: Math.min(1, Math.max(0, zoom.y + dy)) });
	return html`<section class="card"><h2>${word("kind", "xray.image")} ${body.ooiId ?? ""}</h2>
		<div class="buttons" role="group" aria-label=${t("view")}>
			${["overlay", "invert", "log", "equalise"].map((n) => html`<button aria-pressed=${Boolean(view[n])} onClick=${() => setView({ ...view, [n]: !view[n] })}>${t(`view.${n}`)}</button>`)}
			<button onClick=${() => setZoom({ ...zoom, level: Math.min(16, zoom.level * 2) })}>${t("zoom-in")}</button>
			<button onClick=${() => setZoom({ ...zoom, level: Math.max(1, zoom.level / 2) })}>${t("zoom-out")}</button>
			${zoom.level > 1 && [["←", -0.25, 0, "left"], ["→", 0.25, 0, "right"], ["↑", 0, -0.25, "up"], ["↓", 0, 0.25, "down"]].map(([sign, dx, dy, name]) => html`<button aria-label=${t(`move.${name}`)} onClick=${() => move(Number(dx), Number(dy))}>${sign}</button>`)}
			${["dark", "light"].map((n, i) => html`<label class="slide">${t(`view.${n}`)} <input type="range" min="0" max="1" step="0.02" value=${range[i]} onChange=${(/** @type {any} */ e) => setRange(i ? [range[0], Math.max(Number(e.target.value), range[0] + 0.02)] : [Math.min(Number(e.target.value), range[1] - 0.02), range[1]])} /></label>`)}
		</div>
		<img class="xray" src="/v1/artifacts/${sha}/picture?${q}" alt=${t("xray-alt", { ooi: body.ooiId ?? "" })} />
		<${Facts} rows=${[[t("energy"), body.kvp && energy(body.kvp)], [t("pixels"), `${number(w)} × ${number(h)}`], [t("manufacturer"), body.manufacturer]]} /></section>`;
}

/** A portal's strip chart, in counts per second. @param {{b: any, o: any}} p */
function Occupancy({ b, o }) {
	const step = Number(b.gammaIntervalMs ?? 200) / 1000;
	const over = Number(b.gammaWindowMs ?? b.gammaIntervalMs ?? 200) / 1000; // what a value counts over, s
	const windows = Number(b.windowIntervals ?? 1);
	/** @type {(number | null)[][]} */
	const gamma = (b.gamma ?? []).map((/** @type {any} */ s) => (s.counts ?? []).map((/** @type {number} */ c) => (Number(c) < 0 ? null : Number(c) / over)));
	const n = Math.max(0, ...gamma.map((s) => s.length));
	const x = Array.from({ length: n }, (_, i) => i * step);
	const sums = x.map((_, i) => gamma.reduce((all, s) => all + (s[i] ?? 0), 0));
	const mean = sums.map((_, i) => (i + 1 < windows ? null : sums.slice(i + 1 - windows, i + 1).reduce((p, v) => p + v, 0) / windows)); // what the limit is for
	const level = (b.gammaBackground ?? []).filter((/** @type {number} */ v) => v >= 0).reduce((/** @type {number} */ p, /** @type {number} */ v) => p + Number(v), 0);
	const limit = level && b.sigmaLimit ? level + b.sigmaLimit * Math.sqrt(level / (windows * over)) : 0;
	const top = mean.reduce((/** @type {number} */ best, v, i) => ((v ?? -1) > (mean[best] ?? -1) ? i : best), 0);
	const lines = [...gamma.map((_, i) => ({ label: t("panel", { n: i + 1 }), look: detector(i) })), { label: t("sum-mean", { s: number(windows * over, 1) }), look: "s5" }, ...(level ? [{ label: t("background"), look: "background", end: true }] : []), ...(limit ? [{ label: t("threshold"), look: "limit", end: true }] : [])];
	const data = [x, ...gamma.map((s) => x.map((_, i) => s[i] ?? null)), mean, ...(level ? [x.map(() => level)] : []), ...(limit ? [x.map(() => limit)] : [])];
	const peak = mean[top];
	const words = t("gamma-words", { seconds: number(n * step, 1), top: number(peak ?? 0), at: number(top * step, 1), level: level ? number(level) : t("unknown"), limit: limit ? number(limit) : t("unknown") });
	return html`<section class="card"><h2>${word("kind", "radiation.occupancy")} <small>${o.device}</small></h2><p><${Says} o=${o} /></p>
		<${Facts} rows=${[[t("sigma"), `${number(b.sigmaMax ?? 0, 1)} σ (${t("limit")} ${number(b.sigmaLimit ?? 0, 1)} σ)`], [t("portal-says"), b.gammaAlarm ? t("gamma-alarm") : b.neutronAlarm ? t("neutron-alarm") : t("no-alarm")], [t("disagree"), b.alarmDisagreement && t("yes")]]} />
		${n > 0 && html`<${Chart} label=${`${t("gamma-chart")}, ${o.device}`} time=${false} x=${t("seconds-since-start")} y=${t("counts-per-s")} data=${data} lines=${lines} words=${words} worst=${peak ? { x: top * step, y: peak, text: `${number(peak)}\u00a0/s` } : undefined} />`}
		<${Neutrons} b=${b} o=${o} />
	</section>`;
}

/** Neutrons come one by one: steps, not slopes. @param {{b: any, o: any}} p */
function Neutrons({ b, o }) {
	const step = Number(b.neutronIntervalMs ?? 1000) / 1000;
	/** @type {(number | null)[][]} */
	const rows = (b.neutron ?? []).map((/** @type {any} */ s) => (s.counts ?? []).map((/** @type {number} */ c) => (Number(c) < 0 ? null : Number(c) / step)));
	const n = Math.max(0, ...rows.map((s) => s.length));
	if (!n) return null;
	const x = Array.from({ length: n + 1 }, (_, i) => i * step); // the last step has a width too
	const total = rows.flat().reduce((/** @type {number} */ p, v) => p + (v ?? 0) * step, 0);
	const most = Math.max(...x.map((_, i) => rows.reduce((p, s) => p + (s[i] ?? 0), 0)));
	return html`<${Chart} label=${`${t("neutron-chart")}, ${o.device}`} time=${false} x=${t("seconds-since-start")} y=${t("counts-per-s")} height=${170} words=${t("neutron-words", { total: number(total), most: number(most) })}
		data=${[x, ...rows.map((s) => x.map((_, i) => s[i] ?? s[i - 1] ?? null))]} lines=${rows.map((_, i) => ({ label: t("panel", { n: i + 1 }), look: detector(i), steps: true }))} />`;
}

/** What an N42 document holds. @param {{b: any, o: any}} p */
function Spectrum({ b, o }) {
	const dose = (/** @type {any} */ d) => (d.doseRateMax ? measure(d.doseRateMax, "µSv/h", 3) : "");
	return html`<section class="card"><h2>${word("kind", "radiation.spectrum")} <small>${o.device}</small></h2><p><${Says} o=${o} /></p>
		<${Facts} rows=${[[t("manufacturer"), [b.manufacturer, b.model, b.serial].filter(Boolean).join(" ")], [t("live-time"), b.liveSeconds && measure(b.liveSeconds, "s", 1)], [t("dose-max"), dose(b)], [t("spectra"), b.spectra && number(b.spectra)],
			[t("nuclides"), (b.nuclides ?? []).map((/** @type {any} */ n) => [n.name, n.confidence ? `${number(n.confidence)}\u00a0%` : "", n.category ? `(${n.category})` : ""].filter(Boolean).join(" ")).join(", ")]]} />
		${(b.classes ?? []).length > 1 && html`<${Table} caption=${t("by-class")} head=${[t("class"), t("gamma-counts"), t("neutron-counts"), t("live-time")]} rows=${b.classes.map((/** @type {any} */ c) => [word("n42class", c.name), number(c.gammaCounts), number(c.neutronCounts), measure(c.liveSeconds ?? 0, "s", 1)])} />`}
		${(b.detector ?? []).length > 0 && html`<${Table} caption=${t("by-detector")} head=${[t("detector"), t("gamma-counts"), t("neutron-counts"), t("live-time"), t("dose-max")]}
			rows=${b.detector.map((/** @type {any} */ d) => [d.name, number(d.gammaCounts), d.neutrons || d.neutronCounts ? number(d.neutronCounts) : t("counts-none"), measure(d.liveSeconds ?? 0, "s", 1), dose(d)])} />`}
		${(b.warnings ?? []).length > 0 && html`<h3>${t("not-read")}</h3><ul>${b.warnings.map((/** @type {string} */ w) => html`<li><${Agent} text=${w} /></li>`)}</ul>`}</section>`;
}

/** What a threat report says of each object. @param {{b: any, o: any}} p */
function Threats({ b, o }) {
	const rows = (b.objects ?? []).flatMap((/** @type {any} */ one) => (one.assessments ?? []).map((/** @type {any} */ a) => [String(one.id ?? ""), a.description || word("threat", (a.category ?? "").toLowerCase()), word("flag", (a.flag ?? "").toLowerCase()), a.probability ? percent(a.probability) : "", a.massG ? measure(a.massG / 1000, "kg", 2) : ""]));
	return html`<section class="card"><h2>${word("kind", "xray.threat_report")} <small>${o.device}</small></h2><p><${Says} o=${o} /></p>
		${rows.length > 0 && html`<${Table} caption=${t("threat-objects")} head=${[t("object"), t("what"), t("result"), t("probability"), t("mass")]} rows=${rows} />`}</section>`;
}

/** An ion scanner's plasmagram. @param {ReadingProps} p */
function Analysis({ b, artifacts }) {
	const spectrum = artifacts.find((a) => (a.mediaType ?? "").includes("jcamp"));
	return html`<section class="card"><h2>${word("kind", "trace.analysis")} ${b.sample ?? ""}</h2>
		<${Facts} rows=${[[t("instrument-says"), word("verdict", b.instrumentVerdict ?? "")], [t("we-say"), word("verdict", b.verdict ?? "")], [t("disagree"), b.disagreement && t("yes")], [t("found"), (b.found ?? []).map((/** @type {any} */ f) => f.substance).join(", ")], [t("qc"), word("qc", b.qc ?? "")]]} />
		<ul>${(b.reasons ?? []).map((/** @type {string} */ r) => html`<li><${Agent} text=${r} /></li>`)}</ul>
		${spectrum && html`<img class="plasmagram" src="/v1/artifacts/${spectrum.sha256}/picture?max=1200" alt=${t("plasmagram-alt", { sample: b.sample ?? "" })} />`}
		${(b.peaks ?? []).length > 0 && html`<${Table} caption=${t("peaks")} head=${[t("drift-time"), "K₀", t("height"), "SNR", t("substance")]} rows=${b.peaks.map((/** @type {any} */ p) => [measure(p.driftMs, "ms", 3), p.k0 ? number(p.k0, 4) : "", number(p.amplitude ?? p.height ?? 0), p.snr ? number(p.snr) : "", p.substance ?? p.assignment ?? ""])} />`}
	</section>`;
}
