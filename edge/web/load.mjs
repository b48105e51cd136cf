// Measures what a page costs while it is open: node load.mjs ADDRESS SELECTOR [SECONDS], with the address of a page that needs
// no sign-in, and the selector of what its reader waits for. It prints when that is there, how many bytes a second come
// afterwards, and how long the page's thread is busy of the time (Chromium without a graphics card).
import { chromium } from "playwright-core";

const [address, selector, seconds = "30"] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const cdp = await page.context().newCDPSession(page);
await cdp.send("Network.enable");
await cdp.send("Performance.enable");
let bytes = 0;
cdp.on("Network.dataReceived", (e) => { bytes += e.encodedDataLength || e.dataLength; });

/** How long the page's thread was busy until now, s. */
const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration")?.value ?? NaN;

const begin = Date.now();
await page.goto(address);
await page.waitForSelector(selector);
const first = Date.now() - begin;
await page.waitForTimeout(5000); // until what comes once is there
const [before, were] = [await busy(), bytes];
await page.waitForTimeout(1000 * Number(seconds));
const span = Number(seconds);
console.log(`${selector} after ${first} ms; then ${((bytes - were) / span / 1000).toFixed(1)} kB/s, ${(100 * ((await busy()) - before) / span).toFixed(1)} % of a core`);
await browser.close();
