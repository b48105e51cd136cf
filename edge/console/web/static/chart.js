// Strip charts and spectra.
import { html, moment, useEffect } from "/lib.js";
import { useRef } from "preact/hooks";
import uPlot from "uplot";

const colours = ["--line1", "--line2", "--line3", "--line4", "--line5", "--line6"];

/** The colour of a theme. @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A line chart. data: x first, then a row a series.
 * @param {{label: string, data: (number|null)[][], series: string[], time?: boolean, height?: number, x?: string, y?: string}} p
 */
export function Chart({ label, data, series, time = true, height = 220, x = "", y = "" }) {
	const at = useRef(/** @type {HTMLElement | null} */ (null));
	const plot = useRef(/** @type {any} */ (null));
	useEffect(() => {
		const place = /** @type {HTMLElement} */ (at.current);
		const axis = { stroke: colour("--ink"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 } };
		const chart = new uPlot(
			{
				width: place.clientWidth, height, legend: { live: false }, cursor: { show: true, drag: { x: true, y: false } },
				scales: { x: { time } }, axes: [{ ...axis, label: x || undefined, labelSize: 18, ...(time ? { values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((s) => moment(1000 * s)), space: 90 } : {}) }, { ...axis, label: y || undefined, labelSize: 18, size: 60 }],
				series: [{}, ...series.map((name, i) => ({ label: name, stroke: colour(colours[i % colours.length]), width: 1.5, dash: i >= colours.length ? [4, 3] : undefined, points: { show: false } }))],
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
	}, [series.join(), time, height, document.documentElement.dataset.theme]);
	useEffect(() => {
		plot.current?.setData(data);
	}, [data]);
	return html`<figure class="chart"><figcaption>${label}</figcaption><div ref=${at} role="img" aria-label=${label}></div></figure>`;
}
