// The head of a vehicle's or case's page: the picture that matters, how sure it is, the stations on a line, and the proof that is printed.
import { clock, duration, enumWord, html, measure, momentZone, ms, percent, places, t, word, zone } from "/lib.js";
import { alarms, capital, inLane, isUncertain, probability, sentence, vehicleName } from "/pages/vehicle.js";
import { Facts, Sentence, station, Table } from "/ui.js";

/**
 * @import { Case, Line } from "../../types/agent"
 * @import { Proof as HubProof } from "../../types/hub"
 * @import { PassageClosed, PassageReading, PassageStation } from "../../types/observation"
 * @import { Content } from "/lib.js"
 */

/** The observation of a reading. @param {Line[]} all @param {PassageReading} r */
export const observationOf = (all, r) => all.find((o) => o.idx === Number(r.idx ?? 0));

/** The observations of a passage's own readings. @param {PassageClosed} p @param {Line[]} all */
export function ownOf(p, all) {
	const rows = new Set((p.readings ?? []).map((r) => Number(r.idx ?? 0)));
	return all.filter((o) => rows.has(o.idx));
}

/** Artifacts of an observation that a browser shows. @param {Line} o */
const picturesOf = (o) => (o.observation.body?.artifacts ?? []).filter((a) => ["image/jpeg", "image/png"].includes(a.mediaType ?? ""));

/**
 * The picture that matters most: the X-ray, in colour where there is one, else the plate.
 * @param {{p: PassageClosed, all: Line[]}} of
 */
export function MainPicture({ p, all }) {
	const own = ownOf(p, all), vehicle = vehicleName(p);
	const xray = own.filter((o) => o.kind === "xray.preview" && picturesOf(o).length).at(-1);
	const shown = xray ?? own.find((o) => o.kind === "vehicle.plate" && picturesOf(o).length);
	if (!shown) return html`<p class="th none">${t("no-picture")}</p>`;
	const [{ sha256 = "", mediaType = "" }] = picturesOf(shown);
	return html`<img class="xray" src=${places.artifact(sha256, mediaType)} alt=${t(xray ? "xray-of" : "plate-picture", { vehicle, plate: p.plate })} />`;
}

/** From which share on a vehicle is plainly this one, and under which that is in doubt. */
const plain = 0.95, doubtful = 0.75;

/** How sure it is that all of this is one vehicle's, as a bar and in words. @param {{p: PassageClosed}} props */
export function Sure({ p }) {
	if (!p.confidence) return null;
	const share = p.confidence, look = share >= plain ? "" : share >= doubtful ? "probably" : "doubtful";
	return html`<p class="sure ${look}"><b>${t(look ? `sure-${look}` : "this-vehicle", { share: probability(share) })}</b>
		<span class="bar" aria-hidden="true"><i style=${{ width: percent(share).replace(/\s/g, "").replace(",", ".") }}></i></span></p>`;
}

/** What a passage is about, in one sentence. @param {PassageClosed} p @param {Line[]} all */
export function aboutOf(p, all) {
	const said = alarms(p).map((r) => {
		const o = observationOf(all, r);
		return `${r.possible ? `${t("possibly")} ` : ""}${o ? capital(o.summary) : r.device ?? ""}`;
	});
	if (said.length) return [...new Set(said)].map((s) => s.replace(/\.$/, "")).join(". ");
	return t(inLane(p) ? "no-alarm-yet" : "no-alarm-at-all");
}

/** The stations in the order of the lane: the first with its time, the others with how long after it, and what was read. @param {{p: PassageClosed, all: Line[]}} props */
export function Stations({ p, all }) {
	const stations = p.stations ?? [];
	const times = stations.filter((s) => s.seen).map((s) => ms(s.arrivedNs));
	const begin = Math.min(...times);
	if (!stations.length) return null;
	return html`<ol class="stations" aria-label=${t("stations")}>${stations.map((s) => html`<${StationItem} key=${s.station} s=${s} p=${p} all=${all} begin=${begin} />`)}</ol>`;
}

/** @param {{s: PassageStation, p: PassageClosed, all: Line[], begin: number}} props */
function StationItem({ s, p, all, begin }) {
	const here = [...(p.readings ?? []), ...(p.possible ?? [])].filter((r) => r.station === s.station);
	const alarm = here.find((r) => r.class === 1);
	const at = ms(s.arrivedNs), later = (at - begin) / 1000;
	const look = alarm ? "bad" : s.seen ? "seen" : `gap ${s.gap ?? ""}`;
	return html`<li class=${look}><span class="dot" aria-hidden="true">${alarm ? "▲" : s.seen ? "✓" : "–"}</span><strong>${station(s.station ?? "")}</strong>
		<span title=${s.seen ? momentZone(at) : ""}>${!s.seen ? enumWord("gap", s.gap) : later < 1 ? clock(at) : `+${duration(later)}`}</span>
		<b>${alarm ? word("kind", observationOf(all, alarm)?.kind ?? "") || t("alarm") : readAt(p, here, all)}</b></li>`;
}

/** What a station read of a vehicle, in a word. @param {PassageClosed} p @param {PassageReading[]} here @param {Line[]} all */
function readAt(p, here, all) {
	const kinds = here.map((r) => observationOf(all, r)?.kind ?? "");
	if (kinds.includes("vehicle.weight") && p.weightKg) return measure(p.weightKg, "kg");
	if (kinds.includes("vehicle.plate")) return p.plate;
	if (kinds.includes("vehicle.code") && (p.containers ?? []).length && here[0]?.station === "container") return p.containers?.[0];
	return "";
}

/** The alarms that may be another vehicle's come as doubts; of readings all. @param {PassageClosed} p */
export const doubts = (p) => alarms(p).filter(isUncertain);

/** Alarms before pictures and spectra, these before the rest. @type {Record<string, number>} */
const ranks = { "scan": 1, "threats": 1, "spectrum": 2, "strip-chart": 3, "plasmagram": 3, "plate": 4, "weight": 5 };

/** @param {Line} o */
const rank = (o) => (o.class === "alarm" ? 0 : ranks[o.view ?? ""] ?? 6);

/** Observations that have something to see, what matters first. @param {Line[]} all */
export const byWorth = (all) => all.filter((o) => o.view).toSorted((a, b) => rank(a) - rank(b));

/**
 * What is printed at the end: every reading with its row and the hashes of its pictures and documents, what people did in a
 * case, and how the rows are proved.
 * @param {{all: Line[], c?: Case, origin: string, proof?: HubProof | null, of: string}} p of: the passage's id
 */
export function Proof({ all, c, origin, proof, of }) {
	const plates = all.filter((o) => o.kind === "vehicle.plate").flatMap((o) => picturesOf(o).map((a) => ({ o, a }))).slice(0, 3);
	return html`<section class="print-only proof"><ul class="photos">${plates.map(({ o, a }) => html`<li key=${a.sha256}><img src=${places.artifact(a.sha256 ?? "", a.mediaType ?? "")}
			alt="" /><small><${Sentence} o=${o} /></small></li>`)}</ul><h2>${t("proof")}</h2>
		<${Facts} rows=${[
			[t("journal"), html`<code>${proof ? proof.journal : origin}</code>`],
			[t("key"), proof && html`<code>${proof.verify_key}</code>`],
			[t("proof-verified"), proof && t("proof-rows", { n: proof.verified })],
			[t("proof-with"), html`<code>lanectl export --passage ${of}</code>`],
		]} />
		<${Table} caption=${t("proof-table")} head=${[t("row"), t("time-in", { zone: zone() }), t("device"), t("says"), "SHA-256"]}
			rows=${all.map((o) => [o.idx, momentZone(o.corrected || o.time), o.device, html`<${Sentence} o=${o} />`,
				html`${(o.observation.body?.artifacts ?? []).map((a) => html`<code>${a.sha256}</code> `)}`])} />
		${c && html`<${Table} caption=${t("proof-case")} head=${[t("row"), t("journal"), t("time-in", { zone: zone() }), t("says")]}
			rows=${(c.history ?? []).map((e) => [e.row, t(e.centre ? "of-centre" : "of-lane"), momentZone(e.at), sentence(e.text)])} />`}
		<p>${t("printed", { time: new Date().toISOString().slice(0, 19).replace("T", " ") })}</p></section>`;
}

/** Prints what is on the page. @param {{label?: string}} p */
export const PrintButton = ({ label }) => html`<button onClick=${() => print()}>${label ?? t("print-dossier")}</button>`;

/** What is not on the first screen. @param {{summary: string, children?: Content}} p */
export const Folded = ({ summary, children }) => html`<details class="folded"><summary>${summary}</summary>${children}</details>`;
