// The frame of both consoles: navigation, choices, and the page of the address.
import { Choices } from "/choices.js";
import { html, language, session, t, useEffect, useState } from "/lib.js";

/** @import { Content } from "/lib.js" */

/**
 * What every page gets: the id behind its name in the address, and a function that draws the frame anew.
 * @typedef {(p: {of: string, changed: () => void}) => Content} Page
 */

/**
 * What a console is made of. Pages are by the first word behind #/ and loaded when they are asked for; nav are those that
 * the navigation has; home is the name of the first page in the catalogue. guard returns where a reader who may not see a
 * page goes instead, "" for nowhere; sees says whether their role has a page (all have, where there is none); aside is shown
 * beside the choices.
 * @typedef {object} Console
 * @property {Record<string, () => Promise<Page>>} pages
 * @property {string[]} nav
 * @property {string} home
 * @property {(page: string) => string} guard
 * @property {(page: string) => boolean} [sees]
 * @property {() => Content} aside
 */

/** Returns the page of the address and the id behind it. @param {Record<string, unknown>} pages @returns {[string, string]} */
function route(pages) {
	const [page = "", ...rest] = location.hash.replace(/^#\//, "").replace(/\?.*$/, "").split("/");
	try {
		return [Object.hasOwn(pages, page) ? page : "unknown", rest.map(decodeURIComponent).join("/")];
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

/** @param {Console} p */
export function Frame({ pages, nav, home, guard, sees = () => true, aside }) {
	/** What stands for an address that is none of the pages'. @type {Page} */
	const Unknown = () => html`<h1>${t("no-page")}</h1><p><a href="#/">${t(`nav.${home}`)}</a></p>`;
	/** What stands for a page that the reader's role does not have. @type {Page} */
	const NotYours = () => html`<h1>${t("not-yours")}</h1><p>${t("not-yours-why")}</p>`;
	const [[page, of], setPlace] = useState(route(pages));
	// The page on view with its id: the old one stays until the new one is loaded.
	const [current, setCurrent] = useState(/** @type {{Page: Page, of: string, key: string} | null} */ (null));
	const [, redraw] = useState(0);
	useEffect(() => {
		const moved = () => setPlace(route(pages));
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		let gone = false;
		const elsewhere = guard(page);
		if (elsewhere) {
			location.hash = elsewhere;
			return undefined;
		}
		const loaded = page === "unknown" ? Promise.resolve(Unknown) : sees(page) ? pages[page]() : Promise.resolve(NotYours);
		loaded.then((P) => {
			if (gone) return;
			setCurrent({ Page: P, of, key: `${page}/${of}` });
			document.title = `${page === "unknown" ? t("no-page") : t(`nav.${page || home}`)}${of ? ` ${of}` : ""} – Lanewarden`;
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
			<nav aria-label=${t("pages")}>${!guard(nav[0] ?? "") && nav.filter(sees).map((n) => html`<a href="#/${n}"
				aria-current=${n === page ? "page" : undefined}>${t(`nav.${n || home}`)}</a>`)}</nav>
			<div class="choices"><${Choices} changed=${changed} />${aside()}</div>
		</header>
		<main id="main" tabindex="-1">${current
			? html`<${current.Page} key=${current.key + language} of=${current.of} changed=${changed} />`
			: html`<p>${t("loading")}</p>`}</main>`;
}
