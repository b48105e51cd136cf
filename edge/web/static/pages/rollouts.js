// Bundles of configuration on their way to lanes, and what runs at each agent.
import { html, inLanguage, moment, number, percent, t, useEffect, useFetched, zone } from "/lib.js";
import { Problem, Table } from "/ui.js";

/**
 * @import { RolloutAgent, RolloutBook, RolloutRollout } from "../../types/hub"
 * @import { Fetched } from "/lib.js"
 */

/** How often they are asked for, ms. */
const every = 5000;

export function Rollouts() {
	/** @type {Fetched<RolloutBook>} */
	const [book, problem, again] = useFetched("/v1/rollouts");
	useEffect(() => {
		const timer = setInterval(again, every);
		return () => clearInterval(timer);
	});
	const head = [t("site"), t("rollout-bundle"), t("rollout-state"), t("rollout-share"), t("rollout-lanes"), t("rollout-begun", { zone: zone() }), t("rollout-why")];
	const agentsHead = [t("agent"), t("rollout-in-force"), t("rollout-bundle"), t("rollout-last"), t("rollout-why")];
	const names = Object.keys(book?.agents ?? {}).sort();
	return html`<h1>${t("nav.rollouts")}</h1><${Problem} text=${problem} />
		${book && html`<${Verdict} rollouts=${book.rollouts} />
		<${Table} caption=${t("rollouts-table")} empty=${t("rollouts-none")} head=${head} rows=${book.rollouts.map((r) => row(r, book.agents))} />
		<${Table} caption=${t("rollout-agents")} empty=${t("rollout-agents-none")} head=${agentsHead}
			rows=${names.map((name) => agentRow(name, book.agents[name]))} />`}`;
}

/** @param {{rollouts: RolloutRollout[]}} props */
function Verdict({ rollouts }) {
	if (!rollouts.length) return null;
	const stopped = rollouts.some((r) => r.message?.code === "bundle.stopped");
	return html`<p role="status" class="verdict ${stopped ? "bad" : "good"}">${t(stopped ? "rollouts-stopped" : "rollouts-well")}</p>`;
}

/** The last part of a bundle's path: NAME-VERSION. @param {string} path */
const short = (path) => path.slice(path.lastIndexOf("/") + 1);

/** @param {RolloutRollout} r @param {Record<string, RolloutAgent>} agents */
function row(r, agents) {
	const works = (/** @type {string} */ name) => {
		const a = agents[`${r.site}/${name}`];
		return a?.step === "healthy" && short(a.bundle) === r.bundle;
	};
	const waits = r.turn.filter((name) => !works(name) && !r.without?.includes(name));
	const told = { n: number(r.turn.filter(works).length), of: number(r.turn.length), names: waits.join(", ") };
	return [
		r.site, r.bundle, t(`rollout-state.${r.state}`), percent(r.percent[r.stage] / 100),
		t(waits.length && r.state === "running" ? "rollout-lanes-wait" : "rollout-lanes-work", told), moment(r.begun), inLanguage(r.message),
	];
}

/** @param {string} name @param {RolloutAgent} a */
const agentRow = (name, a) => [
	name, a.in_force ? short(a.in_force) : t("rollout-own-file"), short(a.bundle), t(`rollout-step.${a.step}`), inLanguage(a.text),
];
