// A real Herald for a test: the binary, on a free port, with a database of its own, and users who log in to it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";

import { EventStream, PlainWebSocket, SocketIo } from "./followers.mjs";

const ROOT = resolve(import.meta.dirname, "../../..");
export const BINARY = process.env.HERALD_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/herald");
const SECRET = "a secret that only these tests know, 32 bytes or more";
const PASSWORD = "herald-demo";
const START_WITHIN = 30_000;
const STOP_WITHIN = 20_000;

/** The database of this run, named so that a test can say it: HERALD_TEST_DATABASE, default sqlite. */
export const DATABASE = process.env.HERALD_TEST_DATABASE || "sqlite";

async function freshDatabase(dir) {
  if (DATABASE === "sqlite") return `sqlite:${join(dir, "herald.db")}`;
  if (DATABASE !== "postgres") throw new Error(`HERALD_TEST_DATABASE=${DATABASE}: sqlite or postgres`);
  const server = process.env.HERALD_TEST_POSTGRES;
  if (!server) throw new Error("HERALD_TEST_DATABASE=postgres needs HERALD_TEST_POSTGRES, the URL of a superuser");
  const name = `herald_js_${randomUUID().replaceAll("-", "")}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

export class Herald {
  static async start(env = {}) {
    const herald = new Herald();
    herald.dir = await mkdtemp(join(tmpdir(), "herald-js-"));
    herald.followers = new Set();
    herald.misfits = [];   // what was heard and is not what the catalogue says
    herald.env = {
      PATH: process.env.PATH,
      HERALD_ADDR: "127.0.0.1:0",
      DATABASE_URL: await freshDatabase(herald.dir),
      JWT_SECRET: SECRET,
      STATIC_DIR: join(ROOT, "static"),
      RUST_LOG: "info",
      ...env,
    };
    await herald.#spawn();
    return herald;
  }

  /** The process starts, and says where it listens. */
  async #spawn() {
    this.log = [];
    // In a directory of its own: --demo keeps its secret beside the database, and nothing belongs into the source.
    const child = spawn(BINARY, ["--demo"], { cwd: this.dir, env: this.env, stdio: ["ignore", "inherit", "pipe"] });
    this.child = child;
    this.ended = new Promise((ended) => child.once("close", (code, signal) => ended({ code, signal })));
    const lines = createInterface({ input: child.stderr });
    this.url = await new Promise((listening, failed) => {
      const fail = (why) => failed(new Error(`Herald did not start: ${why}\n${this.log.join("\n")}`));
      const deadline = setTimeout(() => { child.kill("SIGKILL"); fail(`no word of it within ${START_WITHIN} ms`); }, START_WITHIN);
      lines.on("line", (line) => {
        this.log.push(line);
        if (process.env.HERALD_TEST_LOG) console.error(line);
        const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
        if (url) { clearTimeout(deadline); listening(url); }
      });
      child.once("error", (error) => { clearTimeout(deadline); fail(`${BINARY}: ${error.message} (cargo build)`); });
      child.once("close", (code, signal) => { clearTimeout(deadline); fail(`it ended with ${code ?? signal}`); });
    });
    this.env.HERALD_ADDR = new URL(this.url).host;
  }

  /** As a power cut would: nothing is written, nobody is told. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** SIGTERM, and it must go within the contract's 15 s. */
  async terminate() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_WITHIN);
    const { code, signal } = await this.ended;
    clearTimeout(late);
    if (signal || code !== 0) throw new Error(`Herald ended with ${code ?? signal} after SIGTERM\n${this.log.join("\n")}`);
  }

  /** Again on the same port and database. */
  async restart() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    await this.#spawn();
  }

  /** The end of a test: clients leave, and the server must stop when asked. */
  async stop() {
    for (const follower of this.followers) follower.close();
    try {
      if (this.child.exitCode === null && this.child.signalCode === null) await this.terminate();
    } finally {
      await rm(this.dir, { recursive: true, force: true });
    }
    assert.deepEqual(this.misfits, [], "every event is as docs/asyncapi.json says");
  }

  /** A demo user, logged in anew: `ann`, `bob`, `sam`, `bea` or `admin`. */
  async user(name) {
    const user = new User(this, name);
    await user.login();
    return user;
  }

  /** A user who is not one of the demo accounts. */
  async stranger() {
    const email = `${randomUUID()}@example.com`;
    const answer = await this.request("POST", "/v1/auth/register", { body: { email, password: "a long enough password", firstName: "No", lastName: "One" } });
    if (answer.status !== 201) throw new Error(`register: ${answer.status} ${JSON.stringify(answer.body)}`);
    const user = new User(this, email);
    await user.login("a long enough password");
    return user;
  }

  /** A token such as `herald token` would mint; `exp` in seconds from now. */
  mint({ sub = randomUUID(), sid = randomUUID(), roles = ["USER"], exp = 3600, ...more } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, sid, roles, iss: "herald", aud: "herald", iat: now + Math.min(0, exp), exp: now + exp, ...more })}`;
    return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
  }

  async request(method, path, { token, body, headers = {} } = {}) {
    const answer = await fetch(new URL(path, this.url), {
      method,
      headers: {
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    let json;
    try { json = text ? JSON.parse(text) : undefined; } catch { json = text; }
    const seq = answer.headers.get("X-Herald-Seq");
    return { status: answer.status, body: json, headers: answer.headers, seq: seq === null ? undefined : Number(seq) };
  }
}

export class User {
  constructor(herald, name) {
    this.herald = herald;
    this.email = name.includes("@") ? name : `${name}@example.com`;
  }

  async login(password = PASSWORD) {
    const answer = await this.herald.request("POST", "/v1/auth/login", { body: { email: this.email, password } });
    if (answer.status !== 200) throw new Error(`login of ${this.email}: ${answer.status} ${JSON.stringify(answer.body)}`);
    this.token = answer.body.accessToken;
    this.refreshToken = answer.body.refreshToken;
    this.id = answer.body.user.id;
    this.sid = JSON.parse(Buffer.from(this.token.split(".")[1], "base64url")).sid;
  }

  /** A request whatever comes of it; the verbs below expect success. */
  request(method, path, options) { return this.herald.request(method, path, { token: this.token, ...options }); }

  async #must(method, path, body, options) {
    const answer = await this.request(method, path, { body, ...options });
    if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  async get(path) { return (await this.#must("GET", path)).body; }
  post(path, body, options) { return this.#must("POST", path, body, options); }
  put(path, body, options) { return this.#must("PUT", path, body, options); }
  delete(path, options) { return this.#must("DELETE", path, undefined, options); }

  /** A draft of this user's. */
  async draft(description, more = {}) {
    return (await this.post("/v1/events", { description, start: "2030-05-01T10:00:00.000Z", end: "2030-05-01T12:00:00.000Z", ...more })).body;
  }

  /** A group of this user and others, whose drafts they all see. */
  async group(...members) {
    const group = (await this.post("/v1/event_groups", { name: `Group ${randomUUID()}`, description: "" })).body;
    for (const member of members) await this.post(`/v1/event_groups/${group.id}/members`, { userId: member.id });
    return group;
  }

  async ticket() { return (await this.post("/v1/auth/ticket")).body.ticket; }

  #follower(Kind, options) {
    const follower = new Kind(this, options);
    this.herald.followers.add(follower);
    return follower;
  }

  socketIo(options) { return this.#follower(SocketIo, options); }
  webSocket(options) { return this.#follower(PlainWebSocket, options); }
  eventStream(options) { return this.#follower(EventStream, options); }
}

/** Every way in which a standard client may follow, for tests that must hold for all of them. */
export const WAYS = [
  { way: "Socket.IO, polling only", follow: (user, options) => user.socketIo({ transports: ["polling"], ...options }) },
  { way: "Socket.IO, websocket only", follow: (user, options) => user.socketIo({ transports: ["websocket"], ...options }) },
  { way: "Socket.IO, polling and the upgrade", follow: (user, options) => user.socketIo({ transports: ["polling", "websocket"], ...options }) },
  { way: "plain WebSocket", follow: (user, options) => user.webSocket(options) },
  { way: "Server-Sent Events", follow: (user, options) => user.eventStream(options) },
];
