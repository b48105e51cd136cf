// Tries the pure functions of the X-ray workstation: node --test viewer.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { huesOf, levelsOf, paletteOf, probe, readValues, shadesOf, spreadOf } from "./static/pages/xrayvalues.js";
import { alike, bounds, corners, draw, fit, lengthOf, regionOf, roundLength, shift, toImage, toScreen, within, zoomAt } from "./static/pages/xrayview.js";

const materials = [[1.1, "heavy"], [1.25, "metal"], [1.34, "inorganic"], [1.42, "organic"]].map(([ratio, name]) => ({ ratio, name, rgb: [ratio * 100, 40, 40] }));
/** @param {number} w @param {number} h @param {object} [more] */
const scaleOf = (w, h, more) => ({ columns: w, rows: h, region: [0, 0, w, h], width: w, height: h, bits: 16, offset: 0, inverse: false, energy: "high", instance: "1.2", materials, thin: 0.93, thick: 0.004, ...more });
/** @param {number} w @param {number} h @param {(x: number, y: number) => number} of @param {object} [more] */
const imageOf = (w, h, of, more) => ({ scale: scaleOf(w, h, more), levels: levelsOf({ w, h, values: Uint16Array.from({ length: w * h }, (_, i) => of(i % w, Math.floor(i / w))) }) });

test("values come back as they were sent, however the answer is cut", async () => {
	const w = 37, h = 11, values = Uint16Array.from({ length: w * h }, (_, i) => (i * 7919) % 65536), packed = new Uint8Array(2 * w * h);
	for (let y = 0, above = 0; y < h; y++) {
		let before = above;
		for (let x = 0; x < w; x++) {
			const d = (values[y * w + x] - before) & 0xffff;
			packed[2 * w * y + x] = d >> 8;
			packed[2 * w * y + w + x] = d & 0xff;
			before = values[y * w + x];
		}
		above = values[y * w];
	}
	const head = new TextEncoder().encode(JSON.stringify(scaleOf(w, h))), start = new Uint8Array(8);
	start.set(new TextEncoder().encode("LWP1"));
	new DataView(start.buffer).setUint32(4, head.length, true);
	const all = Buffer.concat([start, head, deflateRawSync(packed)]);
	/** @param {Buffer} bytes @param {number} piece */
	const sent = (bytes, piece) => new ReadableStream({ start: (c) => {
		for (let i = 0; i < bytes.length; i += piece) c.enqueue(new Uint8Array(bytes.subarray(i, i + piece)));
		c.close();
	} });
	for (const piece of [1, 13, 100_000]) {
		let share = 0;
		const image = await readValues(sent(all, piece), (s) => (share = s));
		assert.deepEqual([...image.levels[0].values], [...values]);
		assert.equal(share, 1);
	}
	await assert.rejects(readValues(sent(all.subarray(0, all.length - 40), 64), () => undefined));
	await assert.rejects(readValues(sent(Buffer.from("GIF89a...."), 64), () => undefined));
});

test("each size is the means of the one before", () => {
	const [whole, half] = levelsOf({ w: 131, h: 3, values: Uint16Array.from({ length: 131 * 3 }, (_, i) => i) });
	assert.deepEqual([half.w, half.h], [66, 2]);
	assert.equal(half.values[0], Math.floor((whole.values[0] + whole.values[1] + whole.values[131] + whole.values[132] + 2) / 4));
	assert.equal(half.values[half.values.length - 1], whole.values[whole.values.length - 1]);
});

test("shades follow window, inversion and logarithm", () => {
	const plain = shadesOf({ low: 1000, high: 3000, invert: false, log: false });
	assert.deepEqual([plain[0], plain[1000], plain[2000], plain[3000], plain[65535]], [0, 0, 128, 255, 255]);
	assert.equal(shadesOf({ low: 1000, high: 3000, invert: true, log: false })[1000], 255);
	assert.ok(shadesOf({ low: 0, high: 60000, invert: false, log: true })[600] > 100);
});

test("a material is told by its ratio, with its doubt, and not where nothing can be told", () => {
	const air = 60000, mm = (/** @type {number} */ ratio, /** @type {number} */ loss) => [air * Math.exp(-loss), air * Math.exp(-loss * ratio)];
	/** @param {number} ratio @param {number} loss @param {number} noise */
	const at = (ratio, loss, noise) => {
		const [a, b] = mm(ratio, loss), wave = (/** @type {number} */ v) => (/** @type {number} */ x, /** @type {number} */ y) => Math.round(v * (1 + noise * ((x * 7 + y * 13) % 5 - 2)));
		return probe(imageOf(20, 20, wave(a)), imageOf(20, 20, wave(b)), air, air, 10, 10);
	};
	assert.equal(at(1.42, 1, 0)?.material, "organic");
	assert.equal(at(1.25, 1, 0)?.material, "metal");
	assert.equal(at(1.25, 1, 0)?.or, undefined);
	assert.ok(at(1.3, 0.3, 0.05)?.or, "noise leaves another material possible");
	assert.ok(at(1.28, 0.15, 0.2)?.unclear, "more noise leaves several");
	assert.equal(at(1.25, 0.02, 0)?.thickness, "thin");
	assert.equal(at(1.25, 7, 0)?.thickness, "thick");
	assert.equal(probe(imageOf(20, 20, () => 5), null, air, 1, 20, 3), null);
	assert.equal(probe(imageOf(20, 20, () => 5), null, air, 1, 19.9, 3)?.high, 5);
});

test("hues are grey in air and behind too much, and of the material between", () => {
	const air = 60000, loss = (/** @type {number} */ x) => (x < 30 ? 0 : x < 60 ? 1 : 9);
	const high = imageOf(90, 30, (x) => air * Math.exp(-loss(x))), low = imageOf(90, 30, (x) => air * Math.exp(-1.42 * loss(x)));
	const { hues } = huesOf(high, low, air, air);
	assert.equal(hues[15 * 90 + 10], 0);
	assert.equal(hues[15 * 90 + 45], 31 * 8 + 7);
	assert.equal(hues[15 * 90 + 80], 0);
	const colours = paletteOf(materials);
	assert.equal(colours[200], 0xffc8c8c8);
	assert.notEqual(colours[(31 * 8 + 7) << 8 | 100], colours[100]);
	assert.equal(paletteOf([])[255 << 8 | 7], 0xff070707);
});

test("a view stays in the image, and a place stays below the pointer while it grows", () => {
	const s = scaleOf(4000, 2000), whole = fit(s, 800, 600);
	assert.deepEqual(whole, { zoom: 0.2, x: 2000, y: 1000 });
	const before = toImage(whole, 800, 600, 100, 250), grown = zoomAt(whole, 5, 800, 600, 100, 250), after = toImage(grown, 800, 600, 100, 250);
	assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-9);
	assert.deepEqual(toScreen(grown, 800, 600, after), { x: 100, y: 250 });
	assert.deepEqual(within({ zoom: 0.01, x: -5, y: 9999 }, s, 800, 600), whole);
	assert.deepEqual(within({ zoom: 1, x: -5, y: 9999 }, s, 800, 600), { zoom: 1, x: 400, y: 1700 });
	assert.deepEqual(alike({ zoom: 0.5, x: 1000, y: 500 }, s, scaleOf(2000, 1000), 800, 600), { zoom: 1, x: 500, y: 250 });
});

test("what is in view is drawn, pixel for pixel at 1:1, and nothing outside the image", () => {
	const image = imageOf(40, 20, (x, y) => 256 * (x + y)), look = { shades: Uint8Array.from({ length: 65536 }, (_, v) => v >> 8), palette: paletteOf([]), hues: null };
	const out = new Uint32Array(60 * 30).fill(7);
	draw(out, 60, 30, { zoom: 1, x: 20, y: 10 }, image, look);
	assert.equal(out[0], 7);
	for (const [x, y] of [[0, 0], [5, 3], [39, 19]]) assert.equal(out[(y + 5) * 60 + x + 10] & 0xff, x + y);
	const large = new Uint32Array(40 * 40);
	draw(large, 40, 40, { zoom: 8, x: 10, y: 10 }, image, look);
	assert.equal(large[20 * 40 + 20] & 0xff, 20);
	assert.equal(large[20 * 40 + 27] & 0xff, 20, "a magnified pixel is a square");
	const part = { scale: scaleOf(40, 20, { region: [10, 5, 20, 10], width: 20, height: 10 }), levels: image.levels };
	draw(out.fill(7), 60, 30, { zoom: 1, x: 20, y: 10 }, part, look);
	assert.equal(out[9 * 60 + 30], 7, "outside the region nothing is drawn");
	assert.notEqual(out[10 * 60 + 20], 7);
});

test("what moves by whole pixels is drawn anew where it comes into view, and is the same as drawn at once", () => {
	const image = imageOf(400, 200, (x, y) => (37 * x * x + 91 * y) % 65536), shades = Uint8Array.from({ length: 65536 }, (_, v) => v >> 8), w = 60, h = 40;
	const hues = { level: 0, w: 400, h: 200, hues: Uint8Array.from({ length: 80_000 }, (_, i) => i % 256) }, palette = paletteOf(materials);
	for (const zoom of [0.3, 1, 2.5, 6]) {
		for (const look of [{ shades, palette, hues }, { shades, palette: paletteOf([]), hues: null }]) {
			for (const [dx, dy] of [[0, 0], [7, 0], [-7, 0], [0, 5], [0, -5], [9, -3], [-2, 8], [59, 39], [60, 0], [3, -40], [-400, 7]]) {
				const out = new Uint32Array(w * h), whole = new Uint32Array(w * h), at = { zoom, x: 60.25, y: 30.5 }, to = { zoom, x: at.x - dx / zoom, y: at.y - dy / zoom };
				for (const part of shift(out, w, h, w, h)) draw(out, w, h, at, image, look, part);
				for (const part of shift(out, w, h, dx, dy)) draw(out, w, h, to, image, look, part);
				for (const part of shift(whole, w, h, w, h)) draw(whole, w, h, to, image, look, part);
				assert.deepEqual(out, whole, `${zoom}, ${dx}, ${dy}`);
			}
		}
	}
});

test("a part of an image lies where the whole has it, whatever sizes of both are drawn", () => {
	const w = 1510, h = 966, of = (/** @type {number} */ x) => x * 43, look = { shades: Uint8Array.from({ length: 65536 }, (_, v) => Math.min(255, Math.max(0, (v - 31_000) >> 4))), palette: paletteOf([]), hues: null };
	const whole = imageOf(w, h, of), part = imageOf(501, 333, (x) => of(x + 301));
	part.scale = scaleOf(w, h, { region: [301, 207, 501, 333], width: 501, height: 333 });
	for (const zoom of [0.11, 0.3, 0.9]) {
		const out = Math.ceil(80 * zoom), at = { zoom, x: 750, y: 370 }; // 80 pixels to the right end of the part, but 10
		const one = new Uint32Array(out * out), two = new Uint32Array(out * out);
		draw(one, out, out, at, whole, look);
		draw(two, out, out, at, part, look);
		const most = Math.max(...one.map((v, i) => Math.abs((v & 255) - (two[i] & 255))));
		assert.ok(most <= 3, `${most} shades apart at ${zoom}; a pixel is 2.7`);
	}
});

test("lengths are in mm where the image says how far its pixels are apart", () => {
	assert.deepEqual(lengthOf(scaleOf(9, 9), { x: 0, y: 0 }, { x: 3, y: 4 }), { px: 5 });
	assert.deepEqual(lengthOf(scaleOf(9, 9, { spacing: [2, 1] }), { x: 0, y: 0 }, { x: 3, y: 8 }), { px: Math.hypot(3, 8), mm: 10 });
	assert.equal(roundLength(4, 160), 500);
	assert.equal(roundLength(1, 160), 100);
});

test("regions", () => {
	assert.deepEqual(regionOf([1, 2, 0, 5, 9, 0]), { x: [1, 5], y: [2, 9] });
	assert.equal(regionOf([1, 2, 0]), null);
	assert.equal(corners({ x: [1, 5], y: [2, 9] }).length, 4);
	assert.deepEqual(bounds({ x: [5, 1, 3], y: [2, 9, 4] }), { x: 1, y: 2, w: 4, h: 7 });
	assert.ok(spreadOf(imageOf(50, 50, (x) => 1000 + x)).high > spreadOf(imageOf(50, 50, () => 9)).low);
});
