// The values of an X-ray image at full depth: how they come, what they mean, and what is made of them. Pure functions,
// without the page; values.test.mjs tries them.

/**
 * What the values of an image mean (picture.Scale; docs/console.md).
 * @typedef {object} Scale
 * @property {number} columns of the image
 * @property {number} rows
 * @property {[number, number, number, number]} region that the values show: x, y, width, height
 * @property {number} width of the values
 * @property {number} height
 * @property {number} bits
 * @property {number} offset
 * @property {boolean} inverse
 * @property {string} energy
 * @property {string} instance
 * @property {[number, number]} [window]
 * @property {[number, number]} [spacing] mm between pixels, across and down
 * @property {string} [spacing_at] object or detector
 * @property {Material[]} materials
 * @property {number} thin
 * @property {number} thick
 */
/** An anchor of pseudo-colour. @typedef {{ratio: number, name: string, rgb: [number, number, number]}} Material */
/** Values row by row. @typedef {{w: number, h: number, values: Uint16Array}} Plane */
/** An image at all sizes: the values, and their means over 2 x 2, 4 x 4, ... @typedef {{scale: Scale, levels: Plane[]}} Stack */

/** Reads the values of an answer as they come. progress is told the share of rows that are there. @param {ReadableStream<Uint8Array>} body @param {(share: number) => void} progress @returns {Promise<Stack>} */
export async function readValues(body, progress) {
	const reader = body.getReader();
	let head = new Uint8Array(0);
	/** @param {number} n */
	const need = async (n) => {
		while (head.length < n) {
			const { value, done } = await reader.read();
			if (done) throw new Error("the values end early");
			const more = new Uint8Array(head.length + value.length);
			more.set(head);
			more.set(value, head.length);
			head = more;
		}
	};
	await need(8);
	if (new TextDecoder().decode(head.subarray(0, 4)) !== "LWP1") throw new Error("these are no values");
	const size = new DataView(head.buffer).getUint32(4, true);
	await need(8 + size);
	/** @type {Scale} */
	const scale = JSON.parse(new TextDecoder().decode(head.subarray(8, 8 + size)));
	const rest = head.slice(8 + size);
	/** @type {ReadableStream<BufferSource>} */
	const packed = new ReadableStream({
		start: (c) => rest.length && c.enqueue(rest),
		pull: async (c) => {
			const { value, done } = await reader.read();
			if (done) c.close();
			else c.enqueue(/** @type {BufferSource} */ (value));
		},
		cancel: () => reader.cancel(),
	});
	const { width: w, height: h } = scale;
	const values = new Uint16Array(w * h), row = new Uint8Array(2 * w);
	const rows = packed.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
	let filled = 0, y = 0, above = 0;
	for (;;) {
		const { value, done } = await rows.read();
		if (done) break;
		for (let at = 0; at < value.length && y < h;) {
			const n = Math.min(value.length - at, row.length - filled);
			row.set(value.subarray(at, at + n), filled);
			at += n;
			if ((filled += n) < row.length) break;
			let before = above;
			const to = y * w;
			for (let x = 0; x < w; x++) values[to + x] = before = (before + (row[x] << 8 | row[w + x])) & 0xffff;
			above = values[to];
			filled = 0;
			y++;
		}
		progress(y / h);
	}
	if (y < h) throw new Error("the values end early");
	return { scale, levels: levelsOf({ w, h, values }) };
}

/** Returns an image at all sizes, down to some 64 pixels. @param {Plane} whole @returns {Plane[]} */
export function levelsOf(whole) {
	const out = [whole];
	for (let p = whole; Math.max(p.w, p.h) > 64; out.push(p)) p = halved(p);
	return out;
}

/** Returns the means over 2 x 2 pixels; at an odd end those of what is there. @param {Plane} p @returns {Plane} */
function halved({ w, h, values }) {
	const nw = (w + 1) >> 1, nh = (h + 1) >> 1, out = new Uint16Array(nw * nh);
	for (let y = 0; y < nh; y++) {
		const a = 2 * y * w, b = Math.min(2 * y + 1, h - 1) * w;
		for (let x = 0; x < nw; x++) {
			const i = 2 * x, j = Math.min(i + 1, w - 1);
			out[y * nw + x] = (values[a + i] + values[a + j] + values[b + i] + values[b + j] + 2) >> 2;
		}
	}
	return { w: nw, h: nh, values: out };
}

/** What is known of all values. @typedef {{low: number, high: number, air: number, histogram: number[]}} Spread */

/** Bars of the histogram that is drawn. */
const bars = 128;

/** Returns the values below which 0.2 and 99.8 % are, that of air (the 95th percentile), and a histogram. @param {Stack} image @returns {Spread} */
export function spreadOf({ levels, scale }) {
	const p = levels.find((l) => l.w * l.h <= 1 << 20) ?? levels[levels.length - 1];
	const count = new Uint32Array(1 << 16);
	for (const v of p.values) count[v]++;
	/** @param {number} share */
	const at = (share) => {
		let left = Math.floor(share * p.values.length);
		for (let v = 0; v < count.length; v++) if ((left -= count[v]) < 0) return v;
		return count.length - 1;
	};
	const histogram = Array(bars).fill(0), each = Math.max(1, 2 ** scale.bits / bars);
	for (let v = 0; v < count.length; v++) histogram[Math.min(bars - 1, Math.floor(v / each))] += count[v];
	const low = at(0.002);
	return { low, high: Math.max(at(0.998), low + 1), air: Math.max(1, at(0.95)), histogram };
}

/** How values become shades. @typedef {{low: number, high: number, invert: boolean, log: boolean}} Window */

/** Returns the shade, 0 to 255, of each value. On a logarithmic scale what lies behind thick cargo is spread. @param {Window} w @returns {Uint8Array} */
export function shadesOf({ low, high, invert, log }) {
	const out = new Uint8Array(1 << 16), of = log ? Math.log1p : (/** @type {number} */ v) => v;
	const begin = of(Math.max(low, 0)), span = of(Math.max(high, low + 1)) - begin || 1;
	for (let v = 0; v < out.length; v++) {
		const share = Math.min(1, Math.max(0, (of(v) - begin) / span));
		out[v] = Math.round(255 * (invert ? 1 - share : share));
	}
	return out;
}

/** Steps of a hue: ratio, and strength of the colour. */
const ratioSteps = 32, strengthSteps = 8;

/**
 * Returns the hue of each place: 0 for grey, else the step of the ratio and of the strength. Attenuations are smoothed
 * over 5 x 5 places, as hues need less sharpness than shades, and less noise.
 * @param {Stack} high @param {Stack} low of the same size @param {number} airHigh @param {number} airLow @returns {{level: number, w: number, h: number, hues: Uint8Array}} level: of the sizes of the image
 */
export function huesOf(high, low, airHigh, airLow) {
	const level = high.levels.findIndex((l) => l.w * l.h <= 1.5e6);
	const { w, h, values } = high.levels[Math.max(0, level)], { scale } = high;
	const a = smooth(losses(values, airHigh), w, h);
	const b = smooth(losses(low.levels[Math.max(0, level)].values, airLow), w, h);
	const [first, last] = ends(scale.materials), hues = new Uint8Array(w * h);
	const thin = -Math.log(scale.thin), thick = -Math.log(scale.thick);
	for (let k = 0; k < hues.length; k++) {
		const loss = a[k];
		if (loss <= thin) continue;
		const strength = Math.min(1, (loss - thin) / 0.1) * Math.min(1, Math.max(0, (thick - loss) / 1.5));
		const s = Math.round(strength * (strengthSteps - 1));
		if (s === 0) continue;
		const r = Math.min(1, Math.max(0, (b[k] / loss - first) / (last - first)));
		hues[k] = Math.round(r * (ratioSteps - 1)) * strengthSteps + s;
	}
	return { level: Math.max(0, level), w, h, hues };
}

/** Returns the least and greatest ratio. @param {Material[]} materials @returns {[number, number]} */
const ends = (materials) => [materials[0].ratio, materials[materials.length - 1].ratio];

/** Returns -ln of the transmission of each value. @param {Uint16Array} values @param {number} air */
function losses(values, air) {
	const of = new Float32Array(1 << 16), out = new Float32Array(values.length);
	for (let v = 0; v < of.length; v++) of[v] = -Math.log(Math.max(v, 1) / air);
	for (let k = 0; k < out.length; k++) out[k] = of[values[k]];
	return out;
}

/** Averages over 5 x 5 places, in place. @param {Float32Array} v @param {number} w @param {number} h */
function smooth(v, w, h) {
	const reach = 2, line = new Float32Array(Math.max(w, h));
	/** @param {number} n @param {number} step @param {number} at */
	const pass = (n, step, at) => {
		let sum = 0, count = 0;
		for (let k = 0; k < Math.min(reach, n); k++, count++) sum += v[at + k * step];
		for (let k = 0; k < n; k++) {
			if (k + reach < n) {
				sum += v[at + (k + reach) * step];
				count++;
			}
			if (k > reach) {
				sum -= line[(k - reach - 1) % (reach + 1)];
				count--;
			}
			line[k % (reach + 1)] = v[at + k * step];
			v[at + k * step] = sum / count;
		}
	};
	for (let y = 0; y < h; y++) pass(w, 1, y * w);
	for (let x = 0; x < w; x++) pass(h, w, x);
	return v;
}

/** Returns the colour of a ratio, mixed between two anchors. @param {Material[]} materials @param {number} ratio */
function colourOf(materials, ratio) {
	const i = materials.findIndex((m) => ratio < m.ratio);
	if (i === 0) return materials[0].rgb;
	if (i < 0) return materials[materials.length - 1].rgb;
	const [a, b] = [materials[i - 1], materials[i]], f = (ratio - a.ratio) / (b.ratio - a.ratio);
	return a.rgb.map((c, k) => c + f * (b.rgb[k] - c));
}

/**
 * Returns the pixel (ABGR) of each hue at each shade: index hue << 8 | shade. Bright where the beam passes, coloured where
 * it does not.
 * @param {Material[]} materials none for shades of grey alone @returns {Uint32Array}
 */
export function paletteOf(materials) {
	const out = new Uint32Array(1 << 16), [first, last] = materials.length ? ends(materials) : [0, 1];
	for (let hue = 0; hue < 256; hue++) {
		const share = materials.length ? (hue % strengthSteps) / (strengthSteps - 1) : 0;
		const rgb = materials.length ? colourOf(materials, first + (Math.floor(hue / strengthSteps) / (ratioSteps - 1)) * (last - first)) : [0, 0, 0];
		for (let shade = 0; shade < 256; shade++) {
			const y = shade / 255, mixed = rgb.map((part) => {
				const c = part / 255;
				let lit = c + (1 - c) * y * y;
				if (y < 0.5) lit *= 0.35 + 1.3 * y;
				return Math.min(255, Math.round(255 * (share * lit + (1 - share) * y)));
			});
			out[hue << 8 | shade] = (255 << 24 | mixed[2] << 16 | mixed[1] << 8 | mixed[0]) >>> 0;
		}
	}
	return out;
}

/**
 * What is at a place. thickness says why there is no material: "thin" lets nearly all through, "thick" nearly nothing; unclear that the noise leaves more than two.
 * @typedef {{high: number, low?: number, share: number, material?: string, or?: string, ratio?: number, error?: number, thickness?: string, unclear?: boolean}} Probe
 */

/** How far around a place is looked for its material. */
const probeReach = 3;

/**
 * Returns what is at a place: its values, what share of the beam passes, and, of two energies, the material by the ratio
 * of the attenuations around it. Where the noise leaves another one possible (two standard errors), that is named too.
 * @param {Stack} high @param {Stack | null} low @param {number} airHigh @param {number} airLow @param {number} x in pixels of the image @param {number} y @returns {Probe | null} null outside
 */
export function probe(high, low, airHigh, airLow, x, y) {
	const { scale, levels: [plane] } = high, [left, top, width, height] = scale.region;
	const u = Math.floor(((x - left) * plane.w) / width), v = Math.floor(((y - top) * plane.h) / height);
	if (!(u >= 0 && v >= 0 && u < plane.w && v < plane.h)) return null;
	const at = v * plane.w + u, out = /** @type {Probe} */ ({ high: plane.values[at], share: plane.values[at] / airHigh });
	if (!low) return out;
	out.low = low.levels[0].values[at];
	const a = around(plane, u, v, airHigh), b = around(low.levels[0], u, v, airLow);
	out.share = Math.exp(-a.loss);
	if (out.share > scale.thin) out.thickness = "thin";
	else if (out.share < scale.thick) out.thickness = "thick";
	if (out.thickness || b.loss <= 0) return out;
	out.ratio = b.loss / a.loss;
	out.error = out.ratio * Math.hypot(a.error / a.loss, b.error / b.loss);
	out.material = nameOf(scale.materials, out.ratio);
	const others = new Set([-2, -1, 1, 2].map((k) => nameOf(scale.materials, /** @type {number} */ (out.ratio) + k * /** @type {number} */ (out.error))));
	others.delete(out.material);
	out.unclear = others.size > 1;
	[out.or] = others;
	return out;
}

/** Returns the mean attenuation around a place, with its standard error. @param {Plane} p @param {number} x @param {number} y @param {number} air */
function around(p, x, y, air) {
	let n = 0, sum = 0, squares = 0;
	for (let v = Math.max(0, y - probeReach); v <= Math.min(p.h - 1, y + probeReach); v++) {
		for (let u = Math.max(0, x - probeReach); u <= Math.min(p.w - 1, x + probeReach); u++) {
			const loss = -Math.log(Math.max(p.values[v * p.w + u], 1) / air);
			n++;
			sum += loss;
			squares += loss * loss;
		}
	}
	const loss = sum / n;
	return { loss, error: Math.sqrt(Math.max(0, squares / n - loss * loss) / n) };
}

/** Returns the name of the nearest anchor. @param {Material[]} materials @param {number} ratio */
const nameOf = (materials, ratio) => materials.reduce((best, m) => (Math.abs(m.ratio - ratio) < Math.abs(best.ratio - ratio) ? m : best)).name;
