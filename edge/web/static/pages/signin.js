// Signing in and out.
import { allowed, ask, formOf, html, session, setSession, t, useState } from "/lib.js";
import { Problem } from "/ui.js";

/** @param {{changed: () => void}} p changed: called after the user signed in or out */
export function SignIn({ changed }) {
	const [problem, setProblem] = useState("");
	/** @param {Event} e */
	const signIn = async (e) => {
		e.preventDefault();
		const form = formOf(e);
		const body = { user: form.get("user"), password: form.get("password") };
		try {
			setSession(await ask("/v1/session", { method: "POST", body }));
			changed();
			location.hash = "#/";
		} catch (err) {
			setProblem(/** @type {Error} */ (err).message);
		}
	};
	const signOut = async () => {
		setSession(await ask("/v1/session", { method: "DELETE" }));
		changed();
	};
	if (allowed("viewer") && session.user !== "guest") {
		return html`<h1>${t("nav.signin")}</h1><p>${whoIsSignedIn()}</p>
			<button onClick=${signOut}>${t("sign-out")}</button>`;
	}
	return html`<h1>${t("nav.signin")}</h1>
		<form class="narrow" onSubmit=${signIn}>
			<label>${t("user")} <input name="user" autocomplete="username" required autocapitalize="none" /></label>
			<label>${t("password")} <input name="password" type="password" autocomplete="current-password" required /></label>
			<${Problem} text=${problem} />
			<button class="primary">${t("sign-in")}</button>
		</form>`;
}

/** Returns a sentence with the user and the role, once where both have one name. */
function whoIsSignedIn() {
	const role = t(`role.${session.role}`);
	return session.user === session.role ? t("signed-in-as", { role }) : t("signed-in", { user: session.user, role });
}
