// Who looked at a vehicle, case or image, and what a person looked at: at lanes and at the centre.
import { ask, formOf, html, inLanguage, momentZone, session, t, useEffect, useState, word, zone } from "/lib.js";
import { parameters } from "/pages/found.js";
import { PartialBar, Problem, Table } from "/ui.js";

/** @import { LookPage, LookRecord } from "../../types/hub" */

/** Returns the question in the address. */
const asked = () => location.hash.split("?")[1] ?? "";

/** The link to what one person, or all who looked at a thing, did. @param {Record<string, string>} q */
export const looksAt = (q) => `#/looks?${new URLSearchParams(q)}`;

export function Looks() {
	const [question, setQuestion] = useState(asked());
	const [found, setFound] = useState(/** @type {LookRecord[] | null} */ (null));
	const [page, setPage] = useState(/** @type {Pick<LookPage, "next" | "partial">} */ ({}));
	const [problem, setProblem] = useState("");
	/** @param {string} after @param {LookRecord[]} before */
	const fetchPage = async (after, before) => {
		const q = parameters(new URLSearchParams(question));
		if (after) q.set("after", after);
		try {
			/** @type {LookPage} */
			const next = await ask(`/v1/looks?${q}`);
			setFound([...before, ...next.looks]);
			setPage(next);
			setProblem("");
		} catch (e) {
			setProblem(/** @type {Error} */ (e).message);
		}
	};
	useEffect(() => {
		const moved = () => setQuestion(asked());
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		fetchPage("", []);
	}, [question]);
	/** @param {Event} e */
	const search = (e) => {
		e.preventDefault();
		const q = new URLSearchParams();
		for (const [name, value] of formOf(e)) if (value) q.set(name, String(value).trim());
		history.replaceState(null, "", `#/looks${String(q) && `?${q}`}`);
		setQuestion(String(q));
	};
	const q = new URLSearchParams(question);
	/** @param {string} name @param {string} label @param {string} [type] */
	const field = (name, label, type = "text") => html`<label>${label} <input type=${type} name=${name} value=${q.get(name) ?? ""} autocomplete="off" /></label>`;
	const head = [t("time-in", { zone: zone() }), t("look-who"), t("look-what"), t("look-where"), t("look-of"), t("look-from")];
	return html`<h1>${t("nav.looks")}</h1><p class="dim">${t("looks-about")}</p>
		<form class="line search" role="search" key=${question} onSubmit=${search}>
			${field("user", t("user"))} ${field("name", t("search-name"))} ${field("thing", t("look-thing"))} ${field("site", t("site"))}
			${field("from", t("from-time"), "datetime-local")} ${field("to", t("to-time"), "datetime-local")}
			<button class="primary">${t("search")}</button></form>
		<${Problem} text=${problem} /><${PartialBar} of=${page.partial} />
		${found && html`<${Table} caption=${t("looks-caption")} empty=${t("looks-none")} head=${head} rows=${found.map(row)} />`}
		${page.next && html`<button onClick=${() => fetchPage(page.next ?? "", found ?? [])}>${t("more")}</button>`}`;
}

/** @param {LookRecord} l */
const row = (l) => [
	momentZone(l.time),
	html`<a href=${looksAt({ user: l.user })}>${l.user || t("nobody")}</a>${l.role && html` <small>${l.role.split(",").map((/** @type {string} */ r) => word("role", r)).join(", ")}</small>`}${l.user === session.user ? html` <small>(${t("you")})</small>` : ""}`,
	l.erased ? html`<i>${t("look-erased")}</i>` : l.thing ? html`<a href=${looksAt({ thing: l.thing })}>${inLanguage(l.text)}</a>` : inLanguage(l.text),
	l.lane ? t("look-lane", { lane: l.lane }) : t("of-centre"),
	[l.site, l.agent].filter(Boolean).join(" / "),
	l.peer ?? "",
];
