// One vehicle as it moved through the stations.
import { colon, html, may, measure, moment, momentZone, ms, speed, t, useFetched, value, word, zone } from "/lib.js";
import { Correct } from "/pages/correct.js";
import { Reading } from "/pages/reading.js";
import { Doubt, alarms, inLane, likely, names, outcome } from "/pages/vehicle.js";
import { Agent, Facts, Problem, Says, station, Table, When } from "/ui.js";

/** @param {{of: string}} p */
export function Passage({ of }) {
	const [detail, problem, again] = useFetched(`/v1/passages/${encodeURIComponent(of)}`);
	const [list] = useFetched("/v1/passages");
	if (!detail) return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const p = detail.passage;
	const known = names(list);
	return html`<h1>${t("nav.passage")} ${p.plate || p.id}</h1>
		<${Alarms} detail=${detail} names=${known} />
		<${Facts} rows=${[
			[t("lane"), p.lane], [t("opened"), momentZone(ms(p.openedNs))], [t("state-title"), inLane(p) ? outcome(p) : `${outcome(p)}, ${momentZone(ms(p.closedNs))}`],
			[t("direction"), p.direction && p.direction !== "PASSAGE_DIRECTION_FORWARD" && value("direction", p.direction)],
			[t("tags"), (p.tags ?? []).join(", ")], [t("containers"), (p.containers ?? []).join(", ")], [t("length"), p.lengthM && measure(p.lengthM, "m", 1)],
			[t("speed"), p.speedKph && speed(p.speedKph)], [t("weight"), p.weightKg && measure(p.weightKg, "kg")], [t("confidence"), p.confidence && t("this-vehicle", { share: likely(p.confidence) })],
		]} />
		<ol class="stations" aria-label=${t("stations")}>${(p.stations ?? []).map((/** @type {any} */ s) => html`<li class=${s.seen ? "seen" : `gap ${s.gap ?? ""}`}><strong>${station(s.station)}</strong> ${s.seen ? moment(ms(s.arrivedNs)) : value("gap", s.gap)}</li>`)}</ol>
		${detail.observations.filter((/** @type {any} */ o) => (p.readings ?? []).some((/** @type {any} */ r) => String(r.idx ?? 0) === String(o.idx))).map((/** @type {any} */ o) => html`<${Reading} key=${o.idx} o=${o} all=${detail.observations} />`)}
		<${Readings} caption=${t("readings")} readings=${p.readings ?? []} detail=${detail} names=${known} />
		${p.possible?.length && html`<${Readings} caption=${t("possible-readings")} readings=${p.possible} detail=${detail} names=${known} />`}
		${may("officer") && html`<${Correct} again=${again} passage=${p} list=${list} names=${known} />`}`;
}

/** The observation of a reading. @param {any} detail @param {any} reading */
const rowOf = (detail, reading) => detail.observations.find((/** @type {any} */ one) => String(one.idx) === String(reading.idx ?? 0));

/** Alarms: one that may be another vehicle's is as loud, and says so. @param {{detail: any, names: Record<string, string>}} p */
function Alarms({ detail, names: known }) {
	const p = detail.passage;
	if (!p.alarm && !p.alarmPossible) return null;
	return html`<div class="verdict bad"><p><span aria-hidden="true">▲</span> ${t(p.alarm ? "alarm" : "alarm-possible")}</p>
		${alarms(p).map((r) => html`<p>${r.possible && p.alarm ? t("alarm-possible-by", { devices: r.device }) : r.device}${rowOf(detail, r) && html`${colon()}<${Says} o=${rowOf(detail, r)} />`}${(r.other || r.otherConfidence) && html` <${Doubt} r=${r} names=${known} />`}</p>`)}</div>`;
}

/** @param {{caption: string, readings: any[], detail: any, names: Record<string, string>}} p */
function Readings({ caption, readings, detail, names: known }) {
	return html`<${Table} caption=${caption} head=${[t("time-in", { zone: zone() }), t("device"), t("kind"), t("station"), t("says"), t("confidence"), t("why"), t("row")]}
		rows=${readings.map((r) => [
			rowOf(detail, r) ? html`<${When} o=${rowOf(detail, r)} />` : moment(ms(r.timeNs)), r.device, word("kind", rowOf(detail, r)?.kind ?? ""), station(r.station ?? ""),
			rowOf(detail, r) ? html`<${Says} o=${rowOf(detail, r)} />` : "", html`<${Doubt} r=${r} names=${known} />`,
			html`<span><${Agent} text=${r.reason} fr=${r.message?.fr} />${r.pinnedBy && html` <small>${t("pinned", { by: r.pinnedBy })}</small>`}</span>`, r.idx ?? 0,
		])} />`;
}
