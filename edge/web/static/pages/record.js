// One vehicle at the hub: what was decided and why, what officers said, its readings, and when it was seen before.
import { colon, html, inLanguage, moment, t, useFetched, word, zone } from "/lib.js";
import { signs, Why } from "/pages/booth.js";
import { foundRow, placePassages } from "/pages/found.js";
import { ownOf, Proof } from "/pages/head.js";
import { Vehicle, VehicleHead } from "/pages/passage.js";
import { passageAt } from "/pages/vehicle.js";
import { Problem, Sentence, Table } from "/ui.js";

/**
 * @import { Decision, Line, PassageRecord } from "../../types/hub"
 * @import { PassageClosed } from "../../types/observation"
 * @import { Fetched } from "/lib.js"
 */

/** @param {{of: string}} p of: SITE/AGENT/ID */
export function PassageRecordPage({ of }) {
	const [site = "", agent = "", ...id] = of.split("/");
	const path = [site, agent, id.join("/")].map(encodeURIComponent).join("/");
	/** @type {Fetched<PassageRecord>} */
	const [record, problem] = useFetched(`/v1/passages/${path}`);
	if (!record) {
		return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	}
	const passage = /** @type {PassageClosed} */ (record.passage);
	const earlier = record.earlier.map(foundRow);
	placePassages(record);
	const detail = { passage, observations: record.observations };
	const head = [t("vehicle"), t("result"), t("outcome"), t("opened-in", { zone: zone() }), t("site"), t("lane"), t("weight")];
	return html`<${VehicleHead} detail=${detail} names=${{}} decision=${record.decision} where=${`${site} / ${agent} · ${passage.lane}`}
			acts=${(passage.alarm || passage.alarmPossible) && html`<a class="button primary" href=${`#/case/${path}`}>${t("open-case")}</a>`} />
		${record.decision && html`<${InForce} d=${record.decision} overrides=${record.overrides} />`}
		<${Elsewhere} all=${record.elsewhere ?? []} />
		<${Vehicle} detail=${detail} names=${{}} history=${html`<${Table} caption=${t("seen-before")} empty=${t("not-seen-before")} head=${head} rows=${earlier} />`} />
		<${Proof} all=${ownOf(passage, record.observations)} origin="" proof=${record.proof} of=${id.join("/")} />`;
}

/** Decisions about other passages that were about this vehicle. @param {{all: Decision[]}} p */
const Elsewhere = ({ all }) => html`${all.map((d) => html`<p key=${d.presentation} class="doubt">${t("decided-elsewhere", { time: moment(d.at) })}${colon()}<b>${inLanguage(d.called)}</b>
	${d.passage && html` <a href=${passageAt(d.passage)}>${d.passage}</a>`}</p>`)}`;

/** The decision in force in large, why, and what officers said. @param {{d: Decision, overrides: Line[]}} p */
function InForce({ d, overrides }) {
	return html`<section class="booth" aria-label=${t("outcome")}><div class="decision ${d.outcome}">
		<div class="say"><span aria-hidden="true">${signs[d.outcome] ?? "•"}</span><b>${inLanguage(d.called)}</b>
			<small>${moment(d.at)} ${zone()}</small></div>
		<div class="why"><${Why} d=${{ ...d, passage: "" }} now=${Date.now()} />
			${d.selected && html`<p>${t("drawn-at-random")}</p>`}
			${d.clock_untrusted && html`<p class="doubt">${t("clock-untrusted-then")}</p>`}
			${overrides.map((o) => html`<p key=${o.time}>${moment(o.time)} <${Sentence} o=${o} /></p>`)}
			${d.outcome !== d.decided && !d.overridden_by && html`<p>${word("outcome", d.decided)}</p>`}</div></div></section>`;
}
