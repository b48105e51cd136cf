// What the walks of lane and hub share: a browser that notes what goes wrong, looks at a page, and goes through it by keyboard.
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What is wrong, in the order in which it was seen. @type {string[]} */
export const problems = [];

export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

/** Where pictures of pages go; undefined for nowhere. @type {string | undefined} */
let shots;

/** @param {string | undefined} dir */
export function keepShots(dir) {
	shots = dir;
	if (dir) mkdirSync(dir, { recursive: true });
}

/** Opens a page of a context; what it refuses, logs or cannot load is a problem. @param {any} context */
export async function open(context) {
	const page = await context.newPage();
	page.setDefaultTimeout(Number(process.env.PATIENCE ?? 120_000)); // ms: shared machines are slow at times
	page.on("console", (m) => ["error", "warning"].includes(m.type()) && !m.text().includes("Failed to load resource") && problems.push(`${page.url()}: console: ${m.text()}`));
	page.on("response", (r) => r.status() >= 400 && r.status() !== 401 && problems.push(`${page.url()}: ${r.status()} ${r.url()}`));
	page.on("pageerror", (e) => problems.push(`${page.url()}: ${e.message}`));
	return page;
}

/**
 * Looks at a page as it stands: axe-core (WCAG 2.2 AA), its width, the size of targets.
 * @param {any} page @param {string} what @param {boolean} [rules] whether axe-core is asked
 */
export async function look(page, what, rules = true) {
	const found = !rules ? [] : await page.evaluate(async (source) => {
		if (!window.axe) (0, eval)(source);
		const r = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
		return r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target + " " + (n.any[0]?.message ?? "")).join("; ")}`);
	}, axe);
	for (const f of found) problems.push(`${what}: ${f}`);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (wide > 0) problems.push(`${what}: ${wide} px wider than the screen`);
	const small = await page.evaluate(() =>
		[...document.querySelectorAll("a, button, select, input")].filter((e) => !e.closest(".uplot") && !e.classList.contains("skip") && e.getClientRects().length).map((e) => [e, e.getBoundingClientRect()])
			.filter(([, r]) => r.height < 43.5 || r.width < 43.5).map(([e, r]) => `${e.tagName} ${e.textContent} ${Math.round(r.width)}x${Math.round(r.height)}`).slice(0, 3));
	for (const s of small) problems.push(`${what}: target under 44 px: ${s}`);
	const raw = await page.evaluate(() => /PASSAGE_|KIND_|STATE_|undefined|NaN|\bnull\b|1970-01-01/.exec(document.body.innerText)?.[0]);
	if (raw) problems.push(`${what}: "${raw}" is there`);
	if (shots) await page.screenshot({ path: `${shots}/${what.replace(/[^a-z0-9-]+/gi, "_")}.png` });
}

/** Signs in by keyboard alone. @param {any} page @param {string} url @param {string} user @param {string} password */
export async function signIn(page, url, user, password) {
	await page.goto(url);
	await page.waitForSelector("form.narrow");
	for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement?.getAttribute("name"))) !== "user"; i++) await page.keyboard.press("Tab");
	await page.keyboard.type(user);
	await page.keyboard.press("Tab");
	await page.keyboard.type(password);
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => !document.querySelector("form.narrow"));
}

/** Goes through a page with Tab: every control is reached, and where one is can be seen. @param {any} page @param {string} what */
export async function tabThrough(page, what) {
	const most = await page.evaluate(() => {
		const all = () => [...document.querySelectorAll("a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']")]
			.filter((e) => e.checkVisibility({ visibilityProperty: true }));
		window.walk = { all, there: all(), seen: new Set(), last: null, dark: [] };
		document.querySelector("main")?.blur();
		document.activeElement?.blur();
		return all().length + 20 + 8 * document.querySelectorAll("input[type^=date], input[type=month]").length;
	});
	for (let i = 0; i < most; i++) {
		await page.keyboard.press("Tab");
		const end = await page.evaluate(() => {
			const { walk } = window;
			const e = document.activeElement;
			if (!e || e === document.body) return false; // it goes on from the top
			if (walk.seen.has(e)) return e !== walk.last; // a date has a stop for each of its parts
			walk.last = e;
			walk.seen.add(e);
			const style = getComputedStyle(e);
			if (e.tagName !== "MAIN" && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) walk.dark.push(e.outerHTML.slice(0, 100));
			return false;
		});
		if (end) break;
	}
	const { missed, dark } = await page.evaluate(() => {
		const { walk } = window;
		const now = new Set(walk.all()); // what came or went meanwhile is not counted
		return { dark: walk.dark, missed: walk.there.filter((e) => now.has(e) && !walk.seen.has(e)).map((e) => e.outerHTML.slice(0, 100)) };
	});
	for (const e of missed.slice(0, 3)) problems.push(`${what}: Tab does not reach ${e}`);
	for (const e of dark.slice(0, 3)) problems.push(`${what}: no outline on ${e}`);
}

/** Says what is wrong and ends. */
export async function end() {
	await browser.close();
	for (const p of [...new Set(problems)]) console.log("PROBLEM", p);
	process.exit(problems.length ? 1 : 0);
}

// What a walk waits for in vain ends it; what was seen before is told all the same.
process.on("unhandledRejection", (e) => {
	problems.push(String(/** @type {Error} */ (e)?.stack ?? e));
	end();
});
process.on("uncaughtException", (e) => {
	problems.push(String(e.stack ?? e));
	end();
});
