// A slow third party: a file is uploaded, a processor of its own process counts it, reports back, signed, and
// every standard client of that user hears `incoming data`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

import { DATABASE, Herald, WAYS } from "./support/herald.mjs";
import { WEBHOOK_SECRET as SECRET, signed } from "./support/webhooks.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const PROCESSOR = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/examples/processor");

/** The stand-in of examples/, on a free port; its address. */
async function processor() {
  const child = spawn(PROCESSOR, ["--secret", SECRET, "--addr", "127.0.0.1:0", "--wait", "0"], { stdio: ["ignore", "inherit", "pipe"] });
  const url = await new Promise((listening, failed) => {
    const log = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
      if (url) listening(url);
    });
    child.once("error", (error) => failed(new Error(`${PROCESSOR}: ${error.message} (cargo build --examples)`)));
    child.once("close", () => failed(new Error(`the processor ended:\n${log.join("\n")}`)));
  });
  return { url, stop: () => child.kill() };
}

describe(`uploads, ${DATABASE}`, () => {
  let herald, thirdParty, ann, bob;

  const upload = async (user, content, name) => {
    const form = new FormData();
    form.set("file", new Blob([content], { type: "text/csv" }), name);
    const answer = await fetch(new URL("/v1/uploads", herald.url), { method: "POST", headers: { Authorization: `Bearer ${user.token}` }, body: form });
    assert.equal(answer.status, 202);
    return answer.json();
  };

  before(async () => {
    thirdParty = await processor();
    herald = await Herald.start({ PROCESSOR_URL: thirdParty.url, WEBHOOK_SECRETS: SECRET });
    [ann, bob] = await Promise.all(["ann", "bob"].map((name) => herald.user(name)));
  });
  after(async () => {
    thirdParty?.stop();
    await herald?.stop();
  });

  test("what the processor made of a file comes to all of its user's clients, and to nobody else", async () => {
    const anns = WAYS.map(({ follow }) => follow(ann));
    const bobs = bob.socketIo();
    for (const follower of [...anns, bobs]) await follower.connect();
    const begun = await upload(ann, "one two\nthree\n", "Übersicht.csv");
    assert.equal(begun.upload.filename, "Übersicht.csv");
    for (const follower of anns) {
      const heard = await follower.hears("incoming data", ({ event, data }) => event === "incoming data" && data.uploadId === begun.upload.id);
      assert.deepEqual(heard.data.data, { lines: 2, words: 3, bytes: 14 });
      assert.equal(heard.data.status, "done");
    }
    assert.equal((await ann.get(`/v1/uploads/${begun.upload.id}`)).state, "DONE");
    assert.equal((await ann.get(`/v1/jobs/${begun.job.id}`)).state, "DONE");
    await bobs.hearsNothingOf(begun.job.id, { by: await herald.user("admin") });
    assert.ok(!bobs.heard.some(({ event }) => event === "incoming data"));
  });

  test("a message that another library signed is believed, and one that was changed is not", async () => {
    const body = JSON.stringify({ uploadId: randomUUID(), userId: ann.id, status: "done", data: null });
    const post = (text, headers) => fetch(new URL("/v1/webhooks/processor", herald.url), { method: "POST", headers, body: text });
    assert.equal((await post(body, signed(body))).status, 404);
    assert.equal((await post(body.replace("done", "failed"), signed(body))).status, 401);
    assert.equal((await post(body, signed(body, { timestamp: Math.floor(Date.now() / 1000) - 301 }))).status, 401);
  });
});
