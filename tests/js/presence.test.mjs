// Presence with standard clients: who may watch hears of every coming and going, and nobody else does.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

describe(`presence, ${DATABASE}`, () => {
  let herald, ann, bea, sam, admin;

  before(async () => {
    herald = await Herald.start({ PRESENCE_GRACE_MS: "100" });
    [ann, bea, sam, admin] = await Promise.all(["ann", "bea", "sam", "admin"].map((name) => herald.user(name)));
    // What the two share from here on: a chat.
    const { body: request } = await bea.post("/v1/requests", { title: "A kite", description: "High" });
    const { body: offer } = await sam.post(`/v1/requests/${request.id}/offers`, { price: "10", currency: "EUR" });
    await bea.post(`/v1/offers/${offer.id}/accept`);
  });
  after(() => herald?.stop());

  for (const { way, follow } of WAYS.filter(({ way }) => way !== "Server-Sent Events")) {
    test(`who shares a chat hears the other come and go, and a stranger may not ask (${way})`, async () => {
      const [beas, anns] = [follow(bea), follow(ann)];
      await Promise.all([beas.connect(), anns.connect()]);
      const is = (online, connections) => ({ userId: sam.id, online, connections });
      const tells = (truth) => ({ event, data }) => event === "presence" && data.online === truth.online && data.connections === truth.connections;

      assert.equal((await anns.call("presence:subscribe", { userIds: [sam.id] })).code, "forbidden");
      assert.deepEqual(await beas.call("presence:subscribe", { userIds: [sam.id] }), { ok: true, presence: [is(false, 0)] });

      const sams = follow(sam);
      await sams.connect();
      assert.deepEqual((await beas.hears("coming", tells(is(true, 1)))).data, is(true, 1));
      assert.deepEqual(await bea.get(`/v1/presence?userIds=${sam.id}`), [is(true, 1)]);
      sams.close();
      assert.deepEqual((await beas.hears("going", tells(is(false, 0)))).data, is(false, 0));

      const { body: marker } = await admin.post("/v1/departments", { name: `Marker ${Math.random()}`, description: "", letter: "M", color: "#123456" });
      await Promise.all([beas, anns].map((follower) => follower.record(marker.id)));
      assert.ok(anns.heard.every(({ event }) => event !== "presence"));
      beas.close();
      anns.close();
    });
  }
});
