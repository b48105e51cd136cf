// Who outside is told of what happens, by which rule, and whether they can be reached.
import { ago, ask, colon, html, inLanguage, momentZone, number, t, useEffect, useFetched, useState } from "/lib.js";
import { Mark, Problem, Table } from "/ui.js";

/**
 * @import { Sender, SenderTested, Senders as State } from "../../types/hub"
 * @import { Fetched } from "/lib.js"
 */

/** How often the hub is asked, ms. */
const every = 5000;

export function Senders() {
	/** @type {Fetched<State>} */
	const [state, problem, again] = useFetched("/v1/senders");
	useEffect(() => {
		const timer = setInterval(again, every);
		return () => clearInterval(timer);
	});
	const head = [t("sender-rule"), t("sender-receiver"), t("sender-what"), t("state-title"), t("sender-last"), t("sender-waiting"), t("sender-test")];
	return html`<h1>${t("nav.senders")}</h1><p class="dim">${t("senders-about")}</p><${Problem} text=${problem} />
		${state && html`<${Verdict} state=${state} />
		<${Table} caption=${t("senders-table")} empty=${t("senders-none")} head=${head} rows=${state.senders.map(row)} />`}`;
}

/** Which rules are in force, and what is wrong. @param {{state: State}} p */
function Verdict({ state }) {
	if (!state.file) return null;
	const failing = state.senders.some((s) => s.state !== "ok"), wrong = state.problem;
	return html`<p role="status" class="verdict ${failing || wrong ? "bad" : "good"}">${t(failing ? "senders-failing" : wrong ? "senders-file-wrong" : "senders-well")}</p>
		<p>${t("senders-file", { file: state.file, since: momentZone(state.since) })}</p>
		${wrong && html`<div class="problem" role="alert">${t("senders-before")}${colon()}${inLanguage(wrong).split("\n").map((line) => html`<p key=${line}>${line}</p>`)}</div>`}`;
}

/** @param {Sender} s */
const row = (s) => [
	s.rule, html`<div>${s.receiver} <span class="dim">${t(`sender-way.${s.way}`)}</span></div>`, inLanguage(s.what),
	html`<div><${Mark} state=${s.state === "ok" ? "up" : "down"} group="sender" />${s.error && html` <span class="problem">${inLanguage(s.error)}</span>`}</div>`,
	s.last_sent ? html`<span title=${momentZone(s.last_sent)}>${ago(s.last_sent, Date.now())}</span>` : t("sender-never"),
	number(s.waiting) + (s.more ? "+" : ""), html`<${Test} of=${s} />`,
];

/** A button that sends a test, and what came of it. @param {{of: Sender}} p */
function Test({ of }) {
	const [said, setSaid] = useState(""), [busy, setBusy] = useState(false);
	const send = async () => {
		setBusy(true);
		try {
			/** @type {SenderTested} */
			const done = await ask("/v1/senders/test", { method: "POST", body: { rule: of.rule, receiver: of.receiver } });
			setSaid(done.error ? inLanguage(done.error) : t("sender-tested"));
		} catch (e) {
			setSaid(/** @type {Error} */ (e).message);
		}
		setBusy(false);
	};
	return html`<div><button disabled=${busy} aria-label=${t("sender-test-of", { receiver: of.receiver, rule: of.rule })} onClick=${send}>${t("sender-test")}</button>
		<p role="status">${said}</p></div>`;
}
