// What all pages share: the markup function, the catalogue of texts, requests, the session, the stream.
import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import htm from "htm";

export const html = htm.bind(h);
export { render, useEffect, useState };

/** @typedef {Record<string, string>} Catalogue */
/** @typedef {{user: string, role: string, csrf?: string, accounts: boolean}} Session */

export const languages = ["en", "fr"];

/** @type {Catalogue} */
let catalogue = {};
export let language = "en";

/** Loads the texts of a language. @param {string} lang */
export async function setLanguage(lang) {
	language = languages.includes(lang) ? lang : "en";
	const texts = await fetch(`/text/${language}.json`);
	if (!texts.ok) throw new Error(`${texts.url}: ${texts.status}`);
	catalogue = await texts.json();
	document.documentElement.lang = language;
	localStorage.setItem("language", language);
}

/** A text of the catalogue; {name} in it stands for a value. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values) {
	const text = catalogue[key] ?? key;
	return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/** A text that says a number: the form for one has .one behind its key. @param {string} key @param {number} n @param {Record<string, any>} [values] */
export function plural(key, n, values) {
	return t(new Intl.PluralRules(language).select(Number(n)) === "one" ? `${key}.one` : key, { n: number(n), ...values });
}

/** What a word of the agent is called here: a state, a class, a kind. @param {string} group @param {string} word */
export function word(group, word) {
	return catalogue[`${group}.${word}`] ?? word;
}

/** What a value of an enumeration of passages is called: PASSAGE_END_LEFT, of group "end". @param {string} group @param {string | undefined} name */
export const value = (group, name) => word(group, (name ?? "UNSPECIFIED").replace(/^PASSAGE_[A-Z]+_/, "").toLowerCase());

/** A colon and what stands between it and the words around it. */
export const colon = () => (language === "fr" ? "\u00a0: " : ": ");

/** In the reader's language, of {en, fr}. @param {{en: string, fr: string} | undefined} words */
export function said(words) {
	return words ? (language === "fr" && words.fr ? words.fr : words.en) : "";
}

/** @type {Session} */
export let session = { user: "guest", role: "nobody", accounts: true };
const roles = ["nobody", "viewer", "technician", "officer", "admin"];

/** Whether who is signed in may do what a role may. @param {string} role */
export function may(role) {
	return roles.indexOf(session.role) >= roles.indexOf(role);
}

/** @param {Session} s */
export function setSession(s) {
	session = s;
}

/** Asks the agent. @param {string} path @param {{method?: string, body?: any}} [how] @returns {Promise<any>} */
export async function ask(path, how = {}) {
	return (await askPage(path, how)).body;
}

/** Asks for a page; next is the path of the one after it, "" when there is none. @param {string} path @param {{method?: string, body?: any}} [how] @returns {Promise<{body: any, next: string}>} */
export async function askPage(path, how = {}) {
	const response = await fetch(path, {
		method: how.method ?? "GET",
		headers: { "X-Csrf-Token": session.csrf ?? "", ...(how.body ? { "Content-Type": "application/json" } : {}) },
		body: how.body ? JSON.stringify(how.body) : undefined,
	});
	if (response.status === 401 && path !== "/v1/session") {
		session = { ...session, user: "guest", role: "nobody", csrf: "" };
		location.hash = "#/signin";
	}
	if (!response.ok) throw await problemOf(response);
	const next = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? "";
	const text = await response.text();
	try {
		return { body: JSON.parse(text), next };
	} catch {
		return { body: text, next };
	}
}

/** The error that an answer is. Agent and hub answer with problem documents (RFC 9457); something between may not. @param {Response} response */
async function problemOf(response) {
	const text = await response.text();
	try {
		const problem = JSON.parse(text);
		const of = problem.text ?? {};
		const what = said(of.detail) || problem.detail || said(of.title) || problem.title;
		return new Error([what, said(of.do) || problem.do].filter(Boolean).join(colon()));
	} catch {
		return new Error(text.trim() || response.statusText);
	}
}

/** Follows the agent until the returned function is called. @param {string} device @param {Record<string, (data: any) => void>} on @returns {() => void} */
export function follow(device, on) {
	const source = new EventSource(`/v1/stream?device=${encodeURIComponent(device)}`);
	for (const [name, take] of Object.entries(on)) {
		source.addEventListener(name, (e) => take(JSON.parse(/** @type {MessageEvent} */ (e).data)));
	}
	if (on.broken) source.onerror = () => on.broken(null);
	return () => source.close();
}

/** A value that is fetched when what it depends on changes. @param {string} path @returns {[any, string, () => void]} */
export function useFetched(path) {
	const [value, setValue] = useState(/** @type {any} */ (null));
	const [problem, setProblem] = useState("");
	const [again, setAgain] = useState(0);
	useEffect(() => {
		let gone = false;
		if (path) {
			ask(path).then(
				(v) => {
					if (gone) return;
					setValue(v);
					setProblem("");
				},
				(e) => !gone && setProblem(e.message),
			);
		}
		return () => {
			gone = true;
		};
	}, [path, again]);
	return [value, problem, () => setAgain(again + 1)];
}

/** A time of day: 14:05:01. @param {string | number | Date} at */
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hourCycle: "h23" });

/** The zone of times, as people write it. */
export const zone = () => new Intl.DateTimeFormat(language === "fr" ? "fr-CA" : "en-CA", { timeZoneName: "short" }).formatToParts(new Date()).find((p) => p.type === "timeZoneName")?.value ?? "";

/** A moment, with its date when that is not today's. Its zone stands in a table's head. @param {string | number | undefined} at */
export function moment(at) {
	if (!at) return "–";
	const d = new Date(at);
	return d.toDateString() === new Date().toDateString() ? clock(d) : `${d.toLocaleDateString("en-CA")} ${clock(d)}`;
}

/** A moment with its zone, where it stands alone. @param {string | number | undefined} at */
export const momentZone = (at) => (at ? `${moment(at)}\u00a0${zone()}` : "–");

/** A protobuf time, ns, as ms. @param {string | number | undefined} ns */
export const ms = (ns) => Number(ns ?? 0) / 1e6;

/** How long since. @param {string | number | undefined} at @param {number} now */
export function since(at, now) {
	if (!at) return t("never");
	return duration((now - new Date(at).getTime()) / 1000);
}

/** A moment as how long ago. @param {string | number | undefined} at @param {number} now */
export function ago(at, now) {
	return at ? t("ago", { time: since(at, now) }) : t("never");
}

/** A span of time: 41 s, 9 min, 2 h 47, 3 days. @param {number} s seconds */
export function duration(s) {
	s = Math.max(0, Math.round(s));
	if (s < 90) return `${s}\u00a0s`;
	if (s < 3570) return `${Math.round(s / 60)}\u00a0min`;
	const min = Math.round(s / 60);
	if (s < 172800) return `${Math.floor(min / 60)}\u00a0h\u00a0${String(min % 60).padStart(2, "0")}`;
	return plural("days", Math.floor(s / 86400));
}

/** What is left of a time: 4:57. @param {number} s seconds */
export const countdown = (s) => `${Math.floor(Math.max(0, s) / 60)}:${String(Math.floor(Math.max(0, s)) % 60).padStart(2, "0")}`;

/** @param {number} n */
export function bytes(n) {
	for (const [unit, size] of /** @type {[string, number][]} */ ([["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])) {
		if (n >= size) return `${number(n / size, n >= 10 * size ? 0 : 1)}\u00a0${t(`unit.${unit}`)}`;
	}
	return `${number(n)}\u00a0${t("unit.B")}`;
}

/** A number as the language writes it; never -0. @param {number} n @param {number} [digits] @param {number} [least] digits that are always there */
export function number(n, digits = 0, least = 0) {
	const rounded = Number(Number(n ?? 0).toFixed(digits)) || 0;
	return rounded.toLocaleString(language === "fr" ? "fr-CA" : "en-CA", { maximumFractionDigits: digits, minimumFractionDigits: least });
}

/** A number with its unit, never parted. @param {number} n @param {string} unit @param {number} [digits] */
export const measure = (n, unit, digits = 0) => `${number(n, digits)}\u00a0${unit}`;

/** @param {number} kph */
export const speed = (kph) => `${number(kph, 1, 1)}\u00a0km/h`;

/** A share from 0 to 1. @param {number} share @param {number} [digits] */
export const percent = (share, digits = 0) => `${number(100 * share, digits)}\u00a0%`;

/** A tube voltage: kV, MV from 1000 kV on. @param {number} kv */
export const energy = (kv) => (kv >= 1000 ? measure(kv / 1000, "MV", 1) : measure(kv, "kV"));

/** The typed body of an observation: its name and content. @param {any} observation @returns {[string, any]} */
export function bodyOf(observation) {
	const skip = ["agentDelayNs", "clockUnsynchronised", "clockErrorMs", "deviceTimeNs", "artifacts"];
	return /** @type {[string, any]} */ (Object.entries(observation.body ?? {}).find(([k]) => !skip.includes(k)) ?? ["", {}]);
}
