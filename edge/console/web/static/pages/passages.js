// The vehicles, newest first.
import { html, moment, ms, number, t, useEffect, useFetched, word } from "/lib.js";
import { Problem, Table } from "/ui.js";

export function Passages() {
	const [list, problem, again] = useFetched("/v1/passages");
	useEffect(() => {
		const timer = setInterval(again, 3000);
		return () => clearInterval(timer);
	});
	return html`<h1>${t("nav.passages")}</h1><${Problem} text=${problem} />
		${list && html`<${Table} caption=${t("passages-caption")} empty=${t("no-passages")}
			head=${[t("vehicle"), t("opened"), t("lane"), t("length"), t("speed"), t("weight"), t("stations"), t("result")]}
			rows=${list.passages.map((/** @type {any} */ p) => [
				html`<a href="#/passage/${encodeURIComponent(p.id)}">${p.plate || (p.containers ?? [])[0] || p.id}</a>`,
				moment(ms(p.openedNs)), p.lane, p.lengthM ? `${number(p.lengthM, 1)} m` : "", p.speedKph ? `${number(p.speedKph, 1)} km/h` : "", p.weightKg ? `${number(p.weightKg)} kg` : "",
				stationsText(p), p.alarm ? html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${t("alarm")}</strong>` : ms(p.closedNs) > 0 ? word("end", p.end) : t("open"),
			])} />`}`;
}

/** @param {any} p */
function stationsText(p) {
	const all = p.stations ?? [];
	const gaps = all.filter((/** @type {any} */ s) => ["missed", "blind"].includes(s.gap));
	const seen = all.filter((/** @type {any} */ s) => s.seen).length;
	return gaps.length ? `${seen}/${all.length}: ${gaps.map((/** @type {any} */ g) => `${g.station} ${word("gap", g.gap)}`).join(", ")}` : `${seen}/${all.length}`;
}
