// Proof that nothing was altered.
import { ask, html, may, measure, number, t, useFetched, useState } from "/lib.js";
import { Agent, Facts, Problem } from "/ui.js";

export function Evidence() {
	const [status] = useFetched("/v1/status");
	const [verdict, setVerdict] = useState(/** @type {any} */ (null));
	const [problem, setProblem] = useState("");
	const [busy, setBusy] = useState(false);
	const verify = async () => {
		setBusy(true);
		setProblem("");
		try {
			setVerdict(await ask("/v1/evidence/verification", { method: "POST" }));
		} catch (e) {
			setProblem(/** @type {Error} */ (e).message);
		}
		setBusy(false);
	};
	const j = status?.journal;
	return html`<h1>${t("nav.evidence")}</h1><p>${t("evidence-about")}</p>
		${j && html`<${Facts} rows=${[[t("journal"), html`<code>${j.origin}</code>`], [t("rows"), number(j.size)], [t("signed-rows"), number(j.signed)], [t("verified-rows"), number(status.link.verified)], [t("key"), html`<code>${j.verify_key}</code>`]]} />`}
		${may("technician") ? html`<button class="primary" disabled=${busy} onClick=${verify}>${busy ? t("verifying") : t("verify-now")}</button>` : html`<p>${t("needs-technician")}</p>`}
		<${Problem} text=${problem} />
		${verdict && html`<p role="status" class="verdict ${verdict.ok ? "good" : "bad"}">${verdict.ok ? t("evidence-ok") : t("evidence-wrong")}</p>
			<${Facts} rows=${[[t("rows"), number(verdict.rows)], [t("signed-rows"), number(verdict.signed)], [t("checkpoints"), number(verdict.checkpoints)], [t("root"), html`<code>${verdict.root}</code>`], [t("took"), measure(verdict.seconds, "s", 2)]]} />
			<ul>${verdict.findings.map((/** @type {string} */ f) => html`<li><${Agent} text=${f} /></li>`)}</ul>`}`;
}
