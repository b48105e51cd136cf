// The lanes: vehicles and decisions of the day, the lists that are in force, devices.
import { ago, ask, html, may, moment, number, plural, t, useEffect, useState, word } from "/lib.js";
import { Outcome } from "/pages/found.js";
import { Mark, PartialBar, Problem, Sentence, Table } from "/ui.js";

/** @import { LaneDevice, LanePage, LaneRecord, Partial } from "../../types/hub" */

/** How often the lanes are asked for, ms. */
const every = 5000;

/** The most pages of agents: 20,000 agents. */
const mostPages = 20;

/** Fetches all lanes, page by page. @returns {Promise<{lanes: LaneRecord[], partial?: Partial}>} */
async function allLanes() {
	/** @type {Map<string, LaneRecord>} */
	const all = new Map();
	let after = "", /** @type {Partial | undefined} */ partial;
	for (let i = 0; i < mostPages; i++) {
		/** @type {LanePage} */
		const page = await ask(`/v1/lanes?limit=1000&after=${after}`);
		for (const l of page.lanes) {
			const name = [l.site, l.agent, l.lane].join("/");
			if (!all.has(name)) all.set(name, l); // of an agent's journals the one that said hello last
		}
		partial = page.partial;
		if (!page.next) break;
		after = page.next;
	}
	const name = (/** @type {LaneRecord} */ l) => `${l.site}/${l.agent}/${l.lane}`;
	return { lanes: [...all.values()].toSorted((a, b) => name(a).localeCompare(name(b))), partial };
}

export function Lanes() {
	const [lanes, setLanes] = useState(/** @type {LaneRecord[] | null} */ (null));
	const [partial, setPartial] = useState(/** @type {Partial | undefined} */ (undefined));
	const [problem, setProblem] = useState("");
	useEffect(() => {
		let timer = 0, gone = false;
		const poll = async () => {
			try {
				const now = await allLanes();
				if (!gone) {
					setLanes(now.lanes);
					setPartial(now.partial);
				}
				setProblem("");
			} catch (e) {
				setProblem(/** @type {Error} */ (e).message);
			}
			if (!gone) timer = setTimeout(poll, every);
		};
		poll();
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, []);
	const head = [t("lane"), t("state-title"), t("vehicles-today"), t("alarms-today"), t("decisions-today"), t("lists"), t("devices")];
	return html`<h1>${t("nav.lanes")}</h1><${Problem} text=${problem} /><${PartialBar} of=${partial} />
		<p class="dim">${t("days-are-utc")}</p>
		${lanes && html`<${Table} caption=${t("lanes-caption")} empty=${t("no-lanes")} head=${head}
			rows=${lanes.map((l) => laneRow(l, Date.now()))} />`}`;
}

/** @param {LaneRecord} l */
const laneName = (l) => `${l.site} / ${l.agent} · ${l.title || l.lane}`;

/** @param {LaneRecord} l @param {number} now ms */
function laneRow(l, now) {
	const search = new URLSearchParams({ site: l.site, lane: l.lane });
	const outcomes = Object.entries(l.outcomes).filter(([, n]) => n > 0);
	return [
		may("feed") ? html`<a href=${`#/passages?${search}`}>${laneName(l)}</a>` : laneName(l),
		html`<${Mark} state=${l.online ? "up" : "down"} group="link" />`,
		number(l.passages),
		number(l.alarms),
		outcomes.length > 0 && html`<ul class="plain">${outcomes.map(([o, n]) => html`<li key=${o}><${Outcome} of=${o} /> ${number(n)}</li>`)}</ul>`,
		l.lists.length > 0 && html`<ul class="plain">${l.lists.map((one) => html`<li key=${one.list}>${word("list", one.list)}
			${" "}${t("version-n", { n: number(one.version) })}${one.issued && html` <span class="dim" title=${moment(one.issued)}>${ago(one.issued, now)}</span>`}</li>`)}</ul>`,
		html`<${LaneDevices} all=${l.devices} now=${now} />`,
	];
}

/** States of devices that need nobody. */
const well = ["running", "stopped", ""];

/** The number of devices; those that do not work, and conditions that last. @param {{all: LaneDevice[], now: number}} p */
function LaneDevices({ all, now }) {
	const bad = all.filter((d) => !well.includes(d.state) || d.conditions.length > 0);
	if (!bad.length) return html`${plural("n-devices-well", all.length)}`;
	return html`<ul class="plain">${bad.map((d) => html`<li key=${d.device}>
		${d.state && html`<${Mark} state=${d.state} />`} ${d.device}${d.said && !well.includes(d.state) && html`, ${ago(d.said.time, now)}`}
		${d.conditions.map((c) => html`<br /><${Sentence} o=${c} />`)}</li>`)}</ul>`;
}
