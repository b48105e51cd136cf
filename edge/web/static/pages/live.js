// Live samples of a channel as a strip chart.
import { html, number, t, word, zone } from "/lib.js";
import { Chart, detector, inWords } from "/chart.js";

/**
 * @import { FirmwareconfigSetting, Line, Sample } from "../../types/agent"
 * @import { Data, Line as ChartLine, Values } from "/chart.js"
 */

/** Adds the counts of all detectors; -1 stands for no value. @param {number[] | undefined} counts */
const sum = (counts) => (counts ?? []).filter((v) => v >= 0).reduce((a, b) => a + b, 0);

/**
 * The length of a portal's gamma interval while a vehicle is there, s. The setting "intervals" says how many of them
 * the alarm sums.
 */
const portalInterval = 0.2;

/**
 * Returns the mean of the values of some seconds up to each sample. A limit is for the counts of the alarm's window,
 * and a sample of a vehicle for 0.2 s: one alone goes over the limit by chance.
 * @param {number[]} at s
 * @param {Values} values
 * @param {number} seconds
 * @returns {Values}
 */
export function meanOver(at, values, seconds) {
	let first = 0;
	return values.map((_, i) => {
		while (at[i] - at[first] >= seconds - 0.001) first++; // times come rounded to ms
		const window = values.slice(first, i + 1).flatMap((v) => (v === null ? [] : [v]));
		return window.length ? window.reduce((a, b) => a + b, 0) / window.length : null;
	});
}

/**
 * Returns the number of a setting.
 * @param {FirmwareconfigSetting[]} settings
 * @param {string} name
 * @param {number} otherwise
 */
const setting = (settings, name, otherwise) => Number(settings.find((x) => x.name === name)?.value ?? otherwise);

/**
 * Returns the counts per second of a channel in a background report; 0 for none.
 * @param {Line | undefined} o
 * @param {string} channel
 */
function backgroundLevel(o, channel) {
	const report = o?.observation.body?.radiationBackground;
	return channel === "gamma" ? sum(report?.gamma) : 0;
}

/**
 * The samples of a channel. For a portal's gamma counts the mean over the alarm's window stands with background and
 * limit.
 * @param {{channel: string, samples: Sample[], background?: Line, settings: FirmwareconfigSetting[]}} p
 */
export function Live({ channel, samples, background, settings }) {
	const n = samples[0].values.length;
	const name = word("channel", channel);
	const isRate = samples[0].unit === "1/s";
	const y = isRate ? t("counts-per-s") : t("unit-of.weight");
	const steps = channel === "neutron";
	const times = samples.map((s) => new Date(s.at).getTime() / 1000);
	const limited = isRate && channel === "gamma";
	const window = portalInterval * setting(settings, "intervals", 1 / portalInterval);
	/** @type {Data} */
	const data = [times];
	/** @type {ChartLine[]} */
	const lines = [];
	for (let i = 0; i < n; i++) {
		data.push(samples.map((s) => s.values[i]));
		lines.push({ label: n === 1 ? name : t("panel", { n: i + 1 }), look: n === 1 ? "s5" : detector(i), steps });
	}
	if (n > 1) {
		const sums = samples.map((s) => sum(s.values.map((v) => v ?? -1)));
		data.push(limited ? meanOver(times, sums, window) : sums);
		lines.push({ label: limited ? t("sum-mean", { s: number(window, 1) }) : t("sum"), look: "s5", steps });
	} else if (limited) {
		data[1] = meanOver(times, data[1], window);
	}
	const level = isRate ? backgroundLevel(background, channel) : 0;
	if (level) {
		const sigma = setting(settings, "n_sigma", 0);
		data.push(samples.map(() => level));
		lines.push({ label: t("background"), look: "background", end: true });
		if (sigma) {
			// sigma is the root of the background's counts in the window, over the window's length
			data.push(samples.map(() => level + sigma * Math.sqrt(level / window)));
			lines.push({ label: t("threshold"), look: "limit", end: true });
		}
	}
	return html`<${Chart} label=${t("live", { channel: name })} data=${data} lines=${lines}
		x=${t("time-in", { zone: zone() })} y=${y} words=${inWords(data[n > 1 ? n + 1 : 1], y)} />`;
}
