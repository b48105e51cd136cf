// Containers in transit: under way, overdue, arrived without an entry.
import { ago, html, moment, t, useEffect, useFetched, zone } from "/lib.js";
import { placePassages } from "/pages/found.js";
import { passageAt } from "/pages/vehicle.js";
import { PartialBar, Problem, Table } from "/ui.js";

/**
 * @import { TransitList, TransitRecord } from "../../types/hub"
 * @import { Fetched } from "/lib.js"
 */

/** How often they are asked for, ms. */
const every = 10000;

export function Transits() {
	/** @type {Fetched<TransitList>} */
	const [list, problem, again] = useFetched("/v1/transits");
	useEffect(() => {
		const timer = setInterval(again, every);
		return () => clearInterval(timer);
	});
	const now = Date.now();
	const overdue = (list?.under_way ?? []).filter((r) => r.overdue).length;
	const wrong = overdue + (list?.without_entry.length ?? 0);
	const head = [t("container"), t("seen-last-at"), t("time-in", { zone: zone() }), t("exit-site"), t("state-title")];
	return html`<h1>${t("nav.transits")}</h1><${Problem} text=${problem} /><${PartialBar} of=${list?.partial} />
		${list && html`<p role="status" class="verdict ${wrong ? "bad" : "good"}">${t(wrong ? "transits-wrong" : "transits-well")}</p>
		${list.without_entry.length > 0 && html`<${Table} caption=${t("without-entry")} head=${head}
			rows=${list.without_entry.map((r) => row(r, now))} />`}
		<${Table} caption=${t("under-way")} empty=${t("none-under-way")} head=${head} rows=${list.under_way.map((r) => row(r, now))} />`}`;
}

/** @param {TransitRecord} r @param {number} now ms */
function row(r, now) {
	placePassages(r);
	const where = `${r.site} / ${r.agent} · ${r.lane}`;
	return [
		r.passage ? html`<a href=${passageAt(r.passage)}>${r.container}</a>` : r.container,
		where,
		moment(r.at),
		r.exit_site ?? "",
		r.overdue ? html`<strong class="mark alarm"><span aria-hidden="true">▲</span> ${t("overdue-since", { time: ago(r.at, now) })}</strong>`
			: ago(r.at, now),
	];
}
