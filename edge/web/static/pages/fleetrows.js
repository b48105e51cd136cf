// All lanes by site, of which only those on the screen are in the document.
import { ago, duration, html, inLanguage, moment, momentZone, number, percent, plural, t, useEffect, useMemo, useState } from "/lib.js";
import { byLevel, byName, cause, laneAddress, Level, siteName } from "/pages/fleetlane.js";
import { keyOf, levels } from "/pages/fleetdata.js";

/**
 * @import { FleetLane, FleetSite } from "../../types/hub"
 * @import { FleetData } from "/pages/fleetdata.js"
 */

/** Heights of rows in rem: of a site, of a lane, and of a lane on a telephone, where it is a card, with or without a cause. */
const siteHeight = 3, laneHeight = 3.5, cardHeight = 9, wellHeight = 5.5;

/** Rows beyond the screen that are there, so that the keyboard finds the next one. */
const beyond = 6;

/** A row: a site with its lanes, or a lane. @typedef {{key: string, site?: Group, lane?: FleetLane, top: number, height: number}} Row */
/** @typedef {{id: string, site: FleetSite | undefined, lanes: FleetLane[], open: boolean}} Group */

/** @param {FleetLane} l @param {FleetSite | undefined} site @param {{level: string, kind: string, q: string}} f */
function matches(l, site, f) {
	if (f.level && l.level !== f.level || f.kind && site?.kind !== f.kind) return false;
	const q = f.q.trim().toLowerCase();
	if (!q) return true;
	const texts = [keyOf(l), l.title, l.software, site?.title, ...l.troubles.flatMap((one) => [one.device, inLanguage(one.text)])];
	return texts.some((text) => text?.toLowerCase().includes(q));
}

/** Groups the lanes that a filter leaves, sites with the worst lanes first. @param {FleetData} data @param {{level: string, kind: string, q: string}} filter @param {Map<string, boolean>} folded */
function groups(data, filter, folded) {
	const sites = new Map(data.sites.map((s) => [s.site, s]));
	/** @type {Map<string, FleetLane[]>} */
	const by = new Map();
	for (const l of data.lanes.values()) {
		if (!matches(l, sites.get(l.site), filter)) continue;
		const all = by.get(l.site);
		if (all) all.push(l);
		else by.set(l.site, [l]);
	}
	const narrowed = Boolean(filter.level || filter.q);
	const out = [...by].map(([id, lanes]) => {
		lanes.sort(byLevel);
		return { id, site: sites.get(id), lanes, open: folded.get(id) ?? (narrowed || lanes[0].level !== "ok") };
	});
	return out.toSorted((a, b) => levels.indexOf(a.lanes[0].level) - levels.indexOf(b.lanes[0].level) || byName(a.id, b.id));
}

/** @param {FleetLane} l @param {boolean} cards */
function heightOf(l, cards) {
	if (!cards) return laneHeight;
	return cause(l) ? cardHeight : wellHeight;
}

/** Lays rows out below each other, in px. @param {Group[]} all @param {number} rem @param {boolean} cards @returns {{rows: Row[], height: number}} */
function layOut(all, rem, cards) {
	/** @type {Row[]} */
	const rows = [];
	let top = 0;
	/** @param {Omit<Row, "top">} r */
	const add = (r) => {
		rows.push({ ...r, top });
		top += r.height;
	};
	for (const site of all) {
		add({ key: site.id, site, height: siteHeight * rem });
		if (!site.open) continue;
		for (const lane of site.lanes) add({ key: keyOf(lane), lane, height: heightOf(lane, cards) * rem });
	}
	return { rows, height: top };
}

/** What of the page is on the screen: from and to in px below an element's top. @param {() => HTMLElement | null} of */
function useWindow(of) {
	const [seen, setSeen] = useState({ from: 0, to: 2000, rem: 16, cards: false });
	useEffect(() => {
		let frame = 0;
		const look = () => {
			frame = 0;
			const top = of()?.getBoundingClientRect().top ?? 0;
			const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
			const next = { from: -top, to: innerHeight - top, rem, cards: innerWidth <= 720 };
			setSeen((was) => (Math.abs(was.from - next.from) > rem || was.to !== next.to || was.rem !== rem || was.cards !== next.cards ? next : was));
		};
		const moved = () => {
			frame ||= requestAnimationFrame(look);
		};
		look();
		addEventListener("scroll", moved, { passive: true });
		addEventListener("resize", moved);
		return () => {
			cancelAnimationFrame(frame);
			removeEventListener("scroll", moved);
			removeEventListener("resize", moved);
		};
	}, []);
	return seen;
}

/** @param {{data: FleetData, filter: {level: string, kind: string, q: string}}} p */
export function FleetRows({ data, filter }) {
	const [folded, setFolded] = useState(/** @type {Map<string, boolean>} */ (new Map()));
	const seen = useWindow(() => document.getElementById("fleet-rows"));
	const all = useMemo(() => groups(data, filter, folded), [data.lanes, data.sites, filter, folded]);
	const { rows, height } = useMemo(() => layOut(all, seen.rem, seen.cards), [all, seen.rem, seen.cards]);
	const first = Math.max(0, rows.findIndex((r) => r.top + r.height > seen.from) - beyond);
	const past = rows.findIndex((r) => r.top > seen.to);
	const shown = rows.slice(first, past < 0 ? rows.length : past + beyond);
	const lanes = all.reduce((n, g) => n + g.lanes.length, 0);
	/** @param {Group} g */
	const fold = (g) => setFolded(new Map(folded).set(g.id, !g.open));
	const head = ["lane", "state-title", "fleet-cause", "devices", "fleet-clock", "fleet-disk", "fleet-tests", "software"];
	return html`<h2>${t("fleet-caption")}</h2><p class="dim" role="status">${plural("fleet-shown", lanes, { sites: plural("n-sites", all.length) })}</p>
		<div class="fleet" role="table" aria-label=${t("fleet-caption")} aria-rowcount=${rows.length + 1}>
			<div role="rowgroup" class="head"><div role="row" aria-rowindex="1" class="lane-row">${head.map((h) => html`<span key=${h} role="columnheader">${t(h)}</span>`)}</div></div>
			<div role="rowgroup" id="fleet-rows" style=${{ height: `${height}px` }}>${shown.map((r, i) => html`<div key=${r.key} role="row" aria-rowindex=${first + i + 2}
				class=${r.site ? "site-row" : `lane-row ${r.lane?.level}`} style=${{ transform: `translateY(${r.top}px)`, height: `${r.height}px` }}>
				${r.site ? html`<${SiteCells} g=${r.site} fold=${fold} />` : html`<${LaneCells} l=${r.lane} />`}</div>`)}
				${!rows.length && html`<div role="row"><span role="cell">${t("fleet-none")}</span></div>`}</div>
		</div>`;
}

/** @param {{g: Group, fold: (g: Group) => void}} p */
function SiteCells({ g, fold }) {
	const counts = levels.slice(0, -1).map((level) => [level, g.lanes.filter((l) => l.level === level).length]).filter(([, n]) => n);
	return html`<span role="cell"><button type="button" aria-expanded=${g.open} onClick=${() => fold(g)}>
		<span aria-hidden="true">${g.open ? "▾" : "▸"}</span> <b>${siteName(g.site, g.id)}</b>${" "}
		<span class="dim">${[plural("n-lanes", g.lanes.length), ...counts.map(([level, n]) => plural(`fleet-n-${level}`, Number(n)))].join(", ")}</span></button></span>`;
}

/** @param {{l: FleetLane}} p */
function LaneCells({ l }) {
	const why = cause(l), now = Date.now();
	return html`<span role="cell"><a href=${laneAddress(l)}>${l.title || l.lane || l.agent}<small>${l.agent}</small></a></span>
		<span role="cell"><${Level} of=${l.level} /></span>
		<span role="cell" class="why" title=${why ? inLanguage(why.text) : ""}>${why?.since ? html`<small title=${momentZone(why.since)}>${ago(why.since, now)}</small> ` : ""}${why && inLanguage(why.text)}
			${l.heard ? html` <small>${t("fleet-heard", { time: moment(l.heard) })}${l.queued ? `, ${plural("fleet-queued", l.queued)}` : ""}</small>` : ""}
			${l.more ? html` <small>${plural("fleet-more-troubles", l.more)}</small>` : ""}</span>
		<span role="cell" data-head=${t("devices")}>${t("n-of-m", { n: number(l.working), m: number(l.devices) })}</span>
		<span role="cell" data-head=${t("fleet-clock")}>${clockWords(l)}</span>
		<span role="cell" data-head=${t("fleet-disk")}>${l.disk === undefined ? "–" : percent(l.disk / 100)}</span>
		<span role="cell" data-head=${t("fleet-tests")}>${testWords(l)}</span>
		<span role="cell" data-head=${t("software")}>${l.software || "–"}</span>`;
}

/** How an agent's clock is. @param {FleetLane} l */
export function clockWords(l) {
	if (l.clock_off) return t(l.clock_off > 0 ? "clock-ahead" : "clock-behind", { time: duration(Math.abs(l.clock_off)) });
	if (l.level === "unreported" || l.heard) return "–";
	return l.unsynchronised ? t("clock-alone") : t("clock-right");
}

/** Which tests of a lane are due. @param {FleetLane} l */
export function testWords(l) {
	if (l.tests_overdue) return plural("tests-overdue", l.tests_overdue);
	return l.tests_due ? plural("tests-due", l.tests_due) : number(0);
}
