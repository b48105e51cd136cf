// Maintenance of a device: until when, and beginning, changing and ending it.
import { allowed, ask, formOf, html, momentZone, t, useState, word } from "/lib.js";

/** @import { LaneMaintenance } from "../../types/agent" */

/** Says until when somebody works on a device. @param {LaneMaintenance} m */
export const maintainedUntil = (m) => t("maintenance-until", { time: momentZone(new Date(m.until).getTime()), by: m.by });

/** Hours of which a technician chooses one. */
const choices = [1, 2, 4, 8, 24, 72];

/** @param {{device: string, now?: LaneMaintenance}} p now: undefined while it is not in maintenance */
export function Maintenance({ device, now }) {
	const [failure, setFailure] = useState("");
	/** @param {string} path @param {object} body */
	const post = (path, body) => ask(`/v1/devices/${encodeURIComponent(device)}/maintenance${path}`, { method: "POST", body })
		.then(() => setFailure(""), (e) => setFailure(e.message));
	/** @param {Event} e */
	const begin = (e) => {
		e.preventDefault();
		const form = formOf(e);
		const until = new Date(Date.now() + Number(form.get("hours")) * 3600e3).toISOString();
		post("", { until, reason: form.get("reason") });
	};
	if (!now && !allowed("technician")) return null;
	return html`<section class=${now ? "card" : ""}><h2>${t("maintenance")}</h2>
		${now && html`<p><b>${maintainedUntil(now)}</b> ${now.reason ?? ""}</p>
			<p class="dim">${t("maintenance-driver", { state: word("state", now.state ?? "") })}</p>`}
		<p class="dim">${t("maintenance-what")}</p>
		${allowed("technician") && html`<form class="line" onSubmit=${begin}>
			<label>${t("maintenance-hours")} <select name="hours">${choices.map((h) => html`<option value=${h}>${h}</option>`)}</select></label>
			<label>${t("why")} <input name="reason" required /></label>
			<button>${t(now ? "maintenance-extend" : "maintenance-begin")}</button></form>
			${now && html`<div class="buttons"><button class="primary" onClick=${() => post("/end", { reason: "" })}>${t("maintenance-end")}</button></div>`}`}
		<span role="status" class="problem">${failure}</span>
	</section>`;
}
