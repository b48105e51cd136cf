// The booth of each lane: the decision in force in large, why, and what an officer can do about it.
import { ago, allowed, ask, formOf, html, inLanguage, language, moment, t, useEffect, useFetched, useState, word } from "/lib.js";
import { AgentText, Problem } from "/ui.js";
import { passageAt } from "/pages/vehicle.js";

/**
 * @import { Booth, Booths, Decision, DecisionReason } from "../../types/agent"
 * @import { Fetched } from "/lib.js"
 */

/** Signs of outcomes: no decision is told by colour alone. @type {Record<string, string>} */
export const signs = { RELEASE: "✓", MOVE: "→", DOCUMENTS: "✎", REFER: "↱", HOLD: "✕" };

/** How often the decision is asked for, ms: an officer sees it as it is made. */
const every = 500;

/** The booths of all lanes that have one; nothing where no lane decides. @param {{now: number}} p now in ms */
export function BoothsOfLanes({ now }) {
	/** @type {Fetched<Booths>} */
	const [booths, problem, again] = useFetched("/v1/clearance");
	useEffect(() => {
		const timer = setInterval(again, every);
		return () => clearInterval(timer);
	});
	if (problem) return html`<${Problem} text=${problem} />`;
	return (booths?.booths ?? []).map((b) => html`<${BoothOfLane} key=${b.lane} b=${b} now=${now} again=${again} />`);
}

/** @param {{b: Booth, now: number, again: () => void}} p */
function BoothOfLane({ b, now, again }) {
	const d = b.current;
	return html`<section class="booth" aria-label=${t("booth-of", { lane: b.lane })}>
		<div class="decision ${d ? d.outcome : "NONE"}" aria-live="assertive">
			<div class="say"><span aria-hidden="true">${d ? signs[d.outcome] ?? "•" : "–"}</span>
				<b>${d ? called(d) : t("nobody-there")}</b><small>${b.outputs.map(outputText).join(" · ")}</small></div>
			<div class="why">${d ? html`<${Why} d=${d} begun=${b.begun} now=${now} />` : html`<p>${t("booth-free", { lane: b.lane })}</p>`}
				${b.outputs.map((o) => o.problem && html`<${Problem} text=${`${o.output}: ${inText(o.problem)}`} />`)}
				${d && allowed("officer") && html`<${Act} key=${d.presentation} b=${b} d=${d} again=${again} />`}</div>
		</div>
		<${Before} all=${b.last} now=${now} /></section>`;
}

/** @param {{en: string, fr: string}} text */
const inText = (text) => (language === "fr" ? text.fr : text.en);

/** @param {Decision} d */
const called = (d) => inLanguage(d.called);

/** What an output is, in words: a barrier is open, a light is on. @param {Booth["outputs"][number]} o */
function outputText({ output, value }) {
	const own = word(`switch.${output}`, value);
	return `${word("output", output)} ${value ? (own === value ? word("switch", value) : own) : "?"}`;
}

/** What a decision rests on. @param {{d: Decision, begun?: string, now: number}} p */
export function Why({ d, begun, now }) {
	return html`<p class="who">${d.plates.length ? html`<span class="plate">${d.plates[0]}</span>` : t("no-plate")}
			<span class="dim">${begun ? t("there-since", { time: ago(begun, now) }) : ""}</span>
			${d.passage && html`<a href=${passageAt(d.passage)}>${t("nav.passage")}</a>`}</p>
		${d.overridden_by && html`<p class="doubt">${t("overridden", { by: d.overridden_by, decided: word("outcome", d.decided) })}</p>`}
		<${Reasons} all=${d.reasons} />
		${d.exams.length > 0 && html`<p><b>${t("exams")}</b> ${d.exams.map((e) => word("exam", e)).join(", ")}</p>`}
		${d.shipments.length > 1 && html`<ul class="shipments">${d.shipments.map(shipment)}</ul>`}
		${d.lists.length > 0 && html`<details><summary>${t("rests-on")}</summary>
			<p class="dim">${t("policy-of", { policy: d.policy })}</p>
			<ul>${d.lists.map((l) => html`<li>${t("list-version", { list: word("list", l.list), version: l.version, issued: moment(l.issued) })}</li>`)}</ul></details>`}`;
}

/** @param {{all: DecisionReason[]}} p */
function Reasons({ all }) {
	return html`<ul class="reasons">${all.map((r) => html`<li key=${r.code + r.rows.join()} class=${r.outcome}>
		<${AgentText} text=${r.text.en} fr=${r.text.fr} /></li>`)}</ul>`;
}

/** @param {Decision["shipments"][number]} s */
const shipment = (s) => html`<li>${[s.ccn, s.container, s.importer].filter(Boolean).join(" · ")} <b>${word("outcome", s.outcome)}</b></li>`;

/** What an officer does: override with a reason, key in a code. @param {{b: Booth, d: Decision, again: () => void}} p */
function Act({ b, d, again }) {
	const [open, setOpen] = useState("");
	const [words, setWords] = useState("");
	/** @param {string} path @param {Record<string, unknown>} body */
	const send = async (path, body) => {
		setWords("");
		try {
			await ask(path, { method: "POST", body });
			setOpen("");
			again();
		} catch (err) {
			setWords(/** @type {Error} */ (err).message);
		}
	};
	/** @param {Event} e */
	const override = (e) => {
		e.preventDefault();
		const form = formOf(e);
		send("/v1/clearance/overrides", {
			presentation: d.presentation, revision: d.revision, outcome: form.get("outcome"), reason: form.get("reason"), by: "",
		});
	};
	/** @param {Event} e */
	const key = (e) => {
		e.preventDefault();
		const form = formOf(e);
		send("/v1/clearance/codes", { lane: b.lane, code: form.get("code"), again: form.get("again"), as: form.get("as") });
	};
	/** @param {string} which */
	const toggle = (which) => () => setOpen(open === which ? "" : which);
	return html`<div class="buttons">
			<button aria-expanded=${open === "override"} onClick=${toggle("override")}>${t("override")}</button>
			${b.keyed && html`<button aria-expanded=${open === "key"} onClick=${toggle("key")}>${t("key-code")}</button>`}</div>
		${open === "override" && html`<form class="line" onSubmit=${override}>
			<label>${t("outcome")} <select name="outcome" required>
				${Object.keys(signs).filter((o) => o !== d.outcome).map((o) => html`<option value=${o}>${word("outcome", o)}</option>`)}</select></label>
			<label>${t("why")} <input name="reason" required /></label><button class="primary">${t("override-do")}</button></form>`}
		${open === "key" && html`<form class="line" onSubmit=${key}>
			<label>${t("code")} <input name="code" required autocomplete="off" autocapitalize="characters" /></label>
			<label>${t("code-again")} <input name="again" required autocomplete="off" autocapitalize="characters"
				onPaste=${(/** @type {Event} */ e) => e.preventDefault()} /></label>
			<label>${t("code-as")} <select name="as"><option value="">${t("by-its-form")}</option>
				${codeKinds.map((k) => html`<option value=${k}>${word("code", k)}</option>`)}</select></label>
			<button class="primary">${t("key-do")}</button></form>`}
		<span role="status" class="problem">${words}</span>`;
}

/** What officers key in mostly. */
const codeKinds = ["carrier-code", "importer-bn15", "driver-number", "cargo-control-number", "conveyance-reference-number", "container", "seal"];

/** The vehicles that left last. @param {{all: Decision[], now: number}} p */
function Before({ all, now }) {
	if (!all.length) return null;
	return html`<ol class="before" aria-label=${t("left-before")}>${all.slice(0, 6).map((d) => html`<li key=${d.presentation}>
		<span class="plate">${d.plates[0] ?? t("no-plate")}</span> <span class="outcome ${d.outcome}">
			<span aria-hidden="true">${signs[d.outcome] ?? "•"}</span> ${called(d)}</span>
		<span class="dim">${ago(d.at, now)}${d.reasons[0] ? ` · ${inText(d.reasons[0].text)}` : ""}</span></li>`)}</ol>`;
}
