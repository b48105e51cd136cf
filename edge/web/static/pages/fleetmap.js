// A map of the sites, drawn from their coordinates alone: nothing comes from outside.
import { html, number, plural, t, useMemo } from "/lib.js";
import { levels } from "/pages/fleetdata.js";

/**
 * @import { FleetSite } from "../../types/hub"
 * @import { FleetData } from "/pages/fleetdata.js"
 */

/** The drawing's width and its least and largest height, in units of its own. */
const width = 1000, lowest = 300, highest = 520, margin = 60;

/** Most sites whose names are written. */
const mostNames = 8;

/** A site on the map: the worst level of its lanes, and how many these are. @typedef {{site: FleetSite, level: string, n: number, x: number, y: number}} Spot */

/** @param {{data: FleetData, choose: (q: string) => void}} p */
export function FleetMap({ data, choose }) {
	const { spots, height, grid } = useMemo(() => place(data), [data.lanes, data.sites]);
	if (spots.length < 2) return null; // one place needs no map
	const bad = spots.filter((s) => s.level !== "ok");
	const label = `${plural("map-sites", spots.length)}${bad.length ? `, ${plural("map-wrong", bad.length)} (${bad.slice(0, mostNames).map(named).join(", ")})` : ""}`;
	return html`<section class="card map"><h2>${t("map")}</h2>
		<svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
			${grid.map((g) => html`<g key=${g.text} class="grid"><line x1=${g.x1} y1=${g.y1} x2=${g.x2} y2=${g.y2} />
				<text x=${g.x1 + 4} y=${g.y2 - 6}>${g.text}</text></g>`)}
			${spots.toReversed().map((s) => html`<g key=${s.site.site} class="spot ${s.level}" onClick=${() => choose(s.site.site)}>
				<title>${named(s)}: ${plural("n-lanes", s.n)}, ${t(`level.${s.level}`)}</title><${Sign} s=${s} /></g>`)}
			${written(spots.length <= mostNames ? spots : bad).map((s) => html`<text key=${s.site.site} class="name" x=${s.x} y=${s.y - 20}
				text-anchor=${anchor(s)}>${named(s)}</text>`)}
		</svg></section>`;
}

/** The sites whose names are written: the worst first, and none over another. @param {Spot[]} bad */
function written(bad) {
	/** @type {Spot[]} */
	const out = [];
	for (const s of bad) {
		const free = out.every((o) => Math.abs(o.x - s.x) > 150 || Math.abs(o.y - s.y) > 34);
		if (free && out.length < mostNames) out.push(s);
	}
	return out;
}

/** Where a name stands to its site, so that it does not leave the drawing. @param {Spot} s */
const anchor = (s) => (s.x < width / 4 ? "start" : s.x > 3 * width / 4 ? "end" : "middle");

/** @param {Spot} s */
const named = (s) => s.site.title || s.site.site;

/** A sign with an outline of its own for each level. @param {{s: Spot}} p */
function Sign({ s: { x, y, n, level } }) {
	const r = 9 + Math.min(6, n / 2);
	if (level === "trouble") return html`<path d="M${x} ${y - r - 3}l${r + 3} ${2 * r}h${-2 * r - 6}z" />`;
	if (level === "degraded") return html`<path d="M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z" />`;
	if (level === "no-link") return html`<circle cx=${x} cy=${y} r=${r} /><line x1=${x - r} y1=${y + r} x2=${x + r} y2=${y - r} />`;
	return html`<circle cx=${x} cy=${y} r=${r - 3} />`;
}

/** Places the sites that have coordinates, the worst first, and lines of latitude and longitude. @param {FleetData} data */
function place(data) {
	/** @type {Map<string, {level: number, n: number}>} */
	const of = new Map();
	for (const l of data.lanes.values()) {
		const s = of.get(l.site) ?? { level: levels.length - 1, n: 0 };
		of.set(l.site, { level: Math.min(s.level, levels.indexOf(l.level)), n: s.n + 1 });
	}
	const sites = data.sites.filter((s) => s.latitude !== undefined && s.longitude !== undefined);
	const lat = sites.map((s) => Number(s.latitude)), lon = sites.map((s) => Number(s.longitude));
	const [south, north, west, east] = [Math.min(...lat), Math.max(...lat), Math.min(...lon), Math.max(...lon)];
	const shrink = Math.max(0.2, Math.cos(((south + north) / 2) * Math.PI / 180)); // a degree of longitude, in degrees of latitude
	const span = Math.max((east - west) * shrink, 0.5), rise = Math.max(north - south, 0.1);
	const height = Math.min(highest, Math.max(lowest, ((width - 2 * margin) * rise) / span + 2 * margin));
	const scale = Math.min((width - 2 * margin) / span, (height - 2 * margin) / rise);
	const x = (/** @type {number} */ v) => Math.round(width / 2 + (v - (east + west) / 2) * shrink * scale);
	const y = (/** @type {number} */ v) => Math.round(height / 2 - (v - (north + south) / 2) * scale);
	const spots = sites.map((site) => {
		const is = of.get(site.site) ?? { level: levels.length - 1, n: 0 };
		return { site, level: levels[is.level], n: is.n, x: x(Number(site.longitude)), y: y(Number(site.latitude)) };
	}).toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
	return { spots, height, grid: spots.length ? lines(x, y, height, { south, north, west, east }) : [] };
}

/**
 * Lines of latitude and longitude, at round degrees.
 * @param {(v: number) => number} x @param {(v: number) => number} y @param {number} height
 * @param {{south: number, north: number, west: number, east: number}} box
 */
function lines(x, y, height, { south, north, west, east }) {
	const step = [0.1, 0.5, 1, 2, 5, 10, 20].find((s) => Math.max(north - south, (east - west) / 2) / s <= 5) ?? 45;
	const out = [];
	for (let v = Math.ceil(south / step) * step; v <= north + 1e-9; v += step) {
		out.push({ x1: 0, y1: y(v), x2: width, y2: y(v), text: `${number(Math.abs(v), 1)}°\u00a0${v < 0 ? t("south") : t("north")}` });
	}
	for (let v = Math.ceil(west / step) * step; v <= east + 1e-9; v += step) {
		out.push({ x1: x(v), y1: 0, x2: x(v), y2: height, text: `${number(Math.abs(v), 1)}°\u00a0${v < 0 ? t("west") : t("east")}` });
	}
	return out;
}
