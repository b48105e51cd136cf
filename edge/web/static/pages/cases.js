// Cases: how alarms are adjudicated. The list, open ones first, and one case with what is known and what to do.
import { ago, allowed, ask, colon, countdown, duration, formOf, html, inLanguage, isForPage, measure, moment, momentZone, ms, places, session, t, useEffect, useFetched, useRef, useState, word } from "/lib.js";
import { signs, Why } from "/pages/booth.js";
import { doubts, MainPicture, ownOf, PrintButton, Proof, Stations, Sure } from "/pages/head.js";
import { Before, useDecision, Vehicle } from "/pages/passage.js";
import { Photos } from "/pages/photos.js";
import { capital, Confidence, passageAt, sentence, vehicleName, vehicleNames } from "/pages/vehicle.js";
import { AgentText, Facts, Problem, Table, station } from "/ui.js";

/**
 * @import { Case, CaseAct, CaseAttachment, CaseList, CasePerson, PassageDetail, PassageList, Status } from "../../types/agent"
 * @import { Content, Fetched } from "/lib.js"
 */

/** How often cases are asked for, ms: somebody else may act at the same time. */
const every = 2000;

/** @param {string} id */
const caseAt = (id) => `#/case/${encodeURIComponent(id)}`;

/** What a case is about; that its vehicle has no alarm any more, where they proved to be another's. @param {Case} c */
export const causeOf = (c) => capital(c.cause) || t("case-no-alarm");

/** Fetches a path, and again every little while. @template T @param {string} path @returns {Fetched<T>} */
export function useWatched(path) {
	const fetched = /** @type {Fetched<T>} */ (useFetched(path));
	useEffect(() => {
		const timer = setInterval(fetched[2], every);
		return () => clearInterval(timer);
	});
	return fetched;
}

export function Cases() {
	const [list, problem] = /** @type {Fetched<CaseList>} */ (useWatched("/v1/cases"));
	const [passages] = /** @type {Fetched<PassageList>} */ (useFetched("/v1/passages"));
	const names = vehicleNames(passages), now = Date.now();
	const head = [t("vehicle"), t("case-cause"), t("state-title"), t("case-since"), t("case-holder"), t("case-until"), t("lane")];
	return html`<h1>${t("nav.cases")}</h1><${Problem} text=${problem} />
		${list && html`<${Table} caption=${t("cases-caption")} empty=${t("cases-none")} head=${head} rows=${list.cases.map((c) => [
			html`<a href=${caseAt(c.id)}>${names[c.id] ?? c.id}</a>`,
			causeOf(c),
			html`<${State} c=${c} />`,
			html`<span title=${momentZone(c.since)}>${ago(c.since, now)}</span>`,
			c.holders.map(who).join(", "),
			c.deadline ? html`<span class=${c.overdue ? "problem" : ""}>${moment(c.deadline)}</span>` : "",
			c.lane,
		])} />`}`;
}

/** The state in words, with a sign where the vehicle is held. @param {{c: Case}} p */
const State = ({ c }) => html`<span class=${c.open ? "alarm" : ""}>${c.open ? "✕ " : ""}${inLanguage(c.called)}</span>`;

/** @param {CasePerson} p */
export const who = (p) => (p.centre ? t("case-at-centre", { by: p.by }) : p.by);

/** @param {{of: string}} p */
export function CasePage({ of }) {
	const [c, problem, again] = /** @type {Fetched<Case>} */ (useWatched(`/v1/cases/${encodeURIComponent(of)}`));
	const [passages] = /** @type {Fetched<PassageList>} */ (useFetched("/v1/passages"));
	const [detail, , more] = /** @type {Fetched<PassageDetail>} */ (useFetched(`/v1/passages/${encodeURIComponent(of)}`));
	const [status] = /** @type {Fetched<Status>} */ (useFetched("/v1/status"));
	const decision = useDecision(of);
	useEffect(() => {
		if (detail) more(); // there is an image now, or another alarm
	}, [c?.revision]);
	if (!c) return html`<h1>${t("nav.case")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const names = vehicleNames(passages), p = detail?.passage ?? {}, all = detail?.observations ?? [];
	const path = `/v1/cases/${encodeURIComponent(c.id)}`;
	return html`<nav class="trail" aria-label=${t("trail")}><a href="#/cases">${t("nav.cases")}</a><${PrintButton} /></nav>
		<${CaseHead} c=${c} vehicle=${(detail && vehicleName(p)) || names[c.id] || c.id} outcome=${decision?.outcome}
			picture=${html`<${MainPicture} p=${p} all=${all} />`}
			said=${html`<${Problem} text=${problem} />${c.open && html`<p class="dim" role="status">${t("case-holds")}</p>`}`}
			doubts=${detail && doubts(p).map((r) => html`<p key=${r.idx}>${r.device}${colon()}<${Confidence} r=${r} names=${names} /></p>`)}
			doing=${html`<${Holders} c=${c} /><${Acts} key=${c.state} c=${c} path=${`${path}/events`} again=${again} centre=${false} may=${mayAtLane} />`}
			which=${html`<${Sure} p=${p} /><${Facts} rows=${[
				[t("lane"), c.lane], [t("opened"), momentZone(ms(p.openedNs) || c.opened)], [t("containers"), (p.containers ?? []).join(", ")],
				[t("weight"), p.weightKg && measure(p.weightKg, "kg")], [t("nav.passage"), html`<a href=${passageAt(c.id)}>${c.id}</a>`],
			]} />`} />
		${detail && html`<${Stations} p=${p} all=${all} />`}
		<div class="case-cols"><section class="card"><${Verdicts} c=${c} /><${Story} c=${c} />
				<${Photos} c=${c} path=${`${path}/photos`} at=${photoAt} may=${mayAtLane("comment")} again=${again} /></section>
			<section class="card">${decision && html`<h2>${t("outcome")}</h2><div class="decision-why"><${Why} d=${{ ...decision, passage: "" }} now=${Date.now()} /></div>`}
				${detail && html`<${Before} p=${p} list=${passages} />`}</section></div>
		${detail && html`<${Vehicle} detail=${detail} names=${names} line=${false} />`}
		<${Proof} all=${ownOf(p, all)} c=${c} origin=${status?.journal.origin ?? ""} of=${c.id} />`;
}

/** Where a photo is at the lane. @param {CaseAttachment} a */
const photoAt = (a) => places.artifact(a.sha256, a.media_type ?? "");

/**
 * The head of a case: what, which vehicle, how sure, the picture, what to do. At the lane and at the centre.
 * @param {{c: Case, vehicle: string, outcome?: string, picture: Content, said: Content, doubts: Content, doing: Content, which: Content}} p
 */
export function CaseHead({ c, vehicle, outcome, picture, said, doubts: doubt, doing, which }) {
	return html`<section class="case-head card ${outcome ?? ""}" aria-labelledby="cause">
		<div class="what"><p class="line"><span class="plate big">${vehicle}</span>${outcome && html`<span class="pill ${outcome}"><span
				aria-hidden="true">${signs[outcome] ?? "•"}</span> ${word("outcome", outcome)}</span>`}
			<span class="pill ${c.open ? "HOLD" : ""}">${inLanguage(c.called)}</span><${Due} c=${c} /></p>
			<h1 id="cause">${causeOf(c)}</h1>${doubt}${said}
			${c.verdicts.length > 1 && html`<p class="verdict bad">${t("case-differ")}</p>`}
			${c.verdicts.length > 0 && html`<p class="print-only"><b>${c.verdicts.map((v) => `${capital(v.called)} – ${who(v)}, ${momentZone(v.at)}`).join("; ")}</b></p>`}</div>
		<div class="do">${doing}</div>
		${picture}
		<div class="which">${which}</div>
	</section>`;
}

/** Who has a case. @param {{c: Case}} p */
export const Holders = ({ c }) => html`<p>${t("case-holder")}${colon()}<b>${c.holders.map((h) => (h.by === session.user ? t("you") : who(h))).join(", ") || t("unclaimed")}</b></p>`;

/** How old a case is, and when it is due. @param {{c: Case}} p */
function Due({ c }) {
	const [now, setNow] = useState(Date.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 1000);
		return () => clearInterval(timer);
	}, []);
	if (!c.open) return null;
	const left = c.deadline ? (new Date(c.deadline).getTime() - now) / 1000 : 0;
	return html`<span class=${left < 0 ? "problem" : "dim"}>${t("open-for", { time: duration((now - new Date(c.opened).getTime()) / 1000) })}${c.deadline
		&& `, ${left < 0 ? t("late-by", { time: duration(-left) }) : t("due-in", { time: countdown(left) })}`}</span>`;
}

/** What the lane's roles may do. @param {string} action */
const mayAtLane = (action) => allowed("officer") || allowed("technician") && ["comment", "secondary-result"].includes(action);

/** What was decided, by whom. @param {{c: Case}} p */
export const Verdicts = ({ c }) => (c.blind ? html`<p class="doubt">${t("vw-blind")}</p>` : c.verdicts.length ? html`<h2>${t("case-verdicts")}</h2><ul>${c.verdicts.map((v) => html`<li key=${v.at + v.by}>
	<b>${capital(v.called)}</b> ${who(v)}, ${momentZone(v.at)}</li>`)}</ul>` : null);

/** The alarms of a case, its inspection, and what happened in it. @param {{c: Case}} p */
export function Story({ c }) {
	return html`<h2>${t("case-alarms")}</h2><ul>${c.alarms.map((a) => html`<li key=${a.row}>${sentence(a.cause)}
			${" "}<span class="dim">${a.station ? station(a.station) : a.device}, ${momentZone(a.at)}${a.other ? ` – ${t("case-maybe-other")}` : ""}</span></li>`)}</ul>
		${c.secondary && html`<h2>${t("case-secondary")}</h2><p>${who(c.secondary)}, ${momentZone(c.secondary.at)}${c.secondary.station
			? `, ${station(c.secondary.station)}` : ""}${c.secondary.done ? html`<br /><b>${sentence(c.secondary.result)}</b>` : ""}</p>`}
		<h2>${t("case-history")}</h2><ol>${(c.history ?? []).map((e) => html`<li key=${`${e.centre}${e.row}`}>${momentZone(e.at)}${colon()}${sentence(e.text)}${e.refusal && html` <span class="doubt"><${AgentText} text=${e.refusal.en} fr=${e.refusal.fr} /></span>`}</li>`)}</ol>`;
}

/** Codes of verdicts by group, as docs/cases.md has them. @type {[string, number[]][]} */
const groups = [["real", [1, 2]], ["innocent", [3, 4, 5]], ["false", [6, 7, 8]], ["test", [9]], ["tamper", [10]], ["other", [11]]];

/** What can be done in a state, beside a comment: buttons, and what needs a form. @type {Record<string, string[]>} */
const possible = {
	"open": ["take", "decide", "ask-secondary"],
	"taken": ["decide", "ask-secondary"],
	"secondary-requested": ["secondary-result"],
	"secondary-done": ["decide", "ask-secondary"],
	"decided": ["ask-second", "reopen"],
	"second-opinion-asked": ["confirm", "overrule", "ask-secondary"],
	"confirmed": ["reopen"],
	"overruled": ["reopen"],
	"reopened": ["take", "decide", "ask-secondary"],
	"disputed": ["take", "decide", "ask-secondary"],
	"withdrawn": ["reopen"],
};

/** What each form asks for. @type {Record<string, string[]>} */
const asksFor = {
	"decide": ["finding", "notes", "reason"],
	"overrule": ["finding", "notes", "reason"],
	"secondary-result": ["finding", "notes"],
	"ask-secondary": ["station", "notes"],
	"reopen": ["reason"],
	"comment": ["notes"],
};

/** Keys of actions, for those who work without a mouse. @type {Record<string, string>} */
const keys = { "take": "t", "decide": "d", "confirm": "y", "overrule": "n", "ask-secondary": "r", "ask-second": "o", "comment": "c" };

/**
 * What a person can do in a case, at the lane or at the centre: path is where it is sent; may says what they may do; by is
 * the name of who has not signed in.
 * @param {{c: Case, path: string, again: () => void, centre: boolean, may: (action: string) => boolean, by?: string}} p
 */
export function Acts({ c, path, again, centre, may, by }) {
	const [open, setOpen] = useState("");
	const [failure, setFailure] = useState("");
	/** @param {string} action @param {CaseAct} [more] */
	const act = async (action, more = {}) => {
		try {
			const key = `${session.user}-${Date.now()}-${Math.random()}`.slice(0, 64);
			await ask(path, { method: "POST", body: { action, revision: c.revision, key, by, ...more } });
			setOpen("");
			setFailure("");
		} catch (e) {
			setFailure(/** @type {Error} */ (e).message);
		}
		again();
	};
	const mine = c.holders.some((h) => h.centre === centre && h.by === (by || session.user));
	const taken = c.state === "taken";
	const asked = c.blind && c.state === "second-opinion-asked" ? ["decide", "ask-secondary"] : possible[c.state] ?? [];
	const all = [...(taken && !mine ? ["take"] : []), ...asked, ...(taken && mine ? ["hand-back"] : []), "comment"]
		.filter(may);
	const begin = (/** @type {string} */ a) => (asksFor[a] ? setOpen(open === a ? "" : a) : act(a));
	useEffect(() => {
		/** @param {KeyboardEvent} e */
		const pressed = (e) => {
			const a = all.find((one) => keys[one] === e.key.toLowerCase());
			if (a && isForPage(e)) {
				e.preventDefault();
				begin(a);
			}
		};
		addEventListener("keydown", pressed);
		return () => removeEventListener("keydown", pressed);
	});
	if (!all.length) return null;
	return html`<h2>${t("case-do")}</h2>
		<div class="buttons">${all.map((a) => html`<button key=${a} class=${a === all[0] ? "primary" : ""} aria-keyshortcuts=${keys[a]}
			aria-expanded=${asksFor[a] ? String(open === a) : undefined} onClick=${() => begin(a)}>${t(`case-act.${a}`)}${keys[a]
				&& html` <kbd aria-hidden="true">${keys[a].toUpperCase()}</kbd>`}</button>`)}</div>
		<span role="status" class="problem">${failure}</span>
		${open && html`<${ActForm} key=${open} action=${open} c=${c} act=${act} />`}`;
}

/** @param {{action: string, c: Case, act: (action: string, more: CaseAct) => Promise<void>}} p */
function ActForm({ action, c, act }) {
	const again = (c.history ?? []).some((e) => e.state === "reopened");
	const fields = (asksFor[action] ?? []).filter((f) => f !== "reason" || action !== "decide" || again && !c.blind);
	const of = (/** @type {string} */ family) => c.alarms.some((a) => a.kind.startsWith(family));
	/** @param {Event} e */
	const submit = (e) => {
		e.preventDefault();
		const form = formOf(e);
		const text = (/** @type {string} */ name) => String(form.get(name) ?? "").trim() || undefined;
		act(action, {
			code: Number(form.get("code")) || undefined, image: text("image"), swab: text("swab"), source: text("source"),
			nuclides: text("nuclides")?.split(/[\s,;]+/), station: text("station"), notes: text("notes"), reason: text("reason"),
		});
	};
	const form = useRef(/** @type {HTMLFormElement | null} */ (null));
	useEffect(() => /** @type {HTMLElement | null | undefined} */ (form.current?.querySelector("select, input, textarea"))?.focus(), []);
	return html`<form ref=${form} class="narrow card" onSubmit=${submit} aria-label=${t(`case-act.${action}`)}>
		${fields.includes("finding") && html`
			<label>${t("case-code")} <select name="code"><option value=""></option>${groups.map(([group, codes]) => html`<optgroup
				label=${t(`case-group.${group}`)}>${codes.map((n) => html`<option value=${n} selected=${n === suggested(c)}>${n} – ${t(`case-code.${n}`)}</option>`)}</optgroup>`)}</select></label>
			${of("radiation") && html`<label>${t("case-nuclides")} <input name="nuclides" placeholder="K-40, Cs-137" /></label>`}
			${of("xray") && html`<${Word} name="image" words=${["clear", "suspect", "unreadable"]} />`}
			${of("trace") && html`<${Word} name="swab" words=${["confirmed", "innocent-source", "contamination"]} />
				<label>${t("case-source")} <input name="source" /></label>`}`}
		${fields.includes("station") && html`<label>${t("case-station")} <input name="station" /></label>`}
		${fields.includes("notes") && html`<label>${t("case-notes")} <textarea name="notes" rows="2" required=${action === "comment"}></textarea></label>`}
		${fields.includes("reason") && html`<label>${t("case-reason")} <input name="reason" required=${action === "reopen"} /></label>`}
		<button class="primary">${t(`case-act.${action}`)}</button>
	</form>`;
}

/** Natural nuclides (ANSI N42.42 names): an alarm of these alone is natural radioactivity. */
const natural = ["K-40", "Ra-226", "Th-232", "U-238", "Rn-222", "Lu-176"];

/** The code that the alarms suggest, 0 for none: a person decides. @param {Case} c */
function suggested(c) {
	const named = c.alarms.flatMap((a) => a.nuclides);
	return named.length > 0 && named.every((n) => natural.includes(n)) ? 4 : 0;
}

/** A word for an image or a swab. @param {{name: string, words: string[]}} p */
const Word = ({ name, words }) => html`<label>${t(`case-${name}`)} <select name=${name}><option value=""></option>${words.map((w) => html`<option
	value=${w}>${t(`case-word.${w}`)}</option>`)}</select></label>`;
