// The open cases of the hub, watched from every page: the number in the title, a sound, a notification of the browser.
import { ask, language, may, session, t, useEffect, useState } from "/lib.js";

/** @import { CasePage, CaseRecord, Partial } from "../types/hub" */

/**
 * What is known of the open cases: null until the first answer; the last problem, "" for none; when the hub answered
 * last, ms; how far the hub has read where that is not all.
 * @typedef {{cases: CaseRecord[] | null, problem: string, at: number, partial?: Partial}} Watched
 */

/** @type {Watched} */
let watched = { cases: null, problem: "", at: 0 };
/** @type {Set<(w: Watched) => void>} */
const listeners = new Set();

/** How long the hub may wait for something new, s; how long after a failure it is asked again, ms. */
const wait = 8, retry = 2000;

/** The name of a case among all. @param {CaseRecord} r */
export const caseKey = (r) => [r.site, r.agent, r.case.id].map(encodeURIComponent).join("/");

/** The open cases, as they change. @returns {Watched} */
export function useWork() {
	const [now, setNow] = useState(watched);
	useEffect(() => {
		listeners.add(setNow);
		setNow(watched);
		return () => {
			listeners.delete(setNow);
		};
	}, []);
	return now;
}

/** Asks anew at once: somebody did something here. */
export const refresh = () => {
	version = "";
};

let version = "";
let running = false;

/** Watches for as long as somebody is signed in who sees cases. It may be called again and again. */
export async function watch() {
	if (running) return;
	running = true;
	while (may("feed") && (session.user !== "guest" || !session.accounts)) {
		try {
			const asked = version;
			/** @type {CasePage} */
			const page = await ask(`/v1/cases?limit=500${asked ? `&since=${asked}&wait=${wait}s` : ""}`);
			// Pictures and decisions come without a new row of the case: once in a while all is asked for.
			version = page.unchanged ? "" : page.version;
			if (!page.unchanged) take(page);
			else if (page.partial?.done !== watched.partial?.done) tell({ ...watched, partial: page.partial });
			if (!asked) await pause(200);
		} catch (e) {
			version = "";
			tell({ ...watched, problem: /** @type {Error} */ (e).message });
			await pause(retry);
		}
	}
	running = false;
	tell({ cases: null, problem: "", at: 0 });
	known = null;
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** @param {Watched} next */
function tell(next) {
	watched = next;
	count();
	for (const listen of listeners) listen(next);
}

/** Cases that were open at the last answer; null before the first one. @type {Set<string> | null} */
let known = null;

/** @param {CasePage} page */
function take({ cases, partial }) {
	const now = new Set(cases.map(caseKey));
	for (const one of cases) if (known && !known.has(caseKey(one)) && !mine(one)) announce(one);
	for (const [key, shown] of notes) {
		const one = cases.find((c) => caseKey(c) === key);
		if (!one || one.case.holders.length) {
			shown.close(); // somebody has it
			notes.delete(key);
		}
	}
	known = now;
	tell({ cases, problem: "", at: Date.now(), partial });
}

/** Reports whether the reader has a case. @param {CaseRecord} r */
export const mine = (r) => r.case.holders.some((h) => h.by === session.user);

/** Puts the number of open cases before the title of the page. */
export function count() {
	const plain = document.title.replace(/^\(\d+\) /, "");
	const n = watched.cases?.length ?? 0;
	const title = n ? `(${n}) ${plain}` : plain;
	if (document.title !== title) document.title = title;
}

/** Until when there is no sound, ms; kept for the browser. */
const muteKey = "muted-until";

/** How long the sound is off, ms. */
export const muteFor = 15 * 60 * 1000;

export const mutedUntil = () => Number(localStorage.getItem(muteKey) ?? 0);

/** @param {number} until ms; 0 for sound */
export const mute = (until) => localStorage.setItem(muteKey, String(until));

/** @type {AudioContext | null} */
let audio = null;

/** Begins to make sound: browsers allow it once the reader has done something on the page. */
export async function unlock() {
	audio ??= new AudioContext();
	await audio.resume();
}

/** Reports whether the browser lets the page make sound. */
export const audible = () => audio?.state === "running";

/** The last sound of a site, ms: one a minute. @type {Map<string, number>} */
const sounded = new Map();

/** Two tones, Hz, and how long each lasts, s. */
const tones = [880, 660], toneFor = 0.18;

/** Sounds and shows a new case. @param {CaseRecord} one */
function announce(one) {
	const now = Date.now();
	if (audible() && now >= mutedUntil() && now - (sounded.get(one.site) ?? 0) > 60_000) {
		sounded.set(one.site, now);
		tones.forEach((hertz, i) => tone(hertz, i * toneFor));
	}
	notify(one);
}

/** @param {number} hertz @param {number} after s */
function tone(hertz, after) {
	if (!audio) return;
	const source = audio.createOscillator(), volume = audio.createGain();
	source.frequency.value = hertz;
	volume.gain.value = 0.15;
	source.connect(volume).connect(audio.destination);
	source.start(audio.currentTime + after);
	source.stop(audio.currentTime + after + toneFor);
}

/** Notifications on view. @type {Map<string, Notification>} */
const notes = new Map();

/** Shows a notification where the reader has allowed it: lane, plate and sentence, no picture. @param {CaseRecord} one */
function notify(one) {
	if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
	const key = caseKey(one), { cause } = one.case;
	const note = new Notification(`${one.vehicle || t("no-plate")} · ${one.site} / ${one.case.lane}`, {
		body: (language === "fr" && cause.fr) || cause.en, tag: key,
	});
	note.onclick = () => {
		focus();
		location.hash = `#/case/${key}`;
		note.close();
	};
	notes.set(key, note);
}
