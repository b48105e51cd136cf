// Walks every page of a running hub as people do, and says what is wrong: node hub.mjs URL PASSWORD [SHOTS]
// Accounts are named as their roles. WALK=all walks every page at all widths, in both languages and colours, and by keyboard
// at each width; without it a covering set: each page at each width, in both languages and in both colours.
import { browser, end, keepShots, look, open, problems, signIn, tabThrough } from "./walk.mjs";

const [url, password, shots] = process.argv.slice(2);
keepShots(shots);
const everything = process.env.WALK === "all";
const begin = Date.now();
/** @param {string} what */
const took = (what) => console.log(`${what}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);

const widths = { 360: 740, 1440: 900, 2560: 1300 };

/** Languages and colours in an order in which any three that follow each other have all of both. */
const looks = [["en-CA", "light"], ["fr-CA", "dark"], ["en-CA", "dark"], ["fr-CA", "light"]];

/** What a role needs to see a page. */
const scopes = { work: "feed", case: "feed", passages: "feed", passage: "feed", transits: "feed", reports: "feed", looks: "looks", fleet: "fleet", lane: "fleet", lanes: "fleet", rollouts: "fleet", agents: "fleet", senders: "commands" };

/** Roles that may not act: whatever button they see, it fails for nobody. */
const idle = ["viewer", "operator", "list-issuer"];

/** The first word behind #/. @param {string} hash */
const name = (hash) => hash.slice(2).split(/[/?]/)[0];

/** @param {any} page @param {string} hash */
async function go(page, hash) {
	await page.goto(`${url}/${hash}`);
	await settled(page);
}

/** Waits until a page has what it asked for. @param {any} page */
async function settled(page) {
	await page.waitForSelector("main h1");
	await page.waitForFunction(() => !/^(Loading|Chargement)/m.test(/** @type {HTMLElement} */ (document.querySelector("main")).innerText));
	await page.waitForTimeout(200);
}

/** Somebody who has signed in. @param {string} role @param {string} locale @param {string} theme */
async function as(role, locale, theme) {
	const context = await browser.newContext({ locale, viewport: { width: 1440, height: 900 } });
	await context.addInitScript((it) => localStorage.setItem("theme", it), theme);
	const page = await open(context);
	await signIn(page, url, role, password);
	await settled(page);
	return { context, page };
}

/** Asks the hub as the page's reader does. @param {any} page @param {string} path */
const ask = (page, path) => page.evaluate(async (it) => (await fetch(it)).json(), path);

/** The address of a case or passage. @param {{site: string, agent: string}} of @param {string} id */
const at = (of, id) => [of.site, of.agent, id].map(encodeURIComponent).join("/");

// What there is to look at: a case that nobody has, and a vehicle with most of its readings.
const first = await as("supervisor", "en-CA", "light");
let cases = [], vehicles = [];
for (let i = 0; i < 600 && (!cases.length || !vehicles.length); i++) {
	if (i) await first.page.waitForTimeout(500);
	cases = (await ask(first.page, "/v1/cases")).cases.filter((c) => !c.case.holders.length && c.case.state === "open");
	vehicles = (await ask(first.page, "/v1/passages")).passages.filter((p) => (p.passage.readings ?? []).length > 6);
}
if (!cases.length || !vehicles.length) problems.push("there is no open case, or no vehicle with its readings");
const { agents: [lane] } = { agents: await ask(first.page, "/v1/agents") };
const caseAddress = cases[0] && `#/case/${at(cases[0], cases[0].case.id)}`;
const pages = [
	"#/work", caseAddress, "#/passages", vehicles[0] && `#/passage/${at(vehicles[0], vehicles[0].passage.id)}`,
	"#/fleet", `#/lane/${lane.site}/${lane.agent}`, "#/lanes", "#/reports/shift", "#/reports/adjudication", ...(everything ? ["#/reports/day", "#/reports/month", "#/reports/device?device=rpm-1"] : []),
	"#/transits", "#/rollouts", "#/senders", "#/agents", "#/looks", "#/signin", "#/nowhere",
].filter(Boolean);
await first.context.close();

// Each page as it looks. Whoever walks, the traffic goes on.
for (const [k, [locale, theme]] of looks.entries()) {
	const { context, page } = await as("supervisor", locale, theme);
	if ((await page.getAttribute("html", "lang")) !== locale.slice(0, 2)) problems.push(`${locale}: the page is in ${await page.getAttribute("html", "lang")}`);
	for (const [i, hash] of pages.entries()) {
		const turn = everything ? Object.keys(widths) : Object.keys(widths).filter((_, w) => (i + w) % looks.length === k);
		for (const [n, width] of turn.entries()) {
			await page.setViewportSize({ width: Number(width), height: widths[width] });
			if (!n) await go(page, hash);
			else await page.waitForTimeout(200);
			const what = `hub ${locale} ${theme} ${width}px ${hash}`;
			await look(page, what, everything || width !== "2560"); // as at 1440, but for its measures
			if (everything || width === "1440") await tabThrough(page, what);
		}
	}
	await context.close();
}

took("each page as it looks");

// Each role at each page: who does not see something is told so, and is asked for nothing; what can be pressed works.
for (const role of ["viewer", "officer", "operator", "admin"]) {
	const { context, page } = await as(role, "en-CA", "light");
	const has = (await ask(page, "/v1/session")).scopes;
	const shown = await page.locator("header nav a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
	for (const hash of pages.filter((it) => everything || idle.includes(role) || ["work", "case", "looks"].includes(name(it)))) {
		const needs = scopes[name(hash)];
		const may = !needs || has.includes(needs);
		if (!may && shown.includes(`#/${name(hash)}`)) problems.push(`${role}: the navigation has ${hash}`);
		await go(page, hash);
		const text = await page.locator("main").innerText();
		const told = /Your role does not see this page/.test(text);
		if (told === may) problems.push(`${role} ${hash}: ${text.slice(0, 80)}`);
		if (idle.includes(role)) await pressAll(page, `${role} ${hash}`, hash);
	}
	await context.close();
}
took("each role at each page");

/** Presses every button of a page, those that come with others included. @param {any} page @param {string} what @param {string} hash */
async function pressAll(page, what, hash) {
	await page.evaluate(() => (window.print = () => undefined));
	const pressed = new Set();
	for (let i = 0; i < 60; i++) {
		const next = await page.evaluate((/** @type {string[]} */ before) => {
			const b = [...document.querySelectorAll("main button:not(:disabled)")].find((e) => e.checkVisibility() && !before.includes(e.textContent));
			if (!b || /Sign out/.test(b.textContent)) return null;
			b.click();
			return b.textContent;
		}, [...pressed]);
		if (next === null) break;
		pressed.add(next);
		await page.waitForTimeout(30);
	}
	const failed = await page.locator("main .problem:not(:empty)").allInnerTexts();
	if (failed.some((f) => f.trim() && !/late/.test(f))) problems.push(`${what}: a button fails: ${failed.join("; ")}`);
}

// An image that is still at its lane, which sends what is in view ahead of it: here a hub that has it says that it has half.
{
	const { context, page } = await as("viewer", "fr-CA", "dark");
	const one = (await Promise.all(vehicles.map(async (v) => [v, await ask(page, `/v1/passages/${at(v, v.passage.id)}`)]))).find(([, p]) => p.observations.some((o) => o.kind === "xray.image"))?.[0];
	if (!one) problems.push("no vehicle has an X-ray image");
	let here = false;
	await page.route("**/v1/artifacts/*/state", async (route) => {
		const state = await (await route.fetch()).json();
		await route.fulfill({ json: here ? state : { ...state, complete: false, held: Math.floor(state.size / 2) } });
	});
	await page.route("**/v1/artifacts/*/region?**", (route) => route.continue({ url: route.request().url() + (/exact/.test(route.request().url()) ? "" : "&max=64") }));
	if (one) {
		await page.goto(`${url}/#/viewer/${at(one, one.passage.id)}`);
		await page.waitForSelector(".far button");
		for (const width of Object.keys(widths)) {
			await page.setViewportSize({ width: Number(width), height: widths[width] });
			await page.waitForTimeout(1500);
			await look(page, `hub ${width}px viewer of an image at its lane`);
		}
		await page.locator(".far button:not(:disabled)").focus();
		await page.keyboard.press("Enter");
		await page.waitForFunction(() => document.querySelector(".far") && !document.querySelector(".far button"));
		here = true;
		await page.waitForFunction(() => document.querySelector(".stat dd") && !document.querySelector(".far, .ov.load"));
		await byHand(page);
	}
	await context.close();
}
took("an image at its lane, and by hand");

/** Pinches, clicks twice and shows the workstation full screen: two fingers zoom with any tool, and set no point. @param {any} page */
async function byHand(page) {
	await page.setViewportSize({ width: 1440, height: 900 });
	await page.focus(".stage");
	await page.keyboard.press("0");
	const { x, y, width, height } = await page.locator(".pane canvas").first().boundingBox(), cdp = await page.context().newCDPSession(page);
	/** @param {string} type @param {number[]} shares of width and height, one a finger */
	const touch = (type, ...shares) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: shares.map((s, id) => ({ x: x + s * width, y: y + s * height, id })) });
	const zoom = async () => parseFloat((await page.locator(".stat div:last-child dd").innerText()).replace(",", "."));
	const grows = async (/** @type {string} */ what, /** @type {() => Promise<unknown>} */ act, /** @type {number} */ by) => {
		const before = await zoom();
		await act();
		await page.waitForTimeout(300);
		const now = await zoom();
		if (Math.abs(now / before - by) > 0.15 * by) problems.push(`${what}: the zoom goes from ${before} to ${now}, not ${by} times that`);
	};
	for (const tool of ["b", "Escape"]) {
		await page.keyboard.press(tool);
		await grows(`two fingers (${tool})`, async () => {
			await touch("touchStart", 0.45);
			await touch("touchStart", 0.45, 0.55);
			for (let i = 1; i <= 10; i++) await touch("touchMove", 0.45 - 0.01 * i, 0.55 + 0.01 * i);
			await touch("touchEnd", 0.35);
			await touch("touchEnd");
		}, 3);
	}
	if (await page.locator(".side fieldset").count()) problems.push("two fingers draw a box");
	await grows("a double click", () => page.mouse.dblclick(x + width / 2, y + height / 2), 2);
	await page.focus(".stage");
	for (const full of [true, false]) {
		await page.keyboard.press("f");
		await page.waitForFunction((it) => Boolean(document.fullscreenElement) === it, full);
	}
}

// The officer's minute, by keyboard alone: from the sign-in to a case that is decided.
{
	const context = await browser.newContext({ locale: "en-CA", viewport: { width: 1440, height: 900 } });
	const page = await open(context);
	await signIn(page, url, "officer", password);
	await page.waitForSelector(".work-case");
	const free = (await ask(page, "/v1/cases")).cases.filter((c) => !c.case.holders.length && c.case.state === "open").map((c) => at(c, c.case.id));
	const current = () => page.locator(".work-case[aria-current]").getAttribute("id");
	let id = await current();
	for (let i = 0; i < 60 && !free.includes(id); i++) {
		await page.keyboard.press("j");
		id = await current();
	}
	await page.keyboard.press("Enter");
	await page.waitForSelector(".case-head");
	if (!page.url().endsWith(id)) problems.push(`by keyboard: ${page.url()} instead of ${id}`);
	await page.keyboard.press("t");
	await page.getByText("you", { exact: true }).first().waitFor();
	await page.keyboard.press("d");
	await page.waitForSelector("form.narrow select[name=code]");
	await page.keyboard.type("6"); // a list is gone through by what its lines begin with
	const words = await page.locator("select[name=image], select[name=swab]").count();
	for (let i = 0; i < 12; i++) {
		await page.keyboard.press("Tab");
		const on = await page.evaluate(() => document.activeElement?.getAttribute("name") ?? document.activeElement?.tagName);
		if (on === "image") await page.keyboard.type("c");
		if (on === "swab") await page.keyboard.type("c");
		if (on === "notes") await page.keyboard.type("Opened at dock 4, nothing found");
		if (on === "BUTTON") break;
	}
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => !document.querySelector("form.narrow"));
	const done = await ask(page, `/v1/cases/${id}`);
	if (!["decided", "second-opinion-asked"].includes(done.case.state) || !done.case.verdicts.some((v) => v.by === "officer" && (v.code === 6 || words > 0))) {
		problems.push(`by keyboard: ${id} is ${done.case.state}: ${await page.locator(".problem").allInnerTexts()}`);
	}
	await look(page, "hub a case that was decided by keyboard");
	await context.close();
}
took("the officer's minute");
await end();
