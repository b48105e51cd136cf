// Every device as a tile, and how the agent itself is.
import { ago, bytes, duration, follow, html, number, plural, since, t, useEffect, useFetched, useState, word } from "/lib.js";
import { Agent, Mark, Problem, title } from "/ui.js";
import { AlarmMark, called, inLane, passageAt } from "/pages/vehicle.js";

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
		<p class="verdict ${wrong ? "bad" : "good"}" role="status">${wrong ? plural("devices-wrong", wrong, { all: number(devices.length) }) : plural("devices-well", devices.length)}</p>
		<${AlarmsInLane} />
		<ul class="tiles">${devices.map((d) => html`<li key=${d.id}><${Tile} d=${d} now=${now} /></li>`)}</ul>
		<h2>${t("agent")}</h2>
		<ul class="tiles small">${agentTiles(status, now).map(([name, state, text, more]) => html`<li key=${name}><div class="tile ${state}"><h3>${name}</h3><p class="big">${text}</p><p>${more}</p></div></li>`)}</ul>`;
}

/** Vehicles in the lane that have an alarm, or may have one: each is held. */
function AlarmsInLane() {
	const [list, , again] = useFetched("/v1/passages?state=open");
	useEffect(() => {
		const timer = setInterval(again, 3000);
		return () => clearInterval(timer);
	});
	const held = (list?.passages ?? []).filter((/** @type {any} */ p) => inLane(p) && (p.alarm || p.alarmPossible));
	return held.length ? html`<ul class="held" aria-label=${t("alarms-in-lane")}>${held.map((/** @type {any} */ p) => html`<li key=${p.id}><a class="verdict bad" href=${passageAt(p.id)}><${AlarmMark} p=${p} /> <span>${called(p)} · ${p.lane}</span></a></li>`)}</ul>` : null;
}

/** @param {{d: any, now: number}} p */
function Tile({ d, now }) {
	return html`<a class="tile ${d.state}" href="#/device/${encodeURIComponent(d.id)}">
		<h2>${title(d)}</h2>
		<p class="big"><${Mark} state=${d.state} /> <span class="for">${t("for", { time: since(d.since, now) })}</span></p>
		<p class="reason"><${Agent} text=${d.reason} fr=${d.message?.fr} /></p>
		<p>${t("last-seen", { time: ago(d.last_seen, now) })}${d.last_kind ? ` (${word("kind", d.last_kind)})` : ""}</p>
		<p>${counts([["n-readings", d.observations], ["n-alarms", d.alarms], ["n-faults", d.faults], ...(d.tape_lost ? [["tape-lost", d.tape_lost]] : [])])}</p>
		${d.no_tape && html`<p>${t("no-tape")} <${Agent} text=${d.no_tape} /></p>`}
		<p class="dim">${d.id} · ${d.driver}</p>
	</a>`;
}

/** Numbers of things, in words. @param {any[][]} all */
export const counts = (all) => all.map(([key, n]) => plural(key, n)).join(", ");

/** What of the journal waits for the centre. @param {any} journal */
export const queued = (journal) => counts([["n-alarms", journal.waiting.alarm ?? 0], ["n-events", journal.waiting.event ?? 0], ["n-telemetry", journal.waiting.telemetry ?? 0], ["n-documents", journal.waiting_artifacts]]);

/** @param {any} s @param {number} now @returns {[string, string, string, any][]} */
function agentTiles(s, now) {
	const w = s.journal.waiting;
	const waiting = Object.values(w).reduce((a, b) => a + b, 0);
	const link = !s.link.configured ? "none" : s.link.ready ? "up" : "down";
	const share = s.journal.disk_total ? s.journal.disk_free / s.journal.disk_total : 1;
	return [
		[t("link"), link === "down" ? "down" : "running", word("link", link), s.link.ready ? t("link-since", { time: since(s.link.since, now), rate: bytes(s.link.bytes_per_s) }) : html`<${Agent} text=${s.link.problem} fr=${s.link.message?.fr} />`],
		[t("queue"), waiting > 1000 ? "silent" : "running", number(waiting), queued(s.journal)],
		[t("clock"), s.clock.synchronised ? "running" : "silent", s.clock.synchronised ? t("synchronised") : t("not-synchronised"), s.clock.synchronised ? t("clock-error", { ms: number(s.clock.error_ms) }) : t("clock-unknown")],
		[t("disk"), share < 0.05 ? "down" : "running", bytes(s.journal.disk_free), t("disk-of", { total: bytes(s.journal.disk_total) })],
		[t("journal"), s.journal.failures ? "down" : "running", number(s.journal.size), s.journal.failures ? plural("journal-failures", s.journal.failures) : plural("journal-signed", s.journal.signed)],
		[t("software"), "running", s.software, t("up-for", { time: duration((now - new Date(s.started).getTime()) / 1000) })],
	];
}
