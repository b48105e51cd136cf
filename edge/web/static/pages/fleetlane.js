// A lane of the fleet in words: its level, its name, its cause; and the order of lanes.
import { html, t } from "/lib.js";
import { levels } from "/pages/fleetdata.js";

/** @import { FleetLane, FleetSite, Trouble } from "../../types/hub" */

/** A sign for each level: none is told by colour alone. @type {Record<string, string>} */
const signs = { trouble: "✕", "no-link": "⊘", degraded: "▲", unreported: "?", ok: "✓", info: "i" };

/** A level as sign and word. @param {{of: string}} p */
export function Level({ of }) {
	return html`<span class="level ${of}"><span aria-hidden="true">${signs[of]}</span> ${t(`level.${of}`)}</span>`;
}

/** What people call a site. @param {FleetSite | undefined} s @param {string} id */
export const siteName = (s, id) => s?.title || id;

/** The address of an agent's page. @param {FleetLane} l */
export const laneAddress = (l) => `#/lane/${encodeURIComponent(l.site)}/${encodeURIComponent(l.agent)}`;

/** The worst trouble of a lane that is one. @param {FleetLane} l @returns {Trouble | undefined} */
export const cause = (l) => l.troubles.find((one) => one.level !== "info");

/** Orders names. The comparison by language would be most of what the page costs. @param {string} a @param {string} b */
export const byName = (a, b) => Number(a > b) - Number(a < b);

/** Orders lanes by level, then by name. @param {FleetLane} a @param {FleetLane} b */
export const byLevel = (a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || byName(a.agent, b.agent) || byName(a.lane, b.lane);
