// Who uses the console.
import { ask, html, may, session, setSession, t, useState } from "/lib.js";
import { Problem } from "/ui.js";

/** @param {{changed: () => void}} p */
export function SignIn({ changed }) {
	const [problem, setProblem] = useState("");
	/** @param {any} e */
	const enter = async (e) => {
		e.preventDefault();
		const form = new FormData(e.target);
		try {
			setSession(await ask("/v1/session", { method: "POST", body: { user: form.get("user"), password: form.get("password") } }));
			changed();
			location.hash = "#/";
		} catch (err) {
			setProblem(/** @type {Error} */ (err).message);
		}
	};
	const leave = async () => {
		setSession(await ask("/v1/session", { method: "DELETE" }));
		changed();
	};
	if (may("viewer") && session.user !== "guest") {
		return html`<h1>${t("nav.signin")}</h1><p>${session.user === session.role ? t("signed-in-as", { role: t(`role.${session.role}`) }) : t("signed-in", { user: session.user, role: t(`role.${session.role}`) })}</p><button onClick=${leave}>${t("sign-out")}</button>`;
	}
	return html`<h1>${t("nav.signin")}</h1>
		<form class="narrow" onSubmit=${enter}>
			<label>${t("user")} <input name="user" autocomplete="username" required autocapitalize="none" /></label>
			<label>${t("password")} <input name="password" type="password" autocomplete="current-password" required /></label>
			<${Problem} text=${problem} />
			<button class="primary">${t("sign-in")}</button>
		</form>`;
}
