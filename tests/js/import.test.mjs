// A file is imported while its owner follows with the standard socket.io-client.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald } from "./support/herald.mjs";

const ROWS = 300;

describe(`imports, ${DATABASE}`, () => {
  let herald, ann, bob, admin;

  before(async () => {
    herald = await Herald.start();
    [ann, bob, admin] = await Promise.all(["ann", "bob", "admin"].map((name) => herald.user(name)));
  });
  after(() => herald?.stop());

  test("an import's progress and drafts are heard by its owner, in order up to DONE, and by nobody else", async () => {
    const [anns, bobs] = [ann.socketIo(), bob.socketIo()];
    await Promise.all([anns.connect(), bobs.connect()]);
    const rows = Array.from({ length: ROWS }, (_, n) => `Row ${n},2030-05-01T09:00:00Z,2030-05-01 10:00`);
    rows.push("Broken,soon,2030-05-01 10:00");
    const form = new FormData();
    form.append("file", new File([["description,start,end", ...rows].join("\r\n")], "events.csv", { type: "text/csv" }));

    const answer = await fetch(new URL("/v1/events/import", herald.url), {
      method: "POST", body: form, headers: { Authorization: `Bearer ${ann.token}` },
    });
    assert.equal(answer.status, 202);
    const job = await answer.json();
    assert.deepEqual([job.type, job.state, job.filename], ["IMPORT", "PENDING", "events.csv"]);

    const { data: { record: ended } } = await anns.hears("the end of the job", ({ data }) =>
      data?.record?.id === job.id && ["DONE", "ERROR"].includes(data.record.state));
    assert.deepEqual([ended.state, ended.progress], ["DONE", 100]);
    assert.match(ended.log, /^row 302: start: `soon` is no time/);
    const told = anns.notices(({ data }) => data?.record?.id === job.id).map(({ data }) => data.record.progress);
    assert.deepEqual(told, [...told].sort((a, b) => a - b));
    const drafts = anns.notices(({ event, data }) => event === "NEW_RECORD" && data.record.jobId === job.id);
    assert.deepEqual(drafts.map(({ data }) => data.record.description), Array.from({ length: ROWS }, (_, n) => `Row ${n}`));
    anns.assertOnceInOrder();
    await bobs.hearsNothingOf(job.id, { by: admin });
    assert.deepEqual(bobs.notices(({ data }) => data?.record?.jobId === job.id), []);
  });
});
