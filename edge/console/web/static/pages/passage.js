// One vehicle as it moved through the stations.
import { ask, html, may, measure, moment, momentZone, ms, percent, speed, t, useFetched, useState, word, zone } from "/lib.js";
import { Reading } from "/pages/reading.js";
import { Agent, Facts, Problem, Says, station, Table, When } from "/ui.js";

/** @param {{of: string}} p */
export function Passage({ of }) {
	const [detail, problem, again] = useFetched(`/v1/passages/${encodeURIComponent(of)}`);
	if (!detail) return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const p = detail.passage;
	return html`<h1>${t("nav.passage")} ${p.plate || p.id}</h1>
		${p.alarm && html`<div class="verdict bad"><p><span aria-hidden="true">▲</span> ${t("alarm")}</p>${detail.observations.filter((/** @type {any} */ o) => o.class === "alarm").map((/** @type {any} */ o) => html`<p>${o.device}: <${Says} o=${o} /></p>`)}</div>`}
		<${Facts} rows=${[
			[t("lane"), p.lane], [t("opened"), momentZone(ms(p.openedNs))], [t("closed"), ms(p.closedNs) > 0 ? `${momentZone(ms(p.closedNs))} (${word("end", p.end)})` : t("open")],
			[t("tags"), (p.tags ?? []).join(", ")], [t("containers"), (p.containers ?? []).join(", ")], [t("length"), p.lengthM && measure(p.lengthM, "m", 1)],
			[t("speed"), p.speedKph && speed(p.speedKph)], [t("weight"), p.weightKg && measure(p.weightKg, "kg")], [t("confidence"), p.confidence && t("this-vehicle", { share: percent(p.confidence) })],
		]} />
		<ol class="stations" aria-label=${t("stations")}>${(p.stations ?? []).map((/** @type {any} */ s) => html`<li class=${s.seen ? "seen" : `gap ${s.gap}`}><strong>${station(s.station)}</strong> ${s.seen ? moment(ms(s.arrivedNs)) : word("gap", s.gap)}</li>`)}</ol>
		${detail.observations.map((/** @type {any} */ o) => html`<${Reading} key=${o.idx} o=${o} all=${detail.observations} />`)}
		<${Table} caption=${t("readings")} head=${[t("time-in", { zone: zone() }), t("device"), t("kind"), t("station"), t("says"), t("confidence"), t("why"), t("row")]}
			rows=${(p.readings ?? []).map((/** @type {any} */ r) => [rowOf(detail, r) ? html`<${When} o=${rowOf(detail, r)} />` : moment(ms(r.timeNs)), r.device, word("kind", rowOf(detail, r)?.kind ?? ""), station(r.station ?? ""), rowOf(detail, r) ? html`<${Says} o=${rowOf(detail, r)} />` : "", percent(r.confidence ?? 0), html`<${Agent} text=${r.reason} />`, r.idx ?? 0])} />
		${may("officer") && html`<${Correct} again=${again} readings=${p.readings ?? []} />`}`;
}

/** The observation of a reading. @param {any} detail @param {any} reading */
const rowOf = (detail, reading) => detail.observations.find((/** @type {any} */ one) => String(one.idx) === String(reading.idx ?? 0));

/** Moves a reading to another vehicle. @param {{again: () => void, readings: any[]}} p */
function Correct({ again, readings }) {
	const [said, setSaid] = useState("");
	/** @param {any} e */
	const send = async (e) => {
		e.preventDefault();
		const form = new FormData(e.target);
		try {
			await ask("/v1/passages/corrections", { method: "POST", body: { idx: Number(form.get("idx")), to: form.get("to"), reason: form.get("reason"), by: "" } });
			setSaid(t("done"));
			again();
		} catch (err) {
			setSaid(/** @type {Error} */ (err).message);
		}
	};
	return html`<h2>${t("correct")}</h2><form class="line" onSubmit=${send}>
		<label>${t("row")} <select name="idx">${readings.map((r) => html`<option value=${r.idx ?? 0}>${r.idx ?? 0} · ${r.device}</option>`)}</select></label>
		<label>${t("to-passage")} <input name="to" /></label>
		<label>${t("why")} <input name="reason" required /></label>
		<button>${t("correct")}</button><span role="status">${said}</span></form>`;
}
