// What the X-ray workstation shows: images at full depth, which may have to come from the lane first, and earlier scans.
import { ask, bytes, html, language, percent, places, problemOf, t, useEffect, useRef, useState } from "/lib.js";
import { scansOf } from "/pages/viewer.js";
import { huesOf, readValues, spreadOf } from "/pages/xrayvalues.js";

/**
 * @import { LedgerArtifactState } from "../../types/hub"
 * @import { PassageDetail, PassageList } from "../../types/agent"
 * @import { PassageClosed } from "../../types/observation"
 * @import { Scan } from "/pages/viewer.js"
 * @import { View } from "/pages/xrayview.js"
 * @import { Scale, Spread, Stack } from "/pages/xrayvalues.js"
 */

/** Hues of places. @typedef {ReturnType<typeof huesOf>} Hues */
/** A part of an image at full depth, where the whole is too large to be had at once. @typedef {{high: Stack, low: Stack | null, hues: Hues | null}} Detail */
/**
 * An image as far as it is here: share of its rows; waits says what is waited for; note what is particular about it; want
 * is told what is in view.
 * @typedef {{high: Stack | null, low: Stack | null, hues: Hues | null, spread: Spread | null, spreadLow: Spread | null, detail: Detail | null, share: number,
 *   waits: string, problem: string, note: string, again: () => void, want: ((v: View, w: number, h: number) => void) | null}} Loaded
 */
/** An earlier passage of this plate or container, with its scan. @typedef {{id: string, p: PassageClosed, place: string, scan: Scan | null, loading: boolean}} Earlier */

/** The longest side, in values, that is asked for at once. A longer image comes as means, and at full depth where it is looked at. */
const mostSide = 4096;

/** How often is asked whether an image has come, ms. */
const every = 2000;

/** Waits a while. @param {number} ms @param {AbortSignal} signal */
const pause = (ms, signal) => new Promise((done) => {
	const timer = setTimeout(done, ms);
	signal.addEventListener("abort", () => {
		clearTimeout(timer);
		done(undefined);
	});
});

/**
 * Fetches the values of an image.
 * @param {string} sha
 * @param {string} query
 * @param {AbortSignal} signal
 * @param {(share: number) => void} progress
 */
async function fetchValues(sha, query, signal, progress) {
	const response = await fetch(`/v1/artifacts/${sha}/values?${query}`, { signal });
	if (!response.ok || !response.body) throw await problemOf(response);
	return readValues(response.body, progress);
}

/**
 * At the hub: asks for a file from its lane, and waits until it is here.
 * @param {string} sha
 * @param {AbortSignal} signal
 * @param {(waits: string, share: number) => void} tell
 */
async function awaitFile(sha, signal, tell) {
	for (let asked = false; !signal.aborted;) {
		const state = /** @type {LedgerArtifactState} */ (await ask(`/v1/artifacts/${sha}/state`));
		if (state.complete) return;
		tell(t("vw-waits", { held: bytes(state.held), size: bytes(state.size) }), state.size ? state.held / state.size : 0);
		if (!asked) await ask(`/v1/artifacts/${sha}/pull`, { method: "POST", body: {} });
		asked = true;
		await pause(every, signal);
	}
}

/** @type {Loaded} */
const nothing = { high: null, low: null, hues: null, spread: null, spreadLow: null, detail: null, share: 0, waits: "", problem: "", note: "", again: () => undefined, want: null };

/** Loads a scan: its image, then that of the low energy, if there is one. @param {Scan} scan @returns {Loaded} */
export function useImage(scan) {
	const [loaded, setLoaded] = useState(nothing);
	const [turn, setTurn] = useState(0);
	const ends = useRef(/** @type {AbortController | null} */ (null));
	useEffect(() => {
		const end = new AbortController(), { signal } = end;
		ends.current = end;
		setLoaded(nothing);
		const set = (/** @type {Partial<Loaded>} */ more) => !signal.aborted && setLoaded((old) => ({ ...old, ...more }));
		load(scan, signal, set).catch((e) => set({ problem: e.message || String(e) }));
		return () => end.abort();
	}, [scan.sha, scan.low, turn]);
	const want = useDetail(scan, loaded, (detail) => setLoaded((old) => ({ ...old, detail })));
	return { ...loaded, again: () => setTurn(turn + 1), want };
}

/** @param {Scan} scan @param {AbortSignal} signal @param {(more: Partial<Loaded>) => void} set */
async function load(scan, signal, set) {
	const files = [scan.sha, scan.low].filter(Boolean);
	if (places.centre) {
		for (const sha of files) await awaitFile(sha, signal, (waits, share) => set({ waits, share }));
		set({ waits: "", share: 0 });
	}
	let told = 0;
	const progress = (/** @type {number} */ begin) => (/** @type {number} */ share) => {
		const now = begin + share / files.length;
		if (now - told >= 0.02) set({ share: (told = now) });
	};
	const high = await fetchValues(scan.sha, `max=${mostSide}`, signal, progress(0));
	const spread = spreadOf(high);
	set({ high, spread, note: noteOf(high.scale) });
	if (!scan.low) return;
	const low = await fetchValues(scan.low, `max=${mostSide}`, signal, progress(0.5));
	if (low.scale.columns !== high.scale.columns || low.scale.rows !== high.scale.rows) return; // not of one scan
	const spreadLow = spreadOf(low);
	set({ low, spreadLow, hues: huesOf(high, low, spread.air, spreadLow.air) });
}

/** What is particular about an image. @param {Scale} s */
function noteOf(s) {
	const depth = t("vw-depth", { bits: s.bits });
	return [depth, s.width < s.region[2] && t("vw-means", { share: percent(s.width / s.region[2]) })].filter(Boolean).join(", ");
}

/**
 * Returns what is told which part of an image is in view: of one that came as means, that part is fetched at full depth.
 * @param {Scan} scan
 * @param {Loaded} loaded
 * @param {(d: Detail) => void} set
 */
function useDetail(scan, loaded, set) {
	const timer = useRef(0), asked = useRef("");
	const { high, low, spread, spreadLow } = loaded;
	useEffect(() => () => clearTimeout(timer.current), []);
	if (!high || !spread || high.scale.width === high.scale.region[2]) return null;
	/** @param {View} view @param {number} w @param {number} h */
	return (view, w, h) => {
		const { columns, rows, width } = high.scale;
		if (view.zoom * (columns / width) < 1.3) return;
		const [vw, vh] = [(1.5 * w) / view.zoom, (1.5 * h) / view.zoom];
		const x = Math.max(0, Math.floor(view.x - vw / 2)), y = Math.max(0, Math.floor(view.y - vh / 2));
		const region = [x, y, Math.min(columns - x, Math.ceil(vw)), Math.min(rows - y, Math.ceil(vh))];
		const have = loaded.detail?.high.scale.region, seen = [view.x - w / 2 / view.zoom, view.y - h / 2 / view.zoom, w / view.zoom, h / view.zoom];
		if (have && seen[0] >= have[0] && seen[1] >= have[1] && seen[0] + seen[2] <= have[0] + have[2] && seen[1] + seen[3] <= have[1] + have[3]
			&& have[2] <= 2 * region[2]) return;
		if (asked.current === region.join()) return;
		clearTimeout(timer.current);
		timer.current = window.setTimeout(async () => {
			asked.current = region.join();
			const signal = AbortSignal.timeout(120_000), query = `region=${region.join()}&max=${mostSide}`;
			try {
				const part = await fetchValues(scan.sha, query, signal, () => undefined);
				const other = low && await fetchValues(scan.low, query, signal, () => undefined);
				if (asked.current === region.join()) set({ high: part, low: other, hues: other && huesOf(part, other, spread.air, spreadLow?.air ?? 1) });
			} catch {
				asked.current = ""; // the means stay, and the next move asks again
			}
		}, 350);
	};
}

/** How many earlier passages are looked at. */
const mostEarlier = 6;

/**
 * Finds the last scans of a plate or container before this one: at the hub of all lanes, at a lane those that it has in memory.
 * @param {{of: string, detail: PassageDetail & {earlier?: {site: string, agent: string, passage: unknown}[]}}} p
 * @returns {Earlier[]}
 */
export function useEarlier({ of, detail }) {
	const [found, setFound] = useState(/** @type {Earlier[]} */ ([]));
	const p = /** @type {PassageClosed} */ (detail.passage);
	useEffect(() => {
		let gone = false;
		(async () => {
			/** @type {(Earlier & {path: string})[]} */
			let all;
			if (detail.earlier) {
				all = detail.earlier.slice(0, mostEarlier).map((e) => {
					const one = /** @type {PassageClosed} */ (e.passage), id = [e.site, e.agent, one.id ?? ""];
					return { id: id.join("/"), path: id.map(encodeURIComponent).join("/"), p: one, place: `${e.site} / ${e.agent}`, scan: null, loading: true };
				});
			} else {
				const list = /** @type {PassageList} */ (await ask("/v1/passages")), same = (/** @type {PassageClosed} */ o) => o.plate && o.plate === p.plate
					|| (o.containers ?? []).some((one) => p.containers?.includes(one));
				all = list.passages.filter((o) => o.id !== of && same(o) && Number(o.openedNs) < Number(p.openedNs)).slice(0, mostEarlier)
					.map((o) => ({ id: o.id ?? "", path: encodeURIComponent(o.id ?? ""), p: o, place: o.lane ?? "", scan: null, loading: true }));
			}
			if (!gone) setFound(all);
			for (const one of all) {
				const record = /** @type {PassageDetail | null} */ (await ask(`/v1/passages/${one.path}`).catch(() => null));
				if (gone) return;
				const scans = record ? scansOf(record.observations) : [];
				setFound((old) => old.map((e) => (e.id === one.id ? { ...e, loading: false, scan: scans[scans.length - 1] ?? null } : e)));
			}
		})().catch(() => undefined); // there is none to be shown
		return () => {
			gone = true;
		};
	}, [of, language]);
	return found;
}

/** Loads an earlier scan for a pane. @param {{scan: Scan, draw: (loaded: Loaded) => unknown}} p */
export function Beside({ scan, draw }) {
	const loaded = useImage(scan);
	return html`${draw(loaded)}`;
}
