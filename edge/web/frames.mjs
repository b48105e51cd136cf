// Measures how smoothly the X-ray workstation moves: node frames.mjs ADDRESS [WIDTH HEIGHT], with the address of a viewer page
// that needs no sign-in. It drags and turns the wheel as fast as frames come, at the whole image, at one to one and between,
// and prints frames a second and how long the page's thread is busy a frame (Chromium without a graphics card).
import { chromium } from "playwright-core";

const [address, width = "1440", height = "900"] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ locale: "en-CA", viewport: { width: Number(width), height: Number(height) } })).newPage();
page.setDefaultTimeout(120_000);
await page.goto(address);
await page.waitForFunction(() => /\d/.test(document.querySelector(".stat dd")?.textContent ?? "") && !document.querySelector(".ov.load, .far"));
await page.waitForTimeout(2000);
const cdp = await page.context().newCDPSession(page);
await cdp.send("Performance.enable");
const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration")?.value ?? NaN;

/** Moves for some seconds, one event a frame. @param {"drag" | "wheel" | "window"} how @returns {Promise<string>} */
async function measure(how) {
	const before = await busy();
	const frames = await page.evaluate(async (kind) => {
		const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector(".pane canvas")), box = canvas.getBoundingClientRect();
		/** @param {string} name @param {number} x @param {number} y @param {object} more */
		const say = (name, x, y, more) => canvas.dispatchEvent(new (name === "wheel" ? WheelEvent : PointerEvent)(name, { bubbles: true, cancelable: true, clientX: box.left + x, clientY: box.top + y, pointerId: 1, isPrimary: true, ...more }));
		canvas.setPointerCapture = () => undefined; // of a pointer that is none
		const [cx, cy] = [box.width / 2, box.height / 2], begin = performance.now();
		if (kind !== "wheel") say("pointerdown", cx, cy, { button: 0, buttons: 1 });
		let n = 0;
		await new Promise((done) => {
			const next = () => {
				const s = performance.now() - begin;
				if (s > 4000) return done(undefined);
				n++;
				if (kind === "wheel") say("wheel", cx, cy, { deltaY: Math.floor(s / 1000) % 2 ? -30 : 30 });
				else say("pointermove", cx + 0.3 * box.width * Math.sin(s / 400), cy + 0.3 * box.height * Math.sin(s / 300), { button: 0, buttons: 1 });
				requestAnimationFrame(next);
			};
			requestAnimationFrame(next);
		});
		if (kind !== "wheel") say("pointerup", cx, cy, { button: 0 });
		return n;
	}, how);
	return `${(frames / 4).toFixed(1)} frames/s, ${((1000 * ((await busy()) - before)) / frames).toFixed(1)} ms`;
}

/** @param {string} keys */
const press = async (keys) => {
	await page.focus(".stage");
	for (const k of keys.split(" ")) await page.keyboard.press(k);
	await page.waitForTimeout(500);
};
await press("0 + + +");
console.log(`drag, about twice the whole: ${await measure("drag")}`);
console.log(`wheel, from there: ${await measure("wheel")}`);
await press("1");
console.log(`drag, one to one: ${await measure("drag")}`);
await press("+ + + + +");
console.log(`drag, three to one: ${await measure("drag")}`);
await press("0 w");
console.log(`window of the whole: ${await measure("window")}`);
await browser.close();
