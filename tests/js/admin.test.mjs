// What the official Admin UI (@socket.io/admin-ui) says and hears, by the standard client. docs/admin-ui.md

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";

import { ADMIN_EVENTS, misfitOnAdmin } from "./support/catalogue.mjs";
import { DATABASE, Herald } from "./support/herald.mjs";

const DEADLINE = 10_000;

describe(`the Admin UI's protocol, ${DATABASE}`, () => {
  let herald, ann, admin;
  const offices = [];

  before(async () => {
    herald = await Herald.start();
    [ann, admin] = await Promise.all(["ann", "admin"].map((name) => herald.user(name)));
  });
  after(async () => {
    for (const office of offices) office.disconnect();
    await herald?.stop();
  });

  /** A socket as the Admin UI opens it; keeps all that it hears. */
  function office(auth, transports = ["polling", "websocket"]) {
    const socket = io(`${herald.url}/admin`, { forceNew: true, reconnection: false, transports, auth });
    socket.heard = [];
    socket.onAny((...said) => socket.heard.push(said));
    offices.push(socket);
    return socket;
  }

  /** The arguments of an event that it hears, or has heard. */
  async function hears(socket, event, fits = () => true) {
    const found = () => socket.heard.find(([name, ...args]) => name === event && fits(...args));
    const deadline = Date.now() + DEADLINE;
    while (!found()) {
      assert.ok(Date.now() < deadline, `${event} was not heard, but ${JSON.stringify(socket.heard).slice(0, 2000)}`);
      await Promise.race([once(socket.io.engine, "packet"), new Promise((later) => setTimeout(later, 100))]);
    }
    return found().slice(1);
  }

  const login = { username: "admin@example.com", password: "herald-demo" };

  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    test(`it logs in, watches, moves and disconnects (${transports.join(" and ")})`, async () => {
      const bystander = io(herald.url, { forceNew: true, auth: { token: ann.token } });
      offices.push(bystander);
      const [{ id }] = await once(bystander, "ready");
      const socket = office(login, transports);
      const [session] = await hears(socket, "session");
      assert.match(session, /\./, "a token to come back with");
      const [{ supportedFeatures }] = await hears(socket, "config");
      assert.ok(supportedFeatures.includes("MDISCONNECT") && !supportedFeatures.includes("EMIT"));
      const [sockets] = await hears(socket, "all_sockets");
      const shown = sockets.find((one) => one.id === id);
      assert.equal(shown.nsp, "/");
      assert.ok(shown.rooms.includes("all") && shown.clientId && shown.handshake.address);
      const [stats] = await hears(socket, "server_stats");
      assert.ok(stats.serverId && stats.clientsCount >= 1 && stats.namespaces[0].socketsCount >= 1);

      const other = io(herald.url, { forceNew: true, auth: { token: ann.token }, reconnection: false });
      offices.push(other);
      const [{ id: its }] = await once(other, "ready");
      const [, came] = await hears(socket, "socket_connected", (one) => one.id === its);
      assert.ok(!Number.isNaN(Date.parse(came)));
      socket.emit("join", "/", "topic-ui", its);
      await hears(socket, "room_joined", (nsp, room, who) => nsp === "/" && room === "topic-ui" && who === its);
      const refused = await socket.emitWithAck("join", "/", "sellers", its);
      assert.deepEqual([refused.matched, refused.changed, refused.refusals[0].code], [1, 0, "forbidden"]);
      socket.emit("leave", "/", "topic-ui");
      await hears(socket, "room_left", (nsp, room, who) => nsp === "/" && room === "topic-ui" && who === its);
      // Nobody is meant by nothing.
      assert.equal((await socket.emitWithAck("_disconnect", "/", true, null)).code, "invalid_request");
      assert.equal((await socket.emitWithAck("emit", "/", undefined, "x", {})).code, "invalid_request");
      const told = once(other, "disconnect");
      socket.emit("_disconnect", "/", false, its);
      assert.deepEqual((await told)[0], "io server disconnect");
      await hears(socket, "socket_disconnected", (nsp, who) => nsp === "/" && who === its);
      assert.ok(bystander.connected);

      // The UI stores its session, and comes back with it.
      const again = office({ sessionId: session }, transports);
      await hears(again, "config");
      const byToken = office({ username: "token", password: admin.token }, transports);
      await hears(byToken, "config");
      for (const one of [socket, again, byToken, bystander]) one.disconnect();
    });
  }

  test("what is told in Herald's own words is as it is written down", async () => {
    const socket = office({ token: herald.mint({ sub: admin.id, roles: ["USER", "ADMIN"], exp: 55 }) });
    const [all] = await hears(socket, "connections", ({ all }) => all);
    assert.equal(all.total, all.connected.length);
    const other = io(herald.url, { forceNew: true, auth: { token: ann.token }, reconnection: false });
    offices.push(other);
    const [{ id }] = await once(other, "ready");
    await hears(socket, "connections", ({ connected }) => connected.some((one) => one.id === id));
    await other.emitWithAck("leave", "topic-none");
    other.disconnect();
    await hears(socket, "connections", ({ disconnected }) => disconnected.includes(id));
    for (const event of ADMIN_EVENTS) await hears(socket, event);
    for (const [event, payload] of socket.heard) assert.equal(misfitOnAdmin(event, payload), undefined);
    assert.deepEqual(socket.heard.filter(([event]) => !ADMIN_EVENTS.includes(event)), []);
    assert.ok(misfitOnAdmin("connections", { ...all, more: 1 }), "what is not written down is seen");
    socket.disconnect();
  });

  test("who is no administrator, or has a wrong password, hears why and nothing else", async () => {
    for (const [auth, message] of [
      [{ ...login, password: "wrong" }, "invalid credentials"],
      [{ username: "", password: "" }, "invalid credentials"],
      [{ sessionId: null }, "invalid credentials"],
      [{ sessionId: "nonsense" }, "invalid credentials"],
      [{ username: "ann@example.com", password: "herald-demo" }, "forbidden"],
      [{ sessionId: ann.token }, "forbidden"],
    ]) {
      const socket = office(auth);
      const [error] = await once(socket, "connect_error");
      assert.equal(error.message, message);
      assert.deepEqual(socket.heard, []);
      socket.disconnect();
    }
  });

  test("guesses are throttled as at the login, and the right password still gets in", async () => {
    const guess = (password) => once(office({ username: "bob@example.com", password }, ["websocket"]), "connect_error");
    let refusals = [];
    for (let n = 0; n < 11; n += 1) refusals.push((await guess(`wrong ${n}`))[0].message);
    assert.equal(refusals.at(-1), "rate_limited");
    assert.equal((await guess("herald-demo"))[0].message, "forbidden", "the right password, but no administrator");
  });

  test("both namespaces on one transport each hear their own", async () => {
    const socket = office(login, ["websocket"]);
    await hears(socket, "config");
    const main = socket.io.socket("/", { auth: { token: admin.token } });
    const events = [];
    main.onAny((event) => events.push(event));
    await once(main, "ready");
    for (let n = 0; n < 20; n += 1) {
      await admin.post("/v1/publish", { event: "ping", data: { n }, to: ["all"] });
    }
    await new Promise((all) => { const look = () => (events.filter((event) => event === "ping").length === 20 ? all() : setTimeout(look, 20)); look(); });
    assert.deepEqual(socket.heard.filter(([event]) => event === "ping"), []);
    assert.deepEqual(events.filter((event) => !["ready", "ping", "pending_notifications"].includes(event)), []);
    socket.disconnect();
  });
});
