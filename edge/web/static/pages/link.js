// The way to the centre: what waits, what it costs, when it will be done.
import { bytes, duration, follow, html, measure, number, since, t, useEffect, useState, word, zone } from "/lib.js";
import { Chart, inWords } from "/chart.js";
import { Agent, Facts } from "/ui.js";
import { queued } from "/pages/lane.js";

export function LinkPage() {
	const [s, setStatus] = useState(/** @type {any} */ (null));
	const [history, setHistory] = useState(/** @type {number[][]} */ ([]));
	useEffect(() => {
		/** @type {number[][]} */
		let ring = [];
		return follow("", { status: (one) => {
			const waiting = Object.values(one.journal.waiting).reduce((a, b) => a + b, 0);
			ring = ring.concat([[new Date(one.now).getTime() / 1000, waiting, one.link.bytes_per_s]]).slice(-600);
			setHistory(ring);
			setStatus(one);
		} });
	}, []);
	if (!s) return html`<h1>${t("nav.link")}</h1><p>${t("loading")}</p>`;
	const now = new Date(s.now).getTime();
	const { link, journal } = s;
	const state = !link.configured ? "none" : link.ready ? "up" : "down";
	return html`<h1>${t("nav.link")}</h1>
		<p class="verdict ${state === "down" ? "bad" : "good"}">${word("link", state)} ${link.since ? t("for", { time: since(link.since, now) }) : ""}</p>
		<p class="reason"><${Agent} text=${link.problem} fr=${link.message?.fr} /></p>
		<${Facts} rows=${[
			[t("broker"), link.broker], [t("waiting-rows"), queued(journal)],
			[t("waiting-bytes"), bytes(journal.waiting_artifact_bytes)], [t("done-in"), link.ready && link.bytes_per_s > 0 && journal.waiting_artifact_bytes ? duration(journal.waiting_artifact_bytes / link.bytes_per_s) : t("at-once")],
			[t("rate"), `${bytes(link.bytes_per_s)}/s`], [t("round-trip"), measure(link.rtt_ms, "ms")], [t("in-flight"), bytes(link.in_flight)], [t("sent"), bytes(link.sent_bytes)],
			[t("acknowledged"), number(link.acked_rows)], [t("verified-rows"), number(link.verified)], [t("reconnects"), number(link.reconnects)],
			[t("artifact-under-way"), link.artifact && `${bytes(link.artifact.held)} / ${bytes(link.artifact.size)}`],
		]} />
		${history.length > 1 && html`<${Chart} label=${t("waiting-rows")} data=${[history.map((h) => h[0]), history.map((h) => h[1])]} lines=${[{ label: t("waiting-rows"), look: "s5" }]} y=${t("records")} x=${t("time-in", { zone: zone() })} words=${inWords(history.map((h) => h[1]), t("records"))} height=${180} />`}`;
}
