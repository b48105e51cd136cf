// Fleet: what is wrong with which lane, the worst first; where; and all lanes by site.
import { ago, chosen, clock, html, inLanguage, momentZone, number, plural, t, useEffect, useState } from "/lib.js";
import { keyOf, levels, useFleet } from "/pages/fleetdata.js";
import { byName, cause, laneAddress, Level, siteName } from "/pages/fleetlane.js";
import { FleetMap } from "/pages/fleetmap.js";
import { FleetRows } from "/pages/fleetrows.js";
import { PartialBar, Problem } from "/ui.js";

/**
 * @import { FleetLane, FleetSite } from "../../types/hub"
 * @import { FleetData } from "/pages/fleetdata.js"
 */

/** How many of the worst lanes stand at the top. */
const worstShown = 5;

/** How often ages are written anew, ms. */
const ageEvery = 10_000;

export function Fleet() {
	const data = useFleet();
	const [filter, setFilter] = useState({ level: "", kind: "", q: "" });
	const [, redraw] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => redraw(Math.random()), ageEvery);
		return () => clearInterval(timer);
	}, []);
	if (!data) return html`<h1>${t("nav.fleet")}</h1><p>${t("loading")}</p>`;
	/** @param {Partial<typeof filter>} f */
	const narrow = (f) => setFilter({ ...filter, ...f });
	return html`<h1>${t("nav.fleet")}</h1>
		<${Problem} text=${data.problem} />
		${data.stale > 0 && html`<p class="stale" role="status">${t("fleet-stale", { time: clock(data.stale) })}</p>`}
		<${PartialBar} of=${data.behind} />
		<${Verdict} summary=${data.summary} />
		<${Levels} summary=${data.summary} chosen=${filter.level} choose=${(/** @type {string} */ level) => narrow({ level })} />
		<div class="overview"><${Worst} data=${data} /><${FleetMap} data=${data} choose=${(/** @type {string} */ q) => narrow({ q })} /></div>
		<${Filters} data=${data} filter=${filter} narrow=${narrow} />
		<${FleetRows} data=${data} filter=${filter} />
		<p><a class="button" href="#/agents">${t("fleet-agents")}</a></p>`;
}

/** How all is in one sentence, which never says that all is well when something is not. @param {{summary: Record<string, number>}} p */
function Verdict({ summary }) {
	const all = levels.reduce((n, level) => n + (summary[level] ?? 0), 0);
	if (!all) return html`<p role="status">${t("fleet-empty")}</p>`;
	const wrong = levels.filter((level) => level !== "ok" && summary[level]);
	const look = summary.trouble || summary["no-link"] ? "bad" : wrong.length ? "doubtful" : "good";
	const text = wrong.length
		? t("fleet-wrong", { what: wrong.map((level) => plural(`fleet-n-${level}`, summary[level])).join(", "), all: number(all) })
		: plural("agents-well", all);
	return html`<p role="status" class="verdict ${look}">${text}</p>`;
}

/** @param {{summary: Record<string, number>, chosen: string, choose: (level: string) => void}} p */
function Levels({ summary, chosen: now, choose }) {
	return html`<div class="levels" role="group" aria-label=${t("fleet-levels")}>${levels.map((level) => html`<button key=${level}
		type="button" class="level-tile ${level}" aria-pressed=${now === level} onClick=${() => choose(now === level ? "" : level)}>
		<b>${number(summary[level] ?? 0)}</b><${Level} of=${level} /></button>`)}</div>`;
}

/** The worst lanes with their causes. @param {{data: FleetData}} p */
function Worst({ data }) {
	const bad = [...data.lanes.values()].filter((l) => l.level !== "ok" && l.level !== "unreported")
		.toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || byName(keyOf(a), keyOf(b)));
	if (!bad.length) return null;
	const sites = new Map(data.sites.map((s) => [s.site, s]));
	return html`<section class="card worst"><h2>${t("fleet-worst")}</h2>
		<ul class="plain">${bad.slice(0, worstShown).map((l) => html`<${WorstLane} key=${keyOf(l)} l=${l} site=${sites.get(l.site)} />`)}</ul>
		${bad.length > worstShown && html`<p class="dim">${plural("fleet-more", bad.length - worstShown)}</p>`}</section>`;
}

/** @param {{l: FleetLane, site: FleetSite | undefined}} p */
function WorstLane({ l, site }) {
	const why = cause(l);
	return html`<li class=${l.level}><a href=${laneAddress(l)}><${Level} of=${l.level} />
		<b>${siteName(site, l.site)} / ${l.agent}${l.title || l.lane ? ` · ${l.title || l.lane}` : ""}</b>
		<span class="why">${why && inLanguage(why.text)}</span>
		${why?.since && html`<span class="dim" title=${momentZone(why.since)}>${ago(why.since, Date.now())}</span>`}</a></li>`;
}

/** @param {{data: FleetData, filter: {level: string, kind: string, q: string}, narrow: (f: object) => void}} p */
function Filters({ data, filter, narrow }) {
	const kinds = [...new Set(data.sites.map((s) => s.kind).filter(Boolean))].toSorted();
	return html`<form class="line search" role="search" onSubmit=${(/** @type {Event} */ e) => e.preventDefault()}>
		<label>${t("fleet-search")}<input name="q" type="search" value=${filter.q} onInput=${(/** @type {Event} */ e) => narrow({ q: chosen(e) })} /></label>
		<label>${t("state-title")}<select value=${filter.level} onChange=${(/** @type {Event} */ e) => narrow({ level: chosen(e) })}>
			<option value="">${t("all")}</option>${levels.map((level) => html`<option key=${level} value=${level}>${t(`level.${level}`)}</option>`)}</select></label>
		${kinds.length > 1 && html`<label>${t("site-kind")}<select value=${filter.kind} onChange=${(/** @type {Event} */ e) => narrow({ kind: chosen(e) })}>
			<option value="">${t("all")}</option>${kinds.map((k) => html`<option key=${k} value=${k}>${t(`site-kind.${k}`)}</option>`)}</select></label>`}
	</form>`;
}
