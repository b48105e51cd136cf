// The X-ray workstation: an image at full depth with tools, values, objects, an earlier scan beside it, and what is said of
// it. The same page at the lane and at the hub. docs/web.md has its keys.
import { allowed, duration, html, isForPage, may, measure, moment, ms, number, percent, places, t, useEffect, useFetched, useMemo, useRef, useState, word } from "/lib.js";
import { useWatched } from "/pages/cases.js";
import { Beside, fineness, useEarlier, useImage } from "/pages/viewerdata.js";
import { Display, Mine, Objects, Opinion, Ruler } from "/pages/viewerside.js";
import { alike, bounds, corners, draw, fit, lengthOf, regionOf, roundLength, shift, toImage, toScreen, viewOf, within, zoomAt } from "/pages/xrayview.js";
import { paletteOf, probe, shadesOf } from "/pages/xrayvalues.js";
import { Problem } from "/ui.js";

/**
 * @import { Case, Line, PassageDetail } from "../../types/agent"
 * @import { PassageClosed, XrayImage } from "../../types/observation"
 * @import { Fetched } from "/lib.js"
 * @import { Loaded } from "/pages/viewerdata.js"
 * @import { Point, Region, View } from "/pages/xrayview.js"
 * @import { Probe } from "/pages/xrayvalues.js"
 */

/** An object in an image: of a report, of somebody in the case, or one's own. @typedef {{region: Region, name: string, by: string, kind: "alarm" | "other" | "theirs" | "mine"}} Mark */
/** A scan: its image, the low energy's beside it, and what was reported of it. @typedef {{sha: string, low: string, media: string, row: number, time: string, device: string, preview: string, image: XrayImage, marks: Mark[]}} Scan */
/** What the display is set to. low and high are null for the image's own window. @typedef {{tool: string, energy: string, invert: boolean, log: boolean, outlines: boolean, low: number | null, high: number | null}} Settings */

/** Returns the scans of a vehicle, oldest first. @param {Line[]} lines @returns {Scan[]} */
export function scansOf(lines) {
	const images = lines.filter((l) => l.observation.body?.xrayImage && l.observation.body.artifacts?.[0]?.sha256);
	/** @type {Scan[]} */
	const out = [];
	for (const l of images) {
		const image = /** @type {XrayImage} */ (l.observation.body?.xrayImage), file = l.observation.body?.artifacts?.[0];
		const others = images.filter((o) => o.observation.body?.xrayImage?.scanInstance === image.scanInstance && image.scanInstance);
		const isLow = (/** @type {XrayImage | undefined} */ i) => Boolean(i?.lowEnergy && !i.highEnergy);
		if (isLow(image) && others.some((o) => !isLow(o.observation.body?.xrayImage))) continue;
		const low = others.find((o) => o !== l && isLow(o.observation.body?.xrayImage) && !isLow(image));
		const instances = [image.sopInstance ?? "", low?.observation.body?.xrayImage?.sopInstance ?? ""].filter(Boolean);
		const preview = lines.find((o) => instances.includes(o.observation.body?.xrayPreview?.imageInstance ?? "") && o.observation.body?.artifacts?.[0]);
		out.push({
			sha: file?.sha256 ?? "", low: low?.observation.body?.artifacts?.[0]?.sha256 ?? "", media: file?.mediaType ?? "", row: l.idx, time: l.corrected ?? l.time,
			device: l.device, preview: preview?.observation.body?.artifacts?.[0]?.sha256 ?? "", image, marks: lines.flatMap((o) => reported(o, instances)),
		});
	}
	return out;
}

/** Returns what a report says of images. @param {Line} l @param {string[]} instances @returns {Mark[]} */
function reported(l, instances) {
	const r = l.observation.body?.xrayThreatReport;
	const only = r?.embedded ? r.sopInstance : r?.imageInstances?.length === 1 ? r.imageInstances[0] : "";
	return (r?.objects ?? []).flatMap((o) => (o.regions ?? []).flatMap((one) => {
		const region = regionOf(one.polygon ?? []);
		if (!region || !instances.includes(one.imageInstance || only || "")) return [];
		const said = o.assessments ?? [], first = said[0];
		const threat = said.length ? said.some((a) => ["THREAT", "HIGH_THREAT"].includes(a.flag ?? "")) : r?.decision === "ALARM";
		const name = [first?.description || word("threat", (first?.category ?? "").toLowerCase()), first?.probability ? percent(first.probability) : ""].filter(Boolean).join(", ");
		return [{ region, name: name || t("object"), by: r?.type === "OPERATOR" ? t("vw-by-operator") : t("vw-by-machine"), kind: threat ? "alarm" : "other" }];
	}));
}

/** The looks of this page are loaded with it. */
function useStyles() {
	useEffect(() => {
		if (document.querySelector('link[href="/viewer.css"]')) return;
		const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/viewer.css" });
		document.head.append(link);
	}, []);
}

/** @param {{of: string}} p of: ID of a passage; at the hub SITE/AGENT/ID; ?image=SHA-256 names one of its scans */
export function Viewer({ of }) {
	useStyles();
	const path = places.centre ? of.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(of);
	const [detail, problem, more] = /** @type {Fetched<PassageDetail>} */ (useFetched(`/v1/passages/${path}`));
	const [found, , again] = /** @type {Fetched<Case & {case?: Case}>} */ (useWatched(detail?.case ? `/v1/cases/${path}` : ""));
	const [sha, setSha] = useState(new URLSearchParams(location.hash.split("?")[1] ?? "").get("image") ?? "");
	useEffect(() => {
		const timer = setTimeout(more, detail && scansOf(detail.observations).length ? 60_000 : 5000); // an image, or its report, may come yet
		return () => clearTimeout(timer);
	}, [detail]);
	const scans = useMemo(() => (detail ? scansOf(detail.observations) : []), [detail]);
	const scan = scans.find((s) => s.sha === sha || s.low === sha) ?? scans[scans.length - 1];
	const p = /** @type {PassageClosed} */ (detail?.passage ?? {});
	const vehicle = p.plate || p.containers?.[0] || of;
	if (!scan) {
		return html`<h1>${t("vw-title", { vehicle })}</h1><${Problem} text=${problem} />
			<p>${detail ? t("vw-no-image") : problem ? "" : t("loading")}</p><p><a href=${`#/passage/${path}`}>${t("nav.passage")}</a></p>`;
	}
	const c = found?.case ?? found;
	return html`<${Workstation} key=${scan.sha} of=${of} path=${path} detail=${detail} vehicle=${vehicle} scan=${scan} scans=${scans} pick=${setSha} c=${c?.id ? c : null} again=${again} />`;
}

/** Tools with their signs. */
const tools = [["pan", "✥"], ["zoom", "⌕"], ["window", "◐"], ["measure", "↔"], ["box", "▭"], ["polygon", "⬠"]];

/** Keys of tools: the pan tool has Space, as P is the polygon's. @type {Record<string, string>} */
const toolKeys = { " ": "pan", "z": "zoom", "w": "window", "m": "measure", "b": "box", "p": "polygon" };

/** @param {{of: string, path: string, detail: PassageDetail, vehicle: string, scan: Scan, scans: Scan[], pick: (sha: string) => void, c: Case | null, again: () => void}} p */
function Workstation({ of, path, detail, vehicle, scan, scans, pick, c, again }) {
	const p = /** @type {PassageClosed} */ (detail.passage);
	const image = useImage(scan);
	const [settings, setSettings] = useState(/** @type {Settings} */ ({ tool: "pan", energy: "both", invert: false, log: false, outlines: true, low: null, high: null }));
	const [mine, setMine] = useState(/** @type {(Region & {label?: string})[]} */ ([]));
	const [ruler, setRuler] = useState(/** @type {[Point, Point] | null} */ (null));
	const [current, setCurrent] = useState(-1);
	const [says, setSays] = useState("");
	const earlier = useEarlier({ of, detail });
	const [besideSha, setBeside] = useState("");
	const other = earlier.find((e) => e.scan?.sha === besideSha)?.scan ?? null;
	const root = useRef(/** @type {HTMLElement | null} */ (null));
	const stage = useRef(/** @type {HTMLElement | null} */ (null));
	/** What moves without the page being drawn anew: the view, what is pointed at, corners that wait for the next one. */
	const live = useRef(/** @type {{view: View | null, at: Point | null, keyed: boolean, pending: Point[], w: number, h: number, moved: number, panes: Set<() => void>, tell: (at: Point | null) => void}} */ (
		{ view: null, at: null, keyed: false, pending: [], w: 0, h: 0, moved: 0, panes: new Set(), tell: () => undefined }));
	const scale = image.high?.scale ?? null, l = live.current;
	const redraw = () => l.panes.forEach((f) => f());
	/** @param {View} v */
	const look = (v) => {
		if (!scale) return;
		const rests = l.at && !l.keyed && l.view ? toScreen(l.view, l.w, l.h, l.at) : null; // the pointer stays where it is, while the image moves
		l.view = within(v, scale, l.w, l.h);
		if (rests) l.at = toImage(l.view, l.w, l.h, rests.x, rests.y);
		l.moved = performance.now();
		redraw();
		l.tell(pointed());
	};
	/** @param {number} by */
	const zoom = (by) => l.view && look(zoomAt(l.view, by, l.w, l.h, l.w / 2, l.h / 2));
	const pointed = () => l.at ?? (l.view && { x: l.view.x, y: l.view.y });
	const set = (/** @type {Partial<Settings>} */ s) => setSettings((old) => ({ ...old, ...s }));
	const theirs = useMemo(() => boxesOf(c, scan), [c, scan]);
	const own = mine.map((region, i) => /** @type {Mark} */ ({ region, name: region.label || t("vw-own", { n: i + 1 }), by: t("vw-not-saved"), kind: "mine" }));
	const marks = [...scan.marks, ...theirs, ...own];
	const levels = levelsFor(image, settings);

	/** @param {string} tool */
	const take = (tool) => {
		l.pending = [];
		l.keyed = ["measure", "box", "polygon"].includes(tool) && l.keyed;
		set({ tool });
		redraw();
	};
	/** Sets a point of the tool at hand. @param {Point} at */
	const place = (at) => {
		const { tool } = settings, all = l.pending;
		if (tool === "polygon") {
			const first = all[0], last = all[all.length - 1], near = (/** @type {Point | undefined} */ q) => q && l.view && Math.hypot(q.x - at.x, q.y - at.y) * l.view.zoom < 8;
			if (all.length > 2 && (near(first) || near(last))) {
				add({ x: all.map((q) => q.x), y: all.map((q) => q.y) });
			} else if (!near(last)) {
				l.pending = [...all, at];
			}
		} else if (all[0]) {
			if (tool === "measure") setRuler([all[0], at]);
			else add({ x: [Math.min(all[0].x, at.x), Math.max(all[0].x, at.x)], y: [Math.min(all[0].y, at.y), Math.max(all[0].y, at.y)] });
			l.pending = [];
		} else {
			l.pending = [at];
		}
		redraw();
	};
	/** Adds a region that is at least 2 pixels wide. @param {Region} r */
	const add = (r) => {
		l.pending = [];
		const b = bounds(r);
		if (b.w < 2 || b.h < 2) return;
		setMine([...mine, { x: r.x.map(tenth), y: r.y.map(tenth) }]);
		setSays(t("vw-box-drawn", { n: mine.length + 1 }));
	};
	/** @param {number} i */
	const goTo = (i) => {
		const m = marks[i];
		if (!m || !l.view) return;
		setCurrent(i);
		setSays(`${i + 1}. ${m.name}, ${m.by}`);
		look(viewOf(m.region, l.w, l.h, l.view));
	};
	/** @param {KeyboardEvent} e */
	const pressed = (e) => {
		const onControl = /** @type {HTMLElement} */ (e.target).tagName === "BUTTON" || /** @type {HTMLElement} */ (e.target).tagName === "A";
		if (e.key === "Escape" && !document.fullscreenElement) {
			take("pan");
			l.at = null;
			stage.current?.focus();
		}
		if (!isForPage(e) || !l.view || !scale || onControl && [" ", "Enter"].includes(e.key)) return;
		if (keyed(e)) {
			e.preventDefault();
			e.stopPropagation();
		}
	};
	/** Does what a key is for; false for one that is for nothing here. @param {KeyboardEvent} e */
	const keyed = (e) => {
		const v = /** @type {View} */ (l.view), key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
		const [dx, dy] = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[key] ?? [0, 0];
		const drawing = ["measure", "box", "polygon"].includes(settings.tool);
		if (dx || dy) {
			if (drawing) step(dx, dy, e.shiftKey);
			else if (settings.tool === "window") bend(dx * 0.02, dy * -0.02);
			else look({ ...v, x: v.x + (dx * l.w) / v.zoom / 10, y: v.y + (dy * l.h) / v.zoom / 10 });
			return true;
		}
		if (key === "Enter" && drawing) {
			if (!l.at) step(0, 0, false);
			place(/** @type {Point} */ (l.at));
			return true;
		}
		if (key === "Backspace" && l.pending.length) {
			l.pending = l.pending.slice(0, -1);
			redraw();
			return true;
		}
		if (toolKeys[key]) {
			take(toolKeys[key]);
			return true;
		}
		/** @type {Record<string, () => void>} */
		const does = {
			"+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": reset, "1": () => look({ ...v, zoom: 1 / devicePixelRatio }),
			"i": () => set({ invert: !settings.invert }), "g": () => image.low && set({ energy: settings.energy === "both" ? "high" : "both" }),
			"o": () => set({ outlines: !settings.outlines }), "f": full, "e": () => toggleBeside(),
			"n": () => marks.length && goTo(e.shiftKey ? (Math.max(current, 0) + marks.length - 1) % marks.length : (current + 1) % marks.length),
			"s": () => /** @type {HTMLInputElement | null} */ (root.current?.querySelector('input[value="suspect"]'))?.click(),
		};
		does[key]?.();
		return Boolean(does[key]);
	};
	/** Moves the cross hairs by the keyboard. @param {number} dx @param {number} dy @param {boolean} far */
	const step = (dx, dy, far) => {
		const v = /** @type {View} */ (l.view), s = /** @type {NonNullable<typeof scale>} */ (scale), by = Math.max(1, Math.round(4 / v.zoom)) * (far ? 10 : 1);
		const from = l.at ?? { x: Math.round(v.x), y: Math.round(v.y) };
		l.at = { x: Math.min(s.columns, Math.max(0, from.x + dx * by)), y: Math.min(s.rows, Math.max(0, from.y + dy * by)) };
		l.keyed = true;
		const p = toScreen(v, l.w, l.h, l.at);
		if (p.x < 0 || p.y < 0 || p.x > l.w || p.y > l.h) look({ ...v, x: l.at.x, y: l.at.y });
		redraw();
		l.tell(l.at);
	};
	/** Changes the window: its width and its level, as shares of its width. @param {number} wider @param {number} lift */
	const bend = (wider, lift) => setSettings((old) => {
		const { low, high } = levelsFor(image, old), span = high - low, top = 2 ** (scale?.bits ?? 16) - 1;
		const half = Math.max(2, (span * (1 + 2 * wider)) / 2), mid = Math.min(top, Math.max(0, (low + high) / 2 + span * lift));
		return { ...old, low: Math.round(Math.max(0, mid - half)), high: Math.round(Math.min(top, mid + half)) };
	});
	const reset = () => {
		if (scale) look(fit(scale, l.w, l.h));
		set({ low: null, high: null, invert: false, log: false });
	};
	const full = () => (document.fullscreenElement ? document.exitFullscreen() : root.current?.requestFullscreen())?.catch(() => undefined);
	const toggleBeside = () => setBeside(besideSha ? "" : earlier.find((e) => e.scan)?.scan?.sha ?? "");
	useEffect(redraw);
	useEffect(() => {
		if (image.high && [null, document.body, document.querySelector("main")].includes(/** @type {HTMLElement | null} */ (document.activeElement))) stage.current?.focus();
	}, [image.high]);
	const shared = { l, look, settings, place, bend, redraw, pointed };
	/** @type {{id: string, sign: string, key: string, act: () => unknown, on?: boolean, off?: boolean}[]} */
	const toolbar = [
		...tools.map(([id, sign]) => ({ id, sign, on: settings.tool === id, key: Object.entries(toolKeys).find(([, v]) => v === id)?.[0] ?? "", act: () => take(id) })),
		{ id: "colour", sign: "◍", on: Boolean(image.low) && settings.energy === "both", key: "g", act: () => set({ energy: settings.energy === "both" ? "high" : "both" }), off: !image.low },
		{ id: "invert", sign: "◧", on: settings.invert, key: "i", act: () => set({ invert: !settings.invert }) },
		{ id: "outlines", sign: "▣", on: settings.outlines, key: "o", act: () => set({ outlines: !settings.outlines }) },
		{ id: "beside", sign: "⇉", on: Boolean(other), key: "e", act: toggleBeside, off: !earlier.some((e) => e.scan) },
		{ id: "full", sign: "⤢", key: "f", act: full }, { id: "in", sign: "+", key: "+", act: () => zoom(1.25) },
		{ id: "out", sign: "−", key: "-", act: () => zoom(0.8) },
		{ id: "one", sign: "1:1", key: "1", act: () => l.view && look({ ...l.view, zoom: 1 / devicePixelRatio }) }, { id: "reset", sign: "↺", key: "0", act: reset },
	];
	return html`<div class="ws" ref=${root} onKeyDown=${pressed}>
		<div class="bar"><a class="button" href=${`#/passage/${path}`}>‹ ${t("nav.passage")}</a>
			<h1><span class="plate">${vehicle}</span> <small>${t("vw-xray")}</small></h1>
			${c && html`<a class="button" href=${`#/case/${path}`}>${t("nav.case")}</a><span class="pill ${c.open ? "HOLD" : ""}">${wordsOf(c)}</span>`}
			<span class="dim">${scan.device}, ${moment(scan.time)}${(p.containers ?? []).map((one) => `, ${one}`)}</span></div>
		<div class="tools" role="group" aria-label=${t("vw-tools")}>${toolbar.map((b) => html`<button key=${b.id} data-tool=${b.id} aria-pressed=${b.on === undefined ? undefined : Boolean(b.on)}
			disabled=${b.off} aria-keyshortcuts=${b.key === " " ? "Space" : b.key.toUpperCase()} title=${`${t(`vw-tool.${b.id}`)} (${b.key === " " ? t("vw-space") : b.key.toUpperCase()})`} onClick=${b.act}>
			<span aria-hidden="true">${b.sign}</span><small>${t(`vw-tool.${b.id}`)}</small></button>`)}</div>
		<div class="stage" ref=${stage} tabindex="0" role="application" aria-label=${t("vw-stage", { vehicle })} aria-describedby="vw-keys">
			<${Pane} image=${image} scan=${scan} shared=${shared} marks=${settings.outlines ? marks : []} current=${current} ruler=${ruler} main=${true}
				label=${t("vw-this")} />
			${other && html`<${Beside} key=${other.sha} scan=${other} draw=${(/** @type {Loaded} */ loaded) => html`<${Pane} image=${loaded} scan=${other} shared=${shared}
				marks=${settings.outlines ? other.marks : []} current=${-1} ruler=${null} main=${false} from=${scale} label=${t("vw-earlier-at", { time: moment(other.time) })} />`} />`}
		</div>
		<div class="under">${image.high && image.far && html`<${Far} image=${image} l=${l} />`}<${Values} image=${image} l=${l} levels=${levels} /></div>
		<p id="vw-keys" class="hidden">${t("vw-keys")}</p><p class="hidden" role="status">${says}</p>
		<aside class="side" aria-label=${t("vw-side")}>
			<${Objects} marks=${marks} current=${current} goTo=${goTo} reports=${(c?.attachments ?? []).filter((a) => a.by === "lane" && a.media_type === "application/dicom").map((a) => a.sha256)} />
			${mine.length > 0 && html`<${Mine} mine=${mine} set=${setMine} scale=${scale} />`}
			<${Opinion} c=${c} path=${`/v1/cases/${path}/events`} scan=${scan} mine=${mine} saved=${() => setMine([])} again=${again} may=${places.centre ? may("cases") : allowed("technician")} judges=${places.centre ? may("cases") : allowed("officer")} />
			<${Display} image=${image} settings=${settings} levels=${levels} set=${set} />
			<${Ruler} ruler=${ruler} set=${setRuler} scale=${scale} />
		</aside>
		<${Strip} earlier=${earlier} scans=${scans} scan=${scan} pick=${pick} on=${besideSha} beside=${(/** @type {string} */ sha) => setBeside(sha === besideSha ? "" : sha)} />
	</div>`;
}

/** @param {number} v */
const tenth = (v) => Math.round(10 * v) / 10;

/** The state of a case in words. @param {Case} c */
const wordsOf = (c) => (document.documentElement.lang === "fr" && c.called.fr ? c.called.fr : c.called.en);

/** Returns what others have drawn on an image. @param {Case | null} c @param {Scan} scan @returns {Mark[]} */
const boxesOf = (c, scan) => (c?.attachments ?? []).filter((a) => [scan.sha, scan.low].includes(a.sha256)).flatMap((a) => (a.boxes ?? []).map((b) => (
	{ region: { x: b.x, y: b.y }, name: b.label || t("vw-box"), by: t("vw-by", { by: a.by ?? "", time: a.at ? moment(a.at) : "" }), kind: /** @type {const} */ ("theirs") })));

/** Returns the ends of the window in force, and whose spread it is of. @param {Loaded} image @param {Settings} s */
export function levelsFor(image, s) {
	const low = s.energy === "low" && image.low, spread = (low ? image.spreadLow : image.spread) ?? { low: 0, high: 65535, air: 65535, histogram: [] };
	const own = (low ? image.low : image.high)?.scale.window;
	return { low: s.low ?? Math.max(0, own?.[0] ?? spread.low), high: s.high ?? own?.[1] ?? spread.high, spread };
}

/** Screen pixels that are drawn at most: while it moves, and at rest. */
const [movingPixels, restPixels] = [1.1e6, 3.2e6];

/** For how long after a move the view counts as moving, ms. */
const settles = 160;

/**
 * A pane with an image: the main one, or an earlier scan in step with it.
 * @param {{image: Loaded, scan: Scan, shared: any, marks: Mark[], current: number, ruler: [Point, Point] | null, main: boolean, from?: any, label: string}} p
 */
function Pane({ image, scan, shared, marks, current, ruler, main, from, label }) {
	const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
	const { l, settings } = shared, { high, low } = image;
	const shown = settings.energy === "low" && low ? low : high;
	const { low: dark, high: light } = levelsFor(image, main ? settings : { ...settings, low: null, high: null });
	const hues = settings.energy === "both" ? image.hues : null;
	const palette = useMemo(() => paletteOf(hues && shown ? shown.scale.materials : []), [shown, hues]); // it takes as long as a frame
	const shades = useMemo(() => shadesOf({ low: dark, high: light, log: settings.log, invert: settings.invert !== shown?.scale.inverse }),
		[dark, light, settings.log, settings.invert, shown]);
	const look = { shades, palette, hues };
	const paint = useRef(() => undefined), drawn = useRef(/** @type {{of: unknown[], pixels: ImageData, at: View} | null} */ (null));
	paint.current = () => {
		const on = canvas.current, context = shown && on?.getContext("2d", { alpha: false }); // with it the canvas is black
		if (!on || !context || !shown) return;
		const w = on.clientWidth, h = on.clientHeight;
		if (!w || !h) return;
		if (main) {
			const resized = l.w !== w || l.h !== h, whole = l.view && l.view.zoom <= 1.001 * fit(shown.scale, l.w, l.h).zoom;
			[l.w, l.h] = [w, h];
			if (!l.view || resized && whole) l.view = fit(shown.scale, w, h);
			else if (resized) l.view = within(l.view, shown.scale, w, h);
		}
		if (!l.view) return;
		const view = main || !from ? l.view : within(alike(l.view, from, shown.scale, w, h), shown.scale, w, h);
		const moving = performance.now() - l.moved < settles;
		const q = Math.min(devicePixelRatio, Math.sqrt((moving ? movingPixels : restPixels) / (w * h)));
		const bw = Math.max(1, Math.round(w * q)), bh = Math.max(1, Math.round(h * q));
		if (on.width !== bw || on.height !== bh) [on.width, on.height] = [bw, bh];
		const isCoarse = view.zoom * shown.scale.columns > shown.scale.width; // of the whole: else its means show all
		const detail = isCoarse ? settings.energy === "low" ? image.detail?.low : image.detail?.high : null, zoom = view.zoom * q, of = [shown, detail, shades, palette, hues, bw, zoom];
		const last = drawn.current, same = moving && last?.of.every((o, i) => o === of[i]); // at rest all is drawn where it is, to a part of a pixel
		const pixels = last?.pixels.width === bw && last.pixels.height === bh ? last.pixels : context.createImageData(bw, bh), out = new Uint32Array(pixels.data.buffer);
		const at = { zoom, x: view.x, y: view.y }, [dx, dy] = last && same ? [Math.round((last.at.x - view.x) * zoom), Math.round((last.at.y - view.y) * zoom)] : [bw, bh];
		if (last && same) [at.x, at.y] = [last.at.x - dx / zoom, last.at.y - dy / zoom];
		drawn.current = { of, pixels, at };
		for (const part of shift(out, bw, bh, dx, dy)) {
			draw(out, bw, bh, at, shown, look, part);
			if (detail) draw(out, bw, bh, at, detail, { ...look, hues: hues && (image.detail?.hues ?? null) }, part);
		}
		context.putImageData(pixels, 0, 0);
		context.setTransform(q, 0, 0, q, 0, 0);
		overlay(context, view, w, h, { marks, current, ruler, pending: main ? l.pending : [], at: l.at && (main || l.view) ? atOf(l, main, from, shown.scale) : null,
			cross: main ? l.keyed : Boolean(l.at), scale: shown.scale, tool: settings.tool });
		image.want?.(view, w, h);
		if (moving) setTimeout(schedule.current, settles + 10);
	};
	const waiting = useRef(0);
	const schedule = useRef(() => {
		if (!waiting.current) waiting.current = requestAnimationFrame(() => {
			waiting.current = 0;
			paint.current();
		});
	});
	useEffect(() => {
		l.panes.add(schedule.current);
		const watch = new ResizeObserver(schedule.current);
		if (canvas.current) watch.observe(canvas.current);
		return () => {
			l.panes.delete(schedule.current);
			watch.disconnect();
			cancelAnimationFrame(waiting.current);
		};
	}, []);
	useEffect(() => schedule.current());
	const pointers = usePointers(canvas, shared, main);
	const alt = t("xray-alt", { ooi: scan.image.ooiId ?? "" });
	return html`<div class="pane"><canvas ref=${canvas} class="tool-${settings.tool}" role="img" aria-label=${alt} ...${pointers}></canvas>
		${!high && scan.preview && html`<img src=${places.artifact(scan.preview, "image/jpeg")} alt=${alt} />`}
		<div class="ov"><b>${label}</b>, ${moment(scan.time)}${image.far ? !main && html`<br />${image.waits} ${t("vw-far")}` : image.note && html`<span class="note"><br />${image.note}</span>`}</div>
		${!high && html`<div class="ov load" role="status"><${Loading} image=${image} /></div>`}</div>`;
}

/** An image that is still at its lane, of which parts come ahead. @param {{image: Loaded, l: any}} p */
function Far({ image, l }) {
	const { asks, problem } = image.fetching, fine = l.view && fineness(image, l.view, l.w, l.h), whole = fine && fine.side <= 1;
	return html`<div class="far"><span>${image.waits} ${t("vw-far")}</span> <progress max="1" value=${image.share} aria-label=${t("loading")}></progress>
		<span role="status">${problem ? html`<b class="say">${problem}</b>` : asks ? t("vw-asks") : !fine ? "" : whole ? t("vw-each-here") : t("vw-mean-of", { n: number(fine.side, 1) })}</span>
		${fine && !whole && html`<button disabled=${asks} onClick=${image.each}>${t("vw-each", { time: duration(fine.takes) })}</button>`}</div>`;
}

/** What is waited for, or why there is no image. @param {{image: Loaded}} p */
const Loading = ({ image }) => html`${image.problem ? html`<b>${t("vw-failed")}</b> ${image.problem} <button onClick=${image.again}>${t("vw-again")}</button>`
	: html`${image.waits ? html`${image.waits} ${t("vw-meanwhile")} <b class="say">${image.fetching.problem}</b>` : t("vw-loading", { share: percent(image.share) })} <progress max="1" value=${image.share} aria-label=${t("loading")}></progress>`}`;

/** Where the cross hairs are in a pane's own image. @param {any} l @param {boolean} main @param {any} from @param {any} to @returns {Point} */
const atOf = (l, main, from, to) => (main || !from ? l.at : { x: (l.at.x * to.columns) / from.columns, y: (l.at.y * to.rows) / from.rows });

/** Colours of marks on the picture: the light line lies on a dark one, so that they show on any ground. @type {Record<string, string>} */
const inks = { alarm: "#ff5a3c", other: "#ffc800", theirs: "#7cc0ff", mine: "#7cc0ff" };

/**
 * Draws marks, ruler, cross hairs and the scale's bar.
 * @param {CanvasRenderingContext2D} c @param {View} view @param {number} w @param {number} h @param {{marks: Mark[], current: number, ruler: [Point, Point] | null, pending: Point[], at: Point | null, cross: boolean, scale: any, tool: string}} what
 */
function overlay(c, view, w, h, { marks, current, ruler, pending, at, cross, scale, tool }) {
	/** @param {Point[]} points @param {string} ink @param {boolean} dashed @param {number} wide @param {boolean} close */
	const line = (points, ink, dashed, wide, close) => {
		c.beginPath();
		points.forEach((p, i) => {
			const s = toScreen(view, w, h, p);
			if (i) c.lineTo(s.x, s.y);
			else c.moveTo(s.x, s.y);
		});
		if (close) c.closePath();
		c.setLineDash([]);
		[c.strokeStyle, c.lineWidth] = ["rgb(10 16 22 / .75)", wide + 2.5];
		c.stroke();
		c.setLineDash(dashed ? [7, 5] : []);
		[c.strokeStyle, c.lineWidth] = [ink, wide];
		c.stroke();
	};
	/** @param {string} text @param {number} x @param {number} y */
	const tag = (text, x, y) => {
		c.font = "bold 13px system-ui, sans-serif";
		const wide = c.measureText(text).width;
		c.fillStyle = "rgb(10 16 22 / .84)";
		c.fillRect(x, y - 16, wide + 10, 20);
		c.fillStyle = "#fff";
		c.fillText(text, x + 5, y - 1);
	};
	marks.forEach((m, i) => {
		line(corners(m.region), inks[m.kind], m.kind === "mine" || m.kind === "theirs", i === current ? 3.5 : 2, true);
		const b = bounds(m.region), s = toScreen(view, w, h, { x: b.x, y: b.y });
		if (s.x < w && s.y < h + 20) tag(`${i + 1}${m.kind === "alarm" ? " ▲" : ""}`, Math.max(0, s.x), Math.max(17, s.y - 6));
	});
	if (ruler) {
		line(ruler, "#fff", false, 2, false);
		const s = toScreen(view, w, h, { x: (ruler[0].x + ruler[1].x) / 2, y: (ruler[0].y + ruler[1].y) / 2 });
		tag(lengthText(scale, ruler[0], ruler[1]), s.x + 6, s.y - 6);
	}
	if (pending.length) {
		const all = at ? [...pending, at] : pending;
		line(tool === "box" && at ? corners({ x: [pending[0].x, at.x], y: [pending[0].y, at.y] }) : all, "#7cc0ff", true, 2, tool === "box");
		if (tool === "measure" && at) {
			const s = toScreen(view, w, h, at);
			tag(lengthText(scale, pending[0], at), s.x + 10, s.y - 10);
		}
	}
	if (at && cross) {
		const s = toScreen(view, w, h, at);
		for (const [x0, y0, x1, y1] of [[s.x, 0, s.x, h], [0, s.y, w, s.y]]) line([toImage(view, w, h, x0, y0), toImage(view, w, h, x1, y1)], "#7cc0ff", true, 1, false);
	}
	const each = scale.spacing ? scale.spacing[0] / view.zoom : 1 / view.zoom, long = roundLength(each, w / 5);
	const text = scale.spacing ? long >= 1000 ? measure(long / 1000, "m", 1) : measure(long, "mm") : measure(long, "px");
	line([{ x: 12, y: h - 16 }, { x: 12, y: h - 10 }, { x: 12 + long / each, y: h - 10 }, { x: 12 + long / each, y: h - 16 }].map((p) => toImage(view, w, h, p.x, p.y)), "#fff", false, 2, false);
	tag(text, 18 + long / each, h - 8);
}

/** A length in words: in mm, or in pixels where the image does not say more. @param {any} scale @param {Point} a @param {Point} b */
export function lengthText(scale, a, b) {
	const { px, mm } = lengthOf(scale, a, b);
	return mm === undefined ? measure(px, "px", 1) : mm >= 1000 ? measure(mm / 1000, "m", 2) : measure(mm, "mm");
}

/** What fingers, pen and mouse do on a pane: the tool at hand draws; two fingers always move and magnify. @param {{current: HTMLCanvasElement | null}} canvas @param {any} shared @param {boolean} main */
function usePointers(canvas, shared, main) {
	const { l, look, settings, place, bend, redraw, pointed } = shared;
	const down = useRef(/** @type {Map<number, Point>} */ (new Map()));
	const drag = useRef(/** @type {{from: Point, moved: boolean} | null} */ (null));
	const wheel = useRef((/** @type {WheelEvent} */ _e) => undefined);
	wheel.current = (e) => {
		e.preventDefault();
		if (l.view) look(zoomAt(l.view, 1.0015 ** -(e.deltaY * (e.deltaMode === 1 ? 30 : 1)), l.w, l.h, ...xy(e)));
		return undefined;
	};
	useEffect(() => {
		const on = canvas.current, turned = (/** @type {WheelEvent} */ e) => wheel.current(e);
		on?.addEventListener("wheel", turned, { passive: false });
		return () => on?.removeEventListener("wheel", turned);
	}, []);
	/** @param {MouseEvent} e @returns {[number, number]} */
	const xy = (e) => {
		const r = canvas.current?.getBoundingClientRect();
		return [e.clientX - (r?.left ?? 0), e.clientY - (r?.top ?? 0)];
	};
	/** @param {MouseEvent} e */
	const inImage = (e) => toImage(l.view, l.w, l.h, ...xy(e));
	const draws = main && ["measure", "box", "polygon"].includes(settings.tool);
	return {
		onPointerDown: (/** @type {PointerEvent} */ e) => {
			if (!l.view) return;
			const [x, y] = xy(e);
			canvas.current?.setPointerCapture(e.pointerId);
			down.current.set(e.pointerId, { x, y });
			drag.current = { from: { x, y }, moved: false };
			l.keyed = false;
			if (down.current.size > 1) l.pending = l.pending.slice(0, -1); // the first finger set no point: two of them zoom
			if (draws && e.button === 0 && down.current.size === 1) {
				if (settings.tool !== "polygon") l.pending = [];
				place(inImage(e));
			}
		},
		onPointerMove: (/** @type {PointerEvent} */ e) => {
			if (!l.view) return;
			const [x, y] = xy(e), before = down.current.get(e.pointerId);
			if (main) {
				l.at = inImage(e);
				l.tell(l.at);
			}
			if (!before) {
				if (l.pending.length) redraw();
				return;
			}
			const others = [...down.current].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
			down.current.set(e.pointerId, { x, y });
			if (drag.current && Math.hypot(x - drag.current.from.x, y - drag.current.from.y) > 4) drag.current.moved = true;
			if (others[0]) { // two fingers
				const o = others[0], factor = Math.hypot(x - o.x, y - o.y) / Math.max(1, Math.hypot(before.x - o.x, before.y - o.y));
				const v = zoomAt(l.view, factor, l.w, l.h, (x + o.x) / 2, (y + o.y) / 2);
				look({ ...v, x: v.x - (x - before.x) / 2 / v.zoom, y: v.y - (y - before.y) / 2 / v.zoom });
			} else if (draws && e.buttons === 1) {
				redraw();
			} else if (settings.tool === "window" && e.buttons === 1) {
				bend((x - before.x) / 400, (before.y - y) / 400);
			} else if (settings.tool === "zoom" && e.buttons === 1) {
				look(zoomAt(l.view, 1.01 ** (before.y - y), l.w, l.h, drag.current?.from.x ?? x, drag.current?.from.y ?? y));
			} else {
				look({ ...l.view, x: l.view.x - (x - before.x) / l.view.zoom, y: l.view.y - (y - before.y) / l.view.zoom });
			}
		},
		onPointerUp: (/** @type {PointerEvent} */ e) => {
			down.current.delete(e.pointerId);
			if (draws && settings.tool !== "polygon" && drag.current?.moved && l.pending.length) place(inImage(e));
		},
		onPointerCancel: (/** @type {PointerEvent} */ e) => {
			down.current.delete(e.pointerId);
		},
		onPointerLeave: () => {
			if (l.keyed || down.current.size) return;
			l.at = null;
			l.tell(pointed());
			redraw();
		},
		onDblClick: (/** @type {MouseEvent} */ e) => {
			if (!draws && l.view) look(zoomAt(l.view, e.shiftKey ? 0.5 : 2, l.w, l.h, ...xy(e)));
		},
	};
}

/** The value bar: what is where the pointer, the cross hairs, or else the middle of the view is. @param {{image: Loaded, l: any, levels: ReturnType<typeof levelsFor>}} p */
function Values({ image, l, levels }) {
	const [at, setAt] = useState(/** @type {Point | null} */ (null));
	useEffect(() => {
		l.tell = (/** @type {Point | null} */ p) => setAt(p && { ...p }); // the zoom may be another where the place is not
	}, []);
	const { high, low, spread, spreadLow, detail } = image;
	const where = at ?? (l.view && { x: l.view.x, y: l.view.y });
	if (!high || !spread || !where) return html`<dl class="stat"></dl>`;
	const find = (/** @type {any} */ h, /** @type {any} */ lo) => h && probe(h, lo, spread.air, spreadLow?.air ?? 1, where.x, where.y);
	const p = /** @type {Probe | null} */ (find(detail?.high, detail?.low ?? null) ?? find(high, low));
	const rows = [
		["x", `${number(Math.floor(where.x))}\u00a0px`], ["y", `${number(Math.floor(where.y))}\u00a0px`],
		[t("vw-high"), p ? number(p.high + high.scale.offset) : "–"], [t("vw-low"), p?.low === undefined ? "–" : number(p.low + (low?.scale.offset ?? 0))],
		[t("vw-passes"), p ? percent(p.share, p.share < 0.1 ? 1 : 0) : "–"], [t("vw-material"), p ? materialText(p, Boolean(low)) : "–"],
		[t("vw-dark"), number(levels.low)], [t("vw-light"), number(levels.high)],
		[t("vw-zoom"), l.view ? `${number(l.view.zoom * devicePixelRatio, 2)}\u00a0×` : ""],
	];
	return html`<dl class="stat">${rows.map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/** A material in words, with its doubt. @param {Probe} p @param {boolean} two both energies are there */
function materialText(p, two) {
	if (!two) return t("vw-one-energy");
	if (p.thickness) return t(`vw-too-${p.thickness}`);
	if (p.unclear) return t("vw-unclear", { ratio: `${number(p.ratio, 2, 2)} ± ${number(p.error, 2, 2)}` });
	if (!p.material) return "–";
	const ratio = `${number(p.ratio, 2, 2)} ± ${number(p.error, 2, 2)}`;
	return p.or ? t("vw-material-or", { material: t(`vw-mat.${p.material}`), other: t(`vw-mat.${p.or}`), ratio }) : t("vw-material-is", { material: t(`vw-mat.${p.material}`), ratio });
}

/**
 * The strip below: other scans of this vehicle, and those of the same plate or container before.
 * @param {{earlier: import("/pages/viewerdata.js").Earlier[], scans: Scan[], scan: Scan, pick: (sha: string) => void, on: string, beside: (sha: string) => void}} p
 */
function Strip({ earlier, scans, scan, pick, on, beside }) {
	return html`<div class="cmp" role="group" aria-label=${t("vw-strip")}>
		${scans.length > 1 && scans.map((s, i) => html`<button key=${s.sha} aria-pressed=${s.sha === scan.sha} onClick=${() => pick(s.sha)}><${Thumb} scan=${s} />
			<span><b>${t("vw-scan-of", { n: i + 1, all: scans.length })}</b><br />${moment(s.time)}</span></button>`)}
		${earlier.map((e) => html`<button key=${e.id} disabled=${!e.scan} aria-pressed=${e.scan ? e.scan.sha === on : undefined} onClick=${() => e.scan && beside(e.scan.sha)}>
			<${Thumb} scan=${e.scan} /><span><b>${moment(ms(e.p.openedNs))}</b><br />${e.place}<br /><span class="dim">${e.scan ? t("vw-beside") : e.loading ? t("loading") : t("no-picture")}</span></span></button>`)}
		${!earlier.length && html`<p class="dim">${t("vw-no-earlier")}</p>`}</div>`;
}

/** A small picture. @param {{scan: Scan | null}} p */
const Thumb = ({ scan }) => (scan?.preview ? html`<img src=${places.artifact(scan.preview, "image/jpeg")} alt="" />` : html`<span class="th none" aria-hidden="true">–</span>`);
