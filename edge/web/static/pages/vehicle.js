// Parts of pages about vehicles: what they are called, of which a reading may be, alarms.
import { html, percent, t, value } from "/lib.js";

/** The address of a passage's page. @param {string} id */
export const passageAt = (id) => `#/passage/${encodeURIComponent(id)}`;

/** What a passage's vehicle is called. @param {any} p */
export const called = (p) => p.plate || (p.containers ?? [])[0] || p.id;

/** What the vehicles of passages are called, by their ids. @param {any} list what /v1/passages answers; null until it has @returns {Record<string, string>} */
export const names = (list) => Object.fromEntries((list?.passages ?? []).map((/** @type {any} */ p) => [p.id, called(p)]));

/** A probability: what is not certain is never shown as 0 or 100 %. @param {number | undefined} share */
export function likely(share) {
	const p = Number(share ?? 0);
	return percent(p > 0 && p < 1 ? Math.min(0.99, Math.max(0.01, p)) : p);
}

/** Whether a vehicle is still in the lane. @param {any} p */
export const inLane = (p) => p.state === "PASSAGE_STATE_OPEN";

/** Whether a reading may be of another vehicle, or of none, too. @param {any} r */
export const unsure = (r) => Boolean(r.other || r.otherConfidence);

const isAlarm = (/** @type {any} */ r) => r.class === 1;

/** The alarms of a passage, and those that may be its own. @param {any} p @returns {any[]} */
export const alarms = (p) => [...(p.readings ?? []).filter(isAlarm), ...(p.possible ?? []).filter(isAlarm).map((/** @type {any} */ r) => ({ ...r, possible: true }))];

/** How sure it is that a reading is this vehicle's, and of which else it may be. @param {{r: any, names: Record<string, string>}} p */
export function Doubt({ r, names: of }) {
	if (!unsure(r)) return html`${likely(r.confidence)}`;
	const other = r.other ? html`<a href=${passageAt(r.other)}>${of[r.other] ?? r.other}</a>` : t("no-vehicle");
	return html`<span class="doubt">${t("this-one")} (${likely(r.confidence)}) ${t("or")} ${other} (${likely(r.otherConfidence)})</span>`;
}

/** An alarm, as loud when it is only possible; with how likely it is this vehicle's, where that is not certain. @param {{p: any}} p */
export function AlarmMark({ p }) {
	/** @param {boolean} possible */
	const by = (possible) => {
		const of = alarms(p).filter((r) => Boolean(r.possible) === possible);
		return [...new Set(of.map((r) => (unsure(r) ? `${r.device} (${likely(r.confidence)})` : r.device)))].join(", ");
	};
	return html`${p.alarm && html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${by(false) ? t("alarm-by", { devices: by(false) }) : t("alarm")}</strong> `}${p.alarmPossible && html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${t("alarm-possible-by", { devices: by(true) })}</strong>`}`;
}

/** How a passage is: in the lane, or why it is over. @param {any} p */
export const outcome = (p) => (inLane(p) ? value("passage-state", p.state) : value("end", p.end));

/** The vehicles that an event may be of, in words: without links, so that a table of events has one control a row. @param {any} o */
export function vehicleWords(o) {
	/** @param {any} c */
	const name = (c) => (c.passage ? c.plate || c.passage : t("no-vehicle"));
	const of = o.passages ?? [];
	return of.length < 2 ? of.map(name).join("") : of.map((/** @type {any} */ c) => `${name(c)} (${likely(c.confidence)})`).join(` ${t("or")} `);
}

/** The same with links. @param {{o: any}} p */
export function Vehicles({ o }) {
	const of = o.passages ?? [];
	if (!of.length) return null;
	return html`<p class="vehicles">${t(of.length > 1 ? "one-of-vehicles" : "vehicle")}: ${of.map((/** @type {any} */ c, /** @type {number} */ i) => html`${i > 0 && ` ${t("or")} `}${c.passage ? html`<a href=${passageAt(c.passage)}>${c.plate || c.passage}</a>` : t("no-vehicle")}${of.length > 1 && ` (${likely(c.confidence)})`}`)}</p>`;
}
