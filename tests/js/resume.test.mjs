// Across disconnects with a cursor nothing is missing and nothing comes twice; a cursor that can't be resumed is said so.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe(`resuming, ${DATABASE}`, () => {
  let herald, ann, bob, admin, group;

  before(async () => {
    herald = await Herald.start();
    [ann, bob, admin] = await Promise.all(["ann", "bob", "admin"].map((name) => herald.user(name)));
    group = await ann.group(bob);
  });
  after(() => herald?.stop());

  const change = async (event, times) => {
    for (let i = 0; i < times; i++) {
      event = (await ann.put(`/v1/events/${event.id}`, { description: `${event.version + 1}` })).body;
    }
    return event;
  };

  for (const { way, follow } of WAYS) {
    test(`three disconnects in a row, with changes in between: nothing missing, nothing twice (${way})`, async () => {
      let event = await ann.draft("1", { groupIds: [group.id] });
      const bobs = follow(bob);
      assert.equal((await bobs.connect()).resumed, false);
      event = await change(event, 2);
      await bobs.record(event.id, event.version);

      for (const away of [3, 5, 1]) {
        await bobs.cut();
        const cursor = bobs.after;
        event = await change(event, away);
        const ready = await bobs.connect();
        assert.equal(ready.resumed, true);
        assert.equal(ready.resync, false);
        assert.equal(ready.seq, cursor, "it goes on from the client's own cursor");
        event = await change(event, 1);
        await bobs.record(event.id, event.version);
      }

      assert.deepEqual(bobs.versions(event.id), range(2, event.version));
      bobs.assertOnceInOrder();
    });

    test(`cut off three times before anything could be heard, it still misses nothing (${way})`, async () => {
      let event = await ann.draft("1", { groupIds: [group.id] });
      const bobs = follow(bob);
      await bobs.connect();
      for (let turn = 0; turn < 3; turn++) {
        await bobs.cut();
        event = await change(event, 2);
        await bobs.connect();
      }
      event = await change(event, 1);
      await bobs.record(event.id, event.version);
      assert.deepEqual(bobs.versions(event.id), range(2, event.version));
      bobs.assertOnceInOrder();
    });

    test(`what was lost and gained while away is told as it is now (${way})`, async () => {
      const event = await ann.draft("Shared", { groupIds: [group.id] });
      const bobs = follow(bob);
      await bobs.connect();
      await bobs.cut();
      await ann.put(`/v1/events/${event.id}`, { description: "Last words" });
      await ann.post("/v1/events/change_state", { ids: [event.id], state: "REVIEW" });
      await bobs.connect();
      await bobs.gone(event.id);
      bobs.assertOnceInOrder();
    });

    test(`a cursor ahead of the server is answered with resync, and live goes on (${way})`, async () => {
      const list = await bob.request("GET", "/v1/events?limit=1");
      const bobs = follow(bob, { after: list.seq + 1_000_000 });
      const ready = await bobs.connect();
      assert.equal(ready.resync, true);
      assert.equal(ready.resumed, false);
      assert.ok(ready.seq >= list.seq && ready.seq < list.seq + 1_000_000);
      const event = await ann.draft("Live", { groupIds: [group.id] });
      await bobs.record(event.id);
      bobs.assertOnceInOrder();
    });

    test(`without a cursor nothing old is told (${way})`, async () => {
      const before = await ann.draft("Old", { groupIds: [group.id] });
      const bobs = follow(bob);
      const ready = await bobs.connect();
      assert.equal(ready.resumed, false);
      assert.equal(ready.resync, false);
      await bobs.hearsNothingOf(before.id, { by: admin });
    });
  }

  for (const junk of ["tomorrow", "-1", "1.5", "99999999999999999999999"]) {
    test(`an unknown cursor (${junk}) never resumes in silence, on any transport`, async () => {
      for (const { way, follow } of WAYS) {
        const bobs = follow(bob, { after: junk });
        bobs.open();
        await bobs.wait(`ready or a refusal (${way})`, () => bobs.turns > 0 || bobs.error);
        if (bobs.turns > 0) {
          const ready = await bobs.ready();
          assert.equal(ready.resumed, false, way);
          assert.equal(ready.resync, true, way);
        }
        bobs.close();
      }
    });
  }

  test("the cursor may be decimal text", async () => {
    const { seq } = await bob.request("GET", "/v1/events?limit=1");
    const event = await ann.draft("As text", { groupIds: [group.id] });
    const bobs = bob.socketIo({ after: String(seq) });
    assert.equal((await bobs.connect()).resumed, true);
    await bobs.record(event.id);
  });

  test("a client may resume on another transport than it left", async () => {
    let event = await ann.draft("1", { groupIds: [group.id] });
    let cursor;
    const versions = [];
    for (const { follow } of [...WAYS, ...WAYS]) {
      const bobs = follow(bob, { after: cursor });
      await bobs.connect();
      event = await change(event, 1);
      await bobs.record(event.id, event.version);
      cursor = bobs.after;
      versions.push(...bobs.versions(event.id));
      bobs.assertOnceInOrder();
      bobs.close();
      event = await change(event, 1);
    }
    assert.deepEqual(versions, range(2, event.version - 1));
  });
});

describe(`a server that stops and comes back, ${DATABASE}`, () => {
  let herald, ann, bob, group;

  before(async () => {
    herald = await Herald.start();
    [ann, bob] = await Promise.all(["ann", "bob"].map((name) => herald.user(name)));
    group = await ann.group(bob);
  });
  after(() => herald?.stop());

  test("the standard clients that reconnect by themselves (Socket.IO, EventSource) resume by themselves", async () => {
    const event = await ann.draft("1", { groupIds: [group.id] });
    const followers = [
      bob.socketIo({ transports: ["websocket"], reconnection: true }),
      bob.socketIo({ transports: ["polling"], reconnection: true }),
      bob.eventStream(),
    ];
    await Promise.all(followers.map((follower) => follower.connect()));
    await ann.put(`/v1/events/${event.id}`, { description: "2" });
    await Promise.all(followers.map((follower) => follower.record(event.id, 2)));

    await herald.terminate();
    await herald.restart();
    await ann.put(`/v1/events/${event.id}`, { description: "3" });

    for (const follower of followers) {
      assert.equal((await follower.ready(2)).resumed, true);
      await follower.record(event.id, 3);
      assert.deepEqual(follower.versions(event.id), [2, 3]);
      follower.assertOnceInOrder();
    }
  });
});
