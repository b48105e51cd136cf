// What was journalled: search by time, class, device, kind and words.
import { html, t, useFetched, useState, word, zone } from "/lib.js";
import { Problem, Says, Table, When } from "/ui.js";
import { Reading } from "/pages/reading.js";
import { Vehicles, vehicleWords } from "/pages/vehicle.js";

export function Events() {
	const [q, setQ] = useState(/** @type {Record<string, string>} */ ({ class: "", device: "", kind: "", q: "", to: "" }));
	const [before, setBefore] = useState("");
	const [shown, setShown] = useState(/** @type {any} */ (null));
	const query = new URLSearchParams({ limit: "50" });
	for (const [k, v] of Object.entries(q)) if (v) query.set(k, k === "to" ? new Date(v).toISOString() : v);
	if (before) query.set("before", before);
	const [found, problem, again] = useFetched(`/v1/observations?${query}`);
	const [status] = useFetched("/v1/status");
	/** @param {any} e */
	const search = (e) => {
		e.preventDefault();
		setBefore("");
		setQ(/** @type {any} */ (Object.fromEntries(new FormData(e.target))));
		again();
	};
	return html`<h1>${t("nav.events")}</h1>
		<form class="line" role="search" onSubmit=${search}>
			<label>${t("class")} <select name="class"><option value="">${t("all")}</option>${["alarm", "event", "telemetry"].map((c) => html`<option value=${c}>${word("class", c)}</option>`)}</select></label>
			<label>${t("device")} <select name="device"><option value="">${t("all")}</option>${[...(status?.devices ?? []).map((/** @type {any} */ d) => d.id), "agent"].map((d) => html`<option>${d}</option>`)}</select></label>
			<label>${t("words")} <input name="q" /></label>
			<label>${t("until")} <input name="to" type="datetime-local" step="1" /></label>
			<button class="primary">${t("search")}</button>
		</form>
		<${Problem} text=${problem} />
		${found && html`<${Table} caption=${t("events-caption")} head=${[t("time-in", { zone: zone() }), t("class"), t("device"), t("kind"), t("says"), t("vehicle"), t("action")]}
			rows=${found.observations.map((/** @type {any} */ o) => [html`<${When} o=${o} />`, word("class", o.class), o.device, word("kind", o.kind), html`<${Says} o=${o} />`, vehicleWords(o), html`<button onClick=${() => setShown(o)}>${t("show")}<span class="hidden"> ${o.idx}</span></button>`])} />
			${found.next > 0 && html`<button onClick=${() => setBefore(String(found.next))}>${t("older")}</button>`}`}
		${shown && html`<section class="card"><h2>${word("kind", shown.kind)} <small>${shown.device} · ${t("row")} ${shown.idx}</small></h2><p><${Says} o=${shown} /></p><${Vehicles} o=${shown} /><${Reading} o=${shown} all=${[shown]} />
			<details><summary>${t("details")}</summary><pre tabindex="0" lang="en">${JSON.stringify(shown.observation, null, 2)}</pre></details></section>`}`;
}
