// Tries what browser.mjs needs, and nothing else: the packages of package.json, and a page in Chromium, driven by this
// Node. It prints why not, in the words of the package or browser, and ends with 1.

try {
	const { chromium } = await import("playwright-core");
	await import("axe-core");
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
	const page = await browser.newPage();
	await page.setContent("<title>lane</title>");
	if ((await page.title()) !== "lane") throw new Error("the page is not the one that was set");
	await browser.close();
} catch (err) {
	console.error(String(err).replaceAll(/\s*\n\s*/g, " ").slice(0, 2000));
	process.exit(1);
}
