// The journal's observations: search by time, class, device, kind and words.
import { formOf, html, t, useFetched, useState, word, zone } from "/lib.js";
import { ObservedAt, Problem, Sentence, Table } from "/ui.js";
import { Reading } from "/pages/reading.js";
import { Vehicles, vehicleWords } from "/pages/vehicle.js";

/**
 * @import { Found, Line, Status } from "../../types/agent"
 * @import { Fetched } from "/lib.js"
 */

/** The fields of the search; an empty one does not narrow it. @typedef {Record<string, string>} Search */

/** Returns the request for a search. @param {Search} search @param {string} before row that a page ends before */
function path(search, before) {
	const query = new URLSearchParams({ limit: "50" });
	for (const [k, v] of Object.entries(search)) {
		if (v) query.set(k, k === "to" ? new Date(v).toISOString() : v); // the field has the browser's time zone
	}
	if (before) query.set("before", before);
	return `/v1/observations?${query}`;
}

export function Events() {
	const [search, setSearch] = useState(/** @type {Search} */ ({ class: "", device: "", kind: "", q: "", to: "" }));
	const [before, setBefore] = useState("");
	const [chosen, setChosen] = useState(/** @type {Line | null} */ (null));
	/** @type {Fetched<Found>} */
	const [found, problem, again] = useFetched(path(search, before));
	/** @type {Fetched<Status>} */
	const [status] = useFetched("/v1/status");
	/** @param {Event} e */
	const start = (e) => {
		e.preventDefault();
		setBefore("");
		setSearch(Object.fromEntries([...formOf(e)].map(([k, v]) => [k, String(v)])));
		again();
	};
	const devices = [...(status?.devices ?? []).map((d) => d.id), "agent"];
	return html`<h1>${t("nav.events")}</h1>
		<${SearchForm} devices=${devices} start=${start} />
		<${Problem} text=${problem} />
		${found && html`<${Results} found=${found} choose=${setChosen} older=${setBefore} />`}
		${chosen && html`<${Detail} o=${chosen} />`}`;
}

/** @param {{devices: string[], start: (e: Event) => void}} p start: called with the event of the form */
function SearchForm({ devices, start }) {
	const all = html`<option value="">${t("all")}</option>`;
	const classes = ["alarm", "event", "telemetry"].map((c) => html`<option value=${c}>${word("class", c)}</option>`);
	return html`<form class="line" role="search" onSubmit=${start}>
		<label>${t("class")} <select name="class">${all}${classes}</select></label>
		<label>${t("device")} <select name="device">${all}${devices.map((d) => html`<option>${d}</option>`)}</select></label>
		<label>${t("words")} <input name="q" /></label>
		<label>${t("until")} <input name="to" type="datetime-local" step="1" /></label>
		<button class="primary">${t("search")}</button>
	</form>`;
}

/**
 * A page of observations, newest first. older is called with the row that the next page ends before.
 * @param {{found: Found, choose: (o: Line) => void, older: (before: string) => void}} p
 */
function Results({ found, choose, older }) {
	const head = [
		t("time-in", { zone: zone() }), t("class"), t("device"), t("kind"), t("says"), t("vehicle"), t("action"),
	];
	return html`<${Table} caption=${t("events-caption")} head=${head} empty=${t("no-events")} rows=${found.observations.map((o) => [
			html`<${ObservedAt} o=${o} />`,
			word("class", o.class),
			o.device,
			word("kind", o.kind),
			html`<${Sentence} o=${o} />`,
			vehicleWords(o),
			html`<button onClick=${() => choose(o)}>${t("show")}<span class="hidden"> ${o.idx}</span></button>`,
		])} />
		${found.next > 0 && html`<button onClick=${() => older(String(found.next))}>${t("older")}</button>`}`;
}

/** One observation with everything that the journal has of it. @param {{o: Line}} p */
function Detail({ o }) {
	return html`<section class="card">
		<h2>${word("kind", o.kind)} <small>${o.device} · ${t("row")} ${o.idx}</small></h2>
		<p><${Sentence} o=${o} /></p>
		<${Vehicles} o=${o} />
		<${Reading} o=${o} all=${[o]} />
		<details><summary>${t("details")}</summary>
			<pre tabindex="0" lang="en">${JSON.stringify(o.observation, null, 2)}</pre></details></section>`;
}
