// What a reader chooses: language and colours. The browser remembers it.
import { html, language, languages, setLanguage, t } from "/lib.js";

const themes = ["auto", "light", "dark", "contrast"];

/** @param {string} theme */
function setTheme(theme) {
	const wanted = theme !== "auto" ? theme : matchMedia("(prefers-contrast: more)").matches ? "contrast" : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
	document.documentElement.dataset.theme = wanted;
	localStorage.setItem("theme", theme);
}

/** Takes up what was chosen before, else what the device prefers. */
export async function recall() {
	setTheme(localStorage.getItem("theme") ?? "auto");
	await setLanguage(localStorage.getItem("language") ?? navigator.language.slice(0, 2));
}

/** @param {{changed: () => void}} p */
export function Choices({ changed }) {
	/** @param {string} lang */
	const speak = async (lang) => {
		await setLanguage(lang);
		changed();
	};
	return html`<label>${t("language")} <select value=${language} onChange=${(/** @type {any} */ e) => speak(e.target.value)}>${languages.map((l) => html`<option value=${l} lang=${l}>${{ en: "English", fr: "Français" }[l]}</option>`)}</select></label>
		<label>${t("theme")} <select value=${localStorage.getItem("theme") ?? "auto"} onChange=${(/** @type {any} */ e) => { setTheme(e.target.value); changed(); }}>${themes.map((n) => html`<option value=${n}>${t(`theme.${n}`)}</option>`)}</select></label>`;
}
