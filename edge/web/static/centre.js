// The hub's console: its pages. Who may see them is the hub's to say, by token or certificate.
import { restoreChoices } from "/choices.js";
import { Frame } from "/frame.js";
import { html, places, render } from "/lib.js";
import { Fleet } from "/pages/fleet.js";

/** @type {Record<string, () => Promise<import("/frame.js").Page>>} */
const pages = {
	"": async () => Fleet,
	passages: async () => (await import("/pages/found.js")).FoundPassages,
	passage: async () => (await import("/pages/record.js")).PassageRecordPage,
	transits: async () => (await import("/pages/transits.js")).Transits,
	lanes: async () => (await import("/pages/lanes.js")).Lanes,
};

// The hub holds artifacts as they came, and draws none.
places.artifact = (sha) => `/v1/artifacts/${sha}`;
places.picture = null;

await restoreChoices();
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Frame} pages=${pages} nav=${["", "passages", "lanes", "transits"]} home="fleet" guard=${() => ""} aside=${() => null} />`, root);
