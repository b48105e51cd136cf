// One agent's lanes: what is wrong and what to do, its devices with what they were in the last days.
import { ago, chosen, html, inLanguage, moment, momentZone, percent, plural, t, useEffect, useFetched, useState, word } from "/lib.js";
import { Level, siteName } from "/pages/fleetlane.js";
import { clockWords, testWords } from "/pages/fleetrows.js";
import { Facts, Mark, Problem, Sentence, Table } from "/ui.js";

/** @import { FleetAgent, FleetDevice, FleetLane, Trouble } from "../../types/hub" */

/** How often the page asks anew, ms. */
const every = 5000;

/** Heights of a half hour's state, from the foot of 20: low is well. @type {Record<string, number>} */
const heights = { "-": 2, r: 7, c: 12, x: 12, s: 16, d: 20 };

/** @param {{of: string}} p of: SITE/AGENT */
export function FleetAgentPage({ of }) {
	const [days, setDays] = useState("2");
	const [site, agent] = of.split("/").map(encodeURIComponent);
	const [found, problem, again] = useFetched(`/v1/fleet/${site}/${agent}?days=${days}`);
	useEffect(() => {
		const timer = setTimeout(again, every);
		return () => clearTimeout(timer);
	}, [found, problem]);
	const is = /** @type {FleetAgent | null} */ (found);
	if (!is) return html`<h1>${of}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const linked = /^https?:/.test(is.console ?? ""); // an agent's word: no javascript: becomes a link
	return html`<p><a class="button" href="#/fleet">${t("nav.fleet")}</a></p><h1>${siteName(is.site, is.site.site)} · ${of.split("/")[1]}</h1>
		<${Problem} text=${problem} />
		<p class="dim">${is.heard ? t("fleet-heard", { time: momentZone(is.heard) }) : t("never")}${linked
			&& html` · <a href=${is.console} rel="noreferrer">${t("fleet-console")}</a>`}</p>
		${is.lanes.map((l) => html`<${LaneCard} key=${l.lane} l=${l} is=${is} />`)}
		<h2>${t("devices")}</h2>
		<form class="line" onSubmit=${(/** @type {Event} */ e) => e.preventDefault()}><label>${t("fleet-days")}
			<select value=${days} onChange=${(/** @type {Event} */ e) => setDays(chosen(e))}>
				${["1", "2", "7"].map((n) => html`<option key=${n} value=${n}>${n}</option>`)}</select></label></form>
		<${Table} caption=${t("fleet-availability", { from: momentZone(is.from) })} head=${[t("device"), t("state-title"), t("fleet-seen"), t("fleet-working"), t("fleet-conditions")]}
			rows=${is.devices.map((d) => deviceRow(d, is.from))} />`;
}

/** @param {{l: FleetLane, is: FleetAgent}} p */
function LaneCard({ l, is }) {
	const notes = l.troubles.filter((one) => one.level === "info");
	return html`<section class="card"><h2>${l.title || l.lane || l.agent} <${Level} of=${l.level} /></h2>
		<${Troubles} all=${l.troubles.filter((one) => one.level !== "info")} />
		${notes.length > 0 && html`<details><summary>${plural("fleet-notes", notes.length)}</summary><${Troubles} all=${notes} /></details>`}
		<${Facts} rows=${[
			[t("devices"), t("n-of-m", { n: l.working, m: l.devices })],
			[t("fleet-clock"), clockWords(l)],
			[t("fleet-disk"), l.disk === undefined ? "" : percent(l.disk / 100)],
			[t("fleet-tests"), testWords(l)],
			[t("software"), l.software ?? ""],
			[t("fleet-bundle"), l.bundle ?? ""],
			[t("lists"), is.lists.length > 0 && html`<ul class="plain">${is.lists.map((one) => html`<li key=${one.list}>${word("list", one.list)}
				${" "}${t("version-n", { n: one.version })}${one.issued && html` <span class="dim" title=${moment(one.issued)}>${ago(one.issued, Date.now())}</span>`}</li>`)}</ul>`],
		]} /></section>`;
}

/** @param {{all: Trouble[]}} p */
function Troubles({ all }) {
	return html`<ul class="plain troubles">${all.map((one) => html`<${TroubleItem} key=${one.code + one.device + one.text.en} one=${one} />`)}</ul>`;
}

/** What is wrong, since when, and what to do. @param {{one: Trouble}} p */
function TroubleItem({ one }) {
	return html`<li class=${one.level}><${Level} of=${one.level} /> ${inLanguage(one.text)}
		${one.since ? html` <span class="dim" title=${momentZone(one.since)}>${ago(one.since, Date.now())}</span>` : ""}
		${one.do && html`<p>${inLanguage(one.do)}</p>`}</li>`;
}

/** @param {FleetDevice} d @param {string} from */
function deviceRow(d, from) {
	return [
		html`${d.title ? word("title", d.title) : d.device}${d.title && html`<small class="own">${d.device}</small>`}`,
		d.state && html`<${Mark} state=${d.state} />`,
		d.seen && html`<span title=${momentZone(d.seen)}>${ago(d.seen, Date.now())}</span>`,
		html`<${Strip} of=${d.availability} from=${from} />`,
		d.conditions.length > 0 && html`<ul class="plain">${d.conditions.map((c) => html`<li key=${c.idx + c.time}><${Sentence} o=${c} /></li>`)}</ul>`,
	];
}

/** What a device was in each half hour, and in words for how much of the known time it worked. @param {{of: string, from: string}} p */
function Strip({ of, from }) {
	const known = of.replaceAll("-", "").length, well = of.replaceAll(/[^r]/g, "").length;
	const words = known ? t("fleet-worked", { share: percent(well / known) }) : t("fleet-unknown");
	const step = 300 / of.length;
	return html`<svg class="strip" viewBox="0 0 300 20" role="img" aria-label=${words} preserveAspectRatio="none">
		${runs(of).map(({ letter, at, n }) => html`<rect key=${at} class=${`is-${letter === "-" ? "unknown" : letter}`} x=${at * step} y=${20 - heights[letter]} width=${n * step}
			height=${heights[letter]}><title>${momentZone(new Date(from).getTime() + at * 1_800_000)}${" "}${t(`slot.${letter}`)}</title></rect>`)}</svg>
		<span>${words}</span>`;
}

/** Half hours of one state after the other are one. @param {string} of */
function runs(of) {
	/** @type {{letter: string, at: number, n: number}[]} */
	const out = [];
	for (const [at, letter] of [...of].entries()) {
		const last = out.at(-1);
		if (last?.letter === letter) last.n++;
		else out.push({ letter, at, n: 1 });
	}
	return out;
}
