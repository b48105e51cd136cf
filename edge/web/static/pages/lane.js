// Every device as a tile, and the state of the agent itself.
import { ago, bytes, duration, follow, html, number, plural, since, t, word } from "/lib.js";
import { useEffect, useFetched, useState } from "/lib.js";
import { AgentText, Mark, Problem, title } from "/ui.js";
import { BoothsOfLanes } from "/pages/booth.js";
import { maintainedUntil } from "/pages/maintenance.js";
import { AlarmMark, inLane, passageAt, vehicleName } from "/pages/vehicle.js";

/**
 * @import { Journal, LaneStatus, PassageList, Status } from "../../types/agent"
 * @import { Content, Fetched } from "/lib.js"
 */

/** States of devices, those that need attention first. */
const order = ["down", "silent", "connecting", "maintenance", "running", "stopped"];

export function LanePage() {
	const [status, setStatus] = useState(/** @type {Status | null} */ (null));
	const [broken, setBroken] = useState(false);
	useEffect(() => follow("", {
		status: (s) => {
			setStatus(s);
			setBroken(false);
		},
		broken: () => setBroken(true),
	}), []);
	const lost = broken && html`<${Problem} text=${t("agent-away")} />`;
	if (!status) return html`<h1>${t("nav.lane")}</h1>${lost || html`<p>${t("loading")}</p>`}`;
	const now = new Date(status.now).getTime();
	const devices = status.devices.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
	const bad = devices.filter((d) => ["down", "silent"].includes(d.state)).length;
	const all = devices.length;
	const verdict = bad ? plural("devices-wrong", bad, { all: number(all) }) : plural("devices-well", all);
	return html`
		<h1>${t("nav.lane")} <small>${status.site} / ${status.agent}</small></h1>
		${lost}
		${!broken && html`<p class="verdict ${bad ? "bad" : "good"}" role="status">${verdict}</p>`}
		<${BoothsOfLanes} now=${now} />
		<${AlarmsInLane} />
		<ul class="tiles">${devices.map((d) => html`<li key=${d.id}><${Tile} d=${d} now=${now} /></li>`)}</ul>
		<h2>${t("agent")}</h2>
		<ul class="tiles small">${agentTiles(status, now).map(AgentTile)}</ul>`;
}

/** Vehicles in the lane that have an alarm, or may have one: each is held. */
function AlarmsInLane() {
	/** @type {Fetched<PassageList>} */
	const [list, , again] = useFetched("/v1/passages?state=open");
	useEffect(() => {
		const timer = setInterval(again, 3000);
		return () => clearInterval(timer);
	});
	const held = (list?.passages ?? []).filter((p) => inLane(p) && (p.alarm || p.alarmPossible));
	if (!held.length) return null;
	return html`<ul class="held" aria-label=${t("alarms-in-lane")}>${held.map((p) => html`<li key=${p.id}>
		<a class="verdict bad" href=${passageAt(p.id ?? "")}><${AlarmMark} p=${p} />${" "}
			<span>${vehicleName(p)} · ${p.lane}</span></a>
	</li>`)}</ul>`;
}

/** A device. @param {{d: LaneStatus, now: number}} p now in ms */
function Tile({ d, now }) {
	/** @type {[string, number][]} */
	const totals = [["n-readings", d.observations], ["n-alarms", d.alarms], ["n-faults", d.faults]];
	if (d.tape_lost) totals.push(["tape-lost", d.tape_lost]);
	return html`<a class="tile ${d.state}" href="#/device/${encodeURIComponent(d.id)}">
		<h2>${title(d)}</h2>
		<p class="big"><${Mark} state=${d.state} /> <span class="for">${t("for", { time: since(d.since, now) })}</span></p>
		<p class="reason"><${AgentText} text=${d.reason} fr=${d.message?.fr} /></p>
		${d.maintenance && html`<p>${maintainedUntil(d.maintenance)}</p>`}
		<p>${t("last-seen", { time: ago(d.last_seen, now) })}${d.last_kind ? ` (${word("kind", d.last_kind)})` : ""}</p>
		<p>${counts(totals)}</p>
		${d.no_tape && html`<p>${t("no-tape")} <${AgentText} text=${d.no_tape} fr=${d.no_tape_message?.fr} /></p>`}
		<p class="dim">${d.id} · ${d.driver}</p>
	</a>`;
}

/** Returns numbers of things in words. @param {[string, number][]} all keys of the catalogue with numbers */
export const counts = (all) => all.map(([key, n]) => plural(key, n)).join(", ");

/** Returns how much of the journal waits for the hub, by class. @param {Journal} journal */
export const queued = ({ waiting, waiting_artifacts: documents }) => counts([
	["n-alarms", waiting.alarm ?? 0],
	["n-events", waiting.event ?? 0],
	["n-telemetry", waiting.telemetry ?? 0],
	["n-documents", documents],
]);

/**
 * A part of the agent: name, state as a device's (for the colour), a value in large, what stands below it.
 * @typedef {[string, "running" | "silent" | "down", string, Content]} AgentPart
 */

/** @param {AgentPart} p */
const AgentTile = ([name, state, text, more]) => html`<li key=${name}>
	<div class="tile ${state}"><h3>${name}</h3><p class="big">${text}</p><p>${more}</p></div></li>`;

/** How many waiting rows are shown as trouble. */
const longQueue = 1000;

/** The share of free disk below which it is shown as trouble. */
const littleDisk = 0.05;

/** @param {Status} s @param {number} now ms @returns {AgentPart[]} */
function agentTiles(s, now) {
	const { journal, clock } = s;
	const waiting = Object.values(journal.waiting).reduce((a, b) => a + b, 0);
	const up = duration((now - new Date(s.started).getTime()) / 1000);
	return [
		linkTile(s, now),
		[t("queue"), waiting > longQueue ? "silent" : "running", number(waiting), queued(journal)],
		clock.synchronised
			? [t("clock"), "running", t("synchronised"), t("clock-error", { ms: number(clock.error_ms) })]
			: [t("clock"), "silent", t("not-synchronised"), t("clock-unknown")],
		diskTile(s),
		[t("journal"), journal.failures ? "down" : "running", number(journal.size),
			journal.failures ? plural("journal-failures", journal.failures) : plural("journal-signed", journal.signed)],
		[t("software"), "running", s.software, t("up-for", { time: up })],
	];
}

/** @param {Status} s @returns {AgentPart} */
function diskTile({ journal, disk }) {
	const used = t("disk-used", { used: bytes(disk.used), budget: bytes(disk.budget) });
	if (disk.message) {
		return [t("disk"), disk.refused === "telemetry" ? "silent" : "down", used,
			html`<${AgentText} text=${disk.message.en} fr=${disk.message.fr} />`];
	}
	const share = journal.disk_total ? journal.disk_free / journal.disk_total : 1;
	return [t("disk"), share < littleDisk ? "down" : "running", bytes(journal.disk_free),
		t("disk-of", { total: bytes(journal.disk_total) }) + " · " + used];
}

/** @param {Status} s @param {number} now ms @returns {AgentPart} */
function linkTile({ link }, now) {
	if (link.configured && link.ready) {
		const rate = bytes(link.bytes_per_s);
		return [t("link"), "running", word("link", "up"), t("link-since", { time: since(link.since, now), rate })];
	}
	const why = html`<${AgentText} text=${link.problem} fr=${link.message?.fr} />`;
	return [t("link"), link.configured ? "down" : "running", word("link", link.configured ? "down" : "none"), why];
}
