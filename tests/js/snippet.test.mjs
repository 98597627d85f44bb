// The client of the protocol's own page, word for word: what it says must be all that a client needs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";

import { DATABASE, Herald } from "./support/herald.mjs";

describe(`the documented Socket.IO client, ${DATABASE}`, () => {
  let herald, ann, bob, group;

  before(async () => {
    herald = await Herald.start();
    [ann, bob] = await Promise.all(["ann", "bob"].map((name) => herald.user(name)));
    group = await ann.group(bob);
  });
  after(() => herald?.stop());

  test("it connects, comes back by itself, and has seen every change once", async () => {
    const url = herald.url, token = bob.token;

    let after; const socket = io(url, { auth: cb => cb({ token, after }) });
    socket.onAny((_event, m) => { if (m?.seq !== undefined) after = m.seq; });   // `ready` included

    try {
      const heard = [];
      const readies = [];
      const waiting = [];
      const look = () => waiting.filter(({ test }) => test()).forEach(({ done }) => done());
      const until = (test) => new Promise((done) => { waiting.push({ test, done }); look(); });
      socket.on("ready", (ready) => { readies.push(ready); look(); });
      socket.on("CHANGED_RECORD", ({ record }) => { heard.push(record.version); look(); });

      let event = await ann.draft("1", { groupIds: [group.id] });
      const change = async () => { event = (await ann.put(`/v1/events/${event.id}`, { description: `${event.version + 1}` })).body; };

      await until(() => readies.length === 1);
      const first = event.version + 1;
      for (let turn = 1; turn <= 3; turn++) {
        await change();
        await until(() => heard.at(-1) === event.version);
        const gone = new Promise((done) => { socket.once("disconnect", done); });
        socket.io.engine.close();
        await gone;
        await change();
        await change();
        await until(() => readies.length === turn + 1);
        await until(() => heard.at(-1) === event.version);
      }

      assert.deepEqual(heard, Array.from({ length: event.version - first + 1 }, (_, i) => first + i));
      assert.deepEqual(readies.map(({ resumed, resync }) => ({ resumed, resync })), [
        { resumed: false, resync: false },
        ...Array(3).fill({ resumed: true, resync: false }),
      ]);
    } finally {
      socket.close();
    }
  });
});
