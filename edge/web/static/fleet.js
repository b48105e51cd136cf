// The hub's page: all sites and lanes, what is down, how far behind.
import { Choices, recall } from "/choices.js";
import { ago, askPage, colon, html, momentZone, number, plural, render, t, useEffect, useState, word } from "/lib.js";
import { Agent, Mark, Problem, Table } from "/ui.js";

/** How many pages of agents are asked for: 20,000 agents. */
const mostPages = 20;

/** All agents, page by page. One that says hello meanwhile comes twice. @returns {Promise<any[]>} */
async function allAgents() {
	const all = new Map();
	let next = "/v1/agents";
	for (let i = 0; next && i < mostPages; i++) {
		const page = await askPage(next);
		for (const a of page.body) if (!all.has(a.journal)) all.set(a.journal, a);
		next = page.next;
	}
	return [...all.values()];
}

function Fleet() {
	const [agents, setAgents] = useState(/** @type {any[] | null} */ (null));
	const [problem, setProblem] = useState("");
	const [, redraw] = useState(0);
	useEffect(() => {
		let timer = 0, gone = false;
		const look = () => allAgents().then((a) => { setAgents(a); setProblem(""); }, (e) => setProblem(e.message)).then(() => { if (!gone) timer = setTimeout(look, 2000); });
		look();
		return () => { gone = true; clearTimeout(timer); };
	}, []);
	document.title = `${t("nav.fleet")} – Lanewarden`;
	const now = Date.now();
	const list = [...(agents ?? [])].sort((a, b) => Number(wrong(b)) - Number(wrong(a)) || `${a.site}/${a.agent}`.localeCompare(`${b.site}/${b.agent}`));
	const bad = list.filter(wrong).length;
	return html`<header><strong class="brand">Lanewarden</strong><div class="choices"><${Choices} changed=${() => redraw(Math.random())} /></div></header>
		<main id="main"><h1>${t("nav.fleet")}</h1><${Problem} text=${problem} />
			${agents && html`<p role="status" class="verdict ${bad ? "bad" : "good"}">${bad ? plural("agents-wrong", bad, { all: number(list.length) }) : plural("agents-well", list.length)}</p>
			<${Table} caption=${t("fleet-caption")} empty=${t("fleet-empty")} head=${[t("site"), t("state-title"), t("last"), t("rows-behind"), t("queue"), t("verified-rows"), t("devices"), t("software"), t("refused")]}
				rows=${list.map((a) => [/^https?:/.test(a.console ?? "") ? html`<a href=${a.console} rel="noreferrer">${a.site} / ${a.agent}</a>` : `${a.site} / ${a.agent}`, html`<${Mark} state=${a.online ? "up" : "down"} group="link" />`, html`<span title=${momentZone(a.heard)}>${ago(a.heard, now)}</span>`, number(Math.max(0, (a.size ?? 0) - a.held)),
					Object.entries(a.waiting ?? {}).filter(([, v]) => Number(v) > 0).map(([k, v]) => plural(`n-${k === "artifact" ? "documents" : k === "telemetry" ? k : `${k}s`}`, Number(v))).join(", "), `${number(a.verified)} / ${number(a.held)}`, html`<${Devices} all=${(a.devices ?? []).length} trouble=${a.trouble ?? []} now=${now} />`, a.software, a.refused ? html`<span class="problem"><${Agent} text=${a.refused} /></span>` : ""])} />`}
		</main>`;
}

/** How many devices a lane has, and which of them do not work. @param {{all: number, trouble: any[], now: number}} p */
function Devices({ all, trouble, now }) {
	if (!trouble.length) return number(all);
	return html`<ul class="plain">${trouble.map((d) => html`<li><${Mark} state=${d.state} /> ${d.device}, <span title=${momentZone(d.since)}>${ago(d.since, now)}</span>${colon()}<${Agent} text=${d.reason} fr=${d.reason_fr} /></li>`)}</ul>`;
}

/** @param {any} a */
const wrong = (a) => !a.online || Boolean(a.refused) || (a.trouble ?? []).length > 0;

await recall();
render(html`<${Fleet} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
