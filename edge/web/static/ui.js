// Parts of pages: marks of state, lists, tables.
import { colon, html, language, moment, momentZone, t, word } from "/lib.js";

/** A state as mark and word: never by colour alone. @param {{state: string, group?: string}} p */
export function Mark({ state, group = "state" }) {
	const sign = { running: "✓", passed: "✓", in: "✓", up: "✓", down: "✕", failed: "✕", out: "✕", alarm: "▲", silent: "…", due: "!", connecting: "↻", stopped: "■" }[state] ?? "•";
	return html`<span class="mark ${state}"><span aria-hidden="true">${sign}</span> ${word(group, state)}</span>`;
}

/** @param {{text: string}} p */
export function Problem({ text }) {
	return text ? html`<p class="problem" role="alert">${text}</p>` : null;
}

/** What the agent says: text is English, or the words of a device or a person; fr is French, where the agent has it.
 * @param {{text?: string, fr?: string}} p */
export function Agent({ text, fr }) {
	if (!text) return null;
	return language === "fr" && fr ? html`<span lang="fr">${fr}</span>` : html`<span lang="en">${text}</span>`;
}

/** What an observation says, in a sentence. @param {{o: any}} p */
export function Says({ o }) {
	const said = o.summary ?? {};
	const sentence = language === "fr" ? said.fr : said.en;
	return html`<span>${sentence}${sentence && said.words ? colon() : ""}<${Agent} text=${said.words} fr=${said.words_fr} /></span>`;
}

/** When an observation was made, by the agent's clock, and below it the device's own time. It is text and no control: a
 * table has one of these a row, and each control would be one more stop for the keyboard. @param {{o: any}} p */
export function When({ o }) {
	if (!o.corrected) return html`${moment(o.time)}`;
	return html`${moment(o.corrected)}<small class="own">${t("own-clock", { time: momentZone(o.time) })}</small>`;
}

/** What a station of a lane is called. @param {string} id */
export const station = (id) => word("station", id);

/** What a device is called: its title, in the reader's language where it is a common one. @param {any} d */
export const title = (d) => (d.title ? word("title", d.title) : d.id);

/** A list of names and values. @param {{rows: [string, any][]}} p */
export function Facts({ rows }) {
	return html`<dl class="facts">${rows.filter(([, v]) => v !== "" && v !== undefined && v !== null && v !== false).map(([k, v]) => html`<div><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/** A table; on a telephone each row is a card. @param {{caption: string, head: string[], rows: any[][], empty?: string}} p */
export function Table({ caption, head, rows, empty }) {
	return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
		<table role="table"><caption>${caption}</caption>
			<thead role="rowgroup"><tr role="row">${head.map((c) => html`<th scope="col" role="columnheader">${c}</th>`)}</tr></thead>
			<tbody role="rowgroup">${rows.length ? rows.map((r) => html`<tr role="row">${r.map((c, i) => (i ? html`<td role="cell" data-head=${head[i]} class=${c === "" || c === null || c === undefined ? "none" : undefined}>${c}</td>` : html`<th scope="row" role="rowheader">${c}</th>`))}</tr>`) : html`<tr role="row"><td role="cell" colspan=${head.length}>${empty ?? t("nothing")}</td></tr>`}</tbody>
		</table></div>`;
}
