#!/usr/bin/env node
// An independent emulator of Google's OAuth2 and Gmail (@emulators/google) on a free port of 127.0.0.1, with what a provider
// does when it does not do as one hopes.
//
//   google.mjs FOLDER      FOLDER/node_modules has the packages; prints its port, serves until terminated
//
// Users anna@example.com and bela@example.com; one client "client-1" with secret "GOCSPX-test" and redirect uri
// https://calendar.example.org/rpc/oauth_callback. Control, JSON in and out:
//   GET  /_ctl/log                     requests: {path, status, auth, form: names in the body}
//   POST /_ctl/behave {...}            from now on: expires_in, rotate (Microsoft's way: a new refresh token each time, the old
//                                      one is void), scope (granted instead of what was asked), no_refresh
//   POST /_ctl/fault {match, status, body, times, delay_ms}     the next requests that match
//   POST /_ctl/revoke_access  /_ctl/revoke_all                  tokens that were given out are void: access, or all
import http from "node:http";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = (name) => import(pathToFileURL(`${folder}/node_modules/@emulators/${name}/dist/index.js`));
const { createServer } = await load("core");
const { googlePlugin, seedFromConfig } = await load("google");

let emulator;
let log = [];
let faults = [];
let behave = {};
let given = [];
const refreshTokens = () => emulator.store.getData("google.oauth.refreshTokens");

function start(port) {
	const url = `http://127.0.0.1:${port}`;
	emulator = createServer(googlePlugin, { baseUrl: url, tokens: {} });
	seedFromConfig(emulator.store, url, {
		users: [{ email: "anna@example.com", name: "Anna" }, { email: "bela@example.com", name: "Bela" }],
		oauth_clients: [{ client_id: "client-1", client_secret: "GOCSPX-test", name: "Scheduler",
			redirect_uris: ["https://calendar.example.org/rpc/oauth_callback"] }],
	});
}

function answer(response, status, value) {
	response.writeHead(status, { "content-type": "application/json" });
	response.end(JSON.stringify(value));
}

function control(path, body, response) {
	const given_body = body.length ? JSON.parse(body) : {};
	if (path === "/_ctl/log") return answer(response, 200, log);
	if (path === "/_ctl/behave") behave = given_body;
	else if (path === "/_ctl/fault") faults.push({ times: 1, ...given_body });
	else if (path === "/_ctl/revoke_access" || path === "/_ctl/revoke_all") {
		for (const token of given) emulator.tokenMap.delete(token);
		if (path === "/_ctl/revoke_all") refreshTokens()?.clear();
	} else return answer(response, 404, {});
	return answer(response, 200, {});
}

// What the token endpoint says, changed as behave has it.
function change_tokens(form, value) {
	given.push(value.access_token);
	if (behave.expires_in) value.expires_in = behave.expires_in;
	if (behave.scope) value.scope = behave.scope;
	if (behave.no_refresh) delete value.refresh_token;
	if (behave.rotate && form.get("grant_type") === "refresh_token") {
		const old = form.get("refresh_token");
		value.refresh_token = `rotated_${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`;
		refreshTokens().set(value.refresh_token, refreshTokens().get(old));
		refreshTokens().delete(old);
	}
	return value;
}

async function pass(request, url, body) {
	if (url.pathname === "/revoke") url.pathname = "/oauth2/revoke";
	if (url.pathname === "/token") url.pathname = "/oauth2/token";
	return emulator.app.fetch(new Request(url, { method: request.method, redirect: "manual",
		headers: Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
		body: body.length && request.method !== "GET" ? body : undefined }));
}

const server = http.createServer((request, response) => {
	const chunks = [];
	request.on("data", (chunk) => chunks.push(chunk));
	request.on("end", async () => {
		const body = Buffer.concat(chunks).toString("utf8");
		const url = new URL(request.url, emulator.baseUrl);
		if (url.pathname.startsWith("/_ctl/")) return control(url.pathname, body, response);
		const form = new URLSearchParams(body);
		const entry = { path: url.pathname, auth: (request.headers.authorization ?? "").slice(0, 12), form: [...form.keys()] };
		log.push(entry);
		const fault = faults.find((f) => f.times > 0 && new RegExp(f.match).test(`${request.method} ${request.url} ${body}`));
		if (fault) {
			fault.times--;
			if (fault.delay_ms) await new Promise((done) => setTimeout(done, fault.delay_ms));
			if (fault.status) {
				entry.status = fault.status;
				return answer(response, fault.status, fault.body ?? {});
			}
		}
		const bearer = (request.headers.authorization ?? "").replace(/^Bearer\s+/i, "");
		// The package lets strangers in as its first user.
		if (/^\/(gmail|calendar)\//.test(url.pathname) && !emulator.tokenMap.has(bearer)) {
			entry.status = 401;
			return answer(response, 401, { error: { code: 401, status: "UNAUTHENTICATED" } });
		}
		const passed = await pass(request, url, body);
		const text = Buffer.from(await passed.arrayBuffer());
		entry.status = passed.status;
		if (url.pathname === "/oauth2/token" && passed.status === 200)
			return answer(response, 200, change_tokens(form, JSON.parse(text.toString("utf8"))));
		const headers = Object.fromEntries(passed.headers);
		delete headers["content-length"];
		response.writeHead(passed.status, headers);
		response.end(text);
	});
});
server.listen(0, "127.0.0.1", () => {
	start(server.address().port);
	console.log(server.address().port);
});
process.on("SIGTERM", () => process.exit(0));
