// Proof that nothing was altered.
import { allowed, ask, html, inLanguage, measure, number, t, useFetched, useState } from "/lib.js";
import { Facts, Problem } from "/ui.js";

/**
 * @import { Status, Verdict } from "../../types/agent"
 * @import { Fetched } from "/lib.js"
 */

export function Evidence() {
	/** @type {Fetched<Status>} */
	const [status] = useFetched("/v1/status");
	const [verdict, setVerdict] = useState(/** @type {Verdict | null} */ (null));
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
	const label = busy ? t("verifying") : t("verify-now");
	return html`<h1>${t("nav.evidence")}</h1><p>${t("evidence-about")}</p>
		${status && html`<${Facts} rows=${journalFacts(status)} />`}
		${allowed("technician")
			? html`<button class="primary" disabled=${busy} onClick=${verify}>${label}</button>`
			: html`<p>${t("needs-technician")}</p>`}
		<${Problem} text=${problem} />
		${verdict && html`<${Result} verdict=${verdict} />`}`;
}

/** @param {Status} status */
const journalFacts = ({ journal, link }) => [
	[t("journal"), html`<code>${journal.origin}</code>`],
	[t("rows"), number(journal.size)],
	[t("signed-rows"), number(journal.signed)],
	[t("verified-rows"), number(link.verified)],
	[t("key"), html`<code>${journal.verify_key}</code>`],
];

/** The result of a verification, with everything that was found wrong. @param {{verdict: Verdict}} p */
function Result({ verdict }) {
	const facts = [
		[t("rows"), number(verdict.rows)],
		[t("signed-rows"), number(verdict.signed)],
		[t("checkpoints"), number(verdict.checkpoints)],
		[t("root"), html`<code>${verdict.root}</code>`],
		[t("took"), measure(verdict.seconds, "s", 2)],
	];
	return html`<p role="status" class="verdict ${verdict.ok ? "good" : "bad"}">
			${verdict.ok ? t("evidence-ok") : t("evidence-wrong")}</p>
		<${Facts} rows=${facts} />
		<ul>${verdict.findings.map((f) => html`<li>${inLanguage(f)}</li>`)}</ul>`;
}
