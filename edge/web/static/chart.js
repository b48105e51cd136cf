// Strip charts and spectra: axes with units, lines told apart by colour and dash, the same in words.
import { clock, html, number, t, useEffect } from "/lib.js";
import { useRef } from "preact/hooks";
import uPlot from "uplot";

/**
 * How a line looks. No two share colour and dash: s1 to s4 are detectors, s5 their sum.
 * @type {Record<string, {colour: string, width: number, dash: number[]}>}
 */
const looks = {
	s1: { colour: "--s1", width: 1.5, dash: [] }, s2: { colour: "--s2", width: 1.5, dash: [7, 3] }, s3: { colour: "--s3", width: 1.5, dash: [2, 3] }, s4: { colour: "--s4", width: 1.5, dash: [8, 3, 2, 3] },
	s5: { colour: "--s5", width: 2.4, dash: [] }, background: { colour: "--dim", width: 1.5, dash: [1, 4] }, limit: { colour: "--bad", width: 1.8, dash: [14, 6] },
};

/** A line: its name, its look, whether it is drawn as steps, whether its value is written at its end. @typedef {{label: string, look: string, steps?: boolean, end?: boolean}} Line */

/** The look of the nth detector: from the fifth on they share looks, which the legend tells. @param {number} n */
export const detector = (n) => `s${(n % 4) + 1}`;

/** A theme's colour. @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A line chart. data: x first, then a row for each line. words: what it shows, for those who do not see it. worst: a point that is marked.
 * @param {{label: string, data: (number|null)[][], lines: Line[], time?: boolean, height?: number, x?: string, y?: string, words?: string, worst?: {x: number, y: number, text: string}}} p
 */
export function Chart({ label, data, lines, time = true, height = 230, x = "", y = "", words = "", worst }) {
	const at = useRef(/** @type {HTMLElement | null} */ (null));
	const plot = useRef(/** @type {any} */ (null));
	const notes = useRef(/** @type {any} */ (null));
	notes.current = worst;
	useEffect(() => {
		const place = /** @type {HTMLElement} */ (at.current);
		const axis = { stroke: colour("--ink"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 }, labelSize: 20 };
		const chart = new uPlot(
			{
				width: place.clientWidth, height, legend: { live: false }, cursor: { show: true, drag: { x: true, y: false } }, padding: [12, lines.some((l) => l.end) ? 130 : 16, 0, 0],
				scales: { x: { time }, y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
				axes: [{ ...axis, label: x || undefined, ...(time ? { values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map((s) => clock(1000 * s)), space: 80 } : { values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map((v) => number(v, 2)) }) },
					{ ...axis, label: y || undefined, size: 66, values: (/** @type {any} */ _, /** @type {number[]} */ all) => all.map((v) => number(v, 2)) }],
				series: [{}, ...lines.map((l) => ({ label: l.label, stroke: colour(looks[l.look].colour), width: looks[l.look].width, dash: looks[l.look].dash, points: { show: false }, ...(l.steps ? { paths: /** @type {any} */ (uPlot).paths.stepped({ align: 1 }) } : {}) }))],
				hooks: { draw: [(/** @type {any} */ u) => write(u, lines, notes.current)] },
			},
			/** @type {any} */ (data), place,
		);
		plot.current = chart;
		const size = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height }));
		size.observe(place);
		return () => {
			size.disconnect();
			chart.destroy();
			plot.current = null;
		};
	}, [lines.map((l) => l.label + l.look).join(), time, height, x, y, document.documentElement.dataset.theme]);
	useEffect(() => {
		plot.current?.setData(data);
	}, [data]);
	return html`<figure class="chart"><figcaption>${label}</figcaption><p class="hidden">${words}</p>
		<div class="scroll" tabindex="0" role="region" aria-label=${label}><div class="plot" ref=${at} role="img" aria-label=${words ? t("chart-alt", { label, words }) : label}></div></div></figure>`;
}

/** Writes names and values at the ends of lines, and marks the worst point. @param {any} u @param {Line[]} lines @param {any} worst */
function write(u, lines, worst) {
	const { ctx } = u;
	const dpr = devicePixelRatio;
	ctx.save();
	ctx.font = `${12 * dpr}px system-ui, "DejaVu Sans", sans-serif`;
	ctx.textBaseline = "middle";
	ctx.textAlign = "left";
	const ends = lines.map((l, i) => ({ l, y: last(u.data[i + 1]) })).filter((e) => e.l.end && e.y !== null).map((e) => ({ ...e, at: u.valToPos(e.y, "y", true) })).sort((a, b) => a.at - b.at);
	let free = -Infinity;
	for (const e of ends) {
		free = Math.max(e.at, free + 14 * dpr); // labels do not cover each other
		ctx.fillStyle = colour(looks[e.l.look].colour);
		ctx.fillText(`${e.l.label} ${number(/** @type {number} */ (e.y), 1)}`, u.bbox.left + u.bbox.width + 6 * dpr, free);
	}
	if (worst) {
		const [px, py] = [u.valToPos(worst.x, "x", true), u.valToPos(worst.y, "y", true)];
		ctx.strokeStyle = ctx.fillStyle = colour("--ink");
		ctx.lineWidth = 1.5 * dpr;
		ctx.beginPath();
		ctx.arc(px, py, 4 * dpr, 0, 7);
		ctx.stroke();
		const right = px < u.bbox.left + u.bbox.width / 2;
		ctx.textAlign = right ? "left" : "right";
		ctx.fillText(worst.text, px + (right ? 4 : -4) * dpr, py - 12 * dpr); // above the line
	}
	ctx.restore();
}

/** The last value that is there. @param {(number|null)[]} row @returns {number | null} */
function last(row) {
	for (let i = row.length - 1; i >= 0; i--) if (row[i] !== null && !Number.isNaN(row[i])) return row[i];
	return null;
}

/** Least, largest and last value of a row, in words. @param {(number|null)[]} row @param {string} unit */
export function inWords(row, unit) {
	const there = /** @type {number[]} */ (row.filter((v) => v !== null && !Number.isNaN(v)));
	if (!there.length) return t("no-values");
	return t("row-words", { low: number(Math.min(...there), 1), high: number(Math.max(...there), 1), last: number(/** @type {number} */ (last(row)), 1), unit });
}
