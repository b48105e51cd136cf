// Parts of pages about vehicles: their names, the vehicles that a reading may belong to, alarms.
import { colon, enumWord, html, language, percent, places, t } from "/lib.js";

/**
 * @import { Candidate, KindsText, Line, PassageList } from "../../types/agent"
 * @import { PassageClosed, PassageReading } from "../../types/observation"
 */

/** A sentence about a row, in the reader's language. @param {KindsText} s */
export const sentence = (s) => [language === "fr" ? s.fr : s.en, s.words].filter(Boolean).join(colon());

/** A sentence that stands alone. @param {KindsText} s */
export const capital = (s) => sentence(s).replace(/^./u, (c) => c.toUpperCase());

/** Returns the address of a passage's page. @param {string} id */
export const passageAt = (id) => places.passage(id);

/** Returns the name of a passage's vehicle: plate, else container, else the passage's id. @param {PassageClosed} p */
export const vehicleName = (p) => p.plate || (p.containers ?? [])[0] || p.id || "";

/**
 * Returns the names of the vehicles of passages by the passages' ids.
 * @param {PassageList | null} list
 * @returns {Record<string, string>}
 */
export const vehicleNames = (list) => Object.fromEntries((list?.passages ?? []).map((p) => [p.id, vehicleName(p)]));

/** Opens an image of the vehicle whose page this is in the X-ray workstation. @param {{sha: string}} p */
export const OpenViewer = ({ sha }) => (/^#\/(passage|case)\//.test(location.hash)
	? html`<p><a class="button primary" href=${`${location.hash.replace(/^#\/\w+/, "#/viewer").replace(/\?.*$/, "")}?image=${sha}`}>${t("vw-open")}</a></p>` : null);

/** Formats a probability. One that is uncertain is never shown as 0 or 100 %. @param {number | undefined} share */
export function probability(share) {
	const p = share ?? 0;
	return percent(p > 0 && p < 1 ? Math.min(0.99, Math.max(0.01, p)) : p);
}

/** Reports whether a vehicle is still in the lane. @param {PassageClosed} p */
export const inLane = (p) => p.state === "PASSAGE_STATE_OPEN";

/** Reports whether a reading may belong to another vehicle, or to none, as well. @param {PassageReading} r */
export const isUncertain = (r) => Boolean(r.other || r.otherConfidence);

/** The number of Class.CLASS_ALARM, which readings carry as a number. */
const alarmClass = 1;

/**
 * An alarm of a passage; possible: it was given to another passage and may be this one's.
 * @typedef {PassageReading & {possible?: boolean}} Alarm
 */

/** Returns the alarms of a passage, and those that may be its own. @param {PassageClosed} p @returns {Alarm[]} */
export function alarms(p) {
	const isAlarm = (/** @type {PassageReading} */ r) => r.class === alarmClass;
	const possible = (p.possible ?? []).filter(isAlarm).map((r) => ({ ...r, possible: true }));
	return [...(p.readings ?? []).filter(isAlarm), ...possible];
}

/**
 * The probability that a reading belongs to this vehicle and, where it is uncertain, the other one.
 * @param {{r: PassageReading, names: Record<string, string>}} p
 */
export function Confidence({ r, names }) {
	if (!isUncertain(r)) return html`${probability(r.confidence)}`;
	const other = r.other ? html`<a href=${passageAt(r.other)}>${names[r.other] ?? t("another-vehicle")}</a>` : t("no-vehicle");
	const [own, others] = [probability(r.confidence), probability(r.otherConfidence)];
	return html`<span class="doubt">${t("this-one")} (${own}) ${t("or")} ${other} (${others})</span>`;
}

/**
 * The alarm of a passage with the devices that gave it. A possible one is as loud as a certain one; the probability
 * that it is this vehicle's stands there where it is uncertain.
 * @param {{p: PassageClosed}} p
 */
export function AlarmMark({ p }) {
	/** @param {boolean} possible */
	const devices = (possible) => {
		const of = alarms(p).filter((r) => Boolean(r.possible) === possible);
		const names = of.map((r) => (isUncertain(r) ? `${r.device} (${probability(r.confidence)})` : r.device));
		return [...new Set(names)].join(", ");
	};
	const certain = devices(false);
	const text = certain ? t("alarm-by", { devices: certain }) : t("alarm");
	return html`${p.alarm && html`<${AlarmText} text=${text} /> `}${p.alarmPossible
		&& html`<${AlarmText} text=${t("alarm-possible-by", { devices: devices(true) })} />`}`;
}

/** @param {{text: string}} p */
const AlarmText = ({ text }) => html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${text}</strong>`;

/** Returns the state of a passage: in the lane, or why it is over. @param {PassageClosed} p */
export const outcome = (p) => (inLane(p) ? enumWord("passage-state", p.state) : enumWord("end", p.end));

/** @param {Candidate} c */
const candidateName = (c) => (c.passage ? c.plate || c.passage : t("no-vehicle"));

/**
 * Returns the vehicles that an observation may belong to, in words: without links, so that a table of observations has
 * one control a row.
 * @param {Line} o
 */
export function vehicleWords(o) {
	const all = o.passages ?? [];
	if (all.length < 2) return all.map(candidateName).join("");
	return all.map((c) => `${candidateName(c)} (${probability(c.confidence)})`).join(` ${t("or")} `);
}

/** The vehicles that an observation may belong to, with links. @param {{o: Line}} p */
export function Vehicles({ o }) {
	const all = o.passages ?? [];
	if (!all.length) return null;
	const links = all.map((c, i) => html`${i > 0 && ` ${t("or")} `}${c.passage
		? html`<a href=${passageAt(c.passage)}>${candidateName(c)}</a>`
		: t("no-vehicle")}${all.length > 1 && ` (${probability(c.confidence)})`}`);
	return html`<p class="vehicles">${t(all.length > 1 ? "one-of-vehicles" : "vehicle")}${colon()}${links}</p>`;
}
