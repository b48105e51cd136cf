// Vehicles of all lanes, newest first, and the search for one.
import { ask, formOf, html, measure, moment, ms, places, t, useEffect, useState, word, zone } from "/lib.js";
import { signs } from "/pages/booth.js";
import { AlarmMark, outcome, vehicleName } from "/pages/vehicle.js";
import { PartialBar, Problem, Table } from "/ui.js";

/**
 * @import { PassagePage, PassageSummary } from "../../types/hub"
 * @import { PassageClosed } from "../../types/observation"
 */

/** How often the newest are asked for, ms, while nothing is searched for. */
const every = 5000;

/** Has links to passages name the agent. @param {{site: string, agent: string}} of */
export function placePassages({ site, agent }) {
	places.passage = (id) => `#/passage/${[site, agent, id].map(encodeURIComponent).join("/")}`;
}

/** Returns the question in the address. @returns {URLSearchParams} */
const asked = () => new URLSearchParams(location.hash.split("?")[1] ?? "");

/** Returns the hub's parameters: a day and time of the form is of the reader's zone. @param {URLSearchParams} q */
export function parameters(q) {
	const out = new URLSearchParams();
	for (const [name, value] of q) {
		if (value) out.set(name, ["from", "to"].includes(name) ? new Date(value).toISOString() : value);
	}
	return out;
}

export function FoundPassages() {
	const [question, setQuestion] = useState(String(asked()));
	const [found, setFound] = useState(/** @type {PassageSummary[] | null} */ (null));
	const [next, setNext] = useState("");
	const [problem, setProblem] = useState("");
	const [partial, setPartial] = useState(/** @type {PassagePage["partial"]} */ (undefined));
	/** @param {string} after @param {PassageSummary[]} before */
	const fetchPage = async (after, before) => {
		const q = parameters(new URLSearchParams(question));
		if (after) q.set("after", after);
		try {
			/** @type {PassagePage} */
			const page = await ask(`/v1/passages?${q}`);
			setFound([...before, ...page.passages]);
			setNext(page.next ?? "");
			setPartial(page.partial);
			setProblem("");
		} catch (e) {
			setProblem(/** @type {Error} */ (e).message);
		}
	};
	useEffect(() => {
		const moved = () => setQuestion(String(asked()));
		addEventListener("hashchange", moved); // a link to another search
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		fetchPage("", []);
	}, [question]);
	useEffect(() => {
		if (question && !partial) return;
		const timer = setInterval(() => scrollY === 0 && fetchPage("", []), every);
		return () => clearInterval(timer);
	}, [question, !partial]);
	/** @param {Event} e */
	const search = (e) => {
		e.preventDefault();
		const q = new URLSearchParams();
		for (const [name, value] of formOf(e)) if (value) q.set(name, String(value));
		history.replaceState(null, "", `#/passages${String(q) && `?${q}`}`);
		setQuestion(String(q));
	};
	const head = [t("vehicle"), t("result"), t("outcome"), t("opened-in", { zone: zone() }), t("site"), t("lane"), t("weight")];
	return html`<h1>${t("nav.passages")}</h1>
		<${Search} q=${new URLSearchParams(question)} search=${search} />
		<${Problem} text=${problem} /><${PartialBar} of=${partial} />
		${found && html`<${Table} caption=${question ? t("found-caption") : t("passages-newest")} empty=${t("no-passages-found")} head=${head}
			rows=${found.map(foundRow)} />`}
		${next && html`<button onClick=${() => fetchPage(next, found ?? [])}>${t("more")}</button>`}`;
}

/** @param {{q: URLSearchParams, search: (e: Event) => void}} p */
function Search({ q, search }) {
	/** @param {string} name */
	const value = (name) => q.get(name) ?? "";
	return html`<form class="line search" role="search" key=${String(q)} onSubmit=${search}>
		<label>${t("search-name")} <input name="name" value=${value("name")} autocomplete="off" autocapitalize="characters" /></label>
		<label>${t("site")} <input name="site" value=${value("site")} /></label>
		<label>${t("lane")} <input name="lane" value=${value("lane")} /></label>
		<label>${t("outcome")} <select name="outcome" value=${value("outcome")}><option value="">${t("any")}</option>
			${Object.keys(signs).map((o) => html`<option value=${o}>${word("outcome", o)}</option>`)}</select></label>
		<label>${t("alarm")} <select name="alarm" value=${value("alarm")}><option value="">${t("any")}</option>
			<option value="true">${t("with-alarm")}</option></select></label>
		<label>${t("from-time")} <input type="datetime-local" name="from" value=${value("from")} /></label>
		<label>${t("to-time")} <input type="datetime-local" name="to" value=${value("to")} /></label>
		<button class="primary">${t("search")}</button></form>`;
}

/** @param {PassageSummary} f */
export function foundRow(f) {
	const p = /** @type {PassageClosed} */ (f.passage);
	placePassages(f);
	return [
		html`<a href=${places.passage(p.id ?? "")}>${vehicleName(p)}</a>`,
		html`<span>${p.alarm || p.alarmPossible ? html`<${AlarmMark} p=${p} />` : outcome(p)}</span>`,
		f.outcome ? html`<${Outcome} of=${f.outcome} />` : "",
		moment(ms(p.openedNs)),
		f.site,
		`${f.agent} · ${p.lane ?? ""}`,
		p.weightKg ? measure(p.weightKg, "kg") : "",
	];
}

/** A decision as sign and word. @param {{of: string}} p */
export const Outcome = ({ of }) => html`<span class="outcome ${of}"><span aria-hidden="true">${signs[of] ?? "•"}</span> ${word("outcome", of)}</span>`;
