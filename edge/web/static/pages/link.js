// The link to the hub: what waits, its cost, when it will be done.
import { bytes, duration, follow, html, measure, number, since, t, useEffect, useState, word, zone } from "/lib.js";
import { Chart, inWords } from "/chart.js";
import { AgentText, Facts, Problem, Table } from "/ui.js";
import { queued } from "/pages/lane.js";

/**
 * @import { LinkPath, Status } from "../../types/agent"
 * @import { Content } from "/lib.js"
 */

/** How many points the chart of the queue has: one a second. */
const historyLength = 600;

/** A point of the chart: seconds since 1970, rows that wait. @typedef {[number, number]} Waiting */

export function LinkPage() {
	const [status, setStatus] = useState(/** @type {Status | null} */ (null));
	const [broken, setBroken] = useState(false);
	const [history, setHistory] = useState(/** @type {Waiting[]} */ ([]));
	useEffect(() => {
		/** @type {Waiting[]} */
		let ring = [];
		return follow("", {
			status: (s) => {
				const waiting = Object.values(s.journal.waiting).reduce((a, b) => a + b, 0);
				ring = [...ring, /** @type {Waiting} */ ([new Date(s.now).getTime() / 1000, waiting])].slice(-historyLength);
				setHistory(ring);
				setStatus(s);
				setBroken(false);
			},
			broken: () => setBroken(true),
		});
	}, []);
	const lost = broken && html`<${Problem} text=${t("agent-away")} />`;
	if (!status) return html`<h1>${t("nav.link")}</h1>${lost || html`<p>${t("loading")}</p>`}`;
	const now = new Date(status.now).getTime();
	const { link } = status;
	const state = !link.configured ? "none" : link.ready ? "up" : "down";
	const lasts = link.since ? t("for", { time: since(link.since, now) }) : "";
	return html`<h1>${t("nav.link")}</h1>${lost}
		${!broken && html`<p class="verdict ${state === "down" ? "bad" : "good"}">${word("link", state)} ${lasts}</p>`}
		<p class="reason"><${AgentText} text=${link.problem} fr=${link.message?.fr} /></p>
		<${Facts} rows=${linkFacts(status)} />
		<${Paths} paths=${link.paths ?? []} />
		${history.length > 1 && html`<${Queue} history=${history} />`}`;
}

/** @param {Status} s @returns {[string, Content][]} */
function linkFacts({ link, journal }) {
	const left = journal.waiting_artifact_bytes;
	const moving = link.ready && link.bytes_per_s > 0 && left > 0;
	return [
		[t("broker"), link.broker],
		[t("waiting-rows"), queued(journal)],
		[t("waiting-bytes"), bytes(left)],
		[t("done-in"), moving ? duration(left / link.bytes_per_s) : t("at-once")],
		[t("rate"), `${bytes(link.bytes_per_s)}/s`],
		[t("round-trip"), measure(link.rtt_ms, "ms")],
		[t("in-flight"), bytes(link.in_flight)],
		[t("sent"), bytes(link.sent_bytes)],
		[t("acknowledged"), number(link.acked_rows)],
		[t("verified-rows"), number(link.verified)],
		[t("reconnects"), number(link.reconnects)],
		[t("artifact-under-way"), link.artifact && `${bytes(link.artifact.held)} / ${bytes(link.artifact.size)}`],
	];
}

/** The ways to the centre, where there are several or one has a bound. @param {{paths: LinkPath[]}} p */
function Paths({ paths }) {
	if (paths.length < 2 && !paths.some((p) => p.monthly_bytes)) return null;
	return html`<${Table} caption=${t("paths")} head=${[t("path"), t("broker"), t("path-use"), t("this-month"), t("waits")]}
		rows=${paths.map((p) => [p.id, p.broker, p.in_use ? t("path-in-use") : t("path-ready"),
			p.monthly_bytes ? `${bytes(p.used_bytes)} / ${bytes(p.monthly_bytes)}` : bytes(p.used_bytes),
			html`<${AgentText} text=${p.message?.en} fr=${p.message?.fr} />`])} />`;
}

/** The number of rows that wait, over the last minutes. @param {{history: Waiting[]}} p */
function Queue({ history }) {
	const waiting = history.map(([, rows]) => rows);
	return html`<${Chart} label=${t("waiting-rows")} data=${[history.map(([at]) => at), waiting]}
		lines=${[{ label: t("waiting-rows"), look: "s5" }]} height=${200} words=${inWords(waiting, t("records"))}
		y=${t("records")} x=${t("time-in", { zone: zone() })} />`;
}
