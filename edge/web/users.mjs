// Measures a hub with many people at work: node users.mjs URL PASSWORD USERS SECONDS NAME..., with names of accounts that have
// that password. Users share the sessions of these, as sign-ins from one address are limited. Each asks every two seconds for
// what a page shows: open cases, vehicles, one vehicle, the fleet, the day's report. It prints how long answers took, from
// the request to the last byte, ms.
const [url, password, users, seconds, ...names] = process.argv.slice(2);

/** Times of answers by what was asked for, ms. @type {Record<string, number[]>} */
const took = {};

/** @param {string} what @param {string} path @param {string} cookie */
async function ask(what, path, cookie) {
	const begin = performance.now();
	const answer = await fetch(url + path, { headers: { cookie } });
	const text = await answer.text();
	if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 200)}`);
	(took[what] ??= []).push(performance.now() - begin);
	return JSON.parse(text);
}

/** @param {string} user */
async function signIn(user) {
	const answer = await fetch(`${url}/v1/session`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user, password }) });
	if (!answer.ok) throw new Error(`${user} cannot sign in: ${answer.status} ${await answer.text()}`);
	return answer.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
}

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** @param {string} cookie @param {number} end */
async function work(cookie, end) {
	await pause(2000 * Math.random());
	for (let n = Math.floor(5 * Math.random()); Date.now() < end; n++) {
		if (n % 5 === 0) await ask("open cases", "/v1/cases", cookie);
		if (n % 5 === 1 || n % 5 === 2) {
			const { passages } = await ask("50 vehicles", "/v1/passages?limit=50", cookie);
			const one = passages[Math.floor(passages.length * Math.random())];
			if (n % 5 === 2 && one) await ask("a vehicle", `/v1/passages/${one.site}/${one.agent}/${one.passage.id}`, cookie);
		}
		if (n % 5 === 3) await ask("fleet", "/v1/fleet?limit=100", cookie);
		if (n % 5 === 4) await ask("report of the day", "/v1/reports/day", cookie);
		await pause(1000 + 2000 * Math.random());
	}
}

const cookies = [];
for (const name of names) cookies.push(await signIn(name));
const end = Date.now() + 1000 * Number(seconds);
await Promise.all(Array.from({ length: Number(users) }, (_, i) => work(cookies[i % cookies.length], end)));
const all = Object.values(took).flat();
for (const [what, times] of [...Object.entries(took), ["all", all]]) {
	const sorted = /** @type {number[]} */ (times).toSorted((a, b) => a - b), at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(1);
	console.log(`${what}: ${sorted.length} answers, half in ${at(0.5)} ms, 95 of 100 in ${at(0.95)} ms, all in ${at(1)} ms`);
}
