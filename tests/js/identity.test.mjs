// Who may connect, and for how long.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import WebSocket from "ws";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

describe(`identity on live connections, ${DATABASE}`, () => {
  let herald, ann, bob, admin;

  before(async () => {
    herald = await Herald.start();
    [ann, bob, admin] = await Promise.all(["ann", "bob", "admin"].map((name) => herald.user(name)));
  });
  after(() => herald?.stop());

  const SOCKET_IO_WAYS = [["polling"], ["websocket"], ["polling", "websocket"]];

  /** The answer to a plain upgrade request, without any cleverness of a client. */
  const upgradeStatus = (path, headers = {}) => new Promise((status, failed) => {
    const socket = new WebSocket(new URL(path, herald.url.replace("http:", "ws:")), { headers });
    socket.on("unexpected-response", (_request, answer) => {
      let text = "";
      answer.on("data", (part) => { text += part; });
      answer.on("end", () => status({ status: answer.statusCode, type: answer.headers["content-type"], body: text }));
    });
    socket.on("open", () => { socket.close(); status({ status: 101 }); });
    socket.on("error", failed);
  });

  for (const transports of SOCKET_IO_WAYS) {
    const over = transports.join(" and ");

    test(`no token, or one that is not ours, is a connect_error "unauthorized" (${over})`, async () => {
      const forged = ann.token.replace(/.$/, (last) => (last === "A" ? "B" : "A")).replace(/\.[^.]{4}/, ".AAAA");
      for (const token of [undefined, "", "nonsense", forged, herald.mint({ iss: "someone else" }), herald.mint({ aud: "someone else" })]) {
        const nobody = ann.socketIo({ transports, token });
        nobody.open();
        const error = await nobody.failure();
        assert.equal(error.message, "unauthorized");
        if (error.data) assert.equal(error.data.code, "unauthorized");
        assert.equal(nobody.turns, 0);
        nobody.close();
      }
    });

    test(`a token past its end is a connect_error "token_expired" (${over})`, async () => {
      const late = ann.socketIo({ transports, token: herald.mint({ sub: ann.id, exp: -60 }) });
      late.open();
      assert.equal((await late.failure()).message, "token_expired");
    });

    test(`the namespace /admin is for admins: others get "forbidden" (${over})`, async () => {
      const foreign = ann.socketIo({ transports, namespace: "/admin" });
      foreign.open();
      assert.equal((await foreign.failure()).message, "forbidden");

      const own = admin.socketIo({ transports, namespace: "/admin" });
      own.open();
      await own.wait("the connection", () => own.connected);
    });
  }

  test("the token may come in the Authorization header; two different ones are refused", async () => {
    const header = (token) => ({ Authorization: `Bearer ${token}` });
    const one = ann.socketIo({ transports: ["polling"], auth: {}, extraHeaders: header(ann.token) });
    assert.equal((await one.connect()).user.id, ann.id);

    const two = ann.socketIo({ transports: ["polling"], token: ann.token, extraHeaders: header(bob.token) });
    two.open();
    assert.equal((await two.failure()).message, "unauthorized");
  });

  test("ready names the connection, the user and the rooms", async () => {
    for (const { way, follow } of WAYS) {
      const ready = await follow(admin).connect();
      assert.ok(ready.id, way);
      assert.equal(ready.user.id, admin.id, way);
      assert.ok(ready.user.roles.includes("ADMIN"), way);
      for (const room of ["all", "admin", `user-${admin.id}`, `session-${admin.sid}`]) {
        assert.ok(ready.rooms.includes(room), `${way}: ${room} is not in ${ready.rooms}`);
      }
      assert.deepEqual(ready.refusedRooms, [], way);
    }
  });

  test("on /ws and the stream a refusal is HTTP 401 with the problem, before the upgrade", async () => {
    for (const headers of [{}, { Authorization: "Bearer nonsense" }, { Authorization: `Bearer ${herald.mint({ sub: ann.id, exp: -60 })}` }]) {
      const answer = await upgradeStatus("/ws", headers);
      assert.equal(answer.status, 401);
      assert.match(answer.type, /^application\/problem\+json/);
      assert.equal(JSON.parse(answer.body).status, 401);

      const stream = await fetch(new URL("/v1/stream", herald.url), { headers });
      assert.equal(stream.status, 401);
      assert.match(stream.headers.get("content-type"), /^application\/problem\+json/);
      await stream.body.cancel();
    }
  });

  test("a ticket opens one connection, once", async () => {
    const ticket = await ann.ticket();
    assert.equal((await upgradeStatus(`/ws?ticket=${ticket}`)).status, 101);
    assert.equal((await upgradeStatus(`/ws?ticket=${ticket}`)).status, 401);
    assert.equal((await fetch(new URL(`/v1/stream?ticket=${ticket}`, herald.url))).status, 401);

    const another = await ann.ticket();
    const stream = await fetch(new URL(`/v1/stream?ticket=${another}`, herald.url));
    assert.equal(stream.status, 200);
    assert.match(stream.headers.get("content-type"), /^text\/event-stream/);
    await stream.body.cancel();
    assert.equal((await upgradeStatus(`/ws?ticket=${another}`)).status, 401);
    assert.equal((await upgradeStatus("/ws?ticket=nonsense")).status, 401);
  });

  test("two clients racing for one ticket: one gets in", async () => {
    const ticket = await ann.ticket();
    const answers = await Promise.all(Array.from({ length: 5 }, () => upgradeStatus(`/ws?ticket=${ticket}`)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [101, 401, 401, 401, 401]);
  });

  test("logging out closes every connection of that login, and no other", async () => {
    const [leaving, staying] = [await herald.user("bob"), await herald.user("bob")];
    const closing = WAYS.map(({ follow }) => follow(leaving));
    const open = WAYS.map(({ follow }) => follow(staying));
    await Promise.all([...closing, ...open].map((follower) => follower.connect()));

    assert.equal((await leaving.post("/v1/auth/logout")).status, 204);

    await Promise.all(closing.map((follower) => follower.disconnected()));
    for (const follower of closing) follower.close();
    assert.equal((await leaving.request("GET", "/v1/user")).status, 401);
    assert.equal((await leaving.request("POST", "/v1/auth/refresh", { body: { refreshToken: leaving.refreshToken } })).status, 401);
    const again = leaving.socketIo();
    again.open();
    assert.equal((await again.failure()).message, "unauthorized");

    const marker = await admin.post("/v1/departments", { name: `Still here ${Math.random()}`, description: "", letter: "S", color: "#123456" });
    await Promise.all(open.map((follower) => follower.record(marker.body.id)));
    for (const follower of open) assert.ok(follower.connected);
  });

  test("a refresh token works once; using it again ends the login and its connections", async () => {
    const victim = await herald.user("bob");
    const live = victim.socketIo();
    await live.connect();
    const first = await herald.request("POST", "/v1/auth/refresh", { body: { refreshToken: victim.refreshToken } });
    assert.equal(first.status, 200);
    assert.equal((await victim.request("GET", "/v1/user", { })).status, 200);
    assert.equal((await herald.request("POST", "/v1/auth/refresh", { body: { refreshToken: victim.refreshToken } })).status, 401);
    await live.disconnected();
    assert.equal((await herald.request("GET", "/v1/user", { token: first.body.accessToken })).status, 401);
  });

  test("a connection whose token ends is closed; one that authenticated anew goes on", async () => {
    const claims = { sub: ann.id, sid: ann.sid };
    for (const follow of [
      (token) => ann.socketIo({ transports: ["websocket"], token }),
      (token) => ann.socketIo({ transports: ["polling"], token }),
      (token) => ann.webSocket({ token }),
    ]) {
      const [ends, goesOn] = [follow(herald.mint({ ...claims, exp: 3 })), follow(herald.mint({ ...claims, exp: 3 }))];
      await Promise.all([ends.connect(), goesOn.connect()]);

      const foreign = await goesOn.call("authenticate", { token: bob.token });
      assert.ok(!foreign.ok, "not with another's token");
      const answer = await goesOn.call("authenticate", { token: herald.mint({ ...claims, exp: 600 }) });
      assert.equal(answer.ok, true);

      await ends.disconnected();
      const marker = await admin.post("/v1/departments", { name: `Later ${Math.random()}`, description: "", letter: "L", color: "#123456" });
      await goesOn.record(marker.body.id);
      assert.ok(goesOn.connected);
      ends.close();
      goesOn.close();
    }
  });

  test("a role that is taken away is gone from live connections at once", async () => {
    const other = await herald.stranger();
    const roles = (roles) => admin.put(`/v1/admin/users/${other.id}`, { roles });
    await roles(["USER", "ADMIN"]);
    const promoted = new Map();
    await other.login("a long enough password");
    for (const { way, follow } of WAYS) promoted.set(way, follow(other));
    for (const [way, follower] of promoted) assert.ok((await follower.connect()).rooms.includes("admin"), way);

    await roles(["USER"]);
    const event = await ann.draft("For admins' eyes");
    await ann.post("/v1/events/change_state", { ids: [event.id], state: "REVIEW" });
    await Promise.all([...promoted].map(async ([way, follower]) => {
      if (follower.connected) await follower.hearsNothingOf(event.id, { by: admin });
      else assert.deepEqual(follower.versions(event.id), [], way);
    }));
  });

  test("ids in joins are never trusted", async () => {
    const [socketIo, webSocket] = [ann.socketIo(), ann.webSocket()];
    for (const follower of [socketIo, webSocket]) {
      await follower.connect();
      const answer = await follower.call("join-user-room", bob.id);
      assert.ok(!answer.ok);
      assert.equal(answer.code ?? answer.error?.code, "forbidden");
      const own = await follower.call("join-user-room", ann.id);
      assert.equal(own.ok, true);
      assert.equal(own.room, `user-${ann.id}`);
    }
    const seller = await socketIo.call("join-seller-room", ann.id);
    assert.ok(!seller.ok, "not without the role");
  });

  test("a page of another site is not let in", async () => {
    const answer = await upgradeStatus("/ws", { Authorization: `Bearer ${ann.token}`, Origin: "https://evil.example" });
    assert.equal(answer.status, 403);
    const socket = io(herald.url, { transports: ["websocket"], reconnection: false, forceNew: true, auth: { token: ann.token }, extraHeaders: { Origin: "https://evil.example" } });
    await new Promise((refused, failed) => {
      socket.on("connect_error", refused);
      socket.on("connect", () => failed(new Error("it was let in")));
    });
    socket.close();
  });
});
