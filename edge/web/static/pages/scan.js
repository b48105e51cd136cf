// An X-ray image with overlays, window and zoom. The agent draws it (GET /v1/artifacts/{sha256}/picture).
import { chosen, energy, html, number, places, t, useState, word } from "/lib.js";
import { OpenViewer } from "/pages/vehicle.js";
import { Facts } from "/ui.js";

/**
 * @import { Line } from "../../types/agent"
 * @import { XrayImage } from "../../types/observation"
 * @import { ReadingProps } from "/pages/reading.js"
 */

/** An X-ray image; of a scan's two energies the high one, which shows both. @param {ReadingProps<XrayImage>} p */
export function Scan({ o, b, artifacts, all }) {
	if (!artifacts[0] || b.lowEnergy === true && hasOtherEnergy(all, b)) return null;
	if (!places.picture) return html`<${Preview} sha=${artifacts[0].sha256} b=${b} all=${all} />`;
	return html`<${Image} sha=${artifacts[0].sha256} with=${relatedFiles(o, b, all)} body=${b} />`;
}

/**
 * Reports whether the other energy of a scan is among the observations.
 * @param {Line[]} all
 * @param {XrayImage} image
 */
function hasOtherEnergy(all, image) {
	return all.some(({ observation }) => {
		const other = observation.body?.xrayImage;
		return other?.scanInstance === image.scanInstance && other?.sopInstance !== image.sopInstance;
	});
}

/**
 * Returns the SHA-256 of the other files of an image's scan: its other energy, its threat report.
 * @param {Line} o
 * @param {XrayImage} image
 * @param {Line[]} all
 */
function relatedFiles(o, image, all) {
	return all.flatMap(({ idx, observation: { body } }) => {
		const other = body?.xrayImage ?? body?.xrayThreatReport;
		const related = idx !== o.idx && other && other.scanInstance === image.scanInstance;
		return related ? [body?.artifacts?.[0]?.sha256 ?? ""].filter(Boolean) : [];
	});
}

/** The small picture that the lane made of an image, where nobody draws the image. @param {{sha: string, b: XrayImage, all: Line[]}} p */
function Preview({ sha, b, all }) {
	const of = all.find(({ observation: { body } }) => body?.xrayPreview?.imageInstance === b.sopInstance);
	const picture = of?.observation.body?.artifacts?.[0];
	if (!picture) return null;
	return html`<section class="card"><h2>${word("kind", "xray.image")} ${b.ooiId ?? ""}</h2><${OpenViewer} sha=${sha} />
		<img class="xray" src=${places.artifact(picture.sha256 ?? "", picture.mediaType ?? "")}
			alt=${t("xray-alt", { ooi: b.ooiId ?? "" })} /></section>`;
}

/**
 * What of the image is in view: the magnification, and the middle as shares (0 to 1) of the room to move.
 * @typedef {{level: number, x: number, y: number}} Zoom
 */

/** The largest magnification. */
const mostZoom = 16;

/** Moves of the view, as shares of the room there is. @type {[string, number, number, string][]} */
const moves = [
	["←", -0.25, 0, "left"], ["→", 0.25, 0, "right"], ["↑", 0, -0.25, "up"], ["↓", 0, 0.25, "down"],
];

/** @param {number} share */
const within = (share) => Math.min(1, Math.max(0, share));

/**
 * Returns the part of an image that is in view as the API's parameter region: X,Y,WIDTH,HEIGHT in pixels.
 * @param {XrayImage} image
 * @param {Zoom} zoom
 */
function region({ columns = 0, rows = 0 }, { level, x, y }) {
	const [width, height] = [Math.round(columns / level), Math.round(rows / level)];
	return [Math.round((columns - width) * x), Math.round((rows - height) * y), width, height].join();
}

/**
 * The image, and what changes the view.
 * @param {{sha: string, with: string[], body: XrayImage}} p with: SHA-256 of files whose content is drawn over it
 */
function Image({ sha, with: others, body }) {
	const [view, setView] = useState(/** @type {Record<string, boolean>} */ ({ overlay: true }));
	const [zoom, setZoom] = useState(/** @type {Zoom} */ ({ level: 1, x: 0.5, y: 0.5 }));
	const [range, setRange] = useState(/** @type {[number, number]} */ ([0, 1]));
	const q = new URLSearchParams({ max: "1600" });
	for (const name of ["invert", "log", "equalise"]) if (view[name]) q.set(name, "true");
	if (view.overlay) for (const o of others) q.append("with", o);
	if (range[0] > 0 || range[1] < 1) q.set("window", range.join());
	if (zoom.level > 1) q.set("region", region(body, zoom));
	const facts = [
		[t("energy"), body.kvp && energy(body.kvp)],
		[t("pixels"), `${number(body.columns)} × ${number(body.rows)}`],
		[t("manufacturer"), body.manufacturer],
	];
	return html`<section class="card"><h2>${word("kind", "xray.image")} ${body.ooiId ?? ""}</h2><${OpenViewer} sha=${sha} />
		<div class="buttons" role="group" aria-label=${t("view")}>
			${["overlay", "invert", "log", "equalise"].map((n) => html`<button aria-pressed=${Boolean(view[n])}
				onClick=${() => setView({ ...view, [n]: !view[n] })}>${t(`view.${n}`)}</button>`)}
			<${ZoomButtons} zoom=${zoom} setZoom=${setZoom} />
			<${Window} range=${range} setRange=${setRange} />
		</div>
		<img class="xray" src=${places.picture?.(sha, String(q))} alt=${t("xray-alt", { ooi: body.ooiId ?? "" })} />
		<${Facts} rows=${facts} /></section>`;
}

/** Buttons that magnify and, once there is room, move. @param {{zoom: Zoom, setZoom: (zoom: Zoom) => void}} p */
function ZoomButtons({ zoom, setZoom }) {
	const to = (/** @type {number} */ level) => setZoom({ ...zoom, level: Math.min(mostZoom, Math.max(1, level)) });
	return html`<button onClick=${() => to(zoom.level * 2)}>${t("zoom-in")}</button>
		<button onClick=${() => to(zoom.level / 2)}>${t("zoom-out")}</button>
		${zoom.level > 1 && moves.map(([sign, dx, dy, name]) => html`<button aria-label=${t(`move.${name}`)}
			onClick=${() => setZoom({ ...zoom, x: within(zoom.x + dx), y: within(zoom.y + dy) })}>${sign}</button>`)}`;
}

/** The narrowest window: the difference of the two ends. */
const leastWindow = 0.02;

/**
 * Two sliders: the shares of the values' range that are drawn black and white.
 * @param {{range: [number, number], setRange: (range: [number, number]) => void}} p
 */
function Window({ range: [dark, light], setRange }) {
	const setDark = (/** @type {Event} */ e) => setRange([Math.min(Number(chosen(e)), light - leastWindow), light]);
	const setLight = (/** @type {Event} */ e) => setRange([dark, Math.max(Number(chosen(e)), dark + leastWindow)]);
	return html`<${Slider} name="dark" value=${dark} set=${setDark} />
		<${Slider} name="light" value=${light} set=${setLight} />`;
}

/** @param {{name: string, value: number, set: (e: Event) => void}} p */
const Slider = ({ name, value, set }) => html`<label class="slide">${t(`view.${name}`)}${" "}
	<input type="range" min="0" max="1" step="0.02" value=${value} onChange=${set} /></label>`;
