// The hub's console: its pages.
import { restoreChoices } from "/choices.js";
import { Frame } from "/frame.js";
import { allowed, ask, html, may, places, render, session, setSession, t } from "/lib.js";
import { Fleet } from "/pages/fleet.js";
import { count, unlock, watch } from "/watch.js";

/** @import { Session } from "../types/hub" */

/**
 * What the pages keep of a hub's session: components that lane and hub share show their buttons by the lane's roles, and at
 * the hub nobody but a viewer has those.
 * @param {Session} s
 * @returns {import("/lib.js").SignedIn}
 */
const read = (s) => ({
	user: s.user || "guest", role: s.scopes.length ? "viewer" : "nobody", roles: s.roles, csrf: s.csrf, accounts: s.accounts,
	signOn: s.sign_on, scopes: s.scopes,
});

/** Whether persons sign in at this hub. Where they do not, its guard asks browsers for a token, or for nothing. */
const signIn = () => session.accounts || Boolean(session.signOn);

/** @type {Record<string, () => Promise<import("/frame.js").Page>>} */
const pages = {
	"": async () => Fleet,
	work: async () => (await import("/pages/work.js")).Work,
	case: async () => (await import("/pages/hubcase.js")).HubCase,
	viewer: async () => (await import("/pages/viewer.js")).Viewer,
	fleet: async () => Fleet,
	signin: async () => {
		const { SignIn } = await import("/pages/signin.js");
		return ({ changed }) => html`<${SignIn} changed=${changed} read=${read} />`;
	},
	passages: async () => (await import("/pages/found.js")).FoundPassages,
	passage: async () => (await import("/pages/record.js")).PassageRecordPage,
	transits: async () => (await import("/pages/transits.js")).Transits,
	lanes: async () => (await import("/pages/lanes.js")).Lanes,
	looks: async () => (await import("/pages/looks.js")).Looks,
	reports: async () => (await import("/pages/reports.js")).Reports,
	lane: async () => (await import("/pages/fleetagent.js")).FleetAgentPage,
	rollouts: async () => (await import("/pages/rollouts.js")).Rollouts,
	senders: async () => (await import("/pages/senders.js")).Senders,
	agents: async () => (await import("/pages/agents.js")).Agents,
};

/** What a reader needs for pages; the others are everybody's who has signed in. @type {Record<string, string>} */
const needs = {
	"work": "feed", "case": "feed", "passages": "feed", "passage": "feed", "transits": "feed", "reports": "feed", "viewer": "feed", "looks": "looks",
	"": "fleet", "fleet": "fleet", "lane": "fleet", "lanes": "fleet", "rollouts": "fleet", "agents": "fleet", "senders": "commands",
};

/** @param {string} page */
const sees = (page) => !needs[page] || may(needs[page]);

/** Reports whether the signed-in person takes part in cases: their first page is the work. */
const adjudicates = () => may("cases") && session.user !== "guest";

/** Who has to sign in goes there; the others begin with their first page. @param {string} page */
function guard(page) {
	if (signIn() && !allowed("viewer") && page !== "signin") return "#/signin";
	if (page) return "";
	return adjudicates() ? "#/work" : "#/fleet";
}

// Drawn with the frame: whoever has signed in by then, the cases are watched for them.
const aside = () => {
	watch();
	return signIn()
	&& html`<a href="#/signin">${allowed("viewer") ? session.user : t("nav.signin")}</a>`;
};

// The hub holds artifacts as they came, and draws none.
places.centre = true;
places.artifact = (sha) => `/v1/artifacts/${sha}`;
places.picture = null;

const [asked] = await Promise.all([ask("/v1/session"), restoreChoices()]);
setSession(read(asked));
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Frame} pages=${pages} nav=${["work", "fleet", "passages", "lanes", "transits", "rollouts", "senders", "reports", "looks"]} home="fleet" guard=${guard} sees=${sees} aside=${aside} />`, root);
// The frame names the page; the number of open cases goes before that. A first key or click lets sound be heard.
new MutationObserver(count).observe(/** @type {Node} */ (document.querySelector("title")), { childList: true });
for (const done of ["pointerdown", "keydown"]) addEventListener(done, () => unlock().catch(() => undefined), { once: true });
