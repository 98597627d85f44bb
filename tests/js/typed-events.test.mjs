// The catalogue of events: the declaration compiles as its users use it, the document is AsyncAPI, and both are what this
// program does. Whatever any test of this directory hears is held against the document (support/catalogue.mjs); the
// story below sees to it that every event is heard.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import Ajv from "ajv";
import addFormats from "ajv-formats";

import { DOCUMENT, EVENTS, misfitOf } from "./support/catalogue.mjs";
import { BINARY, DATABASE, Herald } from "./support/herald.mjs";
import { WEBHOOK_SECRET, signed } from "./support/webhooks.mjs";
import { Chatting } from "./typed/chatting.mjs";

const ID = "0190a5b2-c3d4-7e8f-9a0b-1c2d3e4f5a6b";
const run = promisify(execFile);
const HERE = import.meta.dirname;
const docs = (name) => readFile(resolve(HERE, "../../docs", name), "utf8");

test("the declaration is what a TypeScript client needs, and refuses what is wrong", async () => {
  const tsc = join(HERE, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "--project", join(HERE, "typed")]).catch(({ stdout }) => assert.fail(stdout));
});

test("the document is AsyncAPI 3.0", () => {
  const schema = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0.json");
  // The specification brings JSON Schema's own schema along.
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true, logger: false, meta: false, validateSchema: false }));
  const valid = ajv.compile(schema);
  assert.ok(valid(DOCUMENT), ajv.errorsText(valid.errors));
  assert.equal(valid({ ...DOCUMENT, channels: { events: { adress: "/" } } }), false, "a document that is none is refused");
});

test("every reference in the document leads somewhere", () => {
  const refs = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path);
  assert.ok(refs.length > 100);
  for (const path of refs) {
    const found = path.split("/").reduce((value, key) => value?.[key], DOCUMENT);
    assert.ok(found, path);
  }
});

describe(`typed events, ${DATABASE}`, () => {
  let herald, thirdParty, admin, bea, sam;

  before(async () => {
    thirdParty = createServer((request, response) => { request.resume().on("end", () => response.end()); }).listen(0, "127.0.0.1");
    await once(thirdParty, "listening");
    herald = await Herald.start({ PROCESSOR_URL: `http://127.0.0.1:${thirdParty.address().port}/`, WEBHOOK_SECRETS: WEBHOOK_SECRET });
    [admin, bea, sam] = await Promise.all(["admin", "bea", "sam"].map((name) => herald.user(name)));
  });
  after(async () => {
    thirdParty?.close();
    await herald?.stop();
  });

  test("the program says of itself what is in docs, and serves it", async () => {
    for (const [format, file] of [["typescript", "herald-events.d.ts"], ["asyncapi", "asyncapi.json"]]) {
      const { stdout } = await run(BINARY, ["events", "--format", format], { maxBuffer: 1e7 });
      const kept = await docs(file);
      assert.equal(stdout, kept, "make events");
      const answer = await fetch(new URL(`/${file}`, herald.url));
      assert.equal(await answer.text(), kept);
    }
  });

  /** A deal, until it is paid; its request, chat and payment. */
  async function deal() {
    const request = (await bea.post("/v1/requests", { title: "A bike", description: "Any colour", budget: "250.00" })).body;
    const offer = (await sam.post(`/v1/requests/${request.id}/offers`, { price: "300", currency: "EUR", message: "Blue" })).body;
    await bea.post(`/v1/offers/${offer.id}/counter`, { price: "240.50", message: "A bit less?" });
    await sam.post(`/v1/offers/${offer.id}/counter`, { price: "250", message: "Well" });
    await bea.post(`/v1/offers/${offer.id}/accept`);
    const [chat] = (await bea.get("/v1/chats")).slice(-1);
    const payment = (await bea.post("/v1/payments", { offerId: offer.id })).body;
    return { request, chat, payment };
  }

  async function callBack(path, body) {
    const text = JSON.stringify(body);
    const answer = await fetch(new URL(`/v1/webhooks/${path}`, herald.url), { method: "POST", headers: signed(text), body: text });
    assert.equal(answer.status, 200, await answer.text());
  }

  test("every event of the catalogue is heard, as it is written down", async () => {
    const { request, chat, payment } = await deal();
    const rooms = [`request-${request.id}`, `chat-${chat.id}`];
    const sams = sam.socketIo({ rooms: [...rooms, `seller-${sam.id}`, "sellers"] });
    const beas = bea.webSocket({ rooms });
    const admins = admin.eventStream({ rooms: rooms.slice(0, 1) });
    const hurried = sam.socketIo({ token: herald.mint({ sub: sam.id, roles: ["USER", "SELLER"], exp: 55 }) });
    const followers = [sams, beas, admins, hurried];
    for (const follower of followers) {
      const { refusedRooms } = await follower.connect();
      assert.deepEqual(refusedRooms, []);
    }

    const { presence } = await beas.call("presence:subscribe", { userIds: [sam.id] });
    assert.deepEqual(presence, [{ userId: sam.id, online: true, connections: 2 }]);
    await beas.call("chat:typing", { chatId: chat.id });
    await beas.call("chat:stopped-typing", chat.id);
    const message = (await bea.post(`/v1/chats/${chat.id}/messages`, { text: "When?" })).body;
    await sam.post(`/v1/chats/${chat.id}/messages/${message.id}/read`);
    await callBack("payments", { kind: "payment", paymentId: payment.id, providerPaymentId: "p-1", status: "COMPLETED" });
    const payout = (await admin.post("/v1/payouts", { paymentId: payment.id })).body;
    await callBack("payments", { kind: "payout", payoutId: payout.id, status: "COMPLETED", txHash: "0xabc" });
    const dispute = (await sam.post("/v1/disputes", { requestId: request.id, reason: "It is back" })).body;
    await bea.post(`/v1/disputes/${dispute.id}/evidence`, { text: "It was red" });
    await admin.put(`/v1/disputes/${dispute.id}/resolve`, { resolution: "Both are right" });
    await bea.put(`/v1/requests/${request.id}/status`, { status: "COMPLETED" });
    await deal();

    const form = new FormData();
    form.set("file", new Blob(["one\n"]), "one.csv");
    const begun = await fetch(new URL("/v1/uploads", herald.url), { method: "POST", headers: { Authorization: `Bearer ${sam.token}` }, body: form });
    const { upload } = await begun.json();
    await callBack("processor", { uploadId: upload.id, userId: sam.id, status: "done", data: { lines: 1 } });

    const draft = await sam.draft("A ride");
    await sam.put(`/v1/events/${draft.id}`, { description: "A longer ride" });
    await sam.delete(`/v1/events/${draft.id}`);
    const away = sam.webSocket();
    await admin.post("/v1/admin/notifications", { message: "Hello", data: { any: ["thing"] }, userIds: [sam.id, bea.id] });
    // Nobody has confirmed Sam's on `/ws`, so it waits there too; or, if the others were quicker, another one does.
    hurried.close();
    sams.close();
    await admin.post("/v1/admin/notifications", { message: "Are you there?", userIds: [sam.id] });
    await away.connect();
    // Two went and one came, whatever is told of that in between.
    await beas.hears("who is there", ({ event }) => event === "presence");
    const waiting = await away.hears("what waits", ({ event }) => event === "pending_notifications");
    await sam.put(`/v1/notifications/${waiting.data.notifications.at(-1).id}/read`);
    await away.hears("that it was read", ({ event }) => event === "notification:read");
    await admin.post("/v1/admin/announcements", { message: "Welcome" });
    await admin.post("/v1/admin/maintenance", { message: "A new version", startsAt: "2030-01-01T00:00:00Z" });
    await beas.hears("the end", ({ event }) => event === "system:maintenance");

    const heard = new Set([...followers, away].flatMap((follower) => follower.heard.map(({ event }) => event)));
    assert.deepEqual(EVENTS.filter((event) => !heard.has(event)), [], "these were not heard");
    const unknown = [...heard].filter((event) => !EVENTS.includes(event));
    assert.deepEqual(unknown, [], "these are not in the catalogue");
  });

  test("typed clients of plain JavaScript chat", async () => {
    const { chat } = await deal();
    const [beas, sams] = [bea, sam].map((user) => new Chatting(herald.url, user.token, chat.id));
    try {
      for (const side of [beas, sams]) {
        assert.equal(misfitOf("ready", await side.ready), undefined);
        assert.ok(await side.enter() > 0);
      }
      const typing = sams.typing();
      beas.type();
      assert.equal(await typing, bea.id);
      const message = sams.message();
      await bea.post(`/v1/chats/${chat.id}/messages`, { text: "Hello" });
      const { text, senderId } = await message;
      assert.deepEqual({ text, senderId }, { text: "Hello", senderId: bea.id });
    } finally {
      beas.close();
      sams.close();
    }
  });

  test("what is not as it is written down is seen", () => {
    const problems = [
      ["offer:accepted", { offerId: "7", seq: 1 }],
      ["offer:accepted", { offerId: ID }],
      ["offer:accepted", { offerId: ID, seq: 1, price: "1" }],
      ["NEW_RECORD", { type: "EVENT", record: {}, seq: 1 }],
      ["chat:typing", { chatId: ID, userId: ID, seq: 1 }],
    ];
    for (const [event, data] of problems) assert.ok(misfitOf(event, data), `${event} ${JSON.stringify(data)}`);
    assert.equal(misfitOf("offer:accepted", { offerId: ID, seq: 1 }), undefined);
  });
});
