// What all pages share: the markup function, the catalogue of texts, requests, the session, the stream.
import { h, render } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import htm from "htm";

export const html = htm.bind(h);
export { render, useEffect, useMemo, useRef, useState };

/**
 * @import { Head, KindsText, MessageText, RawLine, Sample, SessionInfo, Status } from "../types/agent"
 * @import { GuidedView, Problem } from "../types/agent"
 */

/** The texts of a language by their keys. @typedef {Record<string, string>} Catalogue */
/** What stands in a text for the names in braces. @typedef {Record<string, string | number | undefined>} Values */
/** What html`…` returns. @typedef {ReturnType<typeof html>} Markup */
/** What a page can show in one place. @typedef {import("preact").ComponentChildren} Content */

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

/**
 * Returns a text of the catalogue with values in the places of {name}; the key itself where the catalogue lacks it.
 * @param {string} key
 * @param {Values} [values]
 */
export function t(key, values) {
	const text = catalogue[key] ?? key;
	return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/**
 * Returns the text for n things: the catalogue has the singular under the key with ".one" behind it. Which numbers
 * take the singular depends on the language (French: 0 and 1).
 * @param {string} key
 * @param {number} n
 * @param {Values} [values]
 */
export function plural(key, n, values) {
	const singular = new Intl.PluralRules(language).select(Number(n)) === "one";
	return t(singular ? `${key}.one` : key, { n: number(n), ...values });
}

/** Translates a word of the API: a state, a class, a kind. @param {string} group @param {string} word */
export function word(group, word) {
	return catalogue[`${group}.${word}`] ?? word;
}

/**
 * Translates the name of an enumeration of passages: PASSAGE_END_LEFT, of group "end".
 * @param {string} group
 * @param {string | undefined} name absent for the enumeration's zero value
 */
export function enumWord(group, name) {
	return word(group, (name ?? "UNSPECIFIED").replace(/^PASSAGE_[A-Z]+_/, "").toLowerCase());
}

/** Returns a colon with the spaces of the language: French has a no-break space before it. */
export const colon = () => (language === "fr" ? "\u00a0: " : ": ");

/** Returns a message in the language of the page. @param {MessageText | KindsText | undefined} words */
export function inLanguage(words) {
	return words ? (language === "fr" && words.fr ? words.fr : words.en) : "";
}

/**
 * Where things are: at the agent, or, once its frame has said so, at the hub. A picture of null is one that nobody draws.
 * centre: the pages are the hub's.
 * @type {{centre: boolean, passage: (id: string) => string, artifact: (sha: string, type: string) => string, picture: ((sha: string, query: string) => string) | null}}
 */
export const places = {
	centre: false,
	passage: (id) => `#/passage/${encodeURIComponent(id)}`,
	artifact: (sha, type) => `/v1/artifacts/${sha}?type=${type}`,
	picture: (sha, query) => `/v1/artifacts/${sha}/picture?${query}`,
};

/**
 * Who has signed in. At the hub, roles are all of theirs, and signOn leads to a provider of identities.
 * @typedef {SessionInfo & {roles?: string[], scopes?: string[], signOn?: string}} SignedIn
 */

/** @type {SignedIn} */
export let session = { user: "guest", role: "nobody", accounts: true };
const roles = ["nobody", "viewer", "technician", "officer", "admin"];

/** Reports whether the signed-in user has at least this role. The agent checks it again. @param {string} role */
export function allowed(role) {
	return roles.indexOf(session.role) >= roles.indexOf(role);
}

/** Reports whether who has signed in at the hub may do what a scope names. The hub checks it again. @param {string} scope */
export const may = (scope) => Boolean(session.scopes?.includes(scope));

/** @param {SignedIn} s */
export function setSession(s) {
	session = s;
}

/**
 * How a request differs from a GET. The body is sent as JSON, a file as it is.
 * @typedef {{method?: string, body?: object, file?: File}} RequestOptions
 */

/**
 * Sends a request and returns the decoded body. It throws an Error with the text of the problem document.
 * @template T
 * @param {string} path
 * @param {RequestOptions} [how]
 * @returns {Promise<T>}
 */
export async function ask(path, how = {}) {
	return (await askPage(path, how)).body;
}

/**
 * Sends a request for one page of a list. next is the path of the page after it (RFC 8288, rel="next"), "" for
 * the last.
 * A session that has ended leads to the sign-in page.
 * @template T
 * @param {string} path
 * @param {RequestOptions} [how]
 * @returns {Promise<{body: T, next: string}>}
 */
export async function askPage(path, how = {}) {
	const response = await fetch(path, {
		method: how.method ?? "GET",
		headers: {
			"X-Csrf-Token": session.csrf ?? "",
			...(how.body ? { "Content-Type": "application/json" } : {}),
			...(how.file ? { "Content-Type": how.file.type || "image/jpeg" } : {}),
		},
		body: how.file ?? (how.body ? JSON.stringify(how.body) : undefined),
	}).catch(() => {
		throw new Error(t("no-answer")); // the browser's own words are English
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
		return { body: /** @type {T} */ (text), next }; // text/plain
	}
}

/**
 * Returns the error of a response. Agent and hub answer with problem documents (RFC 9457); a proxy between may not.
 * @param {Response} response
 */
export async function problemOf(response) {
	const text = await response.text();
	try {
		/** @type {Problem} */
		const problem = JSON.parse(text);
		const { text: words } = problem; // in all languages; older agents send English alone
		const what = inLanguage(words?.detail) || problem.detail || inLanguage(words?.title) || problem.title;
		return new Error([what, inLanguage(words?.do) || problem.do].filter(Boolean).join(colon()));
	} catch {
		return new Error(text.trim() || response.statusText);
	}
}

/**
 * Handlers of the events of GET /v1/stream; broken is called when the connection is lost (the browser connects again).
 * @typedef {object} StreamHandlers
 * @property {(status: Status) => void} [status] each second
 * @property {(rows: Head[]) => void} [rows] as they are journalled
 * @property {(samples: Sample[]) => void} [live] of the named device
 * @property {(lines: RawLine[]) => void} [raw] of the named device
 * @property {(run: GuidedView | null) => void} [test] while a guided test runs
 * @property {() => void} [broken]
 */

/**
 * Receives the stream until the returned function is called.
 * @param {string} device whose live samples and raw data are wanted; "" for none
 * @param {StreamHandlers} on
 * @returns {() => void}
 */
export function follow(device, on) {
	const source = new EventSource(`/v1/stream?device=${encodeURIComponent(device)}`);
	const { broken, ...handlers } = on;
	for (const [name, handle] of Object.entries(handlers)) {
		source.addEventListener(name, (e) => /** @type {(data: unknown) => void} */ (handle)(JSON.parse(e.data)));
	}
	source.onerror = () => broken?.();
	return () => source.close();
}

/**
 * A fetched value, null until it is there; the last problem, "" for none; a function that fetches it again.
 * @template T
 * @typedef {[T | null, string, () => void]} Fetched
 */

/**
 * Fetches a value, and again whenever the path changes. An empty path fetches nothing.
 * @template T
 * @param {string} path
 * @returns {Fetched<T>}
 */
export function useFetched(path) {
	const [value, setValue] = useState(/** @type {T | null} */ (null));
	const [problem, setProblem] = useState("");
	const [again, setAgain] = useState(0);
	useEffect(() => {
		let gone = false;
		if (path) {
			ask(path).then(
				(/** @type {T} */ v) => {
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

/** Reports whether a key is for the page: nothing is being written, and no other key is held. @param {KeyboardEvent} e */
export function isForPage(e) {
	const on = /** @type {HTMLElement} */ (e.target);
	return !e.ctrlKey && !e.altKey && !e.metaKey && !["INPUT", "SELECT", "TEXTAREA"].includes(on.tagName);
}

/** Returns the value of the control that an event came from. @param {Event} e */
export const chosen = (e) => /** @type {HTMLInputElement | HTMLSelectElement} */ (e.target).value;

/** Returns the fields of the form that an event came from. @param {Event} e */
export const formOf = (e) => new FormData(/** @type {HTMLFormElement} */ (e.target));

/** A time: RFC 3339, or milliseconds since 1970. @typedef {string | number | undefined} Time */

/** Formats a time of day: 14:05:01. @param {string | number | Date} at */
export const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hourCycle: "h23" });

/** Returns the short name of the browser's time zone: UTC+2, EST. */
export function zone() {
	const format = new Intl.DateTimeFormat(language === "fr" ? "fr-CA" : "en-CA", { timeZoneName: "short" });
	return format.formatToParts(new Date()).find((p) => p.type === "timeZoneName")?.value ?? "";
}

/** Formats a time, with its date when that is not today's. The table's head names the zone. @param {Time} at */
export function moment(at) {
	if (!at) return "–";
	const d = new Date(at);
	return d.toDateString() === new Date().toDateString() ? clock(d) : `${d.toLocaleDateString("en-CA")} ${clock(d)}`;
}

/** Formats a time with its zone, for a place of its own. @param {Time} at */
export const momentZone = (at) => (at ? `${moment(at)}\u00a0${zone()}` : "–");

/** Converts nanoseconds of the API (a string: 64 bits) to milliseconds. @param {Time} ns */
export const ms = (ns) => Number(ns ?? 0) / 1e6;

/** Formats the time from at until now (ms). @param {Time} at @param {number} now */
export function since(at, now) {
	if (!at) return t("never");
	return duration((now - new Date(at).getTime()) / 1000);
}

/** Formats a time as "9 min ago". @param {Time} at @param {number} now ms */
export function ago(at, now) {
	return at ? t("ago", { time: since(at, now) }) : t("never");
}

/** Formats a duration: 41 s, 9 min, 2 h 47, 3 days. @param {number} s seconds */
export function duration(s) {
	s = Math.max(0, Math.round(s));
	if (s < 90) return `${s}\u00a0s`;
	if (s < 3570) return `${Math.round(s / 60)}\u00a0min`;
	const min = Math.round(s / 60);
	if (s < 172800) return `${Math.floor(min / 60)}\u00a0h\u00a0${String(min % 60).padStart(2, "0")}`;
	return plural("days", Math.floor(s / 86400));
}

/** Formats remaining time: 4:57. @param {number} s seconds */
export function countdown(s) {
	const whole = Math.floor(Math.max(0, s));
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Decimal units of sizes, largest first. @type {[string, number][]} */
const sizeUnits = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]];

/** Formats a size with a decimal unit (1 kB = 1000 B). @param {number} n bytes */
export function bytes(n) {
	for (const [unit, size] of sizeUnits) {
		if (n >= size) return `${number(n / size, n >= 10 * size ? 0 : 1)}\u00a0${t(`unit.${unit}`)}`;
	}
	return `${number(n)}\u00a0${t("unit.B")}`;
}

/**
 * Formats a number as the language writes it, with a minus sign (U+2212) for negative ones; never -0. An
 * absent number is 0, as in protobuf's JSON.
 * @param {number | undefined} n
 * @param {number} [digits] most decimals
 * @param {number} [least] decimals that are always there
 */
export function number(n, digits = 0, least = 0) {
	const rounded = Number(Number(n ?? 0).toFixed(digits)) || 0;
	const options = { maximumFractionDigits: digits, minimumFractionDigits: least };
	return rounded.toLocaleString(language === "fr" ? "fr-CA" : "en-CA", options).replace("-", "\u2212");
}

/**
 * Formats a number with its unit and a no-break space between them. degC is the ASCII form of °C in observations.
 * @param {number | undefined} n
 * @param {string} unit
 * @param {number} [digits]
 */
export const measure = (n, unit, digits = 0) => `${number(n, digits)}\u00a0${unit === "degC" ? "°C" : unit}`;

/** Formats a speed. @param {number} kph km/h */
export const speed = (kph) => `${number(kph, 1, 1)}\u00a0km/h`;

/** Formats a share from 0 to 1 as a percentage. @param {number} share @param {number} [digits] */
export const percent = (share, digits = 0) => `${number(100 * share, digits)}\u00a0%`;

/** Formats a tube voltage: in kV, from 1000 kV on in MV. @param {number} kv */
export const energy = (kv) => (kv >= 1000 ? measure(kv / 1000, "MV", 1) : measure(kv, "kV"));
