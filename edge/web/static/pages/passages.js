// The vehicles, newest first.
import { enumWord, html, measure, moment, ms, plural, speed, t, useEffect, useFetched, zone } from "/lib.js";
import { Problem, station, Table } from "/ui.js";
import { AlarmMark, isUncertain, outcome, passageAt, vehicleName } from "/pages/vehicle.js";

/**
 * @import { PassageList } from "../../types/agent"
 * @import { PassageClosed } from "../../types/observation"
 * @import { Fetched } from "/lib.js"
 */

export function Passages() {
	/** @type {Fetched<PassageList>} */
	const [list, problem, again] = useFetched("/v1/passages");
	useEffect(() => {
		const timer = setInterval(again, 3000);
		return () => clearInterval(timer);
	});
	const head = [
		t("vehicle"), t("result"), t("opened-in", { zone: zone() }), t("lane"),
		t("weight"), t("speed"), t("length"), t("stations"),
	];
	return html`<h1>${t("nav.passages")}</h1><${Problem} text=${problem} />
		${list && html`<${Table} caption=${t("passages-caption")} empty=${t("no-passages")} head=${head}
			rows=${list.passages.map(passageRow)} />`}`;
}

/** @param {PassageClosed} p */
const passageRow = (p) => [
	html`<a href=${passageAt(p.id ?? "")}>${vehicleName(p)}</a>`,
	html`<${Result} p=${p} />`,
	moment(ms(p.openedNs)),
	p.lane,
	p.weightKg ? measure(p.weightKg, "kg") : "",
	p.speedKph ? speed(p.speedKph) : "",
	p.lengthM ? measure(p.lengthM, "m", 1) : "",
	stationsText(p),
];

/**
 * A passage's alarm, else its state; and the number of readings that may be another vehicle's.
 * @param {{p: PassageClosed}} p
 */
function Result({ p }) {
	const uncertain = [...(p.readings ?? []), ...(p.possible ?? [])].filter(isUncertain).length;
	return html`<span>${p.alarm || p.alarmPossible ? html`<${AlarmMark} p=${p} />` : outcome(p)}${uncertain > 0
		&& html` <small class="doubt">${plural("n-uncertain", uncertain)}</small>`}</span>`;
}

/** Gaps that are a fault of the lane: a device saw nothing that it should have seen, or was down. */
const faults = ["PASSAGE_GAP_MISSED", "PASSAGE_GAP_BLIND"];

/** Returns how many stations saw the vehicle, and those with a fault by name. @param {PassageClosed} p */
function stationsText(p) {
	const all = p.stations ?? [];
	const missed = all.filter((s) => faults.includes(s.gap ?? ""));
	const count = `${all.filter((s) => s.seen).length}/${all.length}`;
	if (!missed.length) return count;
	return `${count}: ${missed.map((s) => `${station(s.station ?? "")} ${enumWord("gap", s.gap)}`).join(", ")}`;
}
