// Inbox and jobs on the page, in a real browser with real input.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { inBrowser } from "./support/browser.mjs";
import { DATABASE } from "./support/herald.mjs";

describe(`inbox and jobs on the page, ${DATABASE}`, () => {
  const { open, logIn, live, event } = inBrowser();

  const unread = (page, count) => page.locator("#unread", { hasText: new RegExp(`^${count}$`) }).waitFor();
  const allRead = (page) => page.locator("#unread").waitFor({ state: "hidden" });
  const letter = (page, text) => page.locator("#inbox > li").filter({ hasText: text });
  const job = (page, state) => page.locator(`#jobs > li[data-state="${state}"]`);

  async function writeToAll(page, text) {
    await page.getByRole("button", { name: "Write to all" }).click();
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.locator("#ask-dialog").getByRole("button", { name: "Send" }).click();
    await page.getByText(/Sent to \d+/).first().waitFor();
  }

  test("what was sent while one was away is there when one comes, and reading it clears the badge in the other tab", async () => {
    const admin = await open("/");
    await logIn(admin, "admin");
    await writeToAll(admin, "The hall is closed tomorrow.");

    const [one, two] = [await open("/"), await open("/")];
    await logIn(one, "bob");
    await logIn(two, "bob");
    for (const page of [one, two]) {
      await letter(page, "The hall is closed tomorrow.").waitFor();
      await unread(page, 1);
    }
    await writeToAll(admin, "It is open again.");
    for (const page of [one, two]) await unread(page, 2);

    await letter(one, "It is open again.").getByRole("button", { name: "Mark read" }).click();
    for (const page of [one, two]) await unread(page, 1);

    await two.getByRole("button", { name: "Cut the connection" }).click();
    await two.locator('#state[data-state="cut"]').waitFor();
    await one.getByRole("button", { name: "Mark all read" }).click();
    await allRead(one);
    await two.getByRole("button", { name: "Let it back" }).click();
    await live(two);
    await allRead(two);
  });

  test("an import is followed to its end, its drafts are there, and reverting it takes them away again", async () => {
    const ann = await open("/");
    await logIn(ann, "ann");
    const csv = "description,start,end\nHarvest supper,2030-10-01T18:00:00Z,2030-10-01T22:00:00Z\nNo end,2030-10-01T18:00:00Z,\n";
    await ann.locator("#import-file").setInputFiles({ name: "harvest.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
    await job(ann, "DONE").waitFor();
    await event(ann, "Harvest supper").waitFor();
    assert.match(await job(ann, "DONE").locator("pre").textContent(), /row 3/, "the bad row is named");

    await job(ann, "DONE").getByRole("button", { name: "Revert" }).click();
    await ann.locator("#ask-dialog").getByRole("button", { name: "Revert it" }).click();
    await job(ann, "REVERTED").waitFor();
    await event(ann, "Harvest supper").waitFor({ state: "detached" });
  });
});
