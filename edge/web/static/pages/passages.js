// The vehicles, newest first.
import { html, measure, moment, ms, plural, speed, t, useEffect, useFetched, value, zone } from "/lib.js";
import { Problem, station, Table } from "/ui.js";
import { AlarmMark, called, outcome, passageAt, unsure } from "/pages/vehicle.js";

export function Passages() {
	const [list, problem, again] = useFetched("/v1/passages");
	useEffect(() => {
		const timer = setInterval(again, 3000);
		return () => clearInterval(timer);
	});
	return html`<h1>${t("nav.passages")}</h1><${Problem} text=${problem} />
		${list && html`<${Table} caption=${t("passages-caption")} empty=${t("no-passages")}
			head=${[t("vehicle"), t("result"), t("opened-in", { zone: zone() }), t("lane"), t("weight"), t("speed"), t("length"), t("stations")]}
			rows=${list.passages.map((/** @type {any} */ p) => [
				html`<a href=${passageAt(p.id)}>${called(p)}</a>`,
				html`<${Result} p=${p} />`, moment(ms(p.openedNs)), p.lane, p.weightKg ? measure(p.weightKg, "kg") : "", p.speedKph ? speed(p.speedKph) : "", p.lengthM ? measure(p.lengthM, "m", 1) : "", stationsText(p),
			])} />`}`;
}

/** How a passage is; of an alarm, which devices gave it; how many readings may be of another vehicle. @param {{p: any}} p */
function Result({ p }) {
	const doubts = [...(p.readings ?? []), ...(p.possible ?? [])].filter(unsure).length;
	return html`<span>${p.alarm || p.alarmPossible ? html`<${AlarmMark} p=${p} />` : outcome(p)}${doubts > 0 && html` <small class="doubt">${plural("n-uncertain", doubts)}</small>`}</span>`;
}

const wrong = ["PASSAGE_GAP_MISSED", "PASSAGE_GAP_BLIND"];

/** @param {any} p */
function stationsText(p) {
	const all = p.stations ?? [];
	const gaps = all.filter((/** @type {any} */ s) => wrong.includes(s.gap));
	const seen = `${all.filter((/** @type {any} */ s) => s.seen).length}/${all.length}`;
	return gaps.length ? `${seen}: ${gaps.map((/** @type {any} */ g) => `${station(g.station)} ${value("gap", g.gap)}`).join(", ")}` : seen;
}
