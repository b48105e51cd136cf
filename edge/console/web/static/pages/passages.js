// The vehicles, newest first.
import { html, measure, moment, ms, speed, t, useEffect, useFetched, word, zone } from "/lib.js";
import { Problem, station, Table } from "/ui.js";

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
				html`<a href="#/passage/${encodeURIComponent(p.id)}">${p.plate || (p.containers ?? [])[0] || p.id}</a>`,
				html`<${Result} p=${p} />`, moment(ms(p.openedNs)), p.lane, p.weightKg ? measure(p.weightKg, "kg") : "", p.speedKph ? speed(p.speedKph) : "", p.lengthM ? measure(p.lengthM, "m", 1) : "", stationsText(p),
			])} />`}`;
}

/** How a passage ended; of an alarm, which devices gave it. @param {{p: any}} p */
function Result({ p }) {
	if (!p.alarm) return html`${ms(p.closedNs) > 0 ? word("end", p.end) : t("open")}`;
	const by = [...new Set((p.readings ?? []).filter((/** @type {any} */ r) => r.class === 1).map((/** @type {any} */ r) => r.device))];
	return html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${by.length ? t("alarm-by", { devices: by.join(", ") }) : t("alarm")}</strong>`;
}

/** @param {any} p */
function stationsText(p) {
	const all = p.stations ?? [];
	const gaps = all.filter((/** @type {any} */ s) => ["missed", "blind"].includes(s.gap));
	const seen = all.filter((/** @type {any} */ s) => s.seen).length;
	return gaps.length ? `${seen}/${all.length}: ${gaps.map((/** @type {any} */ g) => `${station(g.station)} ${word("gap", g.gap)}`).join(", ")}` : `${seen}/${all.length}`;
}
