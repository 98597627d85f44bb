// kill -9 in the middle of a stream of acknowledged changes: every one of them is told, once, in order.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";

const WRITERS = 4;
const ACKNOWLEDGED_BEFORE_THE_KILL = 60;

describe(`kill -9 among acknowledged changes, ${DATABASE}`, () => {
  let herald, ann, bob, group;

  before(async () => {
    herald = await Herald.start();
    [ann, bob] = await Promise.all(["ann", "bob"].map((name) => herald.user(name)));
    group = await ann.group(bob);
  });
  after(() => herald?.stop());

  for (const { way, follow } of WAYS) {
    test(`after a restart a client has seen every acknowledged change once, in order (${way})`, async () => {
      const events = await Promise.all(Array.from({ length: WRITERS }, (_, i) => ann.draft(`Event ${i}`, { groupIds: [group.id] })));
      const bobs = follow(bob, { reconnection: false });
      await bobs.connect();

      // Writers change their events without pause until the server is gone.
      let acknowledged = 0;
      let enough;
      const inTheMiddle = new Promise((done) => { enough = done; });
      const writers = events.map(async (event) => {
        const seqs = [];
        for (let version = event.version + 1; ; version++) {
          let answer;
          try {
            answer = await ann.put(`/v1/events/${event.id}`, { description: `Version ${version}` });
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;   // fetch: the connection broke
            return { id: event.id, last: version - 1, first: event.version + 1, seqs };
          }
          assert.equal(answer.body.version, version);
          seqs.push(answer.seq);
          if (++acknowledged === ACKNOWLEDGED_BEFORE_THE_KILL) enough();
        }
      });

      await inTheMiddle;
      await herald.kill();
      const done = await Promise.all(writers);
      await bobs.disconnected();
      bobs.close();

      await herald.restart();
      // One more change of each, after which all that was before must have been heard.
      const marks = await Promise.all(done.map(({ id }) => ann.put(`/v1/events/${id}`, { description: "After the restart" })));
      assert.equal((await bobs.connect()).resumed, true);
      for (const { body } of marks) await bobs.record(body.id, body.version);

      bobs.assertOnceInOrder();
      const heard = new Set(bobs.notices().map(({ seq }) => seq));
      for (const [i, { id, first, last, seqs }] of done.entries()) {
        for (const seq of seqs) assert.ok(heard.has(seq), `the acknowledged seq ${seq} was not heard`);
        // One more may have been stored without its answer getting through: then it was told as well.
        const newest = marks[i].body.version;
        assert.ok(newest === last + 1 || newest === last + 2, `version ${newest} after ${last} acknowledged`);
        assert.deepEqual(bobs.versions(id), Array.from({ length: newest - first + 1 }, (_, k) => first + k));
      }
    });
  }
});
