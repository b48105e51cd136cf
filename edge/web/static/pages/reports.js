// What happened in a shift, a day or a month, in figures. The page prints.
import { colon, duration, formOf, html, inLanguage, moment, number, percent, t, useEffect, useFetched, useState, word } from "/lib.js";
import { Facts, PartialBar, Problem, Table } from "/ui.js";

/**
 * @import { CaseFigures, DeviceFigures, DueTest, Figures, OpenCase, Rate, Report, Spread } from "../../types/hub"
 * @import { Content, Fetched } from "/lib.js"
 */

/** The kinds of reports, and what a browser's control for their periods is called. @type {Record<string, string>} */
const kinds = { shift: "datetime-local", day: "date", month: "month", device: "month", adjudication: "month" };

/** How often a report is asked for while the hub has not read all, ms. */
const every = 5000;

/** The reader's zone, as the IANA names it. */
const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Returns what is asked for in the address. */
function asked() {
	const [path = "", query = ""] = location.hash.split("?");
	const kind = path.split("/")[2] ?? "";
	return { kind: Object.hasOwn(kinds, kind) ? kind : "day", query };
}

/** Returns the hub's parameters: of a shift's beginning only the hour counts. @param {URLSearchParams} q */
function parameters(q) {
	const out = new URLSearchParams({ zone: ownZone() });
	for (const [name, value] of q) if (value) out.set(name, name === "period" ? value.slice(0, 13) : value);
	return out;
}

export function Reports() {
	const [{ kind, query }, setAsked] = useState(asked());
	useEffect(() => {
		const moved = () => setAsked(asked());
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	const q = parameters(new URLSearchParams(query));
	/** @type {Fetched<Report>} */
	const [report, problem, again] = useFetched(`/v1/reports/${kind}?${q}`);
	useEffect(() => {
		const timer = report?.partial && setTimeout(again, every);
		return () => clearTimeout(timer);
	}, [report]);
	/** @param {Event} e */
	const show = (e) => {
		e.preventDefault();
		const now = new URLSearchParams();
		for (const [name, value] of formOf(e)) if (value && name !== "kind") now.set(name, String(value));
		location.hash = `#/reports/${kind}?${now}`;
	};
	return html`<h1>${t("nav.reports")}</h1>
		<${Question} kind=${kind} q=${new URLSearchParams(query)} show=${show} />
		<${Problem} text=${problem} />
		${report && report.kind === kind && html`<article class="report">
			<h2>${t("report-of", { kind: t(`report.${kind}`), period: report.period.replace("T", " "), where: where(report) })}</h2>
			<p class="dim">${t("report-span", { from: zoned(report.from, report), to: zoned(report.to, report), zone: report.zone, made: zoned(report.made, report) })}</p>
			<${PartialBar} of=${report.partial} />
			<p class="buttons"><button onClick=${() => print()}>${t("print")}</button>
				<a class="button" href=${`/v1/reports/${kind}/csv?${q}`} download>${t("as-csv-file")}</a>
				<a class="button" href=${`/v1/reports/${kind}?${q}`}>JSON</a></p>
			<${Body} r=${report} /></article>`}`;
}

/** Which lanes a report is of. @param {Report} r */
const where = (r) => [r.site, r.agent, r.lane, r.device].filter(Boolean).join(" / ") || t("all-lanes");

/** A time in the zone of the report. @param {string} at @param {Report} r */
function zoned(at, r) {
	const format = new Intl.DateTimeFormat("en-CA", { timeZone: r.zone, dateStyle: "short", timeStyle: "short", hourCycle: "h23" });
	return format.format(new Date(at)).replace(",", "");
}

/** @param {{kind: string, q: URLSearchParams, show: (e: Event) => void}} p */
function Question({ kind, q, show }) {
	/** @param {string} name */
	const field = (name) => html`<label>${t(name)} <input name=${name} value=${q.get(name) ?? ""} /></label>`;
	return html`<form class="line search" key=${kind + q} onSubmit=${show}>
		<label>${t("report")} <select name="kind" value=${kind} onChange=${choose}>
			${Object.keys(kinds).map((k) => html`<option value=${k}>${t(`report.${k}`)}</option>`)}</select></label>
		<label>${t("period")} <input type=${kinds[kind]} name="period" step=${kind === "shift" ? 3600 : undefined} value=${q.get("period") ?? ""} /></label>
		${kind === "shift" && html`<label>${t("hours")} <input type="number" name="hours" min="1" max="24" value=${q.get("hours") ?? "8"} /></label>`}
		${field("site")} ${field("lane")} ${kind === "device" && field("device")}
		<label>${t("zone")} <input name="zone" value=${q.get("zone") ?? ownZone()} /></label>
		<button class="primary">${t("show")}</button></form>`;
}

/** @param {Event} e */
const choose = (e) => {
	location.hash = `#/reports/${/** @type {HTMLSelectElement} */ (e.target).value}`;
};

/** @param {{r: Report}} p */
function Body({ r }) {
	const aboutCases = r.kind === "adjudication" || r.kind === "shift";
	const days = r.kind === "month" || (r.kind === "device" && r.periods.length > 25);
	return html`
		${r.kind !== "adjudication" && !r.device && html`<${Facts} rows=${totals(r.total)} />`}
		${aboutCases && html`<${Cases} c=${r.cases} />`}
		${r.kind === "shift" && html`<${OpenCases} r=${r} />`}
		${(r.kind === "shift" || r.kind === "device") && html`<${Table} caption=${t("tests-due-now")} empty=${t("tests-none-due")}
			head=${[t("device"), t("site"), t("test-title"), t("state-title"), t("due-since")]} rows=${r.tests.map(testRow)} />`}
		${r.kind !== "adjudication" && r.devices.length > 0 && html`<${Table} caption=${t("report-devices")}
			head=${[t("device"), t("site"), t("detections"), t("alarms"), t("alarms-by-kind"), ...(r.device ? [t("report-ran")] : [])]} rows=${r.devices.map(deviceRow)} />`}
		${r.kind !== "adjudication" && !r.device && html`<${Table} caption=${t("report-lanes")} head=${[t("lane"), t("site"), ...figureHeads(), t("vehicle-classes")]}
			rows=${r.lanes.map((l) => [l.lane, `${l.site} / ${l.agent}`, ...figureCells(l), classes(l)])} />`}
		${r.kind !== "adjudication" && html`<${Table} caption=${t(days ? "report-days" : "report-hours")}
			head=${[t(days ? "day" : "hour"), ...figureHeads()]}
			rows=${r.periods.map((p) => [zoned(p.from, r).slice(days ? 0 : -5, days ? 10 : undefined), ...figureCells(p)])} />`}
		${r.kind === "adjudication" && r.case_lanes.map((l) => html`<section key=${[l.site, l.agent, l.lane].join("/")}>
			<h3>${l.site} / ${l.agent} · ${l.lane}</h3><${Cases} c=${l} /></section>`)}
		${r.kind === "adjudication" && html`<${OpenCases} r=${r} />`}`;
}

const figureHeads = () => [t("vehicles"), t("alarms"), t("report-blind"), t("outcome"), t("dwell")];

/** @param {Figures} f @returns {Content[]} */
const figureCells = (f) => [number(f.passages), rate(f.alarms), rate(f.blind), outcomes(f), spread(f.dwell)];

/** @param {Figures} f @returns {[string, Content][]} */
const totals = (f) => [
	[t("vehicles"), number(f.passages)],
	[t("per-hour"), number(f.per_hour, 1)],
	[t("alarms"), rate(f.alarms)],
	[t("report-blind"), rate(f.blind)],
	[t("dwell"), spread(f.dwell)],
	[t("outcome"), outcomes(f)],
	[t("vehicle-classes"), classes(f)],
	[t("alarms-by-kind"), byKind(f.alarm_kinds)],
];

/** A number, with its share and the interval of that: 7 (0.33 %, 0.16 to 0.67 %). @param {Rate} r */
function rate(r) {
	if (r.share === undefined) return r.of === 0 && r.n === 0 ? "–" : number(r.n);
	const high = percent(r.high ?? 1, 2);
	if (r.n === 0) return t("rate-none", { high });
	return t("rate-of", { n: number(r.n), share: percent(r.share, 2), low: number(100 * (r.low ?? 0), 2), high });
}

/** Half took so long, and 95 of 100 no longer. @param {Spread} s */
const spread = (s) => (s.n === 0 ? "–" : t("spread", { median: duration(s.median_s ?? 0), p95: duration(s.p95_s ?? 0) }));

/** @param {Figures} f */
const outcomes = (f) => list(Object.entries(f.outcomes).map(([o, n]) => [word("outcome", o), n]));

/** @param {Figures} f */
const classes = (f) => list(["short", "medium", "long", "unknown"].filter((c) => f.classes[c]).map((c) => [t(`vehicle-class.${c}`), f.classes[c]]));

/** @param {DueTest} d */
const testRow = (d) => [d.device, `${d.site} / ${d.agent}`, inLanguage(d.title),
	t(`test-state.${d.failed ? "failed" : d.overdue ? "overdue" : "due"}`), moment(d.since)];

/** @param {Record<string, number>} kinds */
const byKind = (kinds) => list(Object.entries(kinds).map(([k, n]) => [word("kind", k), n]));

/** A list of words with their numbers. @param {[string, number][]} all */
const list = (all) => all.length > 0 && html`<ul class="plain">${all.map(([name, n]) => html`<li key=${name}>${name}${colon()}${number(n)}</li>`)}</ul>`;

/** @param {DeviceFigures} d */
const deviceRow = (d) => [d.device, `${d.site} / ${d.agent}`, number(d.detections), rate(d.alarms), byKind(d.alarm_kinds),
	...(d.known ? [percent((d.running ?? 0) / d.known, 1)] : [])];

/** The cases that are handed over. @param {{r: Report}} p */
const OpenCases = ({ r }) => html`<${Table} caption=${t("open-cases-now", { n: number(r.unsettled) })} empty=${t("no-open-cases")}
	head=${[t("passage"), t("site"), t("lane"), t("state-title"), t("opened")]} rows=${r.open_cases.map(openRow)} />`;

/** @param {OpenCase} c */
const openRow = (c) => [
	html`<a href=${`#/passage/${[c.site, c.agent, c.id].map(encodeURIComponent).join("/")}`}>${c.id}</a>`,
	`${c.site} / ${c.agent}`, c.lane, inLanguage(c.called), moment(c.opened),
];

/** How cases were decided. @param {{c: CaseFigures}} p */
function Cases({ c }) {
	const codes = Object.entries(c.codes).sort(([a], [b]) => Number(a) - Number(b));
	return html`<${Facts} rows=${[
		[t("cases-opened"), number(c.opened)],
		[t("cases-open"), number(c.open)],
		[t("cases-withdrawn"), number(c.withdrawn)],
		[t("cases-disputed"), rate(c.disputed)],
		...Object.entries(c.groups).map(([g, r]) => [t(`case-group.${g.replace("-alarm", "")}`), rate(r)]),
		[t("until-taken"), spread(c.taken)],
		[t("until-decided"), spread(c.decided)],
		[t("until-second"), spread(c.second)],
	]} />
	${codes.length > 0 && html`<${Table} caption=${t("verdicts")} head=${[t("verdict"), t("code"), t("cases-number")]}
		rows=${codes.map(([code, n]) => [t(`case-code.${code}`), code, number(n)])} />`}
	${list([...Object.entries(c.images), ...Object.entries(c.swabs)].map(([w, n]) => [t(`case-word.${w}`), n]))}`;
}
