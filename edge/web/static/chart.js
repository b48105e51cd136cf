// Strip charts and spectra: axes with units, lines told apart by colour and dash, the same in words.
import { clock, html, number, t, useEffect } from "/lib.js";
import { useRef } from "preact/hooks";
import uPlot from "uplot";

/**
 * Colour (a variable of the theme), width and dashes of a line, px. No two share colour and dash, so that a line is
 * told without colour too: s1 to s4 are detectors, s5 their sum.
 * @type {Record<string, {colour: string, width: number, dash: number[]}>}
 */
const looks = {
	s1: { colour: "--s1", width: 1.5, dash: [] },
	s2: { colour: "--s2", width: 1.5, dash: [7, 3] },
	s3: { colour: "--s3", width: 1.5, dash: [2, 3] },
	s4: { colour: "--s4", width: 1.5, dash: [8, 3, 2, 3] },
	s5: { colour: "--s5", width: 2.4, dash: [] },
	background: { colour: "--dim", width: 1.5, dash: [1, 4] },
	limit: { colour: "--bad", width: 1.8, dash: [14, 6] },
};

/**
 * A line of a chart.
 * @typedef {object} Line
 * @property {string} label
 * @property {string} look key of looks
 * @property {boolean} [steps] drawn as steps
 * @property {boolean} [end] its name and value are written at its end
 */

/** Values of a line; null where there is none. @typedef {(number | null)[]} Values */

/** The values of x, then those of each line. @typedef {[number[], ...Values[]]} Data */

/** A point that is marked: in the axes' units. @typedef {{x: number, y: number, text: string}} Point */

/** Returns the look of the nth detector, from 0: from the fifth on they share looks. @param {number} n */
export const detector = (n) => `s${(n % 4) + 1}`;

/** Returns a colour of the theme in force. @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * What a chart shows.
 * @typedef {object} ChartProps
 * @property {string} label
 * @property {Data} data
 * @property {Line[]} lines one for each row of data but the first
 * @property {boolean} [time] x is a time, seconds since 1970
 * @property {number} [height] px
 * @property {string} [x] name and unit of the axis
 * @property {string} [y] name and unit of the axis
 * @property {string} [words] the same for those who do not see it
 * @property {Point} [worst]
 */

/**
 * Returns the options of uPlot for a chart.
 * @param {Required<Pick<ChartProps, "lines" | "time" | "height" | "x" | "y">>} p
 * @param {number} width px
 * @param {(u: uPlot) => void} draw called after the lines are drawn
 * @returns {uPlot.Options}
 */
function options({ lines, time, height, x, y }, width, draw) {
	const rule = { stroke: colour("--rule"), width: 1 };
	const axis = { stroke: colour("--ink"), grid: rule, ticks: rule, labelSize: 20 };
	const roomForEnds = lines.some((l) => l.end) ? 130 : 16; // px
	return {
		width,
		height,
		legend: { live: false },
		cursor: { show: true, drag: { x: true, y: false } },
		padding: [12, roomForEnds, 0, 0],
		scales: { x: { time }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
		axes: [
			{
				...axis,
				label: x || undefined,
				space: time ? 80 : 50, // px between ticks: a time of day is wider than a number
				values: (_, all) => all.map((v) => (time ? clock(1000 * v) : number(v, 2))),
			},
			{ ...axis, label: y || undefined, size: 66, values: (_, all) => all.map((v) => number(v, 2)) },
		],
		series: [{}, ...lines.map(series)],
		hooks: { draw: [draw] },
	};
}

/** Returns the options of uPlot for a line. @param {Line} line @returns {uPlot.Series} */
function series({ label, look, steps }) {
	const { colour: name, width, dash } = looks[look];
	const paths = steps ? { paths: uPlot.paths.stepped?.({ align: 1 }) } : {};
	return { label, stroke: colour(name), width, dash, points: { show: false }, ...paths };
}

/** A line chart. @param {ChartProps} p */
export function Chart({ label, data, lines, time = true, height = 230, x = "", y = "", words = "", worst }) {
	const at = useRef(/** @type {HTMLElement | null} */ (null));
	const plot = useRef(/** @type {uPlot | null} */ (null));
	const mark = useRef(/** @type {Point | undefined} */ (undefined));
	mark.current = worst;
	useEffect(() => {
		const place = /** @type {HTMLElement} */ (at.current);
		const draw = (/** @type {uPlot} */ u) => write(u, lines, mark.current);
		const chart = new uPlot(options({ lines, time, height, x, y }, place.clientWidth, draw), data, place);
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
	const alt = words ? t("chart-alt", { label, words }) : label;
	return html`<figure class="chart"><figcaption>${label}</figcaption><p class="hidden">${words}</p>
		<div class="scroll" tabindex="0" role="group" aria-label=${label}>
			<div class="plot" ref=${at} role="img" aria-label=${alt}></div>
		</div></figure>`;
}

/**
 * Writes names and values at the ends of lines, and marks a point.
 * @param {uPlot} u
 * @param {Line[]} lines
 * @param {Point} [worst]
 */
function write(u, lines, worst) {
	const { ctx } = u;
	ctx.save();
	ctx.font = `${12 * devicePixelRatio}px system-ui, "DejaVu Sans", sans-serif`;
	ctx.textBaseline = "middle";
	writeEnds(u, lines);
	if (worst) markPoint(u, worst);
	ctx.restore();
}

/** Writes names and last values beside the ends of lines, none over another. @param {uPlot} u @param {Line[]} lines */
function writeEnds(u, lines) {
	const { ctx } = u;
	const dpr = devicePixelRatio;
	ctx.textAlign = "left";
	const ends = lines.flatMap((line, i) => {
		const y = line.end ? last(u.data[i + 1]) : null;
		return y === null ? [] : [{ line, y, at: u.valToPos(y, "y", true) }];
	}).sort((a, b) => a.at - b.at);
	let free = -Infinity;
	for (const { line, y, at } of ends) {
		free = Math.max(at, free + 14 * dpr); // a label's height below the last one
		ctx.fillStyle = colour(looks[line.look].colour);
		ctx.fillText(`${line.label} ${number(y, 1)}`, u.bbox.left + u.bbox.width + 6 * dpr, free);
	}
}

/** Marks a point with a circle and writes its text above the line. @param {uPlot} u @param {Point} point */
function markPoint(u, point) {
	const { ctx } = u;
	const dpr = devicePixelRatio;
	const [px, py] = [u.valToPos(point.x, "x", true), u.valToPos(point.y, "y", true)];
	ctx.strokeStyle = ctx.fillStyle = colour("--ink");
	ctx.lineWidth = 1.5 * dpr;
	ctx.beginPath();
	ctx.arc(px, py, 4 * dpr, 0, 2 * Math.PI);
	ctx.stroke();
	const right = px < u.bbox.left + u.bbox.width / 2; // towards the wider half
	ctx.textAlign = right ? "left" : "right";
	ctx.fillText(point.text, px + (right ? 4 : -4) * dpr, py - 12 * dpr);
}

/** Returns the last value that is there. @param {ArrayLike<number | null | undefined>} row @returns {number | null} */
function last(row) {
	for (let i = row.length - 1; i >= 0; i--) {
		const value = row[i];
		if (value !== null && value !== undefined && !Number.isNaN(value)) return value;
	}
	return null;
}

/** Returns least, largest and last value of a row in words. @param {Values} row @param {string} unit */
export function inWords(row, unit) {
	const there = row.flatMap((v) => (v === null || Number.isNaN(v) ? [] : [v]));
	if (!there.length) return t("no-values");
	const [low, high] = [Math.min(...there), Math.max(...there)];
	return t("row-words", { low: number(low, 1), high: number(high, 1), last: number(last(row) ?? 0, 1), unit });
}
