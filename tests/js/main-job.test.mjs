// A change made over HTTP reaches every standard client that may see it, and nobody else.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

describe(`the main job, ${DATABASE}`, () => {
  let herald, ann, bob, sam, admin, group;

  before(async () => {
    herald = await Herald.start();
    [ann, bob, sam, admin] = await Promise.all(["ann", "bob", "sam", "admin"].map((name) => herald.user(name)));
    group = await ann.group(bob);
  });
  after(() => herald?.stop());

  for (const { way, follow } of WAYS) {
    test(`a changed event is heard by a member of its group and by no one else (${way})`, async () => {
      const event = await ann.draft("Tea", { groupIds: [group.id] });
      const [bobs, sams] = [follow(bob), follow(sam)];
      await Promise.all([bobs.connect(), sams.connect()]);

      const answer = await ann.put(`/v1/events/${event.id}`, { description: "Tea and cake" });

      const notice = await bobs.record(event.id);
      assert.equal(notice.event, "CHANGED_RECORD");
      assert.equal(notice.data.type, "EVENT");
      assert.deepEqual(notice.data.record, answer.body);
      assert.equal(notice.seq, answer.seq, "the answer carries the seq of the notice");
      await sams.hearsNothingOf(event.id, { by: admin });
      bobs.assertOnceInOrder();
    });

    test(`who loses sight of a record is told that it is gone, who gains it that it is new (${way})`, async () => {
      const event = await ann.draft("Concert", { groupIds: [group.id] });
      const [bobs, admins] = [follow(bob), follow(admin)];
      await Promise.all([bobs.connect(), admins.connect()]);

      await ann.post("/v1/events/change_state", { ids: [event.id], state: "REVIEW" });
      assert.equal((await admins.record(event.id)).event, "NEW_RECORD");
      await bobs.gone(event.id);

      await admin.post("/v1/events/change_state", { ids: [event.id], state: "PUBLISHED" });
      assert.equal((await bobs.record(event.id)).event, "NEW_RECORD");
      const published = await admins.hears("PUBLISHED", ({ data }) => data?.record?.id === event.id && data.record.state === "PUBLISHED");
      assert.equal(published.event, "CHANGED_RECORD");
      for (const follower of [bobs, admins]) follower.assertOnceInOrder();
    });

    test(`a refused request pushes nothing (${way})`, async () => {
      const event = await ann.draft("Never", { groupIds: [group.id] });
      const bobs = follow(bob);
      await bobs.connect();
      assert.equal((await ann.request("PUT", `/v1/events/${event.id}`, { body: { start: "2031-01-01T00:00:00.000Z" } })).status, 422);
      assert.equal((await ann.request("PUT", `/v1/events/${event.id}`, { body: { nonsense: 1 } })).status, 422);
      assert.equal((await ann.request("PUT", `/v1/events/${event.id}`, { body: { description: "x" }, headers: { "If-Match": '"99"' } })).status, 412);
      assert.equal((await ann.request("POST", "/v1/events/change_state", { body: { ids: [event.id], state: "PUBLISHED" } })).status, 409);
      await bobs.hearsNothingOf(event.id, { by: admin });
    });

    test(`a list's seq is the cursor from which nothing falls between fetching and following (${way})`, async () => {
      const list = await bob.request("GET", "/v1/events?limit=1");
      const event = await ann.draft("In between", { groupIds: [group.id] });
      const bobs = follow(bob, { after: list.seq });
      const ready = await bobs.connect();
      assert.equal(ready.resumed, true);
      assert.equal(ready.resync, false);
      assert.equal(ready.seq, list.seq);
      await bobs.record(event.id);
      bobs.assertOnceInOrder();
    });
  }

  test("the echo header leaves out the connection that made the change, and only a connection of the same user", async () => {
    const event = await ann.draft("Echo", { groupIds: [group.id] });
    const [one, two] = [ann.socketIo(), ann.webSocket()];
    const bobs = bob.socketIo();
    const [{ id }, , { id: foreign }] = await Promise.all([one.connect(), two.connect(), bobs.connect()]);
    assert.equal(id, one.socket.id, "on Socket.IO ready.id is the socket's id");

    await ann.put(`/v1/events/${event.id}`, { description: "2" }, { headers: { "X-Metadata-SocketId": id } });
    await two.record(event.id, 2);
    await bobs.record(event.id, 2);
    await one.hearsNothingOf(event.id, { by: admin });

    await ann.put(`/v1/events/${event.id}`, { description: "3" }, { headers: { "X-Metadata-SocketId": foreign } });
    await bobs.record(event.id, 3);
    await one.record(event.id, 3);
  });

  test("a client in many rooms hears a change once", async () => {
    const groups = await Promise.all([1, 2, 3].map(() => ann.group(bob)));
    const event = await ann.draft("Once", { groupIds: groups.map(({ id }) => id) });
    const bobs = bob.socketIo();
    await bobs.connect();
    await ann.put(`/v1/events/${event.id}`, { description: "Only once" });
    await ann.put(`/v1/events/${event.id}`, { description: "And again" });
    await bobs.record(event.id, 3);
    assert.deepEqual(bobs.versions(event.id), [2, 3]);
    bobs.assertOnceInOrder();
  });

  test("a change under way of an upgrade is neither missed nor told twice", async () => {
    const event = await ann.draft("Upgrade", { groupIds: [group.id] });
    const bobs = bob.socketIo({ transports: ["polling", "websocket"] });
    const upgraded = bobs.connect().then(() => bobs.upgraded());
    let version = 1;
    let done = false;
    upgraded.finally(() => { done = true; });
    await bobs.ready(1);
    const first = version + 1;
    while (!done || version < first + 20) {
      version = (await ann.put(`/v1/events/${event.id}`, { description: `No. ${version + 1}` })).body.version;
    }
    await upgraded;
    await bobs.record(event.id, version);
    assert.deepEqual(bobs.versions(event.id), Array.from({ length: version - first + 1 }, (_, i) => first + i));
    bobs.assertOnceInOrder();
  });
});
