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
/** A part of an image at full depth, where the whole is too large to be had at once, or still at its lane. @typedef {{high: Stack, low: Stack | null, hues: Hues | null}} Detail */
/** How a part comes from the lane: asks says that it is on its way, rate what the link carried lately, bytes/s; 0 for not known. @typedef {{asks: boolean, problem: string, rate: number}} Fetching */
/**
 * An image as far as it is here: share of its rows, or of its file while that is at the lane; far says that it still is, and
 * what is here comes ahead of it; waits says what is waited for; note what is particular about it; want is told what is in
 * view; each has that sent pixel by pixel.
 * @typedef {{high: Stack | null, low: Stack | null, hues: Hues | null, spread: Spread | null, spreadLow: Spread | null, detail: Detail | null, fetching: Fetching, share: number, far: boolean,
 *   waits: string, problem: string, note: string, again: () => void, want: ((v: View, w: number, h: number) => void) | null, each: () => void}} Loaded
 */
/** An earlier passage of this plate or container, with its scan. @typedef {{id: string, p: PassageClosed, place: string, scan: Scan | null, loading: boolean}} Earlier */

/** The longest side, in values, that is asked for at once. A longer image comes as means, and at full depth where it is looked at. */
const mostSide = 4096;

/** What the answers of a lane may take on its link, ms: something at once, what passes in a second, and finer while nothing moves. */
const within = [400, 900, 4000];

/** How often is asked whether an image has come, and after how long again for what the lane did not send, ms. */
const every = 2000, again = 10_000;

/** Waits a while. @param {number} ms @param {AbortSignal} signal */
const pause = (ms, signal) => new Promise((done) => {
	const timer = setTimeout(done, ms);
	signal.addEventListener("abort", () => {
		clearTimeout(timer);
		done(undefined);
	});
});

/** Fetches the values of an image. @param {string} sha @param {string} query @param {AbortSignal} signal @param {(share: number) => void} progress */
async function fetchValues(sha, query, signal, progress) {
	const response = await fetch(`/v1/artifacts/${sha}/values?${query}`, { signal });
	if (!response.ok || !response.body) throw await problemOf(response);
	return readValues(response.body, progress);
}

/** At the hub: has the lane send a part of an image that has not come, as fine as passes in time; rate is in bytes/s. @param {string} sha @param {string} query @param {AbortSignal} signal @returns {Promise<{part: Stack, rate: number}>} */
async function fetchRegion(sha, query, signal) {
	const begin = performance.now(), response = await fetch(`/v1/artifacts/${sha}/region?${query}`, { signal });
	if (!response.ok || !response.body) throw await problemOf(response);
	const got = new Uint8Array(await response.arrayBuffer());
	return { part: await readValues(/** @type {ReadableStream<Uint8Array>} */ (new Response(got).body), () => undefined), rate: (1000 * got.length) / (performance.now() - begin) };
}

/** At the hub: asks for a file from its lane, and waits until it is here. @param {string} sha @param {AbortSignal} signal @param {(waits: string, share: number) => void} tell */
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
const nothing = { high: null, low: null, hues: null, spread: null, spreadLow: null, detail: null, fetching: { asks: false, problem: "", rate: 0 }, share: 0, far: false, waits: "", problem: "", note: "", again: () => undefined, want: null, each: () => undefined };

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
	const [want, each] = useDetail(scan, loaded, (/** @type {Partial<Loaded>} */ more) => setLoaded((old) => ({ ...old, ...more })));
	return { ...loaded, again: () => setTurn(turn + 1), want, each };
}

/** @param {Scan} scan @param {AbortSignal} signal @param {(more: Partial<Loaded>) => void} set */
async function load(scan, signal, set) {
	const files = [scan.sha, scan.low].filter(Boolean);
	if (places.centre) await loadFar(scan, files, signal, set);
	let told = 0;
	const progress = (/** @type {number} */ begin) => (/** @type {number} */ share) => {
		const now = begin + share / files.length;
		if (now - told >= 0.02) set({ share: (told = now) });
	};
	const high = await fetchValues(scan.sha, `max=${mostSide}`, signal, progress(0));
	const spread = spreadOf(high);
	set({ high, spread, note: noteOf(high.scale), far: false, low: null, spreadLow: null, hues: null, detail: null });
	if (scan.low) set(bothOf(high, await fetchValues(scan.low, `max=${mostSide}`, signal, progress(0.5)), spread));
}

/** Bytes of a value, as the answers of lanes have them. */
const bytesPerValue = 1.55;

/** Returns how many pixels a side a value in view is the mean of, and how long each pixel would take, s. @param {Loaded} loaded @param {View} view @param {number} w @param {number} h */
export function fineness({ high, low, detail, fetching }, view, w, h) {
	const { scale } = /** @type {Stack} */ (high), seen = partOf(scale, view, w, h, 1), part = detail?.high.scale;
	const by = part && holds(part.region, seen) ? part : scale;
	return { side: by.region[2] / by.width, takes: (seen[2] * seen[3] * bytesPerValue * (low ? 2 : 1)) / fetching.rate };
}

/** Returns what the low energy adds to the high one; nothing when they are not of one scan. @param {Stack} high @param {Stack} low @param {Spread} spread @returns {Partial<Loaded>} */
function bothOf(high, low, spread) {
	if (["columns", "rows", "width", "height"].some((k) => /** @type {any} */ (low.scale)[k] !== /** @type {any} */ (high.scale)[k])) return {};
	const spreadLow = spreadOf(low);
	return { low, spreadLow, hues: huesOf(high, low, spread.air, spreadLow.air) };
}

/** At the hub: waits for files that are still at the lane, which sends all of the image meanwhile as fine as passes at once. @param {Scan} scan @param {string[]} files @param {AbortSignal} signal @param {(more: Partial<Loaded>) => void} set */
async function loadFar(scan, files, signal, set) {
	const whole = new AbortController(), soon = AbortSignal.any([signal, whole.signal]);
	const early = async () => {
		const { part: high, rate } = await fetchRegion(scan.sha, `within=${within[0]}`, soon), spread = spreadOf(high), { width, height } = high.scale;
		set({ high, spread, far: true, note: noteOf(high.scale), fetching: { asks: false, problem: "", rate } });
		if (scan.low) set(bothOf(high, (await fetchRegion(scan.low, `exact&max=${Math.max(width, height)}`, soon)).part, spread));
	};
	let due = 0;
	const tryEarly = () => {
		if (performance.now() < due) return;
		due = Infinity;
		early().catch((e) => {
			due = performance.now() + again; // the lane may be back then
			if (!soon.aborted) set({ fetching: { asks: false, problem: e.message, rate: 0 } });
		});
	};
	for (const sha of files) {
		await awaitFile(sha, signal, (waits, share) => {
			set({ waits, share });
			tryEarly();
		});
	}
	whole.abort(); // what comes late would be coarser than what is here
	set({ waits: "", share: 0 });
}

/** What is particular about an image. @param {Scale} s */
function noteOf(s) {
	const depth = t("vw-depth", { bits: s.bits });
	return [depth, s.width < s.region[2] && t("vw-means", { share: percent(s.width / s.region[2]) })].filter(Boolean).join(", ");
}

/** What of an image is in view, with so much beside it as is likely to be in view next. @param {Scale} s @param {View} view @param {number} w @param {number} h @param {number} reach @returns {[number, number, number, number]} */
function partOf({ columns, rows }, view, w, h, reach) {
	const [vw, vh] = [(reach * w) / view.zoom, (reach * h) / view.zoom];
	const x = Math.min(columns - 1, Math.max(0, Math.floor(view.x - vw / 2))), y = Math.min(rows - 1, Math.max(0, Math.floor(view.y - vh / 2)));
	return [x, y, Math.min(columns - x, Math.ceil(vw)), Math.min(rows - y, Math.ceil(vh))];
}

/** Whether a part has another in it. @param {number[]} of @param {number[]} other */
const holds = ([x, y, w, h], other) => other[0] >= x && other[1] >= y && other[0] + other[2] <= x + w && other[1] + other[3] <= y + h;

/** Whether a part that is here shows what is in view, as finely as can be seen. @param {Scale} have @param {number[]} seen @param {number} zoom */
const isEnough = ({ region, width }, seen, zoom) => holds(region, seen) && (width === region[2] || zoom * (region[2] / width) < 1.3);

/**
 * Returns what is told which part of an image is in view, and what has that sent pixel by pixel: of one that came as means,
 * that part is fetched at full depth; of one that is still at its lane, as means that pass in time, and finer while nothing moves.
 * @param {Scan} scan @param {Loaded} loaded @param {(more: Partial<Loaded>) => void} set @returns {[Loaded["want"], () => void]}
 */
function useDetail(scan, loaded, set) {
	const { high, low, far } = loaded, now = useRef(/** @type {Loaded} */ (loaded));
	now.current = loaded;
	const asked = useRef({ region: [0, 0, 0, 0], timer: 0, end: new AbortController() });
	const stop = () => {
		clearTimeout(asked.current.timer);
		asked.current.end.abort();
		asked.current.region = [0, 0, 0, 0];
	};
	useEffect(() => stop, [scan.sha, far]);
	if (!high || !loaded.spread || high.scale.width === high.scale.region[2]) return [null, () => undefined];
	/** @param {number[]} region @param {string} how @param {AbortSignal} signal */
	const fetchPart = async (region, how, signal) => {
		const query = `region=${region.join()}&`, { spread, spreadLow } = now.current;
		const get = (/** @type {string} */ sha, /** @type {string} */ more) => (far ? fetchRegion(sha, query + more, signal)
			: fetchValues(sha, `${query}max=${mostSide}`, signal, () => undefined).then((part) => ({ part, rate: 0 })));
		const { part, rate } = await get(scan.sha, how), { width, height } = part.scale;
		const both = low ? (await get(scan.low, `exact&max=${Math.max(16, width, height)}`)).part : null;
		if (signal.aborted || !spread) return;
		const hues = both && both.levels[0].w === width && both.levels[0].h === height ? huesOf(part, both, spread.air, spreadLow?.air ?? 1) : null;
		set({ detail: { high: part, low: hues && both, hues }, fetching: { asks: false, problem: "", rate: rate || now.current.fetching.rate } });
	};
	/** @param {number[]} region @param {string[]} hows one after the other, until each pixel is here */
	const begin = async (region, hows) => {
		const { signal } = asked.current.end = new AbortController();
		try {
			for (const how of hows) {
				if (far) set({ fetching: { ...now.current.fetching, asks: true, problem: "" } });
				await fetchPart(region, how, signal);
				const here = now.current.detail?.high.scale;
				if (signal.aborted || here && here.width === here.region[2]) return;
			}
		} catch (e) {
			if (signal.aborted) return;
			asked.current.region = [0, 0, 0, 0]; // the means stay, and the next move asks again
			set({ fetching: { ...now.current.fetching, asks: false, problem: far ? /** @type {Error} */ (e).message : "" } });
		}
	};
	let seen = [0, 0, 0, 0];
	return [(view, w, h) => {
		const part = seen = partOf(high.scale, view, w, h, 1);
		if (view.zoom * (high.scale.columns / high.scale.width) < 1.3) return;
		const region = partOf(high.scale, view, w, h, far ? 1.1 : 1.5), here = now.current.detail?.high.scale;
		if (here && isEnough(here, part, view.zoom) || holds(asked.current.region, part) && asked.current.region[2] < 2 * part[2]) return;
		stop();
		asked.current.region = region;
		const hows = within.slice(region[2] === high.scale.columns ? 1 : 0).map((n) => `within=${n}`); // of all of it the first is here
		asked.current.timer = window.setTimeout(() => begin(region, far ? hows : [""]), 350);
	}, () => {
		stop();
		begin(asked.current.region = seen, ["exact"]);
	}];
}

/** How many earlier passages are looked at. */
const mostEarlier = 6;

/**
 * Finds the last scans of a plate or container before this one: at the hub of all lanes, at a lane those that it has in memory.
 * @param {{of: string, detail: PassageDetail & {earlier?: {site: string, agent: string, passage: unknown}[]}}} p @returns {Earlier[]}
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
