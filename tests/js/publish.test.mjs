// The example of another back end, as its README runs it: its own process, its own users, Herald in front.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, User } from "./support/herald.mjs";

const EXAMPLE = resolve(import.meta.dirname, "../../examples/publish");
const START_WITHIN = 20_000;

/** A port that was free a moment ago: Herald has to know the shop's origin before the shop knows Herald's address. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The example, running. */
class Shop {
  static async open(herald, port, key) {
    const shop = new Shop();
    const env = { PATH: process.env.PATH, HERALD_URL: herald.url, HERALD_KEY: key, JWT_SECRET: herald.env.JWT_SECRET, PORT: String(port) };
    shop.child = spawn(process.execPath, [join(EXAMPLE, "server.mjs")], { env, stdio: ["ignore", "pipe", "pipe"] });
    shop.complaints = [];
    createInterface({ input: shop.child.stderr }).on("line", (line) => shop.complaints.push(line));
    const lines = createInterface({ input: shop.child.stdout });
    const [line] = await once(lines, "line", { signal: AbortSignal.timeout(START_WITHIN) });
    shop.url = /http:\/\/\S+/.exec(line)[0];
    return shop;
  }

  async close() {
    this.child.kill();
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
  }

  /** Somebody's browser. */
  visitor() {
    let cookie;
    const call = async (method, path, body) => {
      const answer = await fetch(new URL(path, this.url), { method, headers: cookie ? { Cookie: cookie } : {}, body: body && JSON.stringify(body) });
      cookie ??= answer.headers.get("Set-Cookie")?.split(";")[0];
      assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
      return answer.json();
    };
    return { session: () => call("GET", "/session"), orders: () => call("GET", "/orders"), order: (what) => call("POST", "/orders", { what }), finish: (id) => call("PUT", `/orders/${id}`) };
  }
}

describe(`another back end, ${DATABASE}`, () => {
  let herald, shop, origin, admin;

  before(async () => {
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    herald = await Herald.start({ CORS_ORIGINS: origin });
    admin = await herald.user("admin");
    const scopes = { name: "shop", rooms: ["topic-orders", "user-*"], events: ["order:*"] };
    const { body } = await admin.post("/v1/admin/api-keys", scopes);
    shop = await Shop.open(herald, port, body.key);
  });
  after(async () => {
    await shop?.close();
    await herald?.stop();
  });

  /** The shop's page, as far as Socket.IO is concerned: the session it fetches, and its own origin. */
  async function follow(visitor, options = {}) {
    const { token, rooms, herald: url } = await visitor.session();
    assert.equal(url, herald.url);
    const user = new User(herald, "a visitor");
    user.token = token;
    const follower = user.socketIo({ rooms, extraHeaders: { Origin: origin }, ...options });
    const ready = await follower.connect();
    assert.deepEqual(ready.refusedRooms, []);
    return follower;
  }

  const heard = (follower, event) => follower.heard.filter((message) => message.event === event).map(({ data: { seq, ...data } }) => data);

  test("what one visitor orders is seen by all, and only who ordered is told that it is ready", async () => {
    const [one, two] = [shop.visitor(), shop.visitor()];
    const [ones, twos] = await Promise.all([follow(one), follow(two, { transports: ["websocket"] })]);
    const tea = await one.order("Tea");
    for (const follower of [ones, twos]) await follower.hears("the order", ({ event, data }) => event === "order:created" && data.id === tea.id);
    assert.deepEqual(heard(twos, "order:created"), [tea]);

    const done = await two.finish(tea.id);
    await ones.hears("that it is ready", ({ event }) => event === "order:ready");
    assert.deepEqual(heard(ones, "order:ready"), [{ id: tea.id, what: "Tea" }]);
    await two.order("Cake");
    await twos.hears("the next order", ({ data }) => data?.what === "Cake");
    assert.deepEqual(heard(twos, "order:changed"), [done]);
    assert.deepEqual(heard(twos, "order:ready"), []);
    for (const follower of [ones, twos]) follower.assertOnceInOrder();
  });

  test("what was ordered while a visitor was away, or Herald, is told once and in order", async () => {
    const [one, two] = [shop.visitor(), shop.visitor()];
    const ones = await follow(one);
    await ones.cut();
    const expected = [await two.order("1"), await two.order("2")];
    await ones.connect();
    await ones.hears("the second order", ({ data }) => data?.id === expected[1].id);

    await herald.kill();
    await ones.disconnected();
    for (const what of ["3", "4", "5"]) expected.push(await two.order(what));
    await herald.restart();
    const ready = await ones.connect();
    assert.equal(ready.resumed, true);
    await ones.hears("the last order", ({ data }) => data?.id === expected[4].id);
    assert.deepEqual(heard(ones, "order:created"), expected);
    ones.assertOnceInOrder();
    assert.deepEqual((await one.orders()).slice(-5), expected);
    assert.ok(shop.complaints.every((line) => /^Herald (can't be reached|said 503)/.test(line)), shop.complaints.join("\n"));
  });

  test("a page of another origin does not get in with the shop's token", async () => {
    const { token } = await shop.visitor().session();
    const user = new User(herald, "a visitor");
    user.token = token;
    const follower = user.socketIo({ transports: ["websocket"], extraHeaders: { Origin: "https://evil.example" } });
    follower.open();
    await follower.failure();
  });
});
