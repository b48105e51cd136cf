// What of an X-ray image is in view, how it is drawn, and lengths in it. Pure functions, without the page.

/** @import { Plane, Scale, Stack } from "./xrayvalues.js" */

/** What is in view: screen pixels a pixel of the image, and the image's place in the middle of the screen. @typedef {{zoom: number, x: number, y: number}} View */
/** A place in the image, in its pixels. @typedef {{x: number, y: number}} Point */
/** A region that is outlined: two corners of a box, or the corners of a polygon. @typedef {{x: number[], y: number[]}} Region */

/** The largest magnification: screen pixels a pixel of the image. */
const mostZoom = 32;

/** Returns the view of a whole image. @param {Scale} s @param {number} w of the screen @param {number} h @returns {View} */
export function fit({ columns, rows }, w, h) {
	return { zoom: Math.min(w / columns, h / rows), x: columns / 2, y: rows / 2 };
}

/**
 * Returns a view with its magnification and place within bounds: never smaller than the whole, the middle in the image.
 * @param {View} v @param {Scale} s @param {number} w @param {number} h @returns {View}
 */
export function within(v, s, w, h) {
	const whole = fit(s, w, h), zoom = Math.min(mostZoom, Math.max(v.zoom, whole.zoom));
	/** @param {number} at @param {number} size @param {number} screen */
	const place = (at, size, screen) => {
		const half = screen / zoom / 2;
		return half * 2 >= size ? size / 2 : Math.min(size - half, Math.max(half, at));
	};
	return { zoom, x: place(v.x, s.columns, w), y: place(v.y, s.rows, h) };
}

/** Returns the place in the image below a place of the screen. @param {View} v @param {number} w @param {number} h @param {number} px @param {number} py @returns {Point} */
export const toImage = (v, w, h, px, py) => ({ x: v.x + (px - w / 2) / v.zoom, y: v.y + (py - h / 2) / v.zoom });

/** Is the inverse of toImage. @param {View} v @param {number} w @param {number} h @param {Point} p @returns {Point} */
export const toScreen = (v, w, h, p) => ({ x: w / 2 + (p.x - v.x) * v.zoom, y: h / 2 + (p.y - v.y) * v.zoom });

/** Magnifies about a place of the screen, which stays. @param {View} v @param {number} factor @param {number} w @param {number} h @param {number} px @param {number} py @returns {View} */
export function zoomAt(v, factor, w, h, px, py) {
	const p = toImage(v, w, h, px, py), zoom = Math.min(mostZoom, v.zoom * factor);
	return { zoom, x: p.x - (px - w / 2) / zoom, y: p.y - (py - h / 2) / zoom };
}

/** Returns the view of another image that shows the same shares of it: scans of a vehicle differ in length. @param {View} v @param {Scale} from @param {Scale} to @param {number} w @param {number} h @returns {View} */
export function alike(v, from, to, w, h) {
	return { zoom: (v.zoom * fit(to, w, h).zoom) / fit(from, w, h).zoom, x: (v.x * to.columns) / from.columns, y: (v.y * to.rows) / from.rows };
}

/** How values become pixels: shades of values, hues of places (null: none), and the palette of both. @typedef {{shades: Uint8Array, palette: Uint32Array, hues: {level: number, w: number, h: number, hues: Uint8Array} | null}} Look */

/** Hues of an image that has none. */
const grey = { level: 0, w: 1, h: 1, hues: new Uint8Array(1) };

/**
 * Draws what is in view, at the screen's own size: so window and magnification cost the same for any image. Sizes of the
 * image above 3 screen pixels a pixel show its pixels as squares; below, values are mixed.
 * @param {Uint32Array} out w x h pixels (ABGR) @param {number} w @param {number} h @param {View} view of these pixels @param {Stack} image @param {Look} look @param {number[]} [part] x, y, width, height of what is drawn of these pixels; all without it
 */
export function draw(out, w, h, view, { scale, levels }, { shades, palette, hues }, [px, py, pw, ph] = [0, 0, w, h]) {
	const [left, top, width, height] = scale.region, step = width / levels[0].w;
	const k = Math.max(0, Math.min(levels.length - 1, Math.floor(Math.log2(1 / (view.zoom * step)) + 0.5)));
	const p = levels[k], smooth = view.zoom * step < 3 ? 1 : 0, x0 = view.x - w / 2 / view.zoom, y0 = view.y - h / 2 / view.zoom;
	/** @param {number} level @param {number} cw @param {number} ch @param {number} mix */
	const axes = (level, cw, ch, mix) => [axis(w, x0, 1 / view.zoom, left, width, cw, step * 2 ** level, mix), axis(h, y0, 1 / view.zoom, top, height, ch, (height / levels[0].h) * 2 ** level, mix)];
	const { hues: hue, w: hw, h: hh, level } = hues ?? grey, [across, down] = axes(k, p.w, p.h, smooth), [{ first: hueOf }, { first: hueRow }] = axes(level, hw, hh, 0);
	const begin = Math.max(px, across.begin), end = Math.min(px + pw, across.end), { values } = p;
	const rows = [new Int32Array(w), new Int32Array(w)], of = [-1, -1]; // of the image, mixed along it: the last two
	const rowOf = (/** @type {number} */ y) => {
		const row = rows[y & 1], from = y * p.w, { first, second, share } = across;
		if (of[y & 1] === y) return row;
		of[y & 1] = y;
		for (let x = begin; x < end; x++) {
			const v = values[from + first[x]];
			row[x] = smooth ? (v * 256 + (values[from + second[x]] - v) * share[x]) >> 8 : v;
		}
		return row;
	};
	for (let y = Math.max(py, down.begin); y < Math.min(py + ph, down.end); y++) {
		const a = rowOf(down.first[y]), b = smooth ? rowOf(down.second[y]) : a, f = down.share[y], to = y * w;
		for (let x = begin, from = hueRow[y] * hw; x < end; x++) out[to + x] = palette[hue[from + hueOf[x]] << 8 | shades[a[x] + ((b[x] - a[x]) * f >> 8)]];
	}
}

/** Moves what was drawn by whole pixels, and empties and returns what is to be drawn anew. @param {Uint32Array} out @param {number} w @param {number} h @param {number} dx @param {number} dy @returns {number[][]} parts: x, y, width, height */
export function shift(out, w, h, dx, dy) {
	const by = dy * w + dx, far = Math.abs(dx) >= w || Math.abs(dy) >= h;
	if (!far) out.copyWithin(Math.max(0, by), Math.max(0, -by), out.length - Math.max(0, by)); // what comes around an edge is drawn anew
	const parts = far ? [[0, 0, w, h]] : [[dx > 0 ? 0 : w + dx, 0, Math.abs(dx), h], [0, dy > 0 ? 0 : h + dy, w, Math.abs(dy)]];
	for (const [x, y, pw, ph] of parts) for (let k = y; k < y + ph; k++) out.fill(0xffe4dfda, k * w + x, k * w + x + pw);
	return parts;
}

/**
 * Returns, for each screen pixel along an axis, the two values next to it and how far it is from the first (of 256);
 * begin to end are those that lie in the image.
 * @param {number} n screen pixels @param {number} from place in the image of the first one's edge @param {number} each image pixels a screen pixel @param {number} origin of the values, in the image @param {number} size of the values, in pixels of the image @param {number} count of values @param {number} per image pixels a value; the last may have fewer @param {number} mix 1 to mix neighbours
 */
function axis(n, from, each, origin, size, count, per, mix) {
	const first = new Int32Array(n), second = new Int32Array(n), share = new Int32Array(n);
	const begin = Math.max(0, Math.ceil((origin - from) / each - 0.5)), end = Math.min(n, Math.ceil((origin + size - from) / each - 0.5));
	for (let i = begin; i < end; i++) {
		const at = (from + (i + 0.5) * each - origin) / per - (mix ? 0.5 : 0), whole = Math.floor(at);
		first[i] = Math.min(count - 1, Math.max(0, whole));
		second[i] = Math.min(count - 1, Math.max(0, whole + 1));
		share[i] = Math.floor((at - whole) * 256);
	}
	return { first, second, share, begin, end };
}

/** A length: in mm where the image says how far its pixels are apart, else in pixels. @param {Scale} s @param {Point} a @param {Point} b */
export function lengthOf({ spacing }, a, b) {
	const px = Math.hypot(b.x - a.x, b.y - a.y);
	return spacing ? { px, mm: Math.hypot((b.x - a.x) * spacing[0], (b.y - a.y) * spacing[1]) } : { px };
}

/** Returns a round length that fits into some screen pixels: 1, 2 or 5 times a power of ten. @param {number} each unit a screen pixel @param {number} most screen pixels */
export function roundLength(each, most) {
	const longest = each * most, power = 10 ** Math.floor(Math.log10(longest));
	return [5, 2, 1].map((n) => n * power).find((n) => n <= longest) ?? power;
}

/** Returns the corners of a region, four of a box. @param {Region} r @returns {Point[]} */
export function corners({ x, y }) {
	if (x.length !== 2) return x.map((at, i) => ({ x: at, y: y[i] ?? 0 }));
	return [{ x: x[0], y: y[0] }, { x: x[1], y: y[0] }, { x: x[1], y: y[1] }, { x: x[0], y: y[1] }];
}

/** Returns the box around a region. @param {Region} r */
export function bounds(r) {
	const [l, t] = [Math.min(...r.x), Math.min(...r.y)];
	return { x: l, y: t, w: Math.max(...r.x) - l, h: Math.max(...r.y) - t };
}

/** Returns a view with a region in its middle, with room around it. @param {Region} r @param {number} w @param {number} h @param {View} now @returns {View} */
export function viewOf(r, w, h, now) {
	const b = bounds(r), zoom = Math.min(w / Math.max(1, b.w) / 4, h / Math.max(1, b.h) / 4, 8);
	return { zoom: Math.max(now.zoom, zoom), x: b.x + b.w / 2, y: b.y + b.h / 2 };
}

/** Returns the corners of a report's region as a region: x, y, z of each corner; nothing for fewer than two. @param {number[]} polygon @returns {Region | null} */
export function regionOf(polygon) {
	const x = [], y = [];
	for (let i = 0; i + 2 < polygon.length; i += 3) {
		x.push(polygon[i]);
		y.push(polygon[i + 1]);
	}
	return x.length > 1 ? { x, y } : null;
}
