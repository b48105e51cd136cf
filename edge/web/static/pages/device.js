// One device: its state, live samples, counters, settings in force, faults, quality control.
import { ago, clock, follow, html, inLanguage, momentZone, ms, number, since, t, word, zone } from "/lib.js";
import { useEffect, useFetched, useState } from "/lib.js";
import { AgentText, Facts, Mark, ObservedAt, Problem, Sentence, Table, title } from "/ui.js";
import { Live } from "/pages/live.js";
import { Maintenance } from "/pages/maintenance.js";
import { DeviceTests } from "/pages/tests.js";

/**
 * @import { DeviceDetail, FirmwareconfigSetting, Found, LaneStatus, Line, RawLine, Sample } from "../../types/agent"
 * @import { TraceTrend } from "../../types/observation"
 * @import { Content, Fetched } from "/lib.js"
 */

/** How many live samples are kept: three minutes of five a second. */
const keptSamples = 900;

/** How many lines of raw data are kept. */
const keptLines = 24;

/** Kinds in the table of faults and states. */
const faultKinds = ["device.state", "device.fault", "device.condition", "device.maintenance"];

/**
 * The state of a device with the agent's time, ms.
 * @typedef {LaneStatus & {now: number}} DeviceStatus
 */

/**
 * Follows a device. fresh changes when the journal has a new row of it.
 * @param {string} id
 */
function useLive(id) {
	const [status, setStatus] = useState(/** @type {DeviceStatus | null} */ (null));
	const [samples, setSamples] = useState(/** @type {Sample[]} */ ([]));
	const [raw, setRaw] = useState(/** @type {RawLine[]} */ ([]));
	const [fresh, setFresh] = useState(0);
	const [broken, setBroken] = useState(false);
	useEffect(() => {
		/** @type {Sample[]} */
		let ring = [];
		/** @type {RawLine[]} */
		let lines = [];
		return follow(id, {
			status: (s) => {
				const own = s.devices.find((d) => d.id === id);
				setStatus(own ? { ...own, now: new Date(s.now).getTime() } : null);
				setBroken(false);
			},
			broken: () => setBroken(true),
			rows: (rows) => rows.some((r) => r.device === id) && setFresh(Math.random()),
			raw: (more) => {
				lines = lines.concat(more).slice(-keptLines);
				setRaw(lines);
			},
			live: (more) => {
				ring = ring.concat(more).slice(-keptSamples);
				setSamples(ring);
			},
		});
	}, [id]);
	return { status, samples, raw, fresh, broken };
}

/** @param {{of: string}} p of: the device's id */
export function Device({ of }) {
	const own = `device=${encodeURIComponent(of)}`;
	/** @type {Fetched<DeviceDetail>} */
	const [detail, problem] = useFetched(`/v1/devices/${encodeURIComponent(of)}`);
	/** @type {Fetched<Found>} */
	const [found, , again] = useFetched(`/v1/observations?limit=50&${own}`);
	/** @type {Fetched<Found>} */
	const [faults] = useFetched(`/v1/observations?limit=10&kind=device&${own}`);
	/** @type {Fetched<Found>} */
	const [quality] = useFetched(`/v1/observations?limit=10&kind=trace.quality&${own}`);
	/** @type {Fetched<Found>} */
	const [backgrounds] = useFetched(`/v1/observations?limit=1&kind=radiation.background&${own}`);
	const { status, samples, raw, fresh, broken } = useLive(of);
	useEffect(() => again(), [fresh]);
	if (!detail) return html`<h1>${of}</h1><${Problem} text=${problem} />`;
	const latest = found?.observations ?? [];
	const background = latest.find((o) => o.kind === "radiation.background") ?? backgrounds?.observations[0];
	const channels = [...new Set(samples.map((x) => x.channel))];
	return html`<${State} s=${status ?? { ...detail.status, now: Date.now() }} broken=${broken} />
		${channels.map((channel) => html`<${Live} key=${channel} channel=${channel} background=${background}
			samples=${samples.filter((x) => x.channel === channel)} settings=${detail.settings} />`)}
		${raw.length > 0 && html`<${Raw} lines=${raw} />`}
		<${DeviceTests} device=${of} />
		<${Maintenance} device=${of} now=${(status ?? detail.status).maintenance} />
		<${Latest} all=${latest.slice(0, 15)} />
		${quality?.observations[0] && html`<${Quality} o=${quality.observations[0]} />`}
		<${Faults} all=${(faults?.observations ?? []).filter((o) => faultKinds.includes(o.kind))} />
		<p>${t("what-to-do")} <code>lanectl doctor</code> · <code>lanectl capture ${of} --since 10m</code></p>
		<${Table} caption=${t("settings", { file: detail.config })} rows=${detail.settings.map(settingRow)}
			head=${[t("setting"), t("value"), t("source"), t("meaning")]} />`;
}

/**
 * Title, state with its reason, and counters of a device. broken: the agent does not answer, and no state is known.
 * @param {{s: DeviceStatus, broken: boolean}} p
 */
function State({ s, broken }) {
	const facts = [
		[t("last"), ago(s.last_seen, s.now)],
		[t("observations"), number(s.observations)],
		[t("alarms"), number(s.alarms)],
		[t("faults"), number(s.faults)],
		[t("duplicates"), number(s.duplicates)],
		[t("connections"), number(s.connects)],
	];
	return html`<h1>${title(s)} <small>${s.id} · ${s.driver}</small></h1>
		${broken ? html`<${Problem} text=${t("agent-away")} />`
			: html`<p class="big"><${Mark} state=${s.state} /> ${t("for", { time: since(s.since, s.now) })}</p>`}
		<p class="reason"><${AgentText} text=${s.reason} fr=${s.message?.fr} /></p>
		${s.no_tape && html`<p class="reason">${t("no-tape")}${" "}
			<${AgentText} text=${s.no_tape} fr=${s.no_tape_message?.fr} /></p>`}
		<${Facts} rows=${facts} />`;
}

/** Data that passed between device and agent, the newest first. @param {{lines: RawLine[]}} p */
function Raw({ lines }) {
	return html`<h2>${t("raw")}</h2><pre class="raw" tabindex="0" aria-label=${t("raw")}>${lines.toReversed()
		.map((l) => `${clock(l.at)} ${l.to ? "→" : "←"} ${l.text}\n`)}</pre>`;
}

/** The newest observations. @param {{all: Line[]}} p */
function Latest({ all }) {
	const head = [t("time-in", { zone: zone() }), t("kind"), t("class"), t("says")];
	return html`<${Table} caption=${t("latest")} head=${head}
		rows=${all.map((o) => [
			html`<${ObservedAt} o=${o} />`, word("kind", o.kind), word("class", o.class), html`<${Sentence} o=${o} />`,
		])} />`;
}

/** @param {{all: Line[]}} p */
function Faults({ all }) {
	return html`<${Table} caption=${t("faults-and-states")} head=${[t("time-in", { zone: zone() }), t("kind"), t("says")]}
		rows=${all.map((o) => [html`<${ObservedAt} o=${o} />`, word("kind", o.kind), html`<${Sentence} o=${o} />`])} />`;
}

/** @param {FirmwareconfigSetting} x @returns {Content[]} */
const settingRow = (x) => [
	x.name,
	`${x.value} ${inLanguage(x.unit)}`.trim(),
	x.default ? t("default") : t("lane-file"),
	html`<${AgentText} text=${x.help.en} fr=${x.help.fr} />`,
];

/** The state of an ion scanner's quality control with its reasons and trends. @param {{o: Line}} p */
function Quality({ o }) {
	const { state = "", reasons = [], messages, verifiedNs, samples, alarms, trends = [] } =
		o.observation.body?.traceQuality ?? {};
	const facts = [
		[t("verified"), Number(verifiedNs ?? 0) ? momentZone(ms(verifiedNs)) : t("never")],
		[t("samples"), number(samples)],
		[t("alarms"), number(alarms)],
	];
	return html`<section class="card"><h2>${t("qc")} <${Mark} state=${state} group="qc" /></h2>
		<ul>${reasons.map((r, i) => html`<li><${AgentText} text=${r} fr=${messages?.[i]?.fr} /></li>`)}</ul>
		<${Facts} rows=${facts} />
		<${Table} caption=${t("trends")} head=${[t("measure"), t("reference"), t("value"), t("limit")]}
			rows=${trends.map(trendRow)} />
	</section>`;
}

/** @param {TraceTrend} x */
const trendRow = (x) => [
	trendName(x.measure ?? ""),
	number(x.reference, 4),
	html`${number(x.value, 4)}${x.outside && html` <${Mark} state="out" group="qc" />`}`,
	number(x.limit, 4),
];

/** Translates the measure of a trend: its name, with a polarity behind it. @param {string} measure */
function trendName(measure) {
	const [name, ...polarity] = measure.split(" ");
	return [word("trend", name), ...polarity.map((w) => word("polarity", w))].join(" ");
}
