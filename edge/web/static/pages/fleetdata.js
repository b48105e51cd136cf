// The fleet's lanes as the hub has them: loaded page by page, the worst first, and kept up to date by what changes.
import { ask, useEffect, useState } from "/lib.js";

/** @import { FleetChanges, FleetLane, FleetPage, FleetSite, Partial } from "../../types/hub" */

/** Levels, the worst first. */
export const levels = ["trouble", "no-link", "degraded", "unreported", "ok"];

/** Lanes of the first page, which is there at once and has what is wrong in all but very bad times, and of the others. */
const firstPage = 100, pageSize = 1000;

/** The most pages: 20,000 lanes. */
const mostPages = 21;

/** How long after a failure the fleet is loaded again, ms. */
const again = 5000;

/**
 * All that is known of the fleet. stale is since when nothing comes, ms; 0 while it comes.
 * @typedef {object} FleetData
 * @property {Map<string, FleetLane>} lanes by keyOf
 * @property {FleetSite[]} sites
 * @property {Record<string, number>} summary
 * @property {number} stale
 * @property {string} problem
 * @property {Partial} [behind] how far the hub has read, where that is not all
 */

/** The name of a lane. @param {{site: string, agent: string, lane: string}} l */
export const keyOf = (l) => `${l.site}/${l.agent}/${l.lane}`;

/** Follows the fleet while a page shows it. @returns {FleetData | null} null until the first lanes are there */
export function useFleet() {
	const [data, setData] = useState(/** @type {FleetData | null} */ (null));
	useEffect(() => {
		const f = new Follower(setData);
		f.load();
		return () => f.end();
	}, []);
	return data;
}

/** Waits until the browser has drawn what it has; for a page that nobody sees, a moment. */
const drawn = () => new Promise((done) => {
	requestAnimationFrame(() => setTimeout(done));
	setTimeout(done, 500);
});

/** One page's view of the fleet. */
class Follower {
	/** @param {(d: FleetData) => void} show */
	constructor(show) {
		this.show = show;
		/** @type {FleetData} */
		this.data = { lanes: new Map(), sites: [], summary: {}, stale: 0, problem: "" };
		this.ended = false;
		this.timer = 0;
		this.behind = 0;
		this.loaded = false;
		/** @type {EventSource | null} */
		this.source = null;
	}

	end() {
		this.ended = true;
		clearTimeout(this.timer);
		clearTimeout(this.behind);
		this.source?.close();
	}

	/** @param {{[K in keyof FleetData]?: FleetData[K]}} d */
	set(d) {
		this.data = { ...this.data, ...d };
		if (!this.ended) this.show(this.data);
	}

	/** Loads all lanes, shows each page as it comes, and follows from the first page's version on. */
	async load() {
		try {
			let version = 0, after = "";
			const lanes = new Map();
			for (let i = 0; i < mostPages && !this.ended; i++) {
				/** @type {FleetPage} */
				const page = await ask(`/v1/fleet?limit=${i === 0 ? firstPage : pageSize}&after=${encodeURIComponent(after)}`);
				for (const l of page.lanes) lanes.set(keyOf(l), l);
				if (i === 0) {
					version = page.version;
					this.catchUp(page);
				}
				const first = i === 0 ? { sites: page.sites, summary: page.summary } : {};
				if (!this.loaded || !page.next) this.set({ ...first, lanes: new Map(lanes), stale: 0, problem: "" });
				if (!page.next) break;
				after = page.next;
				await drawn(); // the first rows are on the screen before the others are asked for
			}
			this.loaded = true;
			if (!this.ended) this.follow(version);
		} catch (e) {
			this.set({ problem: /** @type {Error} */ (e).message, stale: this.data.stale || Date.now() });
			this.later();
		}
	}

	/** Says how far the hub has read, until that is all. @param {Pick<FleetPage, "partial">} page */
	catchUp({ partial }) {
		clearTimeout(this.behind);
		this.set({ behind: partial });
		if (!partial || this.ended) return;
		this.behind = setTimeout(() => ask("/v1/fleet?limit=1").then((page) => this.catchUp(page), () => this.catchUp({ partial })), again);
	}

	later() {
		clearTimeout(this.timer);
		if (!this.ended) this.timer = setTimeout(() => this.load(), again);
	}

	/** @param {number} version */
	follow(version) {
		this.source?.close();
		const source = new EventSource(`/v1/fleet/changes?after=${version}`);
		this.source = source;
		source.onopen = () => this.set({ stale: 0 });
		source.onmessage = (e) => this.merge(JSON.parse(e.data));
		source.onerror = () => {
			if (!this.data.stale) this.set({ stale: Date.now() });
			if (source.readyState === EventSource.CLOSED) this.later(); // refused: the browser does not try again
		};
	}

	/** @param {FleetChanges} c */
	merge(c) {
		const lanes = new Map(this.data.lanes);
		for (const l of c.lanes) lanes.set(keyOf(l), l);
		for (const key of c.gone ?? []) lanes.delete(key);
		this.set({ lanes, summary: c.summary, sites: c.sites ?? this.data.sites, stale: 0 });
	}
}
