// Photos that people add to a case: small ones with who added them, and a field to add another.
import { ask, html, moment, session, t, useState } from "/lib.js";
import { Problem } from "/ui.js";

/** @import { Case, CaseAttachment } from "../../types/agent" */

/** Types that a browser shows; the server looks at the content. */
const types = ["image/jpeg", "image/png"];

/**
 * path is where a photo is sent; at says where one is.
 * @param {{c: Case, path: string, at: (a: CaseAttachment) => string, may: boolean, by?: string, again: () => void}} p
 */
export function Photos({ c, path, at, may, by = "", again }) {
	const [failure, setFailure] = useState("");
	const [busy, setBusy] = useState(false);
	const photos = c.attachments.filter((a) => types.includes(a.media_type ?? ""));
	/** @param {Event} e */
	const add = async (e) => {
		const field = /** @type {HTMLInputElement} */ (e.target);
		setFailure("");
		setBusy(true);
		for (const [i, file] of [...field.files ?? []].entries()) {
			const key = `${session.user}-${Date.now()}-${i}`.slice(0, 64);
			try {
				await ask(`${path}?${new URLSearchParams({ key, ...(by ? { by } : {}) })}`, { method: "POST", file });
			} catch (err) {
				setFailure(`${file.name}: ${/** @type {Error} */ (err).message}`);
			}
		}
		field.value = "";
		setBusy(false);
		again();
	};
	if (!photos.length && !may) return null;
	return html`<h2>${t("photos")}</h2>
		${photos.length > 0 && html`<ul class="photos">${photos.map((a) => html`<${Photo} key=${a.sha256} a=${a} src=${at(a)} />`)}</ul>`}
		${may && html`<label class="file">${t("photo-add")} <input type="file" accept=${types.join()} multiple disabled=${busy} onChange=${add} /></label>
			<p role="status">${busy ? t("photo-sending") : ""}</p><${Problem} text=${failure} />`}`;
}

/** One photo, or why it is not here. @param {{a: CaseAttachment, src: string}} p */
function Photo({ a, src }) {
	const [gone, setGone] = useState(false);
	const by = [a.by, a.at ? moment(a.at) : ""].filter(Boolean).join(", ");
	return html`<li>${gone ? html`<p class="th none">${t("photo-elsewhere")}</p>`
		: html`<a href=${src} target="_blank" rel="noreferrer"><img src=${src} alt=${t("photo-by", { by })} onError=${() => setGone(true)} /></a>`}
		<small>${by}</small><small class="print-only"><code>${a.sha256}</code></small></li>`;
}
