// A small shop whose browsers follow its orders live. Its records, its users and its rules are its own; Herald is its
// Socket.IO front: one HTTP call tells everybody. Node.js 20 or later, no packages.

import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const { HERALD_URL = "http://127.0.0.1:3000", HERALD_KEY, JWT_SECRET, PORT = "8080" } = process.env;
if (!HERALD_KEY || !JWT_SECRET) {
  console.error("HERALD_KEY (an API key) and JWT_SECRET (Herald's own) are needed: see README.md");
  process.exit(1);
}

// ---- Herald ----------------------------------------------------------------------------------------------------

/** Tells Herald, and does not give up while it is away. The key makes a repeated call harmless. */
async function publish(path, body) {
  const headers = { Authorization: `Bearer ${HERALD_KEY}`, "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
  for (let wait = 100; ; wait = Math.min(2 * wait, 5_000)) {
    try {
      const signal = AbortSignal.timeout(10_000);
      const answer = await fetch(new URL(path, HERALD_URL), { method: "POST", headers, body: JSON.stringify(body), signal });
      if (answer.ok) return;
      console.error(`Herald said ${answer.status}: ${await answer.text()}`);
      // Waiting mends nothing that is wrong with the call itself.
      if (answer.status < 500 && answer.status !== 429) return;
    } catch (error) {
      console.error(`Herald can't be reached: ${error.cause?.message ?? error.message}`);
    }
    await pause(wait);
  }
}

// One after the other, so that browsers hear of changes in the order in which they were made. With a database, keep what
// is still to be told in a table, written in the transaction of the change: then it survives this process too.
let told = Promise.resolve();
const tell = (path, body) => { told = told.then(() => publish(path, body)); };

/** A token for one of our users: who it is, and which topics may be followed. */
function tokenOf({ user, sid }) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: "herald", aud: "herald", sub: user, sid, roles: ["USER"], topics: ["orders"], iat: now, exp: now + 900 };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", JWT_SECRET).update(text).digest("base64url")}`;
}

// ---- The shop --------------------------------------------------------------------------------------------------

const orders = new Map();
const sessions = new Map();   // by cookie; a real shop has people who log in

function order(what, user) {
  const made = { id: randomUUID(), what, state: "ORDERED" };
  orders.set(made.id, { ...made, user });
  tell("/v1/publish", { event: "order:created", data: made, to: ["topic-orders"] });
  return made;
}

function finish(id) {
  const { user, ...before } = orders.get(id);
  const done = { ...before, state: "READY" };
  orders.set(id, { ...done, user });
  // Everybody sees the list change; whoever ordered is told besides, on every tab and device. Both, or neither.
  tell("/v1/publish/batch", [
    { event: "order:changed", data: done, to: ["topic-orders"] },
    { event: "order:ready", data: { id, what: done.what }, to: [`user-${user}`] },
  ]);
  return done;
}

// ---- HTTP ------------------------------------------------------------------------------------------------------

function sessionOf(request, answer) {
  const cookie = /(?:^|; )shop=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
  if (sessions.has(cookie)) return sessions.get(cookie);
  const fresh = randomUUID();
  sessions.set(fresh, { user: randomUUID(), sid: randomUUID() });
  answer.setHeader("Set-Cookie", `shop=${fresh}; HttpOnly; SameSite=Strict; Path=/`);
  return sessions.get(fresh);
}

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > 10_000) throw new Error("too long");
  }
  return JSON.parse(text);
}

async function handle(request, answer) {
  const { pathname } = new URL(request.url, "http://shop");
  const say = (status, value) => answer.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(JSON.stringify(value));
  const session = sessionOf(request, answer);
  const changed = /^\/orders\/([\w-]+)$/.exec(pathname)?.[1];
  if (request.method === "GET" && pathname === "/") {
    answer.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(await readFile(new URL("page.html", import.meta.url)));
  } else if (request.method === "GET" && pathname === "/session") {
    say(200, { herald: HERALD_URL, token: tokenOf(session), rooms: ["topic-orders"] });
  } else if (request.method === "GET" && pathname === "/orders") {
    say(200, [...orders.values()].map(({ user, ...seen }) => seen));
  } else if (request.method === "POST" && pathname === "/orders") {
    const { what } = await bodyOf(request);
    if (typeof what !== "string" || what === "") return say(422, { error: "what?" });
    say(201, order(what, session.user));
  } else if (request.method === "PUT" && orders.has(changed)) {
    say(200, finish(changed));
  } else {
    say(404, { error: "not here" });
  }
}

const server = createServer((request, answer) => {
  handle(request, answer).catch((error) => answer.headersSent ? answer.destroy() : answer.writeHead(400).end(error.message));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`the shop is open at http://127.0.0.1:${server.address().port}/`));
