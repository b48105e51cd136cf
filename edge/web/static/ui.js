// Parts of pages: marks of state, lists, tables.
import { colon, html, language, moment, momentZone, number, percent, t, word } from "/lib.js";

/**
 * @import { LaneStatus, Line } from "../types/agent"
 * @import { Partial } from "../types/hub"
 * @import { Content } from "/lib.js"
 */

/** Signs beside words of state: no state is told by colour alone (WCAG 1.4.1). @type {Record<string, string>} */
const signs = {
	running: "✓", passed: "✓", in: "✓", up: "✓",
	down: "✕", failed: "✕", out: "✕",
	abandoned: "■", alarm: "▲", silent: "…", due: "!", connecting: "↻", stopped: "■", maintenance: "⚒",
};

/** A state as sign and word. @param {{state: string, group?: string}} p group: where the catalogue has the word */
export function Mark({ state, group = "state" }) {
	return html`<span class="mark ${state}">
		<span aria-hidden="true">${signs[state] ?? "•"}</span> ${word(group, state)}
	</span>`;
}

/** A message that something failed; nothing for "". @param {{text: string}} p */
export function Problem({ text }) {
	return text ? html`<p class="problem" role="alert">${text}</p>` : null;
}

/** That what a page shows is not all yet, and how far the hub has read. @param {{of: Partial | undefined | null}} p */
export function PartialBar({ of }) {
	if (!of) return null;
	return html`<p class="stale" role="status">${t("partial", { done: number(of.done), all: number(of.all), share: percent(Math.min(0.99, of.done / Math.max(1, of.all))) })}</p>`;
}

/**
 * A text that the agent sent, marked with its language: text is English, or the words of a device or a person; fr is
 * French, where the agent has it.
 * @param {{text?: string, fr?: string}} p
 */
export function AgentText({ text, fr }) {
	if (!text) return null;
	return language === "fr" && fr ? html`<span lang="fr">${fr}</span>` : html`<span lang="en">${text}</span>`;
}

/** The sentence of an observation, with the words of a device or a person behind it. @param {{o: Line}} p */
export function Sentence({ o }) {
	const { en, fr, words, words_fr } = o.summary;
	const sentence = language === "fr" ? fr : en;
	return html`<span>${sentence}${sentence && words ? colon() : ""}<${AgentText} text=${words} fr=${words_fr} /></span>`;
}

/**
 * When an observation was made, by the agent's clock, and below it the device's own time. It is text and no control: a
 * table has one of these a row, and each control would be one more stop for the keyboard.
 * @param {{o: Line}} p
 */
export function ObservedAt({ o }) {
	if (!o.corrected) return html`${moment(o.time)}`;
	const own = t("own-clock", { time: momentZone(o.time) });
	return html`${moment(o.corrected)}<small class="own">${own}</small>`;
}

/** Returns the name of a lane's station. @param {string} id */
export const station = (id) => word("station", id);

/** Returns a device's title, translated where it is a common one; its id where it has none. @param {LaneStatus} d */
export const title = (d) => (d.title ? word("title", d.title) : d.id);

/** Reports whether a cell has nothing to show. @param {Content} v */
const isEmpty = (v) => v === "" || v === undefined || v === null || v === false;

/** A list of names and values, without those that have no value. @param {{rows: [string, Content][]}} p */
export function Facts({ rows }) {
	const present = rows.filter(([, v]) => !isEmpty(v));
	return html`<dl class="facts">${present.map(([k, v]) => html`<div><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/**
 * A table; on a telephone each row is a card. The roles stand there because such a card's CSS (display: block) would
 * take a table's meaning from it.
 * @param {{caption: string, head: string[], rows: Content[][], empty?: string}} p
 */
export function Table({ caption, head, rows, empty }) {
	const columns = head.map((c) => html`<th scope="col" role="columnheader">${c}</th>`);
	return html`<div class="scroll" tabindex="0" role="group" aria-label=${caption}>
		<table role="table"><caption>${caption}</caption>
			<thead role="rowgroup"><tr role="row">${columns}</tr></thead>
			<tbody role="rowgroup">${rows.length ? rows.map((r) => html`<${Row} head=${head} cells=${r} />`)
				: html`<tr role="row"><td role="cell" colspan=${head.length}>${empty ?? t("nothing")}</td></tr>`}</tbody>
		</table></div>`;
}

/** A row of a table; its first cell is its heading. @param {{head: string[], cells: Content[]}} p */
function Row({ head, cells: [first, ...others] }) {
	/** @param {Content} c */
	const look = (c) => (isEmpty(c) && c !== false ? "none" : undefined);
	return html`<tr role="row"><th scope="row" role="rowheader">${first}</th>
		${others.map((c, i) => html`<td role="cell" data-head=${head[i + 1]} class=${look(c)}>${c}</td>`)}</tr>`;
}
