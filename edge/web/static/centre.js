// The hub's console: its pages.
import { restoreChoices } from "/choices.js";
import { Frame } from "/frame.js";
import { allowed, ask, html, places, render, session, setSession, t } from "/lib.js";
import { Fleet } from "/pages/fleet.js";

/** @import { Session } from "../types/hub" */

/**
 * What the pages keep of a hub's session: components that lane and hub share show their buttons by the lane's roles, and at
 * the hub nobody but a viewer has those.
 * @param {Session} s
 * @returns {import("/lib.js").SignedIn}
 */
const read = (s) => ({
	user: s.user || "guest", role: s.scopes.length ? "viewer" : "nobody", roles: s.roles, csrf: s.csrf, accounts: s.accounts,
	signOn: s.sign_on,
});

/** Whether persons sign in at this hub. Where they do not, its guard asks browsers for a token, or for nothing. */
const signIn = () => session.accounts || Boolean(session.signOn);

/** @type {Record<string, () => Promise<import("/frame.js").Page>>} */
const pages = {
	"": async () => Fleet,
	signin: async () => {
		const { SignIn } = await import("/pages/signin.js");
		return ({ changed }) => html`<${SignIn} changed=${changed} read=${read} />`;
	},
	passages: async () => (await import("/pages/found.js")).FoundPassages,
	passage: async () => (await import("/pages/record.js")).PassageRecordPage,
	transits: async () => (await import("/pages/transits.js")).Transits,
	lanes: async () => (await import("/pages/lanes.js")).Lanes,
	reports: async () => (await import("/pages/reports.js")).Reports,
};

/** Who has to sign in goes there. @param {string} page */
const guard = (page) => (!signIn() || allowed("viewer") || page === "signin" ? "" : "#/signin");

const aside = () => signIn()
	&& html`<a href="#/signin">${allowed("viewer") ? session.user : t("nav.signin")}</a>`;

// The hub holds artifacts as they came, and draws none.
places.artifact = (sha) => `/v1/artifacts/${sha}`;
places.picture = null;

await restoreChoices();
setSession(read(await ask("/v1/session")));
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Frame} pages=${pages} nav=${["", "passages", "lanes", "transits", "reports"]} home="fleet" guard=${guard} aside=${aside} />`, root);
