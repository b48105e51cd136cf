// A radiation portal's record of one vehicle: gamma and neutron counts over time, with the limit of the alarm.
import { html, measure, number, t, word } from "/lib.js";
import { Chart, detector } from "/chart.js";
import { Facts, Sentence } from "/ui.js";

/**
 * @import { Line } from "../../types/agent"
 * @import { RadiationOccupancy, Series } from "../../types/observation"
 * @import { Data, Line as ChartLine, Values } from "/chart.js"
 * @import { ReadingProps } from "/pages/reading.js"
 */

/**
 * Converts detectors' counts to counts per second; null where a detector sent none (-1).
 * @param {Series[] | undefined} series
 * @param {number} seconds that a value counts over
 * @returns {Values[]}
 */
function rates(series, seconds) {
	return (series ?? []).map(({ counts = [] }) => counts.map((c) => (c < 0 ? null : c / seconds)));
}

/** Adds the detectors' rates at each time; a missing one counts as 0. @param {Values[]} rows @param {number} length */
const sumRates = (rows, length) =>
	Array.from({ length }, (_, i) => rows.reduce((all, row) => all + (row[i] ?? 0), 0));

/**
 * Returns the mean of the last n values at each place; null where there are fewer.
 * @param {number[]} values
 * @param {number} n
 * @returns {Values}
 */
function runningMean(values, n) {
	return values.map((_, i) => (i + 1 < n ? null : values.slice(i + 1 - n, i + 1).reduce((a, b) => a + b, 0) / n));
}

/** Returns the place of the largest value, 0 for none. @param {Values} row */
function largest(row) {
	let best = 0;
	row.forEach((v, i) => {
		if ((v ?? -1) > (row[best] ?? -1)) best = i;
	});
	return best;
}

/** A portal's strip chart, in counts per second. @param {ReadingProps<RadiationOccupancy>} p */
export function Occupancy({ b, o }) {
	const verdict = b.gammaAlarm ? t("gamma-alarm") : b.neutronAlarm ? t("neutron-alarm") : t("no-alarm");
	const facts = [
		[t("sigma"), `${measure(b.sigmaMax, "σ", 1)} (${t("limit")} ${measure(b.sigmaLimit, "σ", 1)})`],
		[t("portal-says"), verdict],
		[t("disagree"), b.alarmDisagreement && t("yes")],
	];
	return html`<section class="card"><h2>${word("kind", "radiation.occupancy")} <small>${o.device}</small></h2>
		<p><${Sentence} o=${o} /></p>
		<${Facts} rows=${facts} />
		<${Gamma} b=${b} o=${o} />
		<${Neutrons} b=${b} o=${o} />
	</section>`;
}

/**
 * The gamma rates of each detector and the running mean of their sum over the alarm's window, which is what the limit
 * applies to: background + n sigma, sigma being the root of the counts in the window over its length.
 * @param {{b: RadiationOccupancy, o: Line}} p
 */
function Gamma({ b, o }) {
	const step = (b.gammaIntervalMs ?? 200) / 1000; // s
	const over = (b.gammaWindowMs ?? b.gammaIntervalMs ?? 200) / 1000; // s that a value counts over
	const windows = b.windowIntervals ?? 1;
	const gamma = rates(b.gamma, over);
	const n = Math.max(0, ...gamma.map((s) => s.length));
	if (!n) return null;
	const x = Array.from({ length: n }, (_, i) => i * step);
	const mean = runningMean(sumRates(gamma, n), windows);
	const level = (b.gammaBackground ?? []).filter((v) => v >= 0).reduce((a, v) => a + v, 0);
	const limit = level && b.sigmaLimit ? level + b.sigmaLimit * Math.sqrt(level / (windows * over)) : 0;
	/** @type {ChartLine[]} */
	const lines = gamma.map((_, i) => ({ label: t("panel", { n: i + 1 }), look: detector(i) }));
	lines.push({ label: t("sum-mean", { s: number(windows * over, 1) }), look: "s5" });
	/** @type {Data} */
	const data = [x, ...gamma.map((s) => x.map((_, i) => s[i] ?? null)), mean];
	if (level) {
		lines.push({ label: t("background"), look: "background", end: true });
		data.push(x.map(() => level));
	}
	if (limit) {
		lines.push({ label: t("threshold"), look: "limit", end: true });
		data.push(x.map(() => limit));
	}
	const top = largest(mean);
	const peak = mean[top];
	const words = t("gamma-words", {
		seconds: number(n * step, 1), top: number(peak ?? 0), at: number(top * step, 1),
		level: level ? number(level) : t("unknown"), limit: limit ? number(limit) : t("unknown"),
	});
	return html`<${Chart} label=${`${t("gamma-chart")}, ${o.device}`} time=${false} data=${data} lines=${lines}
		words=${words} x=${t("seconds-since-start")} y=${t("counts-per-s")}
		worst=${peak ? { x: top * step, y: peak, text: `${number(peak)}\u00a0/s` } : undefined} />`;
}

/** Neutrons come one by one: steps, not slopes. @param {{b: RadiationOccupancy, o: Line}} p */
function Neutrons({ b, o }) {
	const step = (b.neutronIntervalMs ?? 1000) / 1000; // s
	const rows = rates(b.neutron, step);
	const n = Math.max(0, ...rows.map((s) => s.length));
	if (!n) return null;
	const x = Array.from({ length: n + 1 }, (_, i) => i * step); // the last step has a width too
	const sums = sumRates(rows, n);
	const total = sums.reduce((a, v) => a + v * step, 0);
	const lines = rows.map((_, i) => ({ label: t("panel", { n: i + 1 }), look: detector(i), steps: true }));
	return html`<${Chart} label=${`${t("neutron-chart")}, ${o.device}`} time=${false} height=${200} lines=${lines}
		data=${[x, ...rows.map((s) => x.map((_, i) => s[i] ?? s[i - 1] ?? null))]}
		x=${t("seconds-since-start")} y=${t("counts-per-s")}
		words=${t("neutron-words", { total: number(total), most: number(Math.max(...sums)) })} />`;
}
