// An officer moves a reading to another vehicle, of any lane, or to none.
import { ask, clock, html, ms, said, t, useState } from "/lib.js";
import { called } from "/pages/vehicle.js";

// What the lists offer beside readings and passages.
const another = "another";
const none = "none";

/** @param {{again: () => void, passage: any, list: any, names: Record<string, string>}} p */
export function Correct({ again, passage, list, names }) {
	const readings = [...(passage.readings ?? []), ...(passage.possible ?? [])];
	const [reading, setReading] = useState("");
	const [to, setTo] = useState("");
	const [words, setWords] = useState("");
	/** @param {any} e */
	const send = async (e) => {
		e.preventDefault();
		const form = new FormData(e.target);
		const idx = Number(reading === another ? form.get("record") : reading);
		const target = to === none ? "" : to === another ? String(form.get("id")).trim() : to.slice("id:".length);
		setWords("");
		try {
			const outcome = await ask("/v1/passages/corrections", { method: "POST", body: { idx, to: target, reason: form.get("reason"), by: "" } });
			setWords(said(outcome.summary));
			again();
		} catch (err) {
			setWords(/** @type {Error} */ (err).message);
		}
	};
	return html`<h2>${t("correct")}</h2><form class="line" onSubmit=${send}>
		<label>${t("row")} <select required value=${reading} onChange=${(/** @type {any} */ e) => setReading(e.target.value)}>
			<option value="" disabled>${t("choose")}</option>
			${readings.map((r) => html`<option value=${String(r.idx ?? 0)}>${r.device} · ${clock(ms(r.timeNs))} · ${r.idx ?? 0}</option>`)}
			<option value=${another}>${t("another-row")}</option></select></label>
		${reading === another && html`<label>${t("row-number")} <input name="record" inputmode="numeric" pattern="[0-9]+" required /></label>`}
		<label>${t("to-vehicle")} <select required value=${to} onChange=${(/** @type {any} */ e) => setTo(e.target.value)}>
			<option value="" disabled>${t("choose")}</option>
			<option value=${none}>${t("no-vehicle")}</option>
			<option value=${`id:${passage.id}`}>${t("stays-here", { vehicle: names[passage.id] ?? called(passage) })}</option>
			${(list?.passages ?? []).filter((/** @type {any} */ p) => p.id !== passage.id).map((/** @type {any} */ p) => html`<option value=${`id:${p.id}`}>${called(p)} · ${p.lane} · ${clock(ms(p.openedNs))}</option>`)}
			<option value=${another}>${t("another-passage")}</option></select></label>
		${to === another && html`<label>${t("passage-id")} <input name="id" required /></label>`}
		<label>${t("why")} <input name="reason" required /></label>
		<button>${t("correct")}</button><span role="status">${words}</span></form>`;
}
