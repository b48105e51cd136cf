// One device: what it says now, its counters, settings in force, faults, quality control.
import { ago, bodyOf, clock, follow, html, momentZone, ms, number, since, t, useEffect, useFetched, useState, word, zone } from "/lib.js";
import { Chart, detector, inWords } from "/chart.js";
import { Agent, Facts, Mark, Problem, Says, Table, title, When } from "/ui.js";
import { DeviceTests } from "/pages/tests.js";

/** @param {{of: string}} p */
export function Device({ of }) {
	const [detail, problem] = useFetched(`/v1/devices/${encodeURIComponent(of)}`);
	const [found, , again] = useFetched(`/v1/observations?limit=50&device=${encodeURIComponent(of)}`);
	const [faults] = useFetched(`/v1/observations?limit=10&kind=device&device=${encodeURIComponent(of)}`);
	const [quality] = useFetched(`/v1/observations?limit=10&kind=trace.quality&device=${encodeURIComponent(of)}`);
	const [backgrounds] = useFetched(`/v1/observations?limit=1&kind=radiation.background&device=${encodeURIComponent(of)}`);
	const [status, setStatus] = useState(/** @type {any} */ (null));
	const [samples, setSamples] = useState(/** @type {any[]} */ ([]));
	const [fresh, setFresh] = useState(0);
	const [raw, setRaw] = useState(/** @type {any[]} */ ([]));
	useEffect(() => {
		/** @type {any[]} */
		let ring = [];
		/** @type {any[]} */
		let lines = [];
		return follow(of, {
			status: (s) => setStatus({ ...s.devices.find((/** @type {any} */ d) => d.id === of), now: new Date(s.now).getTime() }),
			rows: (rows) => rows.some((/** @type {any} */ r) => r.device === of) && setFresh(Math.random()),
			raw: (more) => { lines = lines.concat(more).slice(-24); setRaw(lines); },
			live: (more) => { ring = ring.concat(more).slice(-900); setSamples(ring); },
		});
	}, [of]);
	useEffect(() => again(), [fresh]);
	if (!detail) return html`<h1>${of}</h1><${Problem} text=${problem} />`;
	const s = status?.id ? status : { ...detail.status, now: Date.now() };
	const time = t("time-in", { zone: zone() });
	const newest = (found?.observations ?? []).find((/** @type {any} */ o) => o.kind === "radiation.background") ?? backgrounds?.observations[0];
	return html`<h1>${title(s)} <small>${s.id} · ${s.driver}</small></h1>
		<p class="big"><${Mark} state=${s.state} /> ${t("for", { time: since(s.since, s.now) })}</p>
		<p class="reason"><${Agent} text=${s.reason} fr=${s.message?.fr} /></p>
		${s.no_tape && html`<p class="reason">${t("no-tape")} <${Agent} text=${s.no_tape} /></p>`}
		<${Facts} rows=${[[t("last"), ago(s.last_seen, s.now)], [t("observations"), number(s.observations)], [t("alarms"), number(s.alarms)], [t("faults"), number(s.faults)], [t("duplicates"), number(s.duplicates)], [t("connections"), number(s.connects)]]} />
		${[...new Set(samples.map((x) => x.channel))].map((channel) => html`<${Live} key=${channel} channel=${channel} samples=${samples.filter((x) => x.channel === channel)} background=${newest} settings=${detail.settings} />`)}
		${raw.length > 0 && html`<h2>${t("raw")}</h2><pre class="raw" tabindex="0" aria-label=${t("raw")}>${raw.toReversed().map((l) => `${clock(l.at)} ${l.to ? "→" : "←"} ${l.text}\n`)}</pre>`}
		<${DeviceTests} device=${of} />
		<${Table} caption=${t("latest")} head=${[time, t("kind"), t("class"), t("says")]}
			rows=${(found?.observations ?? []).slice(0, 15).map((/** @type {any} */ o) => [html`<${When} o=${o} />`, word("kind", o.kind), word("class", o.class), html`<${Says} o=${o} />`])} />
		${(quality?.observations ?? []).length > 0 && html`<${Quality} all=${quality.observations} />`}
		<${Table} caption=${t("faults-and-states")} head=${[time, t("kind"), t("says")]}
			rows=${(faults?.observations ?? []).filter((/** @type {any} */ o) => ["device.state", "device.fault", "device.condition"].includes(o.kind)).map((/** @type {any} */ o) => [html`<${When} o=${o} />`, word("kind", o.kind), html`<${Says} o=${o} />`])} />
		<p>${t("what-to-do")} <code>lanectl doctor</code> · <code>lanectl capture ${of} --since 10m</code></p>
		<${Table} caption=${t("settings", { file: detail.config })} head=${[t("setting"), t("value"), t("source"), t("meaning")]}
			rows=${detail.settings.map((/** @type {any} */ x) => [x.name, `${x.value} ${x.unit ?? ""}`, x.default ? t("default") : t("lane-file"), html`<${Agent} text=${x.help.en} fr=${x.help.fr} />`])} />`;
}

/** A sum over detectors; -1 stands for no value. @param {number[] | undefined} values */
const sum = (values) => (values ?? []).filter((v) => v >= 0).reduce((a, b) => a + Number(b), 0);

/** How long a portal counts while a vehicle is there, in seconds; the setting "intervals" is how many of those the alarm sums. */
const portalInterval = 0.2;

/** The mean of what came in some seconds up to each sample. A limit is for the counts of the alarm's window, and a sample of a vehicle for 0.2 s: one alone goes over the limit by chance. @param {number[]} at @param {(number | null)[]} values @param {number} seconds @returns {(number | null)[]} */
export function meanOver(at, values, seconds) {
	let first = 0;
	return values.map((_, i) => {
		while (at[i] - at[first] >= seconds - 0.001) first++; // times come rounded to ms
		const all = values.slice(first, i + 1).filter((v) => v !== null);
		return all.length ? all.reduce((a, b) => Number(a) + Number(b), 0) / all.length : null;
	});
}

/** Live samples of a channel as a strip chart. @param {{channel: string, samples: any[], background: any, settings: any[]}} p */
function Live({ channel, samples, background, settings }) {
	const n = samples[0].values.length;
	const name = word("channel", channel);
	const counts = samples[0].unit === "1/s";
	const y = counts ? t("counts-per-s") : t("unit-of.weight");
	const steps = channel === "neutron";
	/** @type {number[]} */
	const times = samples.map((s) => new Date(s.at).getTime() / 1000);
	const limited = counts && channel === "gamma";
	const window = portalInterval * Number(settings.find((x) => x.name === "intervals")?.value ?? 1 / portalInterval);
	/** @type {(number | null)[][]} */
	const data = [times, ...Array.from({ length: n }, (_, i) => samples.map((s) => s.values[i]))];
	const lines = Array.from({ length: n }, (_, i) => ({ label: n === 1 ? name : t("panel", { n: i + 1 }), look: n === 1 ? "s5" : detector(i), steps }));
	if (n > 1) {
		const sums = samples.map((s) => sum(s.values.map((/** @type {number | null} */ v) => v ?? -1)));
		data.push(limited ? meanOver(times, sums, window) : sums);
		lines.push({ label: limited ? t("sum-mean", { s: number(window, 1) }) : t("sum"), look: "s5", steps });
	} else if (limited) {
		data[1] = meanOver(times, data[1], window);
	}
	const level = background && counts ? sum(bodyOf(background.observation)[1][channel]) : 0;
	if (level && channel === "gamma") {
		const sigma = Number(settings.find((x) => x.name === "n_sigma")?.value ?? 0);
		data.push(samples.map(() => level));
		lines.push(/** @type {any} */ ({ label: t("background"), look: "background", end: true }));
		if (sigma) {
			data.push(samples.map(() => level + sigma * Math.sqrt(level / window))); // of the counts in the window, as the portals' rules have it
			lines.push(/** @type {any} */ ({ label: t("threshold"), look: "limit", end: true }));
		}
	}
	return html`<${Chart} label=${t("live", { channel: name })} data=${data} lines=${lines} x=${t("time-in", { zone: zone() })} y=${y} words=${inWords(data[n > 1 ? n + 1 : 1], y)} />`;
}

/** @param {{all: any[]}} p */
function Quality({ all }) {
	const [, q] = bodyOf(all[0].observation);
	return html`<section class="card"><h2>${t("qc")} <${Mark} state=${q.state} group="qc" /></h2>
		<ul>${(q.reasons ?? []).map((/** @type {string} */ r, /** @type {number} */ i) => html`<li><${Agent} text=${r} fr=${q.messages?.[i]?.fr} /></li>`)}</ul>
		<${Facts} rows=${[[t("verified"), Number(q.verifiedNs) ? momentZone(ms(q.verifiedNs)) : t("never")], [t("samples"), number(q.samples ?? 0)], [t("alarms"), number(q.alarms ?? 0)]]} />
		<${Table} caption=${t("trends")} head=${[t("measure"), t("reference"), t("value"), t("limit")]} rows=${(q.trends ?? []).map((/** @type {any} */ x) => [trend(x.measure), number(x.reference, 4), html`${number(x.value, 4)}${x.outside ? html` <${Mark} state="out" group="qc" />` : ""}`, number(x.limit, 4)])} />
	</section>`;
}

/** A measure of an ion scanner, with its polarity behind it. @param {string} measure */
function trend(measure) {
	const [name, ...rest] = (measure ?? "").split(" ");
	return [word("trend", name), ...rest.map((w) => word("polarity", w))].join(" ");
}
