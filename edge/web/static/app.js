// The lane console: frame, navigation, and the page of the address.
import { Choices, restoreChoices } from "/choices.js";
import { allowed, ask, html, language, render, session, setSession, t, useEffect, useState } from "/lib.js";
import { LanePage } from "/pages/lane.js";
import { SignIn } from "/pages/signin.js";

/**
 * What every page gets: the id behind its name in the address, and a function that draws the frame anew.
 * @typedef {(p: {of: string, changed: () => void}) => import("preact").ComponentChildren} Page
 */

/**
 * Pages by the first word behind #/. All but two are loaded when they are asked for.
 * @type {Record<string, () => Promise<Page>>}
 */
const pages = {
	"": async () => LanePage,
	signin: async () => SignIn,
	passages: async () => (await import("/pages/passages.js")).Passages,
	passage: async () => (await import("/pages/passage.js")).Passage,
	device: async () => (await import("/pages/device.js")).Device,
	tests: async () => (await import("/pages/tests.js")).Tests,
	events: async () => (await import("/pages/events.js")).Events,
	link: async () => (await import("/pages/link.js")).LinkPage,
	evidence: async () => (await import("/pages/evidence.js")).Evidence,
	unknown: async () => Unknown,
};
/** What stands for an address that is none of the pages'. */
const Unknown = () => html`<h1>${t("no-page")}</h1><p><a href="#/">${t("nav.lane")}</a></p>`;

const nav = ["", "passages", "tests", "events", "link", "evidence"];

/** Returns the page of the address and the id behind it. @returns {[string, string]} */
function route() {
	const [page = "", ...rest] = location.hash.replace(/^#\//, "").split("/");
	try {
		return [Object.hasOwn(pages, page) ? page : "unknown", decodeURIComponent(rest.join("/"))];
	} catch {
		return ["unknown", ""]; // a % that stands for nothing
	}
}

const focusMain = () => document.querySelector("main")?.focus();

/** @param {Event} e */
function skip(e) {
	e.preventDefault(); // the address is the router's
	focusMain();
}

function App() {
	const [[page, of], setPlace] = useState(route());
	// The page on view with its id: the old one stays until the new one is loaded.
	const [current, setCurrent] = useState(/** @type {{Page: Page, of: string, key: string} | null} */ (null));
	const [, redraw] = useState(0);
	useEffect(() => {
		const moved = () => setPlace(route());
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		let gone = false;
		if (!allowed("viewer") && page !== "signin") location.hash = "#/signin";
		pages[page]().then((P) => {
			if (gone) return;
			setCurrent({ Page: P, of, key: `${page}/${of}` });
			document.title = `${page === "unknown" ? t("no-page") : t(`nav.${page || "lane"}`)}${of ? ` ${of}` : ""} – Lanewarden`;
			focusMain();
		});
		return () => {
			gone = true;
		};
	}, [page, of, session.user, language]);
	const changed = () => redraw(Math.random());
	return html`
		<a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
		<header>
			<strong class="brand">Lanewarden</strong>
			<nav aria-label=${t("pages")}>
				${allowed("viewer") && nav.map((n) => html`<${NavLink} name=${n} page=${page} />`)}
			</nav>
			<div class="choices">
				<${Choices} changed=${changed} />
				${session.accounts && html`<a href="#/signin">${allowed("viewer") ? session.user : t("nav.signin")}</a>`}
			</div>
		</header>
		<main id="main" tabindex="-1">${current
			? html`<${current.Page} key=${current.key + language} of=${current.of} changed=${changed} />`
			: html`<p>${t("loading")}</p>`}</main>`;
}

/** @param {{name: string, page: string}} p page: the one on view */
function NavLink({ name, page }) {
	return html`<a href="#/${name}" aria-current=${name === page ? "page" : undefined}>${t(`nav.${name || "lane"}`)}</a>`;
}

await restoreChoices();
setSession(await ask("/v1/session"));
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${App} />`, root);
