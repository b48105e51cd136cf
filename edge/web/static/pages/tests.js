// Guided tests: which are due, running one, its sheet.
import { ask, colon, countdown, follow, html, may, moment, ms, number, said, session, t, useEffect, useFetched, useState, zone } from "/lib.js";
import { Agent, Mark, Problem, Table } from "/ui.js";

export function Tests() {
	return html`<h1>${t("nav.tests")}</h1><${DeviceTests} device="" />`;
}

/** The tests of a device, or of all. @param {{device: string}} p */
export function DeviceTests({ device }) {
	const [list, problem, again] = useFetched("/v1/tests");
	const [run, setRun] = useState(/** @type {any} */ (null));
	const [wrong, setWrong] = useState("");
	useEffect(() => follow("", { test: (r) => { setRun(r); if (r?.verdict) again(); } }), []);
	/** @param {string} path @param {any} body */
	const post = (path, body) => ask(path, { method: "POST", body }).then(() => setWrong(""), (e) => setWrong(e.message));
	const tests = (list?.tests ?? []).filter((/** @type {any} */ x) => !device || x.device === device);
	if (device && !tests.length) return null;
	const mine = run && (!device || run.device === device) ? run : null;
	return html`<section><${Problem} text=${problem || wrong} />
		${mine && html`<${Run} run=${mine} post=${post} close=${() => setRun(null)} />`}
		<${Table} caption=${t("tests-caption")} head=${[t("test"), t("device"), t("last-run-in", { zone: zone() }), t("result"), t("action")]}
			rows=${tests.map((/** @type {any} */ x) => [said(x.title), x.device, x.last ? moment(ms(x.last.startedNs)) : t("never"),
				html`${x.last ? html`<${Mark} state=${verdictWord(x.last.verdict)} group="test" />` : ""} ${x.due ? html`<${Mark} state="due" group="test" />` : ""}`,
				may("technician") ? html`<button disabled=${Boolean(run && !run.verdict)} onClick=${() => post("/v1/tests", { device: x.device, test: x.id })}>${t("start")}<span class="hidden"> ${said(x.title)}, ${x.device}</span></button>` : ""])} />
	</section>`;
}

/** @param {string} v */
const verdictWord = (v) => (v ?? "").replace("VERDICT_", "").toLowerCase();

/** @param {{run: any, post: (path: string, body: any) => void, close: () => void}} p */
function Run({ run, post, close }) {
	/** @param {string} action @param {any} [more] */
	const act = (action, more) => post("/v1/tests/run", { action, ...more });
	return html`<section class="card run" aria-live="polite"><h2>${said(run.title)} · ${run.device}</h2>
		<ol>${run.steps.map((/** @type {any} */ s, /** @type {number} */ i) => html`<li class=${s.state} aria-current=${i === run.step && !run.verdict ? "step" : undefined}>
			<p class=${i === run.step && !run.verdict ? "big" : ""}>${said(s.do)}</p>
			${i === run.step && !run.verdict && html`<p>${t("time-left", { time: countdown(run.left) })}</p>`}
			${i === run.step && !run.verdict && s.ask && html`<p class="big">${said(s.ask)}</p><div class="buttons"><button class="primary" onClick=${() => act("yes")}>${t("yes")}</button><button onClick=${() => act("no")}>${t("no")}</button></div>`}
			${i === run.step && !run.verdict && s.number && html`<form class="line" onSubmit=${(/** @type {any} */ e) => { e.preventDefault(); act("number", { number: Number(new FormData(e.target).get("n")) }); }}><label>${said(s.number)} <input name="n" type="number" step="any" required /></label><button class="primary">${t("continue")}</button></form>`}
			<ul>${(s.checks ?? []).map((/** @type {any} */ c) => html`<li><${Mark} state=${c.passed ? "passed" : "failed"} group="test" /> ${c.title ? said(c.title) : c.name}${c.value !== undefined ? `${colon()}${number(c.value, 2)} ${c.unit ?? ""} (${limits(c)})` : ""} <${Agent} text=${c.text} fr=${c.message?.fr} /></li>`)}</ul>
		</li>`)}</ol>
		${run.verdict ? html`<p class="verdict ${run.verdict === "passed" ? "good" : "bad"}"><${Mark} state=${run.verdict} group="test" /></p>
			<p>${t("signed", { by: run.by, row: run.row ?? "–" })}</p><div class="buttons"><button onClick=${() => print()}>${t("print")}</button><button onClick=${close}>${t("close")}</button></div>`
			: run.by === session.user || may("admin") ? html`<div class="buttons"><button onClick=${() => act("abandon")}>${t("abandon")}</button></div>` : ""}
	</section>`;
}

/** @param {any} c */
function limits(c) {
	if (c.low !== undefined && c.high !== undefined) return t("between", { low: number(c.low, 2), high: number(c.high, 2) });
	if (c.low !== undefined) return t("at-least", { low: number(c.low, 2) });
	return c.high !== undefined ? t("at-most", { high: number(c.high, 2) }) : "";
}
