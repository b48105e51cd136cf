// The panel beside the image of the X-ray workstation: objects, own boxes, what the reader says, display, ruler.
import { ask, chosen, html, number, places, session, t, useState } from "/lib.js";
import { lengthText } from "/pages/viewer.js";
import { bounds } from "/pages/xrayview.js";

/**
 * @import { Case } from "../../types/agent"
 * @import { Mark, Scan, Settings } from "/pages/viewer.js"
 * @import { Loaded } from "/pages/viewerdata.js"
 * @import { Point, Region } from "/pages/xrayview.js"
 * @import { Scale, Spread } from "/pages/xrayvalues.js"
 */

/** What is marked in the image; reports: DICOS files of what people drew. @param {{marks: Mark[], current: number, goTo: (i: number) => void, reports: string[]}} p */
export function Objects({ marks, current, goTo, reports }) {
	return html`<section><h2>${t("vw-objects", { n: marks.length })} <small>${t("vw-next-key")}</small></h2>
		${marks.length ? html`<ol class="objects">${marks.map((m, i) => html`<li key=${i}><button class="obj ${m.kind}" aria-current=${i === current ? "true" : undefined} onClick=${() => goTo(i)}>
			<b aria-hidden="true">${i + 1}</b><span>${m.kind === "alarm" && html`<span aria-hidden="true">▲ </span>`}<b>${m.name}</b><br /><small>${m.by}</small></span></button></li>`)}</ol>`
			: html`<p class="dim">${t("vw-no-objects")}</p>`}
		${reports.length > 0 && html`<details><summary>${t("vw-reports", { n: reports.length })}</summary><ul class="plain">${reports.map((sha, i) => html`<li key=${sha}><a class="button" download=${`tdr-${i + 1}.dcs`} href=${places.artifact(sha, "")}>TDR ${i + 1}</a></li>`)}</ul></details>`}</section>`;
}

/**
 * A number that is kept when it is left or Enter is pressed.
 * @param {{label: string, value: number, set: (v: number) => void, max?: number}} p
 */
function Num({ label, value, set, max }) {
	const [typed, setTyped] = useState(/** @type {string | null} */ (null)); // until it is done: the page may be drawn anew meanwhile
	const done = (/** @type {Event} */ e) => {
		setTyped(null);
		if (Number.isFinite(Number(chosen(e))) && chosen(e) !== "") set(Number(chosen(e)));
	};
	return html`<label>${label} <input type="number" min="0" max=${max} step="any" value=${typed ?? Math.round(10 * value) / 10}
		onInput=${(/** @type {Event} */ e) => setTyped(chosen(e))} onChange=${done} /></label>`;
}

/**
 * One's own boxes, which can be moved by numbers, named and taken away.
 * @param {{mine: (Region & {label?: string})[], set: (all: (Region & {label?: string})[]) => void, scale: Scale | null}} p
 */
export function Mine({ mine, set, scale }) {
	/** @param {number} i @param {Partial<Region & {label: string}>} more */
	const change = (i, more) => set(mine.map((r, k) => (k === i ? { ...r, ...more } : r)));
	return html`<section><h2>${t("vw-own-boxes")}</h2>${mine.map((r, i) => {
		const b = bounds(r), box = r.x.length === 2;
		return html`<fieldset key=${i}><legend>${t("vw-own", { n: i + 1 })}${scale && html` <small>${lengthText(scale, { x: b.x, y: b.y }, { x: b.x + b.w, y: b.y })} × ${lengthText(scale, { x: b.x, y: b.y }, { x: b.x, y: b.y + b.h })}</small>`}</legend>
			<label>${t("vw-label")} <input maxlength="60" value=${r.label ?? ""} onInput=${(/** @type {Event} */ e) => change(i, { label: chosen(e) })} /></label>
			${box && html`<div class="nums"><${Num} label="x" value=${r.x[0]} max=${scale?.columns} set=${(/** @type {number} */ v) => change(i, { x: [v, v + b.w] })} />
				<${Num} label="y" value=${r.y[0]} max=${scale?.rows} set=${(/** @type {number} */ v) => change(i, { y: [v, v + b.h] })} />
				<${Num} label=${t("vw-width")} value=${b.w} set=${(/** @type {number} */ v) => v >= 2 && change(i, { x: [r.x[0], r.x[0] + v] })} />
				<${Num} label=${t("vw-height")} value=${b.h} set=${(/** @type {number} */ v) => v >= 2 && change(i, { y: [r.y[0], r.y[0] + v] })} /></div>`}
			<button onClick=${() => set(mine.filter((_, k) => k !== i))}>${t("vw-remove")}</button></fieldset>`;
	})}</section>`;
}

/** States of a case in which a verdict can be given. */
const judged = ["open", "taken", "secondary-done", "reopened", "disputed"];

/** Codes of verdicts, as docs/cases.md has them. */
const codes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/**
 * What the reader says of the image: boxes and a note, and the verdict where one is due. They become one row of the case.
 * @param {{c: Case | null, path: string, scan: Scan, mine: (Region & {label?: string})[], saved: () => void, again: () => void, may: boolean, judges: boolean}} p may: they may add to the case; judges: they may decide it
 */
export function Opinion({ c, path, scan, mine, saved, again, may: mayAct, judges }) {
	const [image, setImage] = useState(""), [code, setCode] = useState(""), [notes, setNotes] = useState(""), [reason, setReason] = useState("");
	const [nuclides, setNuclides] = useState(""), [swab, setSwab] = useState("");
	const [said, setSaid] = useState(""), [failure, setFailure] = useState(""), [busy, setBusy] = useState(false);
	const [name, setName] = useState(localStorage.getItem("name") ?? "");
	if (!c) return html`<section><h2>${t("vw-say")}</h2><p class="dim">${t("vw-no-case")}</p></section>`;
	if (!mayAct) return html`<section><h2>${t("vw-say")}</h2><p class="dim">${t("vw-may-not")}</p></section>`;
	const guest = places.centre && session.user === "guest";
	const of = (/** @type {string} */ family) => c.alarms.some((a) => a.kind.startsWith(family));
	const blind = Boolean(c.blind), decides = judges && (judged.includes(c.state) || blind), changes = decides && !blind && (c.history ?? []).some((e) => e.state === "reopened");
	const attachments = mine.length ? [{ sha256: scan.sha, media_type: scan.media, row: scan.row, boxes: mine.map(({ x, y, label }) => ({ x, y, label: label || undefined })) }] : undefined;
	/** @param {string} action @param {object} more */
	const send = async (action, more) => {
		setBusy(true);
		try {
			const key = `${session.user}-${Date.now()}-${Math.random()}`.slice(0, 64);
			await ask(path, { method: "POST", body: { action, revision: c.revision, key, by: guest ? name : undefined, notes: notes.trim() || undefined, attachments, ...more } });
			setSaid(t(action === "decide" ? "vw-decided" : "vw-saved"));
			setFailure("");
			setNotes("");
			saved();
		} catch (e) {
			setFailure(/** @type {Error} */ (e).message);
			setSaid("");
		}
		setBusy(false);
		again();
	};
	/** @param {Event} e */
	const decide = (e) => {
		e.preventDefault();
		send("decide", { image: image || undefined, code: Number(code) || undefined, reason: reason || undefined, swab: swab || undefined, nuclides: nuclides.trim() ? nuclides.trim().split(/[\s,;]+/) : undefined });
	};
	return html`<section class="opinion"><h2>${t("vw-say")}</h2>
		${blind && html`<p class="pill info">${t("vw-blind")}</p>`}
		${guest && html`<label>${t("your-name")} <input value=${name} onInput=${(/** @type {Event} */ e) => {
			localStorage.setItem("name", chosen(e));
			setName(chosen(e));
		}} /></label>`}
		<form onSubmit=${decide}>
			${decides && html`<div class="words" role="radiogroup" aria-label=${t("case-image")}>${["suspect", "clear", "unreadable"].map((w) => html`<label class="word ${w}" key=${w}>
				<input type="radio" name="image" value=${w} checked=${image === w} onChange=${() => setImage(w)} /> ${t(`case-word.${w}`)}${w === "suspect" && html` <kbd aria-hidden="true">S</kbd>`}</label>`)}</div>
			${(of("radiation") || of("trace") || !of("xray")) && html`<label>${t("case-code")} <select value=${code} onChange=${(/** @type {Event} */ e) => setCode(chosen(e))}><option value=""></option>${codes.map((n) => html`<option value=${n}>${n} – ${t(`case-code.${n}`)}</option>`)}</select></label>`}
			${of("radiation") && html`<label>${t("case-nuclides")} <input value=${nuclides} placeholder="K-40, Cs-137" onInput=${(/** @type {Event} */ e) => setNuclides(chosen(e))} /></label>`}
			${of("trace") && html`<label>${t("case-swab")} <select value=${swab} onChange=${(/** @type {Event} */ e) => setSwab(chosen(e))}><option value=""></option>${["confirmed", "contamination"].map((w) => html`<option value=${w}>${t(`case-word.${w}`)}</option>`)}</select></label>`}`}
			<label>${t("case-notes")} <textarea rows="2" value=${notes} onInput=${(/** @type {Event} */ e) => setNotes(chosen(e))}></textarea></label>
			${changes && html`<label>${t("case-reason")} <input value=${reason} onInput=${(/** @type {Event} */ e) => setReason(chosen(e))} /></label>`}
			<div class="buttons">${decides && html`<button class="primary" disabled=${busy}>${t("vw-decide")}</button>`}
				<button type="button" disabled=${busy || !attachments && !notes.trim()} onClick=${() => send(notes.trim() ? "comment" : "attach", {})}>${t("vw-save")}</button></div>
			<p class="dim">${mine.length ? t("vw-with-boxes", { n: mine.length }) : t("vw-draw-first")}${judges && !decides ? ` ${t("vw-case-elsewhere")}` : ""}</p>
		</form><p role="status">${said}</p><p role="alert" class="problem">${failure}</p></section>`;
}

/**
 * How the image is shown: energies, ends of the window by slider and number, the spread of its values.
 * @param {{image: Loaded, settings: Settings, levels: {low: number, high: number, spread: Spread}, set: (s: Partial<Settings>) => void}} p
 */
export function Display({ image, settings, levels, set }) {
	const top = 2 ** (image.high?.scale.bits ?? 16) - 1, { low, high, spread } = levels;
	const materials = image.low ? (image.high?.scale.materials ?? []).filter((m, i, all) => all.findIndex((o) => o.name === m.name) === i) : [];
	const setLow = (/** @type {number} */ v) => set({ low: Math.max(0, Math.min(v, high - 1)), high });
	const setHigh = (/** @type {number} */ v) => set({ high: Math.min(top, Math.max(v, low + 1)), low });
	return html`<section><h2>${t("vw-display")}</h2>
		<div class="buttons" role="group" aria-label=${t("energy")}>${["both", "high", "low"].map((e) => html`<button key=${e} aria-pressed=${e === (image.low ? settings.energy : "high")} disabled=${e !== "high" && !image.low}
			onClick=${() => set({ energy: e, low: null, high: null })}>${t(`vw-energy.${e}`)}</button>`)}
			<button aria-pressed=${settings.log} onClick=${() => set({ log: !settings.log })}>${t("view.log")}</button></div>
		${[["view.dark", low, setLow], ["view.light", high, setHigh]].map(([key, value, put]) => html`<div class="rng" key=${key}><label>${t(/** @type {string} */ (key))}
			<input type="range" min="0" max=${top} value=${value} onInput=${(/** @type {Event} */ e) => /** @type {(v: number) => void} */ (put)(Number(chosen(e)))} /></label>
			<input type="number" min="0" max=${top} value=${Math.round(/** @type {number} */ (value))} aria-label=${t(/** @type {string} */ (key))}
				onChange=${(/** @type {Event} */ e) => chosen(e) !== "" && /** @type {(v: number) => void} */ (put)(Number(chosen(e)))} /></div>`)}
		<${Histogram} spread=${spread} top=${top} low=${low} high=${high} />
		${materials.length > 0 && html`<ul class="materials">${materials.map((m) => html`<li key=${m.name}><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill=${`rgb(${m.rgb.join()})`} /></svg> ${t(`vw-mat.${m.name}`)}</li>`)}</ul>
			<details><summary>${t("vw-method")}</summary><p>${t("vw-method-text")}</p></details>`}</section>`;
}

/** How often each value is, with the ends of the window. @param {{spread: Spread, top: number, low: number, high: number}} p */
function Histogram({ spread, top, low, high }) {
	const n = spread.histogram.length, most = Math.log1p(Math.max(1, ...spread.histogram));
	if (!n) return null;
	const path = spread.histogram.map((c, i) => `L${i} ${(40 - (40 * Math.log1p(c)) / most).toFixed(1)}`).join(" ");
	return html`<svg class="histogram" viewBox=${`0 0 ${n} 40`} preserveAspectRatio="none" role="img" aria-label=${t("vw-histogram", { low: number(spread.low), high: number(spread.high), air: number(spread.air) })}>
		<path d=${`M0 40 ${path} L${n} 40 Z`} />${[low, high].map((v) => html`<line x1=${(n * v) / top} x2=${(n * v) / top} y1="0" y2="40" />`)}</svg>`;
}

/** The ruler by numbers. @param {{ruler: [Point, Point] | null, set: (r: [Point, Point] | null) => void, scale: Scale | null}} p */
export function Ruler({ ruler, set, scale }) {
	if (!scale) return null;
	const [a, b] = ruler ?? [{ x: 0, y: 0 }, { x: 0, y: 0 }];
	return html`<section><h2>${t("vw-tool.measure")}</h2>
		<p><b class="length">${ruler ? lengthText(scale, a, b) : "–"}</b> <small>${!scale.spacing ? t("vw-no-spacing") : scale.spacing_at === "detector" ? t("vw-at-detector") : ""}</small></p>
		<div class="nums"><${Num} label="x₁" value=${a.x} max=${scale.columns} set=${(/** @type {number} */ x) => set([{ ...a, x }, b])} /><${Num} label="y₁" value=${a.y} max=${scale.rows} set=${(/** @type {number} */ y) => set([{ ...a, y }, b])} />
			<${Num} label="x₂" value=${b.x} max=${scale.columns} set=${(/** @type {number} */ x) => set([a, { ...b, x }])} /><${Num} label="y₂" value=${b.y} max=${scale.rows} set=${(/** @type {number} */ y) => set([a, { ...b, y }])} /></div>
		${ruler && html`<button onClick=${() => set(null)}>${t("vw-remove")}</button>`}</section>`;
}
