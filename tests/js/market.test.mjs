// The marketplace, followed by standard Socket.IO clients: who is in a room hears its events and nobody else does.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

describe(`the marketplace, ${DATABASE}`, () => {
  let herald, bea, sam, ann, admin;

  before(async () => {
    herald = await Herald.start();
    [bea, sam, ann, admin] = await Promise.all(["bea", "sam", "ann", "admin"].map((name) => herald.user(name)));
  });
  after(() => herald?.stop());

  /** The events of the marketplace that it heard, in the order heard; but for typing, they are stored. */
  const market = (follower) => follower.notices(({ event }) => event.includes(":") && !event.startsWith("notification:")).map(({ event }) => event);
  const hears = (follower, name) => follower.hears(name, ({ event }) => event === name);
  /** Whatever was said before has arrived. */
  const silence = async (...followers) => {
    const { body } = await admin.post("/v1/departments", { name: `Marker ${Math.random()}`, description: "", letter: "M", color: "#123456" });
    await Promise.all(followers.map((follower) => follower.record(body.id)));
  };

  for (const { way, follow } of WAYS.filter(({ way }) => way !== "Server-Sent Events")) {
    test(`a deal is heard by its buyer and its seller, room by room, and by nobody else (${way})`, async () => {
      const [beas, sams, anns] = [follow(bea), follow(sam), follow(ann)];
      await Promise.all([beas, sams, anns].map((follower) => follower.connect()));
      const joined = await sams.call("join-seller-room", sam.id);
      assert.deepEqual(joined, { ok: true, room: `seller-${sam.id}`, seq: joined.seq });
      assert.equal((await anns.call("join-seller-room", ann.id)).code, "forbidden");

      const { body: request } = await bea.post("/v1/requests", { title: "A boat", description: "Small, red" });
      assert.equal((await hears(sams, "request:created")).data.id, request.id);
      assert.equal((await beas.call("join-request-room", request.id)).room, `request-${request.id}`);
      for (const follower of [sams, anns]) assert.equal((await follower.call("join-request-room", { id: request.id })).code, "forbidden");

      const { body: offer } = await sam.post(`/v1/requests/${request.id}/offers`, { price: "100.00", currency: "EUR" });
      assert.deepEqual((await hears(beas, "request:offer-received")).data.offer, offer);
      await bea.post(`/v1/offers/${offer.id}/accept`);
      assert.equal((await hears(sams, "offer:accepted")).data.offerId, offer.id);
      await hears(beas, "request:status-updated");
      assert.equal((await sams.call("join-request-room", request.id)).ok, true, "a party now");

      const chat = (await bea.get("/v1/chats?limit=200")).find(({ requestId }) => requestId === request.id);
      for (const follower of [beas, sams]) assert.equal((await follower.call("join-chat-room", { id: chat.id })).ok, true);
      assert.equal((await anns.call("join-chat-room", chat.id)).code, "forbidden");
      assert.equal((await anns.call("chat:typing", { chatId: chat.id })).code, "forbidden");
      assert.deepEqual(await beas.call("chat:typing", { chatId: chat.id }), { ok: true });
      assert.deepEqual((await hears(sams, "chat:typing")).data, { chatId: chat.id, userId: bea.id });
      await beas.call("chat:stopped-typing", { chatId: chat.id });
      await hears(sams, "chat:stopped-typing");
      await bea.post(`/v1/chats/${chat.id}/messages`, { text: "Hello" });
      assert.equal((await hears(sams, "chat:new-message")).data.text, "Hello");

      await beas.call("leave-request-room", request.id);
      await bea.put(`/v1/requests/${request.id}/status`, { status: "COMPLETED" });
      await sams.hears("COMPLETED", ({ event, data }) => event === "request:status-updated" && data.status === "COMPLETED");
      await silence(beas, sams, anns);
      const told = ["request:offer-received", "offer:accepted", "request:status-updated", "chat:new-message"];
      assert.deepEqual(market(beas), told);
      assert.deepEqual(market(anns), []);
      for (const follower of [beas, sams]) follower.assertOnceInOrder();
    });

    test(`what the market did while one was away comes once, after the cursor, and not to a stranger (${way})`, async () => {
      const { body: request } = await bea.post("/v1/requests", { title: "A boat", description: "Small, red" });
      const rooms = [`request-${request.id}`];
      const [beas, anns] = [follow(bea, { rooms }), follow(ann, { rooms })];
      assert.deepEqual((await beas.connect()).refusedRooms, []);
      assert.deepEqual((await anns.connect()).refusedRooms, rooms);
      await Promise.all([beas.cut(), anns.cut()]);
      const { body: offer } = await sam.post(`/v1/requests/${request.id}/offers`, { price: "100.00", currency: "EUR" });
      await sam.post(`/v1/offers/${offer.id}/counter`, { message: "It floats" });
      await bea.post(`/v1/offers/${offer.id}/accept`);
      await bea.post("/v1/payments", { offerId: offer.id });
      await sam.post("/v1/disputes", { requestId: request.id, reason: "It leaks" });
      for (const follower of [beas, anns]) assert.equal((await follower.connect()).resumed, true);
      await silence(beas, anns);
      const told = ["request:offer-received", "offer:negotiation-update", "offer:accepted", "request:status-updated", "payment:created", "dispute:opened"];
      assert.deepEqual(market(beas), told);
      assert.deepEqual(market(anns), []);
      beas.assertOnceInOrder();
    });
  }
});
