// What is to be decided: open cases of all lanes, the worst and then the oldest first, as they come.
import { ask, chosen, clock, countdown, duration, html, inLanguage, isForPage, may, moment, places, plural, session, t, useEffect, useState, word } from "/lib.js";
import { signs } from "/pages/booth.js";
import { causeOf, who } from "/pages/cases.js";
import { capital } from "/pages/vehicle.js";
import { audible, caseKey, mine, mute, mutedUntil, muteFor, refresh, unlock, useWork } from "/watch.js";
import { PartialBar, Problem } from "/ui.js";

/** @import { Case, CaseRecord, CasePage } from "../../types/hub" */

/** The parts of the list: their names in the catalogue, and what is in them. @type {[string, (r: CaseRecord, now: number) => boolean][]} */
const parts = [
	["all", () => true],
	["mine", mine],
	["unclaimed", (r) => r.case.holders.length === 0],
	["late", (r, now) => late(r, now)],
	["second", (r) => ["second-opinion-asked", "disputed"].includes(r.case.state)],
];

/** Reports whether a case is past its deadline. @param {CaseRecord} r @param {number} now ms */
const late = (r, now) => Boolean(r.case.deadline) && new Date(r.case.deadline ?? 0).getTime() < now;

/** The address of a case's page. @param {CaseRecord} r */
export const caseAt = (r) => `#/case/${caseKey(r)}`;

export function Work() {
	const { cases, problem, at, partial } = useWork();
	const [part, setPart] = useState("all");
	const [chosenKey, choose] = useState("");
	const [order, setOrder] = useState(/** @type {string[]} */ ([]));
	const [held, hold] = useState(false);
	const now = useNow();
	const all = cases ?? [], keys = all.map(caseKey);
	const fresh = keys.filter((k) => !order.includes(k));
	useEffect(() => {
		if (!held) setOrder(keys); // nothing moves under the finger
	}, [keys.join(), held]);
	const filter = parts.find(([name]) => name === part)?.[1] ?? (() => true);
	const shown = (held ? order.filter((k) => keys.includes(k)) : keys)
		.map((k) => all[keys.indexOf(k)]).filter((r) => r && filter(r, now));
	const current = shown.find((r) => caseKey(r) === chosenKey) ?? shown[0];
	useKeys(shown, current, choose);
	if (part === "decided") return html`<${Head} all=${all} now=${now} /><${Filter} all=${all} part=${part} set=${setPart} now=${now} /><${Decided} />`;
	return html`<${Head} all=${all} now=${now} />
		<${Problem} text=${problem && t("work-stale", { time: at ? clock(at) : "–", problem })} /><${PartialBar} of=${partial} />
		<div class="work-split"><section aria-label=${t("work-open")}>
			<${Filter} all=${all} part=${part} set=${setPart} now=${now} />
			${held && fresh.length > 0 && html`<button class="fresh" onClick=${() => setOrder(keys)}>${plural("work-new", fresh.length)}</button>`}
			<ul class="work-list" onPointerEnter=${() => hold(true)} onPointerLeave=${() => hold(false)}>${shown.map((r) => html`<${Row}
				key=${caseKey(r)} r=${r} now=${now} current=${r === current} choose=${choose} />`)}</ul>
			${cases && !shown.length && html`<p class="empty">${t(part === "all" ? "work-none" : "work-none-here")}</p>`}
			${!cases && !problem && html`<p>${t("loading")}</p>`}
		</section>
		${current && html`<${Preview} key=${caseKey(current)} r=${current} now=${now} />`}</div>
		<details class="keys"><summary>${t("keys")}</summary><p>${t("work-keys")}</p></details>`;
}

/** The time, each second, ms. */
function useNow() {
	const [now, setNow] = useState(Date.now());
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 1000);
		return () => clearInterval(timer);
	}, []);
	return now;
}

/** J and K go through the list, Enter opens, M mutes. @param {CaseRecord[]} shown @param {CaseRecord | undefined} current @param {(key: string) => void} choose */
function useKeys(shown, current, choose) {
	useEffect(() => {
		/** @param {KeyboardEvent} e */
		const pressed = (e) => {
			if (!isForPage(e)) return;
			const i = current ? shown.indexOf(current) : -1;
			const key = e.key.toLowerCase();
			if (key === "j" || key === "k") {
				const next = shown[Math.min(shown.length - 1, Math.max(0, i + (key === "j" ? 1 : -1)))];
				if (next) {
					choose(caseKey(next));
					document.getElementById(caseKey(next))?.focus();
				}
			} else if (key === "enter" && current && e.target === document.querySelector("main")) {
				location.hash = caseAt(current);
			} else if (key === "m") {
				mute(mutedUntil() > Date.now() ? 0 : Date.now() + muteFor);
			}
		};
		addEventListener("keydown", pressed);
		return () => removeEventListener("keydown", pressed);
	});
}

/** What there is in numbers, and the sound. @param {{all: CaseRecord[], now: number}} p */
function Head({ all, now }) {
	const unclaimed = all.filter((r) => !r.case.holders.length).length, overdue = all.filter((r) => late(r, now)).length;
	const second = all.filter((r) => ["second-opinion-asked", "disputed"].includes(r.case.state)).length;
	return html`<div class="work-head"><h1>${t("nav.work")}</h1>
		<dl class="kpis"><div><dt>${t("work-open")}</dt><dd>${all.length}</dd></div><div><dt>${t("part.unclaimed")}</dt><dd>${unclaimed}</dd></div>
			<div class=${overdue ? "bad" : ""}><dt>${t("part.late")}</dt><dd>${overdue}</dd></div><div><dt>${t("part.second")}</dt><dd>${second}</dd></div></dl>
		<${Sound} now=${now} /></div>`;
}

/** Sound: on, muted until, or not allowed by the browser yet; and whether notifications are shown. @param {{now: number}} p */
function Sound({ now }) {
	const [, redraw] = useState(0);
	const again = () => redraw(Math.random());
	const muted = mutedUntil() > now;
	const toggle = async () => {
		if (!audible()) {
			await unlock();
			mute(0);
		} else mute(muted ? 0 : Date.now() + muteFor);
		again();
	};
	const asks = "Notification" in globalThis && Notification.permission === "default";
	const text = muted ? t("sound-muted", { time: clock(mutedUntil()) }) : t(audible() ? "sound-on" : "sound-blocked");
	return html`<div class="buttons"><button aria-pressed=${String(audible() && !muted)} onClick=${toggle}>${text}</button>
		${asks && html`<button onClick=${() => Notification.requestPermission().then(again)}>${t("notify")}</button>`}</div>`;
}

/** @param {{all: CaseRecord[], part: string, set: (part: string) => void, now: number}} p */
function Filter({ all, part, set, now }) {
	return html`<div class="chips" role="group" aria-label=${t("filter")}>${parts.map(([name, is]) => html`<button key=${name}
		aria-pressed=${String(part === name)} onClick=${() => set(name)}>${t(`part.${name}`)} ${all.filter((r) => is(r, now)).length}</button>`)}
		<button aria-pressed=${String(part === "decided")} onClick=${() => set("decided")}>${t("part.decided")}</button></div>`;
}

/** The small picture, or why there is none. @param {{r: CaseRecord}} p */
const Thumb = ({ r }) => (r.preview ? html`<span class="th"><img src=${places.artifact(r.preview, "")} alt="" loading="lazy" /></span>`
	: html`<span class="th none">${t("no-picture")}</span>`);

/** The decision that is in force at the booth, as sign and word. @param {{r: CaseRecord}} p */
export const InForce = ({ r }) => (r.outcome ? html`<span class="pill ${r.outcome}"><span aria-hidden="true">${signs[r.outcome] ?? "•"}</span> ${word("outcome", r.outcome)}</span>` : null);

/** How old a case is, and how much of its time is over. @param {{r: CaseRecord, now: number}} p */
function Age({ r, now }) {
	const { opened, deadline } = r.case;
	const begun = new Date(opened).getTime(), end = new Date(deadline ?? opened).getTime();
	const over = late(r, now);
	const share = end > begun ? Math.min(100, Math.round(100 * (now - begun) / (end - begun))) : 100;
	return html`<span class="age ${over ? "late" : ""}"><b>${duration((now - begun) / 1000)}</b>
		${deadline && html`<span class="due" aria-hidden="true"><i style=${{ width: `${share}%` }}></i></span>
		<small>${over ? t("late-by", { time: duration((now - end) / 1000) }) : t("due-in", { time: countdown((end - now) / 1000) })}</small>`}</span>`;
}

/** Who has a case, in words. @param {CaseRecord} r */
const holders = (r) => (r.case.holders.length ? r.case.holders.map((h) => (h.by === session.user ? t("you") : who(h))).join(", ") : t("unclaimed"));

/** @param {{r: CaseRecord, now: number, current: boolean, choose: (key: string) => void}} p */
function Row({ r, now, current, choose }) {
	const key = caseKey(r);
	return html`<li><a id=${key} class="work-case ${r.outcome ?? ""}" href=${caseAt(r)} aria-current=${current ? "true" : undefined}
		onFocus=${() => choose(key)} onPointerEnter=${() => choose(key)}>
		<span class="edge s${r.case.severity}"></span><${Thumb} r=${r} />
		<span class="m"><span class="line"><${InForce} r=${r} /><span class="plate">${r.vehicle || t("no-plate")}</span>
			<span class="dim">${r.site} / ${r.case.lane}</span>${!["open", "taken"].includes(r.case.state) && html`<span class="pill info">${inLanguage(r.case.called)}</span>`}
			${!r.online && html`<span class="pill warn">${t("no-link")}</span>`}</span>
			<span class="c">${causeOf(/** @type {Case} */ (r.case))}</span><small>${holders(r)}</small></span>
		<${Age} r=${r} now=${now} /></a></li>`;
}

/** The case that is looked at, beside the list on wide screens. @param {{r: CaseRecord, now: number}} p */
function Preview({ r, now }) {
	const [failure, setFailure] = useState("");
	const take = async () => {
		try {
			await ask(`/v1/cases/${caseKey(r)}/events`, { method: "POST", body: { action: "take" } });
			setFailure("");
		} catch (e) {
			setFailure(/** @type {Error} */ (e).message);
		}
		refresh();
	};
	const takes = may("cases") && session.user !== "guest" && !mine(r) && ["open", "taken", "reopened", "second-opinion-asked", "disputed"].includes(r.case.state);
	return html`<aside class="card preview" aria-label=${t("work-preview")}>
		<p class="line"><${InForce} r=${r} /><span class="plate">${r.vehicle || t("no-plate")}</span><span class="dim">${r.site} / ${r.case.lane} · ${moment(r.case.opened)}</span></p>
		<h2>${causeOf(/** @type {Case} */ (r.case))}</h2>
		${r.preview && html`<img class="xray" src=${places.artifact(r.preview, "")} alt=${t("xray-of", { vehicle: r.vehicle || r.case.id })} />`}
		<p>${inLanguage(r.case.called)}. ${holders(r)}. <${Age} r=${r} now=${now} /></p>
		<div class="buttons"><a class="button primary" href=${caseAt(r)}>${t("open-case")}</a>${takes && html`<button onClick=${take}>${t("case-act.take")}</button>`}</div>
		<${Problem} text=${failure} /></aside>`;
}

/** The cases that were decided last, with a file of all. */
function Decided() {
	const [days, setDays] = useState("1");
	const [found, setFound] = useState(/** @type {CaseRecord[] | null} */ (null));
	const [problem, setProblem] = useState("");
	const from = new Date(Date.now() - 86_400_000 * Number(days)).toISOString();
	useEffect(() => {
		ask(`/v1/cases?state=all&limit=200&from=${from}`).then((/** @type {CasePage} */ page) => {
			setFound(page.cases.filter((r) => !r.case.open));
			setProblem("");
		}, (e) => setProblem(e.message));
	}, [days]);
	return html`<p class="line"><label>${t("since-when")} <select value=${days} onChange=${(/** @type {Event} */ e) => setDays(chosen(e))}>${["1", "7", "31"].map((n) => html`<option
			value=${n}>${plural("days", Number(n))}</option>`)}</select></label>
			<a class="button" href=${`/v1/cases.csv?from=${from}`} download>${t("as-csv")}</a></p>
		<${Problem} text=${problem} />
		<ul class="work-list">${(found ?? []).map((r) => html`<li key=${caseKey(r)}><a class="work-case" href=${caseAt(r)}><span class="edge"></span><${Thumb} r=${r} />
			<span class="m"><span class="line"><span class="plate">${r.vehicle || t("no-plate")}</span><span class="dim">${r.site} / ${r.case.lane}</span>
				<span class="pill">${inLanguage(r.case.called)}</span></span><span class="c">${causeOf(/** @type {Case} */ (r.case))}</span>
				<small>${r.case.verdicts.map((v) => `${capital(v.called)} – ${who(v)}`).join("; ")}</small></span>
			<span class="age"><b>${moment(r.case.since)}</b></span></a></li>`)}</ul>
		${found && !found.length && html`<p class="empty">${t("work-none-decided")}</p>`}`;
}
