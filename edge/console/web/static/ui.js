// Parts of pages: marks of state, lists, tables.
import { agentSays, html, t, word } from "/lib.js";

/** A state as mark and word: never by colour alone. @param {{state: string, group?: string}} p */
export function Mark({ state, group = "state" }) {
	const sign = { running: "✓", passed: "✓", in: "✓", up: "✓", down: "✕", failed: "✕", out: "✕", alarm: "▲", silent: "…", due: "!", connecting: "↻", stopped: "■" }[state] ?? "•";
	return html`<span class="mark ${state}"><span aria-hidden="true">${sign}</span> ${word(group, state)}</span>`;
}

/** @param {{text: string}} p */
export function Problem({ text }) {
	return text ? html`<p class="problem" role="alert">${text}</p>` : null;
}

/** What the agent says in its own words: translated where they are known, else English. @param {{text?: string}} p */
export function Agent({ text }) {
	if (!text) return null;
	const [words, lang] = agentSays(text);
	return html`<span lang=${lang}>${words}</span>`;
}

/** A list of names and values. @param {{rows: [string, any][]}} p */
export function Facts({ rows }) {
	return html`<dl class="facts">${rows.filter(([, v]) => v !== "" && v !== undefined && v !== null && v !== false).map(([k, v]) => html`<div><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/** A table that scrolls sideways by itself, so that the page does not. @param {{caption: string, head: string[], rows: any[][], empty?: string}} p */
export function Table({ caption, head, rows, empty }) {
	return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}>
		<table><caption>${caption}</caption>
			<thead><tr>${head.map((c) => html`<th scope="col">${c}</th>`)}</tr></thead>
			<tbody>${rows.length ? rows.map((r) => html`<tr>${r.map((c, i) => (i ? html`<td>${c}</td>` : html`<th scope="row">${c}</th>`))}</tr>`) : html`<tr><td colspan=${head.length}>${empty ?? t("nothing")}</td></tr>`}</tbody>
		</table></div>`;
}
