// What one reading of a device shows: pictures, charts, and what its sentence has no room for.
import { html, measure, number, percent, places, t, word } from "/lib.js";
import { AgentText, Facts, Sentence, Table } from "/ui.js";
import { Occupancy } from "/pages/occupancy.js";
import { Scan } from "/pages/scan.js";

/**
 * @import { Line } from "../../types/agent"
 * @import { Artifact, Body, DetectorSummary, DeviceReading, MeasurementClass } from "../../types/observation"
 * @import { Nuclide, RadiationSpectrum, ThreatAssessment, TraceAnalysis, TracePeak } from "../../types/observation"
 * @import { VehiclePlate, VehicleWeight, XrayThreatReport } from "../../types/observation"
 * @import { Content } from "/lib.js"
 */

/**
 * What a view is drawn from: the observation, its typed body, its artifacts, and the observations on the same page.
 * @template B
 * @typedef {{o: Line, b: B, artifacts: Artifact[], all: Line[]}} ReadingProps
 */

/**
 * Views by the names that the API gives them (Line.view). drivers/kinds says which kind has which.
 * @type {Record<string, (p: ReadingProps<never>) => Content>}
 */
const views = {
	"card": Card,
	"plasmagram": Analysis,
	"plate": Plate,
	"scan": Scan,
	"spectrum": Spectrum,
	"strip-chart": Occupancy,
	"threats": Threats,
	"weight": Weight,
};

/** Names of Body's fields that every kind has. */
const common = ["agentDelayNs", "clockUnsynchronised", "clockErrorMs", "deviceTimeNs", "artifacts"];

/**
 * Returns the content of a body's kind: Body has one field for each kind.
 * @param {Body | undefined} body
 * @returns {unknown}
 */
function typedBody(body) {
	return Object.entries(body ?? {}).find(([name]) => !common.includes(name))?.[1] ?? {};
}

/** What one reading shows, where there is something to see. @param {{o: Line, all: Line[]}} p */
export function Reading({ o, all }) {
	const View = views[o.view ?? ""];
	if (!View) return null;
	const { body } = o.observation;
	return html`<${View} o=${o} b=${typedBody(body)} artifacts=${body?.artifacts ?? []} all=${all} />`;
}

/** A sentence and what was measured. @param {ReadingProps<Pick<DeviceReading, "values">>} p */
function Card({ o, b }) {
	const measured = (b.values ?? []).map(({ name, number: n, text, unit = "" }) => [
		name,
		n === undefined || !Number.isFinite(Number(text)) ? `${text ?? ""} ${unit}` : measure(n, unit, 2),
	]);
	return html`<section class="card"><h2>${word("kind", o.kind)} <small>${o.device}</small></h2>
		<p><${Sentence} o=${o} /></p>
		${measured.length > 1 && html`<${Table} caption=${t("measured")} head=${[t("measure"), t("value")]}
			rows=${measured} />`}</section>`;
}

/** A plate with its picture. @param {ReadingProps<VehiclePlate>} p */
function Plate({ o, b, artifacts }) {
	const picture = artifacts.find((a) => a.mediaType?.startsWith("image/"));
	const facts = [
		[t("confidence"), percent(b.confidence ?? 0)],
		[t("region"), b.region?.toUpperCase()],
		[t("other-reads"), (b.alternatives ?? []).map((a) => a.plate).join(", ")],
	];
	return html`<section class="card"><h2>${word("kind", o.kind)} ${b.plate}</h2>
		<${Facts} rows=${facts} />
		${picture && html`<img class="plate" src=${places.artifact(picture.sha256 ?? "", picture.mediaType ?? "")}
			alt=${t("plate-picture", { plate: b.plate })} />`}</section>`;
}

/** A weight in large. @param {ReadingProps<VehicleWeight>} p */
function Weight({ o, b }) {
	const gross = b.net && b.grossKg !== undefined ? ` ${t("gross")}` : "";
	return html`<section class="card"><h2>${word("kind", o.kind)} <small>${o.device}</small></h2>
		<p class="big">${measure(b.grossKg ?? b.kg ?? 0, "kg")}${gross}</p><p><${Sentence} o=${o} /></p></section>`;
}

/** Formats a dose rate; "" where there is none. @param {{doseRateMax?: number}} d µSv/h */
const dose = (d) => (d.doseRateMax ? measure(d.doseRateMax, "µSv/h", 3) : "");

/** The measurements of an N42 document (IEEE/ANSI N42.42). @param {ReadingProps<RadiationSpectrum>} p */
function Spectrum({ b, o }) {
	const { classes = [], detector = [], warnings = [], messages = [] } = b;
	const facts = [
		[t("manufacturer"), [b.manufacturer, b.model, b.serial].filter(Boolean).join(" ")],
		[t("live-time"), b.liveSeconds && measure(b.liveSeconds, "s", 1)],
		[t("dose-max"), dose(b)],
		[t("spectra"), b.spectra && number(b.spectra)],
		[t("nuclides"), (b.nuclides ?? []).map(nuclideWords).join(", ")],
	];
	return html`<section class="card"><h2>${word("kind", "radiation.spectrum")} <small>${o.device}</small></h2>
		<p><${Sentence} o=${o} /></p>
		<${Facts} rows=${facts} />
		${classes.length > 1 && html`<${Table} caption=${t("by-class")} rows=${classes.map(classRow)}
			head=${[t("class"), t("gamma-counts"), t("neutron-counts"), t("live-time")]} />`}
		${detector.length > 0 && html`<${Table} caption=${t("by-detector")} rows=${detector.map(detectorRow)}
			head=${[t("detector"), t("gamma-counts"), t("neutron-counts"), t("live-time"), t("dose-max")]} />`}
		${warnings.length > 0 && html`<h3>${t("not-read")}</h3>
			<ul>${warnings.map((w, i) => html`<li><${AgentText} text=${w} fr=${messages[i]?.fr} /></li>`)}</ul>`}</section>`;
}

/** Returns a nuclide's name, confidence (a percentage in N42) and category. @param {Nuclide} n */
function nuclideWords(n) {
	const confidence = n.confidence ? `${number(n.confidence)}\u00a0%` : "";
	return [n.name, confidence, n.category ? `(${n.category})` : ""].filter(Boolean).join(" ");
}

/** @param {MeasurementClass} c */
const classRow = (c) => [
	word("n42class", c.name ?? ""), number(c.gammaCounts), number(c.neutronCounts), measure(c.liveSeconds, "s", 1),
];

/** A detector without neutron counts is told from one that counted none. @param {DetectorSummary} d */
const detectorRow = (d) => [
	d.name,
	number(d.gammaCounts),
	d.neutrons || d.neutronCounts ? number(d.neutronCounts) : t("counts-none"),
	measure(d.liveSeconds, "s", 1),
	dose(d),
];

/** The objects of a threat report (DICOS TDR) with their assessments. @param {ReadingProps<XrayThreatReport>} p */
function Threats({ b, o }) {
	const rows = (b.objects ?? []).flatMap(({ id, assessments = [] }) => assessments.map((a) => threatRow(id, a)));
	return html`<section class="card"><h2>${word("kind", "xray.threat_report")} <small>${o.device}</small></h2>
		<p><${Sentence} o=${o} /></p>
		${rows.length > 0 && html`<${Table} caption=${t("threat-objects")} rows=${rows}
			head=${[t("object"), t("what"), t("result"), t("probability"), t("mass")]} />`}</section>`;
}

/** @param {number | undefined} object @param {ThreatAssessment} a */
const threatRow = (object, a) => [
	String(object ?? ""),
	a.description || word("threat", (a.category ?? "").toLowerCase()),
	word("flag", (a.flag ?? "").toLowerCase()),
	a.probability ? percent(a.probability) : "",
	a.massG ? measure(a.massG / 1000, "kg", 2) : "",
];

/**
 * An ion scanner's plasmagram with both verdicts: the instrument's and ours.
 * @param {ReadingProps<TraceAnalysis>} p
 */
function Analysis({ b, artifacts }) {
	const spectrum = artifacts.find((a) => a.mediaType?.includes("jcamp"));
	const { peaks = [], reasons = [], messages = [], qcReasons = [], qcMessages = [] } = b;
	const facts = [
		[t("instrument-says"), word("verdict", b.instrumentVerdict ?? "")],
		[t("we-say"), word("verdict", b.verdict ?? "")],
		[t("disagree"), b.disagreement && t("yes")],
		[t("found"), (b.found ?? []).map((f) => f.substance).join(", ")],
		[t("qc"), word("qc", b.qc ?? "")],
	];
	return html`<section class="card"><h2>${word("kind", "trace.analysis")} ${b.sample ?? ""}</h2>
		<${Facts} rows=${facts} />
		<ul>${reasons.map((r, i) => html`<li><${AgentText} text=${r} fr=${messages[i]?.fr} /></li>`)}
			${qcReasons.map((r, i) => html`<li><${AgentText} text=${r} fr=${qcMessages[i]?.fr} /></li>`)}</ul>
		${spectrum && places.picture && html`<img class="plasmagram" src=${places.picture(spectrum.sha256 ?? "", "max=1200")}
			alt=${t("plasmagram-alt", { sample: b.sample ?? "" })} />`}
		${peaks.length > 0 && html`<${Table} caption=${t("peaks")} rows=${peaks.map(peakRow)}
			head=${[t("drift-time"), "K₀", t("height"), "SNR", t("substance")]} />`}
	</section>`;
}

/** Drift time in ms, reduced mobility K0 in cm²/(V·s), amplitude and its ratio to the noise. @param {TracePeak} p */
const peakRow = (p) => [
	measure(p.driftMs, "ms", 3),
	p.k0 ? number(p.k0, 4) : "",
	number(p.amplitude),
	p.snr ? number(p.snr) : "",
	p.substance ?? "",
];
