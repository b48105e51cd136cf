// One vehicle as it moved through the stations.
import { ask, bodyOf, html, may, moment, ms, number, t, useFetched, useState, word } from "/lib.js";
import { Chart } from "/chart.js";
import { Agent, Facts, Problem, Table } from "/ui.js";

/** @param {{of: string}} p */
export function Passage({ of }) {
	const [detail, problem, again] = useFetched(`/v1/passages/${encodeURIComponent(of)}`);
	if (!detail) return html`<h1>${t("nav.passage")}</h1><${Problem} text=${problem} />${!problem && html`<p>${t("loading")}</p>`}`;
	const p = detail.passage;
	return html`<h1>${t("nav.passage")} ${p.plate || p.id}</h1>
		${p.alarm && html`<p class="verdict bad"><span aria-hidden="true">▲</span> ${t("alarm")}</p>`}
		<${Facts} rows=${[
			[t("lane"), p.lane], [t("opened"), moment(ms(p.openedNs), true)], [t("closed"), ms(p.closedNs) > 0 ? `${moment(ms(p.closedNs))} (${word("end", p.end)})` : t("open")],
			[t("tags"), (p.tags ?? []).join(", ")], [t("containers"), (p.containers ?? []).join(", ")], [t("length"), p.lengthM && `${number(p.lengthM, 1)} m`],
			[t("speed"), p.speedKph && `${number(p.speedKph, 1)} km/h`], [t("weight"), p.weightKg && `${number(p.weightKg)} kg`], [t("confidence"), p.confidence && `${number(100 * p.confidence)} %`],
		]} />
		<ol class="stations" aria-label=${t("stations")}>${(p.stations ?? []).map((/** @type {any} */ s) => html`<li class=${s.seen ? "seen" : `gap ${s.gap}`}><strong>${s.station}</strong> ${s.seen ? moment(ms(s.arrivedNs)) : word("gap", s.gap)}</li>`)}</ol>
		${detail.observations.map((/** @type {any} */ o) => html`<${Reading} key=${o.idx} o=${o} all=${detail.observations} />`)}
		<${Table} caption=${t("readings")} head=${[t("row"), t("time"), t("device"), t("kind"), t("station"), t("confidence"), t("why")]}
			rows=${(p.readings ?? []).map((/** @type {any} */ r) => [r.idx ?? 0, moment(ms(r.timeNs)), r.device, kindOf(detail, r), r.station ?? "", `${number(100 * (r.confidence ?? 0))} %`, html`<${Agent} text=${r.reason} />`])} />
		${may("officer") && html`<${Correct} again=${again} readings=${p.readings ?? []} />`}`;
}

/** @param {any} detail @param {any} reading */
function kindOf(detail, reading) {
	const o = detail.observations.find((/** @type {any} */ one) => String(one.idx) === String(reading.idx ?? 0));
	return o ? word("kind", o.kind) : "";
}

/** Moves a reading to another vehicle. @param {{again: () => void, readings: any[]}} p */
function Correct({ again, readings }) {
	const [said, setSaid] = useState("");
	/** @param {any} e */
	const send = async (e) => {
		e.preventDefault();
		const form = new FormData(e.target);
		try {
			await ask("/v1/passages/corrections", { method: "POST", body: { idx: Number(form.get("idx")), to: form.get("to"), reason: form.get("reason"), by: "" } });
			setSaid(t("done"));
			again();
		} catch (err) {
			setSaid(/** @type {Error} */ (err).message);
		}
	};
	return html`<h2>${t("correct")}</h2><form class="line" onSubmit=${send}>
		<label>${t("row")} <select name="idx">${readings.map((r) => html`<option>${r.idx ?? 0}</option>`)}</select></label>
		<label>${t("to-passage")} <input name="to" /></label>
		<label>${t("why")} <input name="reason" required /></label>
		<button>${t("correct")}</button><span role="status">${said}</span></form>`;
}

/** What one reading shows, where there is something to see. @param {{o: any, all: any[]}} p */
export function Reading({ o, all }) {
	const [kind, body] = bodyOf(o.observation);
	const artifacts = o.observation.body.artifacts ?? [];
	switch (kind) {
		case "radiationOccupancy":
			return html`<${Occupancy} b=${body} device=${o.device} />`;
		case "xrayImage":
			return artifacts[0] && body.lowEnergy !== true || !hasPair(all, body) ? html`<${Image} sha=${artifacts[0].sha256} with=${partners(o, all)} body=${body} />` : null;
		case "traceAnalysis":
			return html`<${Analysis} b=${body} artifacts=${artifacts} />`;
		case "vehiclePlate": {
			const picture = artifacts.find((/** @type {any} */ a) => (a.mediaType ?? "").startsWith("image/"));
			return html`<section class="card"><h2>${word("kind", "vehicle.plate")} ${body.plate}</h2>
				<${Facts} rows=${[[t("confidence"), `${number(100 * (body.confidence ?? 0))} %`], [t("region"), body.region], [t("other-reads"), (body.alternatives ?? []).map((/** @type {any} */ a) => a.plate).join(", ")]]} />
				${picture && html`<img class="plate" src="/v1/artifacts/${picture.sha256}?type=${picture.mediaType}" alt=${t("plate-picture", { plate: body.plate })} />`}</section>`;
		}
		case "vehicleWeight":
			return html`<section class="card"><h2>${word("kind", "vehicle.weight")}</h2><p class="big">${number(body.kg)} kg</p>${body.overload && html`<p class="problem">${t("overload")}</p>`}</section>`;
	}
	return null;
}

/** Whether the other energy of a scan is there. @param {any[]} all @param {any} body */
const hasPair = (all, body) => all.some((o) => { const [k, b] = bodyOf(o.observation); return k === "xrayImage" && b.scanInstance === body.scanInstance && b.sopInstance !== body.sopInstance; });

/** The other files of an image's scan: its other energy, its threat report. @param {any} o @param {any[]} all */
function partners(o, all) {
	const [, body] = bodyOf(o.observation);
	return all.filter((other) => {
		const [k, b] = bodyOf(other.observation);
		return other.idx !== o.idx && (k === "xrayImage" || k === "xrayThreatReport") && b.scanInstance === body.scanInstance;
	}).map((other) => other.observation.body.artifacts[0].sha256);
}

/** An X-ray image with overlays, window and zoom. @param {{sha: string, with: string[], body: any}} p */
function Image({ sha, with: others, body }) {
	const [view, setView] = useState(/** @type {Record<string, boolean>} */ ({ overlay: true }));
	const [zoom, setZoom] = useState({ level: 1, x: 0.5, y: 0.5 });
	const [range, setRange] = useState([0, 1]);
	const [w, h] = [Number(body.columns), Number(body.rows)];
	const q = new URLSearchParams({ max: "1600" });
	for (const name of ["invert", "log", "equalise"]) if (view[name]) q.set(name, "true");
	if (view.overlay) for (const o of others) q.append("with", o);
	if (range[0] > 0 || range[1] < 1) q.set("window", range.join());
	if (zoom.level > 1) {
		const [rw, rh] = [Math.round(w / zoom.level), Math.round(h / zoom.level)];
		q.set("region", [Math.round((w - rw) * zoom.x), Math.round((h - rh) * zoom.y), rw, rh].join());
	}
	/** @param {number} dx @param {number} dy */
	const move = (dx, dy) => setZoom({ ...zoom, x: Math.min(1, Math.max(0, zoom.x + dx)), y: Math.min(1, Math.max(0, zoom.y + dy)) });
	return html`<section class="card"><h2>${word("kind", "xray.image")} ${body.ooiId ?? ""}</h2>
		<div class="buttons" role="group" aria-label=${t("view")}>
			${["overlay", "invert", "log", "equalise"].map((n) => html`<button aria-pressed=${Boolean(view[n])} onClick=${() => setView({ ...view, [n]: !view[n] })}>${t(`view.${n}`)}</button>`)}
			<button onClick=${() => setZoom({ ...zoom, level: Math.min(16, zoom.level * 2) })}>${t("zoom-in")}</button>
			<button onClick=${() => setZoom({ ...zoom, level: Math.max(1, zoom.level / 2) })}>${t("zoom-out")}</button>
			${zoom.level > 1 && [["←", -0.25, 0, "left"], ["→", 0.25, 0, "right"], ["↑", 0, -0.25, "up"], ["↓", 0, 0.25, "down"]].map(([sign, dx, dy, name]) => html`<button aria-label=${t(`move.${name}`)} onClick=${() => move(Number(dx), Number(dy))}>${sign}</button>`)}
			${["dark", "light"].map((n, i) => html`<label class="slide">${t(`view.${n}`)} <input type="range" min="0" max="1" step="0.02" value=${range[i]} onChange=${(/** @type {any} */ e) => setRange(i ? [range[0], Math.max(Number(e.target.value), range[0] + 0.02)] : [Math.min(Number(e.target.value), range[1] - 0.02), range[1]])} /></label>`)}
		</div>
		<img class="xray" src="/v1/artifacts/${sha}/picture?${q}" alt=${t("xray-alt", { ooi: body.ooiId ?? "" })} />
		<${Facts} rows=${[["kV", body.kvp && number(body.kvp)], [t("pixels"), `${w} × ${h}`], [t("manufacturer"), body.manufacturer]]} /></section>`;
}

/** A portal's strip chart. @param {{b: any, device: string}} p */
function Occupancy({ b, device }) {
	const step = Number(b.gammaIntervalMs ?? 200) / 1000;
	const gamma = b.gamma ?? [];
	const n = Math.max(0, ...gamma.map((/** @type {any} */ s) => (s.counts ?? []).length));
	const x = Array.from({ length: n }, (_, i) => i * step);
	const background = (b.gammaBackground ?? []).map((/** @type {number} */ v) => (v * Number(b.gammaWindowMs ?? b.gammaIntervalMs ?? 200)) / 1000);
	const total = background.reduce((/** @type {number} */ a, /** @type {number} */ v) => a + v, 0);
	const limit = total && b.windowIntervals ? total + (b.sigmaLimit * Math.sqrt(total * b.windowIntervals)) / b.windowIntervals : 0;
	const sums = x.map((_, i) => gamma.reduce((/** @type {number} */ a, /** @type {any} */ s) => a + Number(s.counts?.[i] ?? 0), 0));
	const neutron = (b.neutron ?? []).map((/** @type {any} */ s) => (s.counts ?? []).map(Number));
	return html`<section class="card"><h2>${word("kind", "radiation.occupancy")} <small>${device}</small></h2>
		<${Facts} rows=${[[t("sigma"), `${number(b.sigmaMax ?? 0, 1)} (${t("limit")} ${number(b.sigmaLimit ?? 0, 1)})`], [t("portal-says"), b.gammaAlarm ? t("gamma-alarm") : b.neutronAlarm ? t("neutron-alarm") : t("no-alarm")], [t("neutrons"), neutron.flat().length ? number(neutron.flat().reduce((/** @type {number} */ a, /** @type {number} */ v) => a + v, 0)) : ""], [t("disagree"), b.alarmDisagreement && t("yes")]]} />
		${n > 0 && html`<${Chart} label=${t("gamma-chart")} time=${false} x="s" data=${[x, ...gamma.map((/** @type {any} */ s) => x.map((_, i) => Number(s.counts?.[i] ?? NaN))), sums, x.map(() => total || null), x.map(() => limit || null)]}
			series=${[...gamma.map((/** @type {any} */ _, /** @type {number} */ i) => t("panel", { n: i + 1 })), t("sum"), t("background"), t("threshold")]} />`}
		${neutron.length > 0 && html`<${Chart} label=${t("neutron-chart")} time=${false} x="s" height=${140} data=${[neutron[0].map((/** @type {number} */ _, /** @type {number} */ i) => i * Number(b.neutronIntervalMs ?? 1000) / 1000), ...neutron]} series=${neutron.map((/** @type {any} */ _, /** @type {number} */ i) => t("panel", { n: i + 1 }))} />`}
	</section>`;
}

/** An ion scanner's plasmagram. @param {{b: any, artifacts: any[]}} p */
function Analysis({ b, artifacts }) {
	const spectrum = artifacts.find((a) => (a.mediaType ?? "").includes("jcamp"));
	return html`<section class="card"><h2>${word("kind", "trace.analysis")} ${b.sample ?? ""}</h2>
		<${Facts} rows=${[[t("instrument-says"), word("verdict", b.instrumentVerdict ?? "")], [t("we-say"), word("verdict", b.verdict ?? "")], [t("disagree"), b.disagreement && t("yes")], [t("found"), (b.found ?? []).map((/** @type {any} */ f) => f.substance).join(", ")], [t("qc"), word("qc", b.qc ?? "")]]} />
		<ul lang="en">${(b.reasons ?? []).map((/** @type {string} */ r) => html`<li>${r}</li>`)}</ul>
		${spectrum && html`<img class="plasmagram" src="/v1/artifacts/${spectrum.sha256}/picture?max=1200" alt=${t("plasmagram-alt", { sample: b.sample ?? "" })} />`}
		${(b.peaks ?? []).length > 0 && html`<${Table} caption=${t("peaks")} head=${[t("drift-time"), "K0", t("height"), "SNR", t("substance")]} rows=${b.peaks.map((/** @type {any} */ p) => [`${number(p.driftMs, 3)} ms`, p.k0 ? number(p.k0, 4) : "", number(p.amplitude ?? p.height ?? 0), p.snr ? number(p.snr) : "", p.substance ?? p.assignment ?? ""])} />`}
	</section>`;
}
