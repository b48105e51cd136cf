// One vehicle as it moved through the stations.
import { allowed, colon, enumWord, html, measure, moment, momentZone, ms, speed, t, word, zone } from "/lib.js";
import { useFetched } from "/lib.js";
import { Correct } from "/pages/correct.js";
import { Reading } from "/pages/reading.js";
import { alarms, Confidence, inLane, isUncertain, outcome, probability, vehicleNames } from "/pages/vehicle.js";
import { AgentText, Facts, ObservedAt, Problem, Sentence, station, Table } from "/ui.js";

/**
 * @import { Line, PassageDetail, PassageList } from "../../types/agent"
 * @import { PassageClosed, PassageReading, PassageStation } from "../../types/observation"
 * @import { Content, Fetched } from "/lib.js"
 */

/** What a page of a vehicle is drawn from. @typedef {Pick<PassageDetail, "passage" | "observations">} Detail */

/** @param {{of: string}} p of: the passage's id */
export function Passage({ of }) {
	/** @type {Fetched<PassageDetail>} */
	const [detail, problem, again] = useFetched(`/v1/passages/${encodeURIComponent(of)}`);
	/** @type {Fetched<PassageList>} */
	const [list] = useFetched("/v1/passages");
	if (!detail) {
		return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	}
	const names = vehicleNames(list);
	return html`<h1>${t("nav.passage")} ${detail.passage.plate || detail.passage.id}</h1>
		${(detail.passage.alarm || detail.passage.alarmPossible) && html`<p><a href=${`#/case/${encodeURIComponent(detail.passage.id ?? "")}`}>${t("nav.case")}</a></p>`}
		<${Vehicle} detail=${detail} names=${names} />
		${allowed("officer") && html`<${Correct} again=${again} passage=${detail.passage} list=${list} names=${names} />`}`;
}

/**
 * A vehicle with its alarms, facts, stations and readings: at the lane and at the hub.
 * @param {{detail: Detail, names: Record<string, string>}} p
 */
export function Vehicle({ detail, names }) {
	const p = detail.passage;
	const { observations } = detail;
	const own = observations.filter((o) => (p.readings ?? []).some((r) => isOf(r, o)));
	return html`<${Alarms} detail=${detail} names=${names} />
		<${Facts} rows=${passageFacts(p)} />
		<ol class="stations" aria-label=${t("stations")}>${(p.stations ?? []).map(StationItem)}</ol>
		${own.map((o) => html`<${Reading} key=${o.idx} o=${o} all=${observations} />`)}
		<${Readings} caption=${t("readings")} readings=${p.readings ?? []} detail=${detail} names=${names} />
		${p.possible?.length && html`<${Readings} caption=${t("possible-readings")} readings=${p.possible}
			detail=${detail} names=${names} />`}`;
}

/** @param {PassageClosed} p @returns {[string, Content][]} */
function passageFacts(p) {
	const forward = !p.direction || p.direction === "PASSAGE_DIRECTION_FORWARD";
	return [
		[t("lane"), p.lane],
		[t("opened"), momentZone(ms(p.openedNs))],
		[t("state-title"), inLane(p) ? outcome(p) : `${outcome(p)}, ${momentZone(ms(p.closedNs))}`],
		[t("direction"), !forward && enumWord("direction", p.direction)],
		[t("tags"), (p.tags ?? []).join(", ")],
		[t("containers"), (p.containers ?? []).join(", ")],
		[t("length"), p.lengthM && measure(p.lengthM, "m", 1)],
		[t("speed"), p.speedKph && speed(p.speedKph)],
		[t("weight"), p.weightKg && measure(p.weightKg, "kg")],
		[t("confidence"), p.confidence && t("this-vehicle", { share: probability(p.confidence) })],
	];
}

/** A station with the time of arrival, or why it has nothing. @param {PassageStation} s */
const StationItem = (s) => html`<li class=${s.seen ? "seen" : `gap ${s.gap ?? ""}`}>
	<strong>${station(s.station ?? "")}</strong> ${s.seen ? moment(ms(s.arrivedNs)) : enumWord("gap", s.gap)}</li>`;

/** Reports whether a reading is of this observation. @param {PassageReading} r @param {Line} o */
const isOf = (r, o) => Number(r.idx ?? 0) === o.idx;

/** Returns the observation of a reading. @param {Pick<PassageDetail, "observations">} detail @param {PassageReading} r */
const observationOf = (detail, r) => detail.observations.find((o) => isOf(r, o));

/**
 * All alarms: one that may be another vehicle's is as loud, and says so.
 * @param {{detail: Detail, names: Record<string, string>}} p
 */
function Alarms({ detail, names }) {
	const p = detail.passage;
	if (!p.alarm && !p.alarmPossible) return null;
	const heading = t(p.alarm ? "alarm" : "alarm-possible");
	return html`<div class="verdict bad"><p><span aria-hidden="true">▲</span> ${heading}</p>
		${alarms(p).map((r) => {
			const o = observationOf(detail, r);
			const device = r.possible && p.alarm ? t("alarm-possible-by", { devices: r.device }) : r.device;
			return html`<p>${device}${o && html`${colon()}<${Sentence} o=${o} />`}${isUncertain(r)
				&& html` <${Confidence} r=${r} names=${names} />`}</p>`;
		})}</div>`;
}

/**
 * A table of readings. Some have no observation here: they are of a row that is not in the page.
 * @param {{caption: string, readings: PassageReading[], detail: Detail, names: Record<string, string>}} p
 */
function Readings({ caption, readings, detail, names }) {
	const head = [
		t("time-in", { zone: zone() }), t("device"), t("kind"), t("station"),
		t("says"), t("confidence"), t("why"), t("row"),
	];
	return html`<${Table} caption=${caption} head=${head} rows=${readings.map((r) => {
		const o = observationOf(detail, r);
		return [
			o ? html`<${ObservedAt} o=${o} />` : moment(ms(r.timeNs)),
			r.device,
			word("kind", o?.kind ?? ""),
			station(r.station ?? ""),
			o ? html`<${Sentence} o=${o} />` : "",
			html`<${Confidence} r=${r} names=${names} />`,
			html`<${Reason} r=${r} />`,
			r.idx ?? 0,
		];
	})} />`;
}

/** Why a reading was given to the passage, and by whom where a person did it. @param {{r: PassageReading}} p */
function Reason({ r }) {
	const pinned = r.pinnedBy && html` <small>${t("pinned", { by: r.pinnedBy })}</small>`;
	return html`<span><${AgentText} text=${r.reason} fr=${r.message?.fr} />${pinned}</span>`;
}
