// The lane console: its pages.
import { restoreChoices } from "/choices.js";
import { Frame } from "/frame.js";
import { allowed, ask, html, render, session, setSession, t } from "/lib.js";
import { LanePage } from "/pages/lane.js";
import { SignIn } from "/pages/signin.js";

/**
 * Pages by the first word behind #/. All but two are loaded when they are asked for.
 * @type {Record<string, () => Promise<import("/frame.js").Page>>}
 */
const pages = {
	"": async () => LanePage,
	signin: async () => SignIn,
	passages: async () => (await import("/pages/passages.js")).Passages,
	passage: async () => (await import("/pages/passage.js")).Passage,
	cases: async () => (await import("/pages/cases.js")).Cases,
	case: async () => (await import("/pages/cases.js")).CasePage,
	viewer: async () => (await import("/pages/viewer.js")).Viewer,
	device: async () => (await import("/pages/device.js")).Device,
	tests: async () => (await import("/pages/tests.js")).Tests,
	events: async () => (await import("/pages/events.js")).Events,
	link: async () => (await import("/pages/link.js")).LinkPage,
	evidence: async () => (await import("/pages/evidence.js")).Evidence,
};

const nav = ["", "passages", "cases", "tests", "events", "link", "evidence"];

/** Who has not signed in goes there. @param {string} page */
const guard = (page) => (allowed("viewer") || page === "signin" ? "" : "#/signin");

const aside = () => session.accounts
	&& html`<a href="#/signin">${allowed("viewer") ? session.user : t("nav.signin")}</a>`;

await restoreChoices();
setSession(await ask("/v1/session"));
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Frame} pages=${pages} nav=${nav} home="lane" guard=${guard} aside=${aside} />`, root);
