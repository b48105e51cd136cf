// The lane console: frame, navigation, and which page is shown.
import { Choices, recall } from "/choices.js";
import { ask, html, language, may, render, session, setSession, t, useEffect, useState } from "/lib.js";
import { LanePage } from "/pages/lane.js";
import { SignIn } from "/pages/signin.js";

/** Pages by the first word behind #/; those that are not needed at once are loaded when they are. @type {Record<string, () => Promise<any>>} */
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
};
const nav = ["", "passages", "tests", "events", "link", "evidence"];
/** @returns {[string, string]} page and what it is of */
function where() {
	const [page = "", ...rest] = location.hash.replace(/^#\//, "").split("/");
	return [page in pages ? page : "", decodeURIComponent(rest.join("/"))];
}

function App() {
	const [[page, of], setPlace] = useState(where());
	const [shown, setShown] = useState(/** @type {any} */ (null)); // a page with what it is of: the old one stays until the new one is there
	const [, redraw] = useState(0);
	useEffect(() => {
		const moved = () => setPlace(where());
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		let gone = false;
		if (!may("viewer") && page !== "signin") location.hash = "#/signin";
		pages[page]().then((P) => {
			if (gone) return;
			setShown({ Page: P, of, key: `${page}/${of}` });
			document.title = `${t(`nav.${page || "lane"}`)}${of ? ` ${of}` : ""} – Lanewarden`;
			document.querySelector("main")?.focus();
		});
		return () => {
			gone = true;
		};
	}, [page, of, session.user, language]);
	const changed = () => redraw(Math.random());
	return html`
		<a class="skip" href="#main" onClick=${(/** @type {Event} */ e) => { e.preventDefault(); document.querySelector("main")?.focus(); }}>${t("skip")}</a>
		<header>
			<strong class="brand">Lanewarden</strong>
			<nav aria-label=${t("pages")}>${may("viewer") && nav.map((n) => html`<a href="#/${n}" aria-current=${n === page ? "page" : undefined}>${t(`nav.${n || "lane"}`)}</a>`)}</nav>
			<div class="choices">
				<${Choices} changed=${changed} />
				${session.accounts && html`<a href="#/signin">${may("viewer") ? session.user : t("nav.signin")}</a>`}
			</div>
		</header>
		<main id="main" tabindex="-1">${shown ? html`<${shown.Page} key=${shown.key + language} of=${shown.of} changed=${changed} />` : html`<p>${t("loading")}</p>`}</main>`;
}

await recall();
setSession(await ask("/v1/session"));
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${App} />`, root);
