// What waits in an inbox, as standard Socket.IO clients meet it: on connecting, confirmed by the callback, by
// `notification:ack`, or by its bytes; and again until then.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald } from "./support/herald.mjs";

const TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]];
const DEADLINE = 20_000;

describe(`the inbox, ${DATABASE}`, () => {
  let herald, admin;

  before(async () => {
    herald = await Herald.start();
    admin = await herald.user("admin");
  });
  after(() => herald?.stop());

  /** Puts a message into the user's inbox and waits until it is there. */
  const send = async (user, message) => {
    await admin.post("/v1/admin/notifications", { message, userIds: [user.id] });
    await until(async () => (await user.get("/v1/notifications")).some((letter) => letter.message === message), message);
  };
  const until = async (test, what) => {
    const end = Date.now() + DEADLINE;
    while (!await test()) assert.ok(Date.now() < end, `waited in vain: ${what}`);
  };
  const becomesDelivered = (user) => until(
    async () => (await user.get("/v1/notifications")).every(({ status }) => status === "DELIVERED"), "delivered");
  const pending = ({ event }) => event === "pending_notifications";
  const messages = ({ data }) => data.notifications.map(({ message }) => message);

  for (const transports of TRANSPORTS) {
    const over = transports.join(" and ");

    test(`what nobody confirmed comes again, what a callback confirmed does not (${over})`, async () => {
      const user = await herald.stranger();
      await send(user, "one");
      await send(user, "two");
      for (let round = 0; round < 2; round++) {
        const silent = user.socketIo({ transports, answers: false });
        await silent.connect();
        const page = await silent.hears("what waits", pending);
        assert.deepEqual([messages(page), page.data.unread], [["one", "two"], 2]);
        silent.close();
      }
      const client = user.socketIo({ transports });
      await client.connect();
      await client.hears("what waits", pending);
      await becomesDelivered(user);
      await send(user, "three");
      await client.hears("the third", ({ event, data }) => event === "new_notification" && data.message === "three");
      const alias = await client.hears("its alias", ({ event }) => event === "notification:received");
      assert.equal(alias.data.message, "three");
      await becomesDelivered(user);
      client.assertOnceInOrder();
      const again = user.socketIo({ transports });
      await again.connect();
      await again.hearsNothingOf("anything", { by: admin });
      assert.ok(!again.heard.some(pending));
    });

    test(`notification:ack confirms (${over})`, async () => {
      const user = await herald.stranger();
      await send(user, "one");
      const client = user.socketIo({ transports, answers: false });
      await client.connect();
      const { data } = await client.hears("what waits", pending);
      const refused = await client.call("notification:ack", { ids: ["nonsense"] });
      assert.deepEqual([refused.status, refused.errors[0].field], [422, "ids"]);
      assert.deepEqual(await client.call("notification:ack", { ids: data.notifications.map(({ id }) => id) }), { ok: true });
      assert.equal((await user.get("/v1/notifications"))[0].status, "DELIVERED");
    });

    test(`with acks: false nothing asks, and what left is delivered (${over})`, async () => {
      const user = await herald.stranger();
      await send(user, "one");
      const client = user.socketIo({ transports, acks: false, answers: false });
      await client.connect();
      await client.hears("what waits", pending);
      await becomesDelivered(user);
    });

    test(`who resumes hears of each once, and how much is unread now (${over})`, async () => {
      const user = await herald.stranger();
      const client = user.socketIo({ transports, answers: false });
      await client.connect();
      await send(user, "one");
      await client.hears("the first", ({ event, data }) => event === "new_notification" && data.message === "one");
      await client.cut();
      await send(user, "two");
      assert.equal((await client.connect()).resumed, true);
      const page = await client.hears("what waited before", pending);
      assert.deepEqual([messages(page), page.data.unread], [["one"], 2]);
      const told = client.notices(({ event }) => event === "new_notification").map(({ data }) => data.message);
      assert.deepEqual(told, ["one", "two"]);
      client.assertOnceInOrder();

      await client.cut();
      await user.put("/v1/notifications/read");
      client.heard.length = 0;
      client.turns = 0;
      await client.connect();
      assert.deepEqual((await client.hears("that nothing waits", pending)).data, { notifications: [], unread: 0 });
    });
  }
});
