// Every device as a tile, and how the agent itself is.
import { ago, bytes, duration, follow, html, number, since, t, useEffect, useState, word } from "/lib.js";
import { Agent, Mark, Problem } from "/ui.js";

const order = ["down", "silent", "connecting", "running", "stopped"];

export function LanePage() {
	const [status, setStatus] = useState(/** @type {any} */ (null));
	const [broken, setBroken] = useState(false);
	useEffect(() => follow("", { status: (s) => { setStatus(s); setBroken(false); }, broken: () => setBroken(true) }), []);
	if (!status) return html`<h1>${t("nav.lane")}</h1>${broken ? html`<${Problem} text=${t("agent-away")} />` : html`<p>${t("loading")}</p>`}`;
	const now = new Date(status.now).getTime();
	const devices = [...status.devices].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
	const wrong = devices.filter((d) => ["down", "silent"].includes(d.state)).length;
	return html`
		<h1>${t("nav.lane")} <small>${status.site} / ${status.agent}</small></h1>
		${broken && html`<${Problem} text=${t("agent-away")} />`}
		<p class="verdict ${wrong ? "bad" : "good"}" role="status">${wrong ? t("devices-wrong", { n: wrong, all: devices.length }) : t("devices-well", { all: devices.length })}</p>
		<ul class="tiles">${devices.map((d) => html`<li key=${d.id}><${Tile} d=${d} now=${now} /></li>`)}</ul>
		<h2>${t("agent")}</h2>
		<ul class="tiles small">${agentTiles(status, now).map(([name, state, text, more]) => html`<li key=${name}><div class="tile ${state}"><h3>${name}</h3><p class="big">${text}</p><p>${more}</p></div></li>`)}</ul>`;
}

/** @param {{d: any, now: number}} p */
function Tile({ d, now }) {
	return html`<a class="tile ${d.state}" href="#/device/${encodeURIComponent(d.id)}">
		<h2>${d.title || d.id}</h2>
		<p class="big"><${Mark} state=${d.state} /> <span class="for">${t("for", { time: since(d.since, now) })}</span></p>
		<p class="reason"><${Agent} text=${d.reason} /></p>
		<p>${t("last-seen", { time: ago(d.last_seen, now) })}${d.last_kind ? ` (${word("kind", d.last_kind)})` : ""}</p>
		<p>${t("counts", { n: number(d.observations), alarms: number(d.alarms), faults: number(d.faults) })}${d.tape_lost ? ` ${t("tape-lost", { n: d.tape_lost })}` : ""}</p>
		<p class="dim">${d.id} · ${d.driver}</p>
	</a>`;
}

/** @param {any} s @param {number} now @returns {[string, string, string, any][]} */
function agentTiles(s, now) {
	const w = s.journal.waiting;
	const waiting = Object.values(w).reduce((a, b) => a + b, 0);
	const link = !s.link.configured ? "none" : s.link.ready ? "up" : "down";
	const share = s.journal.disk_total ? s.journal.disk_free / s.journal.disk_total : 1;
	return [
		[t("link"), link === "down" ? "down" : "running", word("link", link), s.link.ready ? t("link-since", { time: since(s.link.since, now), rate: bytes(s.link.bytes_per_s) }) : html`<${Agent} text=${s.link.problem} />`],
		[t("queue"), waiting > 1000 ? "silent" : "running", number(waiting), t("queue-of", { alarms: number(w.alarm), events: number(w.event), telemetry: number(w.telemetry), artifacts: number(s.journal.waiting_artifacts) })],
		[t("clock"), s.clock.synchronised ? "running" : "silent", s.clock.synchronised ? t("synchronised") : t("not-synchronised"), s.clock.synchronised ? t("clock-error", { ms: number(s.clock.error_ms) }) : t("clock-unknown")],
		[t("disk"), share < 0.05 ? "down" : "running", bytes(s.journal.disk_free), t("disk-of", { total: bytes(s.journal.disk_total) })],
		[t("journal"), s.journal.failures ? "down" : "running", number(s.journal.size), s.journal.failures ? t("journal-failures", { n: s.journal.failures }) : t("journal-signed", { n: number(s.journal.signed) })],
		[t("software"), "running", s.software, t("up-for", { time: duration((now - new Date(s.started).getTime()) / 1000) })],
	];
}
