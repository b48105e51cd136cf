// Guided tests: which are due, running one, its sheet.
import { allowed, ask, colon, countdown, follow, formOf, html, inLanguage, measure, moment, ms } from "/lib.js";
import { number, session, t, useEffect, useFetched, useState, zone } from "/lib.js";
import { AgentText, Mark, Problem, Table } from "/ui.js";

/**
 * @import { GuidedCheck, GuidedStepView, GuidedView, TestList, TestOffer } from "../../types/agent"
 * @import { Fetched } from "/lib.js"
 */

/**
 * Sends an action of the person at the device; number goes with action "number".
 * @typedef {(action: string, number?: number) => void} Act
 */

export function Tests() {
	return html`<h1>${t("nav.tests")}</h1><${DeviceTests} device="" />`;
}

/** The tests of a device, or of all for "". @param {{device: string}} p */
export function DeviceTests({ device }) {
	/** @type {Fetched<TestList>} */
	const [list, problem, again] = useFetched("/v1/tests");
	const [run, setRun] = useState(/** @type {GuidedView | null} */ (null));
	const [failure, setFailure] = useState("");
	const [broken, setBroken] = useState(false);
	useEffect(() => follow("", {
		status: () => setBroken(false),
		test: (r) => {
			setRun(r);
			if (r?.verdict) again();
		},
		broken: () => setBroken(true),
	}), []);
	/** @param {string} path @param {object} body */
	const post = (path, body) =>
		ask(path, { method: "POST", body }).then(() => setFailure(""), (e) => setFailure(e.message));
	const tests = (list?.tests ?? []).filter((x) => !device || x.device === device);
	if (device && !tests.length) return null;
	const mine = run && (!device || run.device === device) ? run : null;
	const busy = Boolean(run && !run.verdict);
	const head = [t("test"), t("device"), t("last-run-in", { zone: zone() }), t("result"),
		...(allowed("technician") ? [t("action")] : [])];
	return html`<section><${Problem} text=${broken && !device ? t("agent-away") : problem || failure} />
		${mine && html`<${Run} run=${mine} close=${() => setRun(null)}
			act=${(/** @type {string} */ action, /** @type {number} */ n) => post("/v1/tests/run", { action, number: n })} />`}
		<${Table} caption=${t("tests-caption")} head=${head} rows=${tests.map((x) => [
			inLanguage(x.title),
			x.device,
			x.last ? moment(ms(x.last.startedNs)) : t("never"),
			html`<${LastResult} test=${x} />`,
			...(allowed("technician") ? [html`<${Start} test=${x} busy=${busy}
				start=${() => post("/v1/tests", { device: x.device, test: x.id })} />`] : []),
		])} />
	</section>`;
}

/** The last verdict of a test, and whether it is due. @param {{test: TestOffer}} p */
function LastResult({ test }) {
	const verdict = (test.last?.verdict ?? "").replace("VERDICT_", "").toLowerCase();
	return html`${test.last && html`<${Mark} state=${verdict} group="test" />`} ${test.due
		&& html`<${Mark} state="due" group="test" />`}`;
}

/** @param {{test: TestOffer, busy: boolean, start: () => void}} p busy: another test runs */
function Start({ test, busy, start }) {
	const what = `${inLanguage(test.title)}, ${test.device}`;
	return html`<button disabled=${busy} onClick=${start}>${t("start")}<span class="hidden"> ${what}</span></button>`;
}

/** The test that runs, or its sheet when it is over. @param {{run: GuidedView, act: Act, close: () => void}} p */
function Run({ run, act, close }) {
	return html`<section class="card run" aria-live="polite"><h2>${inLanguage(run.title)} · ${run.device}</h2>
		<ol>${run.steps.map((s, i) => html`<${Step} s=${s} current=${i === run.step && !run.verdict} left=${run.left}
			act=${act} />`)}</ol>
		${run.verdict ? html`<${Sheet} run=${run} close=${close} />`
			: run.by === session.user || allowed("admin")
				? html`<div class="buttons"><button onClick=${() => act("abandon")}>${t("abandon")}</button></div>` : ""}
	</section>`;
}

/**
 * A step; the current one with its time left and what is asked.
 * @param {{s: GuidedStepView, current: boolean, left: number, act: Act}} p left in s
 */
function Step({ s, current, left, act }) {
	return html`<li class=${s.state} aria-current=${current ? "step" : undefined}>
		<p class=${current ? "big" : ""}>${inLanguage(s.do)}</p>
		${current && html`<p>${t("time-left", { time: countdown(left) })}</p>`}
		${current && s.ask && html`<${Question} text=${inLanguage(s.ask)} act=${act} />`}
		${current && s.number && html`<${NumberForm} text=${inLanguage(s.number)} act=${act} />`}
		<ul>${(s.checks ?? []).map((c) => html`<${Check} c=${c} />`)}</ul>
	</li>`;
}

/** @param {{text: string, act: Act}} p */
function Question({ text, act }) {
	return html`<p class="big">${text}</p><div class="buttons">
		<button class="primary" onClick=${() => act("yes")}>${t("yes")}</button>
		<button onClick=${() => act("no")}>${t("no")}</button></div>`;
}

/** @param {{text: string, act: Act}} p */
function NumberForm({ text, act }) {
	/** @param {Event} e */
	const send = (e) => {
		e.preventDefault();
		act("number", Number(formOf(e).get("n")));
	};
	return html`<form class="line" onSubmit=${send}>
		<label>${text} <input name="n" type="number" step="any" required /></label>
		<button class="primary">${t("continue")}</button></form>`;
}

/** A check of a step with its value and limits. @param {{c: GuidedCheck}} p */
function Check({ c }) {
	const value = c.value !== undefined ? `${colon()}${measure(c.value, c.unit ?? "", 2)} (${limits(c)})` : c.text ? colon() : "";
	return html`<li><${Mark} state=${c.passed ? "passed" : "failed"} group="test" />${" "}
		${c.title ? inLanguage(c.title) : c.name}${value} <${AgentText} text=${c.text} fr=${c.message?.fr} /></li>`;
}

/** The end of a test: verdict, who did it, the row that has it. @param {{run: GuidedView, close: () => void}} p */
function Sheet({ run, close }) {
	return html`<p class="verdict ${run.verdict === "passed" ? "good" : "bad"}">
			<${Mark} state=${run.verdict} group="test" /></p>
		<p>${t("signed", { by: run.by, row: run.row ?? "–" })}</p>
		<div class="buttons"><button onClick=${() => print()}>${t("print")}</button>
			<button onClick=${close}>${t("close")}</button></div>`;
}

/** Returns the limits of a check in words. @param {GuidedCheck} c */
function limits(c) {
	const [low, high] = [number(c.low, 2), number(c.high, 2)];
	if (c.low !== undefined && c.high !== undefined) return t("between", { low, high });
	if (c.low !== undefined) return t("at-least", { low });
	return c.high !== undefined ? t("at-most", { high }) : "";
}
