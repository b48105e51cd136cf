// One device: what it says now, its counters, settings in force, faults, quality control.
import { ago, bodyOf, follow, html, moment, ms, number, since, t, useEffect, useFetched, useState, word } from "/lib.js";
import { Chart } from "/chart.js";
import { Agent, Facts, Mark, Problem, Table } from "/ui.js";
import { DeviceTests } from "/pages/tests.js";

/** @param {{of: string}} p */
export function Device({ of }) {
	const [detail, problem] = useFetched(`/v1/devices/${encodeURIComponent(of)}`);
	const [found, , again] = useFetched(`/v1/observations?limit=50&device=${encodeURIComponent(of)}`);
	const [faults] = useFetched(`/v1/observations?limit=10&kind=device&device=${encodeURIComponent(of)}`);
	const [quality] = useFetched(`/v1/observations?limit=10&kind=trace.quality&device=${encodeURIComponent(of)}`);
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
	return html`<h1>${s.title || s.id} <small>${s.id} · ${s.driver}</small></h1>
		<p class="big"><${Mark} state=${s.state} /> ${t("for", { time: since(s.since, s.now) })}</p>
		<p class="reason"><${Agent} text=${s.reason} /></p>
		<${Facts} rows=${[[t("last"), ago(s.last_seen, s.now)], [t("observations"), number(s.observations)], [t("alarms"), number(s.alarms)], [t("faults"), number(s.faults)], [t("duplicates"), number(s.duplicates)], [t("connections"), number(s.connects)]]} />
		${[...new Set(samples.map((x) => x.channel))].map((channel) => html`<${Live} key=${channel} channel=${channel} samples=${samples.filter((x) => x.channel === channel)} />`)}
		${raw.length > 0 && html`<h2>${t("raw")}</h2><pre class="raw" tabindex="0" aria-label=${t("raw")}>${raw.toReversed().map((l) => `${moment(l.at)} ${l.to ? "→" : "←"} ${l.text}\n`)}</pre>`}
		<${DeviceTests} device=${of} />
		<${Table} caption=${t("latest")} head=${[t("time"), t("kind"), t("class"), t("says")]}
			rows=${(found?.observations ?? []).slice(0, 15).map((/** @type {any} */ o) => [moment(o.time), word("kind", o.kind), word("class", o.class), html`<${Agent} text=${gist(o)} />`])} />
		${(quality?.observations ?? []).length > 0 && html`<${Quality} all=${quality.observations} />`}
		<${Table} caption=${t("faults-and-states")} head=${[t("time"), t("kind"), t("says")]}
			rows=${(faults?.observations ?? []).map((/** @type {any} */ o) => [moment(o.time, true), word("kind", o.kind), html`<${Agent} text=${gist(o)} />`])} />
		<p>${t("what-to-do")} <code>lanectl doctor</code> · <code>lanectl capture ${of} --since 10m</code></p>
		<${Table} caption=${t("settings", { file: detail.config })} head=${[t("setting"), t("value"), t("source"), t("meaning")]}
			rows=${detail.settings.map((/** @type {any} */ x) => [x.name, `${x.value} ${x.unit ?? ""}`, x.default ? t("default") : t("lane-file"), html`<${Agent} text=${x.help} />`])} />`;
}

/** Live samples of a channel as a strip chart. @param {{channel: string, samples: any[]}} p */
function Live({ channel, samples }) {
	const n = samples[0].values.length;
	const data = [samples.map((s) => new Date(s.at).getTime() / 1000), ...Array.from({ length: n }, (_, i) => samples.map((s) => s.values[i]))];
	return html`<${Chart} label=${t("live", { channel: word("channel", channel) })} data=${data} series=${n === 1 ? [word("channel", channel)] : Array.from({ length: n }, (_, i) => t("panel", { n: i + 1 }))} />`;
}

/** @param {{all: any[]}} p */
function Quality({ all }) {
	const [, q] = bodyOf(all[0].observation);
	return html`<section class="card"><h2>${t("qc")} <${Mark} state=${q.state} group="qc" /></h2>
		<ul>${(q.reasons ?? []).map((/** @type {string} */ r) => html`<li><${Agent} text=${r} /></li>`)}</ul>
		<${Facts} rows=${[[t("verified"), Number(q.verifiedNs) ? moment(ms(q.verifiedNs), true) : t("never")], [t("samples"), number(q.samples ?? 0)], [t("alarms"), number(q.alarms ?? 0)]]} />
		<${Table} caption=${t("trends")} head=${[t("measure"), t("reference"), t("value"), t("limit")]} rows=${(q.trends ?? []).map((/** @type {any} */ x) => [x.measure, number(x.reference, 4), html`${number(x.value, 4)}${x.outside ? " ✕" : ""}`, number(x.limit, 4)])} />
	</section>`;
}

/** An observation in one line. @param {any} o */
export function gist(o) {
	const [, body] = bodyOf(o.observation);
	if (body.reason ?? body.text) return body.reason ?? body.text;
	const text = Object.entries(body).filter(([k, v]) => typeof v !== "object" && !/(Ns|Instance|sopClass|Uid|Syntax)$/.test(k)).map(([k, v]) => `${k} ${typeof v === "number" ? number(v, 3) : v}`).concat(Object.entries(body).filter(([, v]) => Array.isArray(v) && v.length > 0 && typeof v[0] !== "object").map(([k, v]) => `${k} ${v.join(" ")}`)).join(", ");
	return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
