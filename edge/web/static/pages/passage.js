// One vehicle as it moved through the stations.
import { allowed, colon, enumWord, html, inLanguage, measure, moment, momentZone, ms, number, speed, t, useFetched, word, zone } from "/lib.js";
import { signs } from "/pages/booth.js";
import { Correct } from "/pages/correct.js";
import { aboutOf, byWorth, doubts, Folded, MainPicture, observationOf, ownOf, PrintButton, Proof, Stations, Sure } from "/pages/head.js";
import { Reading } from "/pages/reading.js";
import { AlarmMark, Confidence, inLane, outcome, passageAt, vehicleName, vehicleNames } from "/pages/vehicle.js";
import { AgentText, Facts, ObservedAt, Problem, Sentence, station, Table } from "/ui.js";

/**
 * @import { Booths, Decision, Found, PassageDetail, PassageList, Status } from "../../types/agent"
 * @import { PassageClosed, PassageReading } from "../../types/observation"
 * @import { Content, Fetched } from "/lib.js"
 */

/** What a page of a vehicle is drawn from. @typedef {Pick<PassageDetail, "passage" | "observations">} Detail */

/** @param {{of: string}} p of: the passage's id */
export function Passage({ of }) {
	/** @type {Fetched<PassageDetail>} */
	const [detail, problem, again] = useFetched(`/v1/passages/${encodeURIComponent(of)}`);
	/** @type {Fetched<PassageList>} */
	const [list] = useFetched("/v1/passages");
	const [status] = /** @type {Fetched<Status>} */ (useFetched("/v1/status"));
	const decision = useDecision(of);
	if (!detail) {
		return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	}
	const names = vehicleNames(list), p = detail.passage;
	const alarm = p.alarm || p.alarmPossible;
	return html`<${VehicleHead} detail=${detail} names=${names} decision=${decision} where=${status ? `${status.site} / ${p.lane}` : p.lane ?? ""}
			acts=${html`${alarm && html`<a class="button primary" href=${`#/case/${encodeURIComponent(p.id ?? "")}`}>${t("open-case")}</a>`}`} />
		<${Vehicle} detail=${detail} names=${names} history=${html`<${Before} p=${p} list=${list} />`} />
		${allowed("officer") && html`<${Folded} summary=${t("correct-title")}><${Correct} again=${again} passage=${p} list=${list} names=${names} /><//>`}
		<${Proof} all=${ownOf(p, detail.observations)} origin=${status?.journal.origin ?? ""} of=${of} />`;
}

/** The decision in force about a passage at the lane's booths, where it is one of the last. @param {string} id @returns {Decision | undefined} */
export function useDecision(id) {
	const [booths] = /** @type {Fetched<Booths>} */ (useFetched("/v1/clearance"));
	return (booths?.booths ?? []).flatMap((b) => [b.current, ...b.last]).find((d) => d && d.passage === id) ?? undefined;
}

/**
 * When this plate or container was in the lanes before: those that the agent remembers, then those of its journal.
 * @param {{p: PassageClosed, list: PassageList | null}} props
 */
export function Before({ p, list }) {
	const name = p.plate || (p.containers ?? [])[0] || "";
	const [found] = /** @type {Fetched<Found>} */ (useFetched(name && `/v1/observations?kind=passage.closed&limit=20&q=${encodeURIComponent(name)}`));
	const old = (found?.observations ?? []).map((o) => /** @type {PassageClosed} */ (o.observation.body?.passageClosed ?? {}));
	const all = [...(list?.passages ?? []), ...old].filter((one, i, every) => one.id !== p.id && every.findIndex((e) => e.id === one.id) === i
		&& (one.plate === name || (one.containers ?? []).includes(name)));
	const head = [t("vehicle"), t("opened-in", { zone: zone() }), t("result"), t("lane"), t("weight")];
	return html`<${Table} caption=${t("seen-before")} empty=${t("not-seen-before")} head=${head} rows=${all.slice(0, 10).map((one) => [
		html`<a href=${passageAt(one.id ?? "")}>${vehicleName(one)}</a>`,
		momentZone(ms(one.openedNs)),
		one.alarm || one.alarmPossible ? html`<${AlarmMark} p=${one} />` : outcome(one), one.lane, one.weightKg ? measure(one.weightKg, "kg") : "",
	])} />`;
}

/**
 * What it is, which vehicle and how sure, with the picture that matters and what to do: at the lane and at the hub.
 * @param {{detail: Detail, names: Record<string, string>, decision?: Decision, where: string, acts: Content}} p
 */
export function VehicleHead({ detail, names, decision, where, acts }) {
	const { passage: p, observations: all } = detail;
	return html`<section class="case-head card ${decision?.outcome ?? ""}" aria-labelledby="cause">
		<div class="what"><p class="line"><span class="plate big">${vehicleName(p)}</span>${decision && html`<span class="pill ${decision.outcome}"><span
				aria-hidden="true">${signs[decision.outcome] ?? "•"}</span> ${inLanguage(decision.called)}</span>`}
			<${AlarmMark} p=${p} /> <span class="dim">${where} · ${momentZone(ms(p.openedNs))}</span></p>
			<h1 id="cause">${aboutOf(p, all)}</h1>
			${doubts(p).map((r) => html`<p key=${r.idx}>${r.device}${colon()}<${Confidence} r=${r} names=${names} /></p>`)}</div>
		<div class="do"><p class="buttons">${acts} <${PrintButton} /></p></div>
		<${MainPicture} p=${p} all=${all} />
		<div class="which"><${Sure} p=${p} /><${Facts} rows=${passageFacts(p)} /></div>
	</section>`;
}

/**
 * A vehicle's stations, readings and history: at the lane and at the hub. All readings are folded.
 * @param {{detail: Detail, names: Record<string, string>, history?: Content, line?: boolean}} p line: with the stations, as without it
 */
export function Vehicle({ detail, names, history, line = true }) {
	const { passage: p, observations: all } = detail;
	return html`${line && html`<${Stations} p=${p} all=${all} />`}
		<div class="readings-of">${byWorth(ownOf(p, all)).map((o) => html`<${Reading} key=${o.idx} o=${o} all=${all} />`)}</div>
		${history}
		<${Folded} summary=${t("all-readings", { n: number((p.readings ?? []).length + (p.possible ?? []).length) })}>
			<${Readings} caption=${t("readings")} readings=${p.readings ?? []} detail=${detail} names=${names} />
			${p.possible?.length && html`<${Readings} caption=${t("possible-readings")} readings=${p.possible}
				detail=${detail} names=${names} />`}<//>`;
}

/** @param {PassageClosed} p @returns {[string, Content][]} */
function passageFacts(p) {
	const forward = !p.direction || p.direction === "PASSAGE_DIRECTION_FORWARD";
	return [
		[t("state-title"), inLane(p) ? outcome(p) : `${outcome(p)}, ${momentZone(ms(p.closedNs))}`],
		[t("direction"), !forward && enumWord("direction", p.direction)],
		[t("tags"), (p.tags ?? []).join(", ")],
		[t("containers"), (p.containers ?? []).join(", ")],
		[t("length"), p.lengthM && measure(p.lengthM, "m", 1)],
		[t("speed"), p.speedKph && speed(p.speedKph)],
		[t("weight"), p.weightKg && measure(p.weightKg, "kg")],
	];
}

/**
 * A table of readings. Some have no observation here: they are of a row that is not in the page.
 * @param {{caption: string, readings: PassageReading[], detail: Detail, names: Record<string, string>}} p
 */
function Readings({ caption, readings, detail, names }) {
	const head = [
		t("time-in", { zone: zone() }), t("device"), t("kind"), t("station"),
		t("says"), t("confidence"), t("why"), t("row"),
	];
	return html`<${Table} caption=${caption} head=${head} rows=${readings.map((r) => {
		const o = observationOf(detail.observations, r);
		return [
			o ? html`<${ObservedAt} o=${o} />` : moment(ms(r.timeNs)),
			r.device,
			word("kind", o?.kind ?? ""),
			station(r.station ?? ""),
			o ? html`<${Sentence} o=${o} />` : "",
			html`<${Confidence} r=${r} names=${names} />`,
			html`<${Reason} r=${r} />`,
			r.idx ?? 0,
		];
	})} />`;
}

/** Why a reading was given to the passage, and by whom where a person did it. @param {{r: PassageReading}} p */
function Reason({ r }) {
	const pinned = r.pinnedBy && html` <small>${t("pinned", { by: r.pinnedBy })}</small>`;
	return html`<span><${AgentText} text=${r.reason} fr=${r.message?.fr} />${pinned}</span>`;
}
