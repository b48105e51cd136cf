// One case at the centre: which truck, what it is about and the picture first, then what to do, then the evidence.
import { colon, html, inLanguage, isForPage, may, measure, momentZone, ms, places, session, t, useEffect, useFetched, useState, zone } from "/lib.js";
import { Why } from "/pages/booth.js";
import { Acts, CaseHead, Holders, Story, useWatched, Verdicts } from "/pages/cases.js";
import { foundRow, placePassages } from "/pages/found.js";
import { MainPicture, ownOf, PrintButton, Proof, Stations, Sure } from "/pages/head.js";
import { looksAt } from "/pages/looks.js";
import { Vehicle } from "/pages/passage.js";
import { Photos } from "/pages/photos.js";
import { caseAt } from "/pages/work.js";
import { capital, Confidence, isUncertain } from "/pages/vehicle.js";
import { caseKey, refresh, useWork } from "/watch.js";
import { Facts, Problem, Sentence, Table } from "/ui.js";

/**
 * @import { Case, CaseAttachment, CaseRecord, PassageRecord } from "../../types/hub"
 * @import { PassageClosed } from "../../types/observation"
 * @import { Fetched } from "/lib.js"
 */

/** @param {{of: string}} p of: SITE/AGENT/ID */
export function HubCase({ of }) {
	const path = of.split("/").map(encodeURIComponent).join("/");
	const [r, problem, again] = /** @type {Fetched<CaseRecord>} */ (useWatched(`/v1/cases/${path}`));
	const [record, , more] = /** @type {Fetched<PassageRecord>} */ (useFetched(`/v1/passages/${path}`));
	const picture = r?.preview, outcome = r?.outcome;
	useEffect(() => {
		if (record) more(); // there is a picture now, or another decision
	}, [picture, outcome]);
	if (!r) return html`<h1>${t("nav.case")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const acted = () => {
		again();
		refresh();
	};
	const c = /** @type {Case} */ (r.case);
	const p = /** @type {PassageClosed} */ (record?.passage ?? {}), all = record?.observations ?? [];
	return html`<${Trail} r=${r} />
		<${CaseHead} c=${c} vehicle=${r.vehicle || t("no-plate")} outcome=${r.outcome}
			picture=${r.preview ? html`<img class="xray" src=${places.artifact(r.preview, "")} alt=${t("xray-of", { vehicle: r.vehicle || c.id })} />` : html`<${MainPicture} p=${p} all=${all} />`}
			said=${html`<${Told} r=${r} /><${Problem} text=${problem} />`} doubts=${html`<${Whose} c=${c} record=${record} />`}
			doing=${html`<${Doing} r=${r} path=${path} acted=${acted} />`} which=${html`<${Sure} p=${p} /><${Which} r=${r} record=${record} />`} />
		${record && html`<${Stations} p=${p} all=${all} />`}
		<div class="case-cols"><section class="card"><${Verdicts} c=${c} /><${Story} c=${c} />
				<${Photos} c=${c} path=${`/v1/cases/${path}/photos`} at=${(/** @type {CaseAttachment} */ a) => `/v1/cases/${path}/photos/${a.sha256}`} may=${may("cases")}
					by=${session.user === "guest" ? localStorage.getItem("name") ?? "" : ""} again=${acted} /></section>
			<section class="card"><${Decision} record=${record} /><${Earlier} record=${record} /></section></div>
		${record && html`<${Evidence} record=${record} />`}
		${record && html`<${Proof} all=${ownOf(p, all)} c=${c} origin="" proof=${record.proof} of=${c.id} />`}`;
}

/** The way back, and to the cases before and behind. @param {{r: CaseRecord}} p */
function Trail({ r }) {
	const { cases } = useWork();
	const all = cases ?? [], i = all.findIndex((one) => caseKey(one) === caseKey(r));
	const [before, behind] = [all[i - 1], all[i + 1] ?? (i < 0 ? all[0] : undefined)];
	useEffect(() => {
		/** @param {KeyboardEvent} e */
		const pressed = (e) => {
			const to = { j: behind, k: before }[e.key.toLowerCase()];
			if (to && isForPage(e)) location.hash = caseAt(to);
		};
		addEventListener("keydown", pressed);
		return () => removeEventListener("keydown", pressed);
	});
	return html`<nav class="trail" aria-label=${t("trail")}><a href="#/work">${t("nav.work")}</a>
		<span class="dim">${i >= 0 ? t("case-of", { n: i + 1, all: all.length }) : ""}</span>
		${before && html`<a href=${caseAt(before)} aria-keyshortcuts="k">${t("case-before")}</a>`}
		${behind && html`<a href=${caseAt(behind)} aria-keyshortcuts="j">${t("case-behind")}</a>`}
		<${PrintButton} /></nav>`;
}

/** Which alarms may be another vehicle's, with both probabilities. @param {{c: Case, record: PassageRecord | null}} p */
function Whose({ c, record }) {
	const p = /** @type {PassageClosed} */ (record?.passage ?? {});
	const all = [...(p.readings ?? []), ...(p.possible ?? [])];
	if (record) placePassages(record);
	return c.alarms.filter((a) => a.other).map((a) => {
		const reading = all.find((one) => Number(one.idx ?? 0) === a.row);
		return reading && isUncertain(reading) ? html`<p key=${a.row}>${a.device}${colon()}<${Confidence} r=${reading} names=${{}} /></p>` : null;
	});
}

/** Whether the lane has heard what was said here; and that it has no link. @param {{r: CaseRecord}} p */
function Told({ r }) {
	if (r.lane) return html`<p class=${r.lane.state === "told" ? "dim" : "doubt"} role="status">${capital({ ...r.lane.text, words: "", words_fr: "" })}.</p>`;
	return r.online ? null : html`<p class="doubt">${t("case-no-link")}</p>`;
}

/** Who has the case, and what the reader can do. @param {{r: CaseRecord, path: string, acted: () => void}} p */
function Doing({ r, path, acted }) {
	const c = /** @type {Case} */ (r.case);
	const guest = session.user === "guest";
	const [by, setBy] = useState(localStorage.getItem("name") ?? "");
	/** @param {Event} e */
	const name = (e) => {
		const said = /** @type {HTMLInputElement} */ (e.target).value;
		localStorage.setItem("name", said);
		setBy(said);
	};
	return html`<${Holders} c=${c} />
		${guest && may("cases") && html`<label>${t("your-name")} <input value=${by} onInput=${name} /></label>`}
		<${Acts} key=${c.state} c=${c} path=${`/v1/cases/${path}/events`} again=${acted} centre=${true} may=${() => may("cases")} by=${guest ? by : undefined} />`;
}

/** Which truck it is. @param {{r: CaseRecord, record: PassageRecord | null}} p */
function Which({ r, record }) {
	const p = /** @type {PassageClosed} */ (record?.passage ?? {});
	return html`<${Facts} rows=${[
		[t("site"), `${r.site} / ${r.agent}`], [t("lane"), r.case.lane], [t("opened"), momentZone(ms(p.openedNs) || r.case.opened)],
		[t("containers"), (p.containers ?? []).join(", ")], [t("weight"), p.weightKg && measure(p.weightKg, "kg")],
		[t("nav.passage"), html`<a href=${`#/passage/${caseKey(r)}`}>${r.case.id}</a>`],
		[t("nav.looks"), may("looks") && html`<a href=${looksAt({ thing: r.case.id })}>${t("looks-here")}</a>`],
	]} />`;
}

/** What the booth decided, and why. @param {{record: PassageRecord | null}} p */
function Decision({ record }) {
	const d = record?.decision;
	return html`<h2>${t("outcome")}</h2>${d ? html`<div class="decision-why"><${Why} d=${{ ...d, passage: "" }} now=${Date.now()} />
		${(record?.overrides ?? []).map((o) => html`<p key=${o.time}><${Sentence} o=${o} /></p>`)}</div>` : html`<p class="dim">${t("no-decision")}</p>`}`;
}

/** When this plate or container was seen before. @param {{record: PassageRecord | null}} p */
function Earlier({ record }) {
	if (!record) return null;
	const head = [t("vehicle"), t("result"), t("outcome"), t("opened-in", { zone: zone() }), t("site"), t("lane"), t("weight")];
	return html`<${Table} caption=${t("seen-before")} empty=${t("not-seen-before")} head=${head} rows=${record.earlier.map(foundRow)} />`;
}

/** The readings of the vehicle. @param {{record: PassageRecord}} p */
function Evidence({ record }) {
	placePassages(record);
	return html`<${Vehicle} detail=${{ passage: /** @type {PassageClosed} */ (record.passage), observations: record.observations }} names=${{}} line=${false} />`;
}
