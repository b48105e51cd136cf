// Walks every page of a running console as people do, and says what is wrong: node browser.mjs URL USER PASSWORD [SHOTS]
// Both languages, all themes, 360 px, by keyboard; axe-core looks at each page (WCAG 2.2 AA).
import { browser, end, keepShots, look, open, problems, signIn as signInAt } from "./walk.mjs";

const [url, user, password, shots] = process.argv.slice(2);
keepShots(shots);

/** @param {any} page */
async function signIn(page) {
	await signInAt(page, url, user, password);
	await page.waitForSelector(".tiles");
}

/** @param {any} page @param {string} hash */
async function go(page, hash) {
	await page.goto(`${url}/${hash}`);
	await page.waitForSelector("main h1");
	await page.waitForTimeout(1200);
}

const device = process.env.DEVICE ?? "rpm-1";
const pages = ["#/", "#/passages", "#/cases", "#/tests", "#/events", "#/link", "#/evidence", `#/device/${device}`, "#/device/ion-1", "#/signin"];

for (const locale of ["en-CA", "fr-CA"]) {
	const context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 } });
	const page = await open(context);
	await signIn(page);
	if ((await page.getAttribute("html", "lang")) !== locale.slice(0, 2)) problems.push(`${locale}: the page is in ${await page.getAttribute("html", "lang")}`);
	const vehicles = await page.evaluate(async () => (await (await fetch("/v1/passages")).json()).passages.filter((p) => (p.readings ?? []).length > 6).map((p) => p.id));
	const cases = await page.evaluate(async () => {
		const there = (await (await fetch("/v1/passages")).json()).passages.map((p) => p.id);
		return (await (await fetch("/v1/cases")).json()).cases.map((c) => c.id).filter((id) => there.includes(id));
	});
	const all = [...pages, ...vehicles.slice(-2).map((id) => `#/passage/${encodeURIComponent(id)}`), ...cases.slice(0, 1).map((id) => `#/case/${encodeURIComponent(id)}`)];
	if (!vehicles.length) problems.push("no passage was complete enough to look at");
	for (const hash of all) {
		await page.setViewportSize({ width: 1280, height: 900 });
		await go(page, hash);
		await look(page, `${locale} ${hash}`);
		await page.setViewportSize({ width: 360, height: 740 });
		await page.waitForTimeout(200);
		await look(page, `${locale} 360px ${hash}`);
	}
	const french = locale === "fr-CA";
	for (const hash of ["#/nowhere", "#/device/%"]) {
		await go(page, hash);
		const heading = await page.locator("main h1").innerText();
		if (heading !== (french ? "Cette page n’existe pas" : "There is no such page")) problems.push(`${locale} ${hash}: ${heading}`);
	}
	await go(page, "#/events");
	await page.fill("[name=q]", "no-such-word");
	await page.click("form .primary");
	await page.getByText(french ? "Aucun enregistrement ne correspond." : "No record matches.").waitFor();
	// An agent that is gone: each page says so in its language.
	const gone = await context.newPage();
	await gone.route(/\/v1\/(stream|passages|cases|observations|tests|devices|evidence)/, (route) => route.abort());
	const away = french ? /ne répond pas|Pas de réponse/ : /not answer|No answer/;
	for (const hash of ["#/", "#/passages", "#/cases", "#/tests", "#/events", "#/link", `#/device/${device}`]) {
		await go(gone, hash);
		const text = await gone.locator("main").innerText();
		if (!away.test(text) || /Failed to fetch/.test(text)) problems.push(`${locale} ${hash} without an agent: ${text.slice(0, 200)}`);
	}
	await gone.close();
	await page.setViewportSize({ width: 1280, height: 900 });
	for (const theme of ["dark", "contrast", "light"]) {
		await go(page, "#/");
		await page.selectOption("header label:nth-of-type(2) select", theme);
		await look(page, `${locale} ${theme} #/`);
		await go(page, `#/device/${device}`);
		await look(page, `${locale} ${theme} device`);
	}
	await context.close();
}

// An alarm of this vehicle or the next is shown at both, as loud, with both probabilities and a link to the other. The
// documents are by hand: the traffic of a demonstration is seldom so close.
for (const [locale, theme] of [["en-CA", "light"], ["fr-CA", "dark"]]) {
	const context = await browser.newContext({ locale, viewport: { width: 1440, height: 900 } });
	await context.addInitScript((name) => localStorage.setItem("theme", name), theme);
	const page = await open(context);
	const now = BigInt(Date.now()) * 1000000n;
	const alarm = { idx: "104", device: "rpm-1", kind: 1, station: "portal", timeNs: String(now), class: 1, confidence: 0.62, other: "next", otherConfidence: 0.38, reason: "matches loop-1" };
	const common = { lane: "lane-1", openedNs: String(now), state: "PASSAGE_STATE_OPEN", direction: "PASSAGE_DIRECTION_FORWARD", stations: [{ station: "exit", gap: "PASSAGE_GAP_NOT_YET" }] };
	const list = [{ ...common, id: "first", plate: "AAA111", alarm: true, confidence: 0.62, readings: [alarm] }, { ...common, id: "next", plate: "BBB222", alarmPossible: true, confidence: 1, possible: [{ ...alarm, confidence: 0.38, other: "first", otherConfidence: 0.62 }] }];
	const row = { idx: 104, time: new Date().toISOString(), class: "alarm", device: "rpm-1", kind: "radiation.tamper", summary: { en: "Alarm", fr: "Alarme" }, observation: { body: {} }, passages: [{ passage: "first", plate: "AAA111", confidence: 0.62 }, { passage: "next", plate: "BBB222", confidence: 0.38 }] };
	/** @param {any} route @param {any} json */
	const answer = (route, json) => route.fulfill({ json });
	await page.route("**/v1/session", (route) => answer(route, { user: "officer-7", role: "officer", csrf: "x", accounts: true }));
	await page.route(/\/v1\/passages(\?.*)?$/, (route) => answer(route, { passages: list, clocks: {} }));
	await page.route("**/v1/passages/*", (route) => answer(route, { passage: list.find((p) => route.request().url().endsWith(p.id)), observations: [row] }));
	const status = { site: "demo", agent: "lane-1", software: "1", started: row.time, now: row.time, clock: { synchronised: true, error_ms: 1 }, journal: { size: 1, signed: 1, failures: 0, waiting: {}, waiting_artifacts: 0, disk_free: 9e10, disk_total: 1e11 }, disk: { budget: 8e10, used: 1e9 }, link: { configured: false }, devices: [] };
	await page.route("**/v1/status", (route) => answer(route, status));
	await page.route("**/v1/clearance", (route) => answer(route, { booths: [] }));
	await page.route("**/v1/stream?*", (route) => route.fulfill({ contentType: "text/event-stream", body: `event: status\ndata: ${JSON.stringify(status)}\n\n` }));
	await page.route("**/v1/observations?*", (route) => answer(route, { observations: [row], next: 0 }));
	const possible = locale === "en-CA" ? "Possible alarm" : "Alarme possible";
	for (const [hash, texts, link] of [
		["#/", [possible, "AAA111", "BBB222", "38\u00a0%", "62\u00a0%"], "next"],
		["#/passages", [possible, "38\u00a0%", "62\u00a0%"], "first"],
		["#/passage/first", ["62\u00a0%", "BBB222", "38\u00a0%"], "next"],
		["#/passage/next", [possible, "38\u00a0%", "AAA111", "62\u00a0%"], "first"],
		["#/events", ["AAA111 (62\u00a0%)", "BBB222 (38\u00a0%)"], ""],
	]) {
		for (const width of [1440, 360]) {
			await page.setViewportSize({ width, height: 900 });
			await go(page, hash);
			const text = await page.locator("main").innerText();
			for (const t of texts) if (!text.includes(t)) problems.push(`${locale} ${hash}: "${t}" is not there`);
			for (const t of ["PASSAGE_", "1970", "undefined", "NaN"]) if (text.includes(t)) problems.push(`${locale} ${hash}: "${t}" is there`);
			if (link && !(await page.locator(`main a[href="#/passage/${link}"]`).count())) problems.push(`${locale} ${hash}: no link to ${link}`);
			await look(page, `${locale} ${theme} ${width}px doubt ${hash}`);
		}
	}
	await context.close();
}

// The X-ray workstation, by keyboard alone: values, a length, a box that goes on record and is there for who comes next.
for (const [locale, theme] of [["en-CA", "light"], ["fr-CA", "dark"]]) {
	const context = await browser.newContext({ locale, viewport: { width: 1440, height: 900 } });
	await context.addInitScript((name) => localStorage.setItem("theme", name), theme);
	const page = await open(context);
	await signIn(page);
	const find = () => page.evaluate(async () => {
		const cases = (await (await fetch("/v1/cases")).json()).cases.map((c) => c.id), all = (await (await fetch("/v1/passages")).json()).passages;
		for (const { id } of all.filter((p) => cases.includes(p.id))) {
			const { observations } = await (await fetch(`/v1/passages/${encodeURIComponent(id)}`)).json();
			if (observations.some((o) => o.kind === "xray.image")) return id;
		}
		return "";
	});
	let id = await find();
	for (let i = 0; i < 90 && !id; i++) {
		await page.waitForTimeout(2000);
		id = await find();
	}
	if (!id) {
		problems.push("no case has an X-ray image");
		break;
	}
	const at = `#/viewer/${encodeURIComponent(id)}`;
	const ready = () => page.waitForFunction(() => /\d/.test(document.querySelector(".stat dd")?.textContent ?? "") && !document.querySelector(".ov.load"));
	await go(page, at);
	await ready();
	await page.waitForFunction(() => document.activeElement?.classList.contains("stage"));
	const values = await page.locator(".stat").innerText();
	if (!/\d{1,3}[,\u00a0\u202f]?\d{3}/.test(values)) problems.push(`${at}: the value bar has no values: ${values}`);
	/** @param {string} keys */
	const press = async (keys) => {
		for (const k of keys.split(" ")) await page.keyboard.press(k);
	};
	await press("m Enter Shift+ArrowRight Shift+ArrowRight Shift+ArrowRight Enter");
	const length = await page.locator(".length").innerText();
	if (!/^\d.*\u00a0(m|mm)$/.test(length)) problems.push(`${at}: a length of "${length}"`);
	await press("b Enter Shift+ArrowRight Shift+ArrowRight Shift+ArrowDown Shift+ArrowDown Enter Escape");
	await page.locator("fieldset input[maxlength]").fill("pallet 4");
	await page.locator(".side fieldset input[maxlength]").press("Tab");
	await look(page, `${locale} ${theme} viewer with a box`);
	await page.locator(".opinion .buttons button[type=button]").focus();
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => !document.querySelector(".side fieldset") && document.querySelector(".obj.theirs"));
	await go(page, "#/");
	await go(page, at);
	await ready();
	await page.waitForFunction(() => [...document.querySelectorAll(".obj.theirs")].some((e) => e.textContent?.includes("pallet 4")));
	await press("n w ArrowRight ArrowUp i g o o + + ArrowLeft 1 0");
	for (const width of [360, 2560]) {
		await page.setViewportSize({ width, height: 900 });
		await page.waitForTimeout(300);
		await look(page, `${locale} ${theme} ${width}px viewer`);
	}
	await context.close();
}

// By keyboard alone: every page of the navigation is reached with Tab and Enter, and where one is can be seen.
const context = await browser.newContext({ locale: "en-CA", viewport: { width: 1280, height: 900 } });
const page = await open(context);
await signIn(page);
for (const name of ["Passages", "Cases", "Tests", "Events", "Link", "Evidence", "Lane"]) {
	let reached = false;
	for (let i = 0; i < 80 && !reached; i++) { // a table has one control a row at most
		await page.keyboard.press("Tab");
		const at = await page.evaluate(() => {
			const e = document.activeElement;
			const style = e ? getComputedStyle(e) : null;
			return { tag: e?.outerHTML.slice(0, 80), text: e?.textContent ?? "", nav: Boolean(e?.closest("nav")), outline: style?.outlineStyle !== "none" || e?.tagName === "MAIN" || [document.body, document.documentElement].includes(e) };
		});
		if (!at.outline) problems.push(`keyboard: no outline on ${at.tag} "${at.text.slice(0, 40)}"`);
		if (at.nav && at.text === name) {
			await page.keyboard.press("Enter");
			await page.waitForFunction((n) => document.querySelector("main h1")?.textContent?.startsWith(n), name);
			reached = true;
			break;
		}
	}
	if (!reached) problems.push(`keyboard: ${name} was not reached`);
}
// By keyboard, a test is run to its end.
await go(page, "#/device/scale-1");
await page.locator("section button", { hasText: "Start" }).first().focus();
await page.keyboard.press("Enter");
await page.waitForSelector(".run");
await page.locator(".run button", { hasText: "Yes" }).waitFor();
await look(page, "a test under way");
await page.locator(".run button", { hasText: "No" }).focus();
await page.keyboard.press("Enter");
await page.waitForSelector(".run .verdict");
await look(page, "a test that failed");

// Figures: first paint, and what a strip chart costs.
const fresh = await open(await browser.newContext());
await fresh.goto(url);
await fresh.waitForSelector("form.narrow");
const paint = await fresh.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN);
const size = await fresh.evaluate(() => performance.getEntriesByType("resource").reduce((n, e) => n + /** @type {PerformanceResourceTiming} */ (e).encodedBodySize, 0));
await go(page, `#/device/${device}`);
const cdp = await context.newCDPSession(page);
await cdp.send("Performance.enable");
const used = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration")?.value ?? NaN;
const begin = await used();
await page.waitForTimeout(10_000);
const live = ((100 * ((await used()) - begin)) / 10).toFixed(1);
// a strip chart of four lines and 900 points, 60 times a second
await page.evaluate(async () => {
	const { default: uPlot } = await import("uplot");
	const place = document.querySelector("main");
	const data = Array.from({ length: 5 }, (_, k) => Array.from({ length: 900 }, (_, i) => (k ? 50 + 10 * Math.random() : i)));
	const chart = new uPlot({ width: 1200, height: 220, series: [{}, ...["#06c", "#c60", "#0a4", "#808"].map((stroke) => ({ stroke }))] }, data, place);
	let n = 900;
	setInterval(() => {
		data.forEach((row, k) => { row.shift(); row.push(k ? 50 + 10 * Math.random() : n); });
		n++;
		chart.setData(data);
	}, 1000 / 60);
});
const then = await used();
await page.waitForTimeout(10_000);
console.log(`60 updates a second of a strip chart: ${((100 * ((await used()) - then)) / 10).toFixed(1)} % of a core`);
console.log(`first paint ${Math.round(paint)} ms, ${Math.round(size / 1000)} kB; device page with strip charts ${live} % of a core`);
await end();
