// Signing in and out, at lane and hub.
import { allowed, ask, formOf, html, session, setSession, t, useState } from "/lib.js";
import { Problem } from "/ui.js";

/** @import { SignedIn } from "/lib.js" */

/**
 * changed is called after the user signed in or out; read makes of the server's answer what the pages keep.
 * @param {{changed: () => void, read?: (answer: any) => SignedIn}} p
 */
export function SignIn({ changed, read = (s) => s }) {
	const [problem, setProblem] = useState("");
	/** @param {Event} e */
	const signIn = async (e) => {
		e.preventDefault();
		const form = formOf(e);
		const body = { user: form.get("user"), password: form.get("password") };
		try {
			setSession(read(await ask("/v1/session", { method: "POST", body })));
			changed();
			location.hash = "#/";
		} catch (err) {
			setProblem(/** @type {Error} */ (err).message);
		}
	};
	const signOut = async () => {
		setSession(read(await ask("/v1/session", { method: "DELETE" })));
		changed();
	};
	if (allowed("viewer") && session.user !== "guest") {
		return html`<h1>${t("nav.signin")}</h1><p>${whoIsSignedIn()}</p>
			<button onClick=${signOut}>${t("sign-out")}</button>`;
	}
	return html`<h1>${t("nav.signin")}</h1>
		${session.signOn && html`<p><a class="button primary" href=${session.signOn}>${t("sign-on")}</a></p>`}
		${session.accounts && html`<form class="narrow" onSubmit=${signIn}>
			<label>${t("user")} <input name="user" autocomplete="username" required autocapitalize="none" /></label>
			<label>${t("password")} <input name="password" type="password" autocomplete="current-password" required /></label>
			<${Problem} text=${problem} />
			<button class="primary">${t("sign-in")}</button>
		</form>`}`;
}

/** Returns a sentence with the user and the role, once where both have one name. */
function whoIsSignedIn() {
	const role = (session.roles ?? [session.role]).map((r) => t(`role.${r}`)).join(", ");
	return session.user === session.role ? t("signed-in-as", { role }) : t("signed-in", { user: session.user, role });
}
