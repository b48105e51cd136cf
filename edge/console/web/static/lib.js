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

/** What the agent says in its own words: pattern and translation. @type {[RegExp, string][]} */
let agentWords = [];

/** Loads the texts of a language. @param {string} lang */
export async function setLanguage(lang) {
	language = languages.includes(lang) ? lang : "en";
	catalogue = (await import(`/text/${language}.js`)).default;
	agentWords = [];
	if (language !== "en") {
		/** @type {[string, string][]} */
		const known = (await import(`/text/agent-${language}.js`)).default;
		agentWords = known.map(([en, other]) => [new RegExp(`^${en.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("(.+?)")}$`), other]);
	}
	document.documentElement.lang = language;
	localStorage.setItem("language", language);
}

/** A text of the catalogue; {name} in it stands for a value. @param {string} key @param {Record<string, any>} [values] */
export function t(key, values) {
	const text = catalogue[key] ?? key;
	return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/** What the agent says in its own words, and in which language that is then. @param {string} text @returns {[string, string]} */
export function agentSays(text) {
	for (const [pattern, other] of agentWords) {
		const parts = pattern.exec(text);
		if (parts) {
			let n = 0;
			return [other.replace(/\{\}/g, () => parts[++n]), language];
		}
	}
	return [text, "en"];
}

/** What a word of the agent is called here: a state, a class, a kind. @param {string} group @param {string} word */
export function word(group, word) {
	return catalogue[`${group}.${word}`] ?? word;
}

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
	const response = await fetch(path, {
		method: how.method ?? "GET",
		headers: { "X-Csrf-Token": session.csrf ?? "", ...(how.body ? { "Content-Type": "application/json" } : {}) },
		body: how.body ? JSON.stringify(how.body) : undefined,
	});
	if (response.status === 401 && path !== "/v1/session") {
		session = { ...session, user: "guest", role: "nobody", csrf: "" };
		location.hash = "#/signin";
	}
	if (!response.ok) throw new Error((await response.text()).trim() || response.statusText);
	const text = await response.text();
	try {
		return JSON.parse(text);
	} catch {
		return text;
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

/** A moment, for people. @param {string | number | undefined} at @param {boolean} [withDay] */
export function moment(at, withDay) {
	if (!at) return "–";
	const d = new Date(at);
	return d.toLocaleString(language === "fr" ? "fr-CA" : "en-CA", { hour12: false, ...(withDay ? { dateStyle: "short", timeStyle: "medium" } : { timeStyle: "medium" }) });
}

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

/** @param {number} s seconds */
export function duration(s) {
	if (s < 0) s = 0;
	if (s < 90) return `${Math.round(s)} s`;
	if (s < 5400) return `${Math.round(s / 60)} min`;
	if (s < 172800) return `${Math.round(s / 3600)} h`;
	return `${Math.round(s / 86400)} ${t("days")}`;
}

/** @param {number} n */
export function bytes(n) {
	for (const [unit, size] of /** @type {[string, number][]} */ ([["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])) {
		if (n >= size) return `${number(n / size, n >= 10 * size ? 0 : 1)} ${unit}`;
	}
	return `${n} B`;
}

/** @param {number} n @param {number} [digits] */
export function number(n, digits = 0) {
	return Number(n ?? 0).toLocaleString(language === "fr" ? "fr-CA" : "en-CA", { maximumFractionDigits: digits });
}

/** The typed body of an observation: its name and content. @param {any} observation @returns {[string, any]} */
export function bodyOf(observation) {
	const skip = ["agentDelayNs", "clockUnsynchronised", "clockErrorMs", "deviceTimeNs", "artifacts"];
	return /** @type {[string, any]} */ (Object.entries(observation.body ?? {}).find(([k]) => !skip.includes(k)) ?? ["", {}]);
}
