// What the hub holds of each agent's journal: how far behind, what is proven, what is refused.
import { ago, askPage, colon, html, momentZone, number, plural, t, useEffect, useState, word } from "/lib.js";
import { AgentText, Mark, Problem, Table } from "/ui.js";

/** @import { AgentSummary, DeviceTrouble } from "../../types/hub" */

/** How many pages of agents are asked for at most: 20,000 agents. */
const mostPages = 20;

/** How long after an answer the hub is asked again, ms. */
const pollPause = 2000;

/**
 * Fetches all agents, page by page. The hub repeats one that said hello meanwhile; it is taken once.
 * @returns {Promise<AgentSummary[]>}
 */
async function allAgents() {
	/** @type {Map<string, AgentSummary>} */
	const all = new Map();
	let next = "/v1/agents";
	for (let i = 0; next && i < mostPages; i++) {
		/** @type {{body: AgentSummary[], next: string}} */
		const page = await askPage(next);
		for (const a of page.body) if (!all.has(a.journal)) all.set(a.journal, a);
		next = page.next;
	}
	return present([...all.values()]);
}

/**
 * The present journal of each agent: the one that its last word names, else the one that said hello last. Journals that
 * were set aside, and forks, are history.
 * @param {AgentSummary[]} all
 */
function present(all) {
	/** @type {Map<string, AgentSummary>} */
	const agents = new Map();
	const rank = (/** @type {AgentSummary} */ a) => `${a.heard ? 1 : 0}${a.fork_of ? 0 : 1}${a.hello}`;
	for (const a of all) {
		const name = `${a.site}/${a.agent}`, other = agents.get(name);
		if (!other || rank(a) > rank(other)) agents.set(name, a);
	}
	return [...agents.values()];
}

/** Agents that need attention come first, then by site and agent. @param {AgentSummary} a @param {AgentSummary} b */
function byAttention(a, b) {
	const name = (/** @type {AgentSummary} */ one) => `${one.site}/${one.agent}`;
	return Number(needsAttention(b)) - Number(needsAttention(a)) || name(a).localeCompare(name(b));
}

export function Agents() {
	const [agents, setAgents] = useState(/** @type {AgentSummary[] | null} */ (null));
	const [problem, setProblem] = useState("");
	useEffect(() => {
		let timer = 0, gone = false;
		const poll = async () => {
			try {
				setAgents(await allAgents());
				setProblem("");
			} catch (e) {
				setProblem(/** @type {Error} */ (e).message);
			}
			if (!gone) timer = setTimeout(poll, pollPause);
		};
		poll();
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, []);
	return html`<h1>${t("nav.agents")}</h1><${Problem} text=${problem} />
		${agents && html`<${AgentTable} list=${agents.toSorted(byAttention)} now=${Date.now()} />`}`;
}

/** The verdict over all agents, and a row for each. @param {{list: AgentSummary[], now: number}} p */
function AgentTable({ list, now }) {
	const bad = list.filter(needsAttention).length;
	const verdict = bad ? plural("agents-wrong", bad, { all: number(list.length) }) : plural("agents-well", list.length);
	const head = [
		t("site"), t("state-title"), t("last"), t("rows-behind"), t("queue"),
		t("verified-rows"), t("devices"), t("software"), t("refused"),
	];
	return html`${list.length > 0 && html`<p role="status" class="verdict ${bad ? "bad" : "good"}">${verdict}</p>`}
		<${Table} caption=${t("fleet-caption")} empty=${t("fleet-empty")} head=${head}
			rows=${list.map((a) => agentRow(a, now))} />`;
}

/** @param {AgentSummary} a @param {number} now ms */
function agentRow(a, now) {
	const name = `${a.site} / ${a.agent}`;
	const linked = /^https?:/.test(a.console ?? ""); // an agent's word: no javascript: becomes a link
	return [
		linked ? html`<a href=${a.console} rel="noreferrer">${name}</a>` : name,
		html`<${Mark} state=${a.online ? "up" : "down"} group="link" />`,
		html`<span title=${momentZone(a.heard)}>${ago(a.heard, now)}</span>`,
		number(Math.max(0, a.size - a.held)),
		waitingWords(a.waiting ?? {}),
		`${number(a.verified)} / ${number(a.held)}`,
		html`<${Devices} all=${(a.devices ?? []).length} trouble=${a.trouble ?? []} now=${now} />`,
		a.software,
		a.refused ? html`<span class="problem"><${AgentText} text=${a.refused} fr=${a.refused_fr} /></span>` : "",
	];
}

/** Words for what waits at an agent, by class. @param {Record<string, number>} waiting */
function waitingWords(waiting) {
	/** @type {Record<string, string>} */
	const keys = { artifact: "n-documents", telemetry: "n-telemetry" };
	const some = Object.entries(waiting).filter(([, n]) => n > 0);
	return some.map(([name, n]) => plural(keys[name] ?? `n-${name}s`, n)).join(", ");
}

/**
 * The number of a lane's devices; where some do not work, those.
 * @param {{all: number, trouble: DeviceTrouble[], now: number}} p
 */
function Devices({ all, trouble, now }) {
	if (!trouble.length) return html`${number(all)}`;
	return html`<ul class="plain">${trouble.map((d) => html`<li><${Mark} state=${d.state} />${" "}
		${d.device}, <span title=${momentZone(d.since)}>${ago(d.since, now)}</span>${colon()}<${AgentText} text=${d.reason}
			fr=${d.reason_fr} /></li>`)}</ul>`;
}

/** Reports whether an agent is away, refused, or has a device that does not work. @param {AgentSummary} a */
const needsAttention = (a) => !a.online || Boolean(a.refused) || (a.trouble ?? []).length > 0;
