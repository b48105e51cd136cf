// An officer moves a reading to another vehicle, of any lane, or to none.
import { ask, chosen, clock, formOf, html, inLanguage, ms, t, useState } from "/lib.js";
import { vehicleName } from "/pages/vehicle.js";

/**
 * @import { CorrectionOutcome, PassageList } from "../../types/agent"
 * @import { PassageClosed, PassageReading } from "../../types/observation"
 */

// Choices of the lists beside readings and passages. A passage has "id:" before its id, so that no id is one of them.
const another = "another";
const none = "none";

/** Returns the passage that a choice means; "" for none. @param {string} choice @param {FormData} form */
function passageOf(choice, form) {
	if (choice === none) return "";
	return choice === another ? String(form.get("id")).trim() : choice.slice("id:".length);
}

/**
 * The form of a correction. again is called after one was done.
 * @param {{again: () => void, passage: PassageClosed, list: PassageList | null, names: Record<string, string>}} p
 */
export function Correct({ again, passage, list, names }) {
	const readings = [...(passage.readings ?? []), ...(passage.possible ?? [])];
	const [reading, setReading] = useState("");
	const [to, setTo] = useState("");
	const [words, setWords] = useState("");
	/** @param {Event} e */
	const send = async (e) => {
		e.preventDefault();
		const form = formOf(e);
		const idx = Number(reading === another ? form.get("record") : reading);
		const body = { idx, to: passageOf(to, form), reason: form.get("reason"), by: "" };
		setWords("");
		try {
			/** @type {CorrectionOutcome} */
			const outcome = await ask("/v1/passages/corrections", { method: "POST", body });
			setWords(inLanguage(outcome.summary));
			again();
		} catch (err) {
			setWords(/** @type {Error} */ (err).message);
		}
	};
	const others = (list?.passages ?? []).filter((p) => p.id !== passage.id);
	const vehicle = names[passage.id ?? ""] ?? vehicleName(passage);
	return html`<h2>${t("correct")}</h2><form class="line" onSubmit=${send}>
		<label>${t("row")} <select required value=${reading} onChange=${(/** @type {Event} */ e) => setReading(chosen(e))}>
			<option value="" disabled>${t("choose")}</option>
			${readings.map(readingOption)}
			<option value=${another}>${t("another-row")}</option></select></label>
		${reading === another && html`<label>${t("row-number")}${" "}
			<input name="record" inputmode="numeric" pattern="[0-9]+" required /></label>`}
		<label>${t("to-vehicle")} <select required value=${to} onChange=${(/** @type {Event} */ e) => setTo(chosen(e))}>
			<option value="" disabled>${t("choose")}</option>
			<option value=${none}>${t("no-vehicle")}</option>
			<option value=${`id:${passage.id}`}>${t("stays-here", { vehicle })}</option>
			${others.map(passageOption)}
			<option value=${another}>${t("another-passage")}</option></select></label>
		${to === another && html`<label>${t("passage-id")} <input name="id" required /></label>`}
		<label>${t("why")} <input name="reason" required /></label>
		<button>${t("correct")}</button><span role="status">${words}</span></form>`;
}

/** @param {PassageReading} r */
const readingOption = ({ idx = "0", device, timeNs }) =>
	html`<option value=${idx}>${device} · ${clock(ms(timeNs))} · ${idx}</option>`;

/** @param {PassageClosed} p */
const passageOption = (p) =>
	html`<option value=${`id:${p.id}`}>${vehicleName(p)} · ${p.lane} · ${clock(ms(p.openedNs))}</option>`;
