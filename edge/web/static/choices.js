// What a reader chooses: language and colours. The browser remembers it.
import { chosen, html, language, languages, setLanguage, t } from "/lib.js";

const themes = ["auto", "light", "dark", "contrast"];

/** Names of the languages, each in itself. @type {Record<string, string>} */
const languageNames = { en: "English", fr: "Français" };

/** Returns the theme that the device prefers. */
function preferredTheme() {
	if (matchMedia("(prefers-contrast: more)").matches) return "contrast";
	return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {string} theme */
function setTheme(theme) {
	document.documentElement.dataset.theme = theme === "auto" ? preferredTheme() : theme;
	localStorage.setItem("theme", theme);
}

/** Restores the last choices; without any, those that the device prefers. */
export async function restoreChoices() {
	setTheme(localStorage.getItem("theme") ?? "auto");
	await setLanguage(localStorage.getItem("language") ?? navigator.language.slice(0, 2));
}

/** The two lists to choose from. @param {{changed: () => void}} p changed: called after a choice took effect */
export function Choices({ changed }) {
	/** @param {Event} e */
	const chooseLanguage = async (e) => {
		await setLanguage(chosen(e));
		changed();
	};
	/** @param {Event} e */
	const chooseTheme = (e) => {
		setTheme(chosen(e));
		changed();
	};
	return html`
		<label><span>${t("language")}</span> <select value=${language} onChange=${chooseLanguage}>
			${languages.map((l) => html`<option value=${l} lang=${l}>${languageNames[l]}</option>`)}</select></label>
		<label><span>${t("theme")}</span> <select value=${localStorage.getItem("theme") ?? "auto"} onChange=${chooseTheme}>
			${themes.map((n) => html`<option value=${n}>${t(`theme.${n}`)}</option>`)}</select></label>`;
}
