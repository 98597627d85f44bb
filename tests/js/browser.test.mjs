// The pages in a real browser, with real input: the README's first success, as it is written there.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { inBrowser } from "./support/browser.mjs";
import { DATABASE } from "./support/herald.mjs";

describe(`the pages, ${DATABASE}`, () => {
  const { open, logIn, live, number, event, inState, seqs, herald } = inBrowser();

  async function create(page, text) {
    await page.getByRole("button", { name: "New event" }).click();
    await page.getByLabel("What").fill(text);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await event(page, text).waitFor();
  }

  async function edit(page, text, now) {
    await event(page, text).getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("What").fill(now);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator("#event-dialog").waitFor({ state: "hidden" });
  }

  test("the first success: two tabs, a change, a cut, ten more, and all ten are there once", async () => {
    const [one, two] = [await open("/"), await open("/")];
    await logIn(one, "ann");
    await logIn(two, "bob");

    await event(two, "Open stage").waitFor();
    await edit(one, "Open stage", "Open stage, doors at seven");
    await event(two, "Open stage, doors at seven").waitFor();

    await two.getByRole("button", { name: "Cut the connection" }).click();
    await two.locator('#state[data-state="cut"]').waitFor();
    const before = { cursor: await number(two, "cursor"), received: await number(two, "received") };
    for (let i = 1; i <= 10; i++) await edit(one, "Open stage", `Open stage, change ${i}.`);
    await event(one, "Open stage, change 10.").waitFor();
    assert.equal(await number(two, "received"), before.received, "it was cut off");
    assert.equal(await event(two, "change").count(), 0);

    await two.getByRole("button", { name: "Let it back" }).click();
    await event(two, "Open stage, change 10.").waitFor();
    await two.getByText("recovered 10 missed notices").waitFor();
    assert.equal(await number(two, "recovered"), 10);
    assert.equal(await number(two, "received"), before.received + 10);
    assert.equal(await number(two, "twice"), 0);
    const told = await seqs(two);
    assert.deepEqual(told, [...new Set(told)].sort((a, b) => a - b), "in order, each once");
    assert.equal(told.filter((seq) => seq > before.cursor).length, 10);

    await edit(one, "Open stage", "Open stage, live again");
    await event(two, "Open stage, live again").waitFor();
    assert.equal(await number(two, "recovered"), 10);

    const three = await open("/");
    await logIn(three, "admin");
    await event(one, "Open stage").getByRole("button", { name: "Send for review" }).click();
    await event(three, "Open stage").getByRole("button", { name: "Publish" }).click();
    await inState(one, "Open stage", "PUBLISHED");
    await inState(two, "Open stage", "PUBLISHED");
  });

  test("review: an admin sees what is sent for review at once, publishes it, and everyone sees it", async () => {
    const [ann, admin, bob] = [await open("/"), await open("/"), await open("/")];
    await logIn(ann, "ann");
    await logIn(admin, "admin");
    await logIn(bob, "bob");

    await create(ann, "Lantern walk");
    await event(ann, "Lantern walk").getByRole("button", { name: "Send for review" }).click();
    await event(admin, "Lantern walk").getByRole("button", { name: "Refuse" }).click();
    await admin.getByLabel(/Message to the author/).fill("Which street?");
    await admin.locator("#ask-dialog").getByRole("button", { name: "Refuse" }).click();
    await inState(ann, "Lantern walk", "REFUSED");

    await event(ann, "Lantern walk").getByRole("button", { name: "Back to draft" }).click();
    await event(admin, "Lantern walk").waitFor({ state: "detached" });
    await event(ann, "Lantern walk").getByRole("button", { name: "Send for review" }).click();
    await event(admin, "Lantern walk").getByRole("button", { name: "Publish" }).click();
    await inState(ann, "Lantern walk", "PUBLISHED");
    await inState(bob, "Lantern walk", "PUBLISHED");

    await edit(bob, "Lantern walk", "Lantern walk, bob's way");
    await inState(bob, "Lantern walk, bob's way", "DRAFT");
    await inState(bob, "Lantern walk", "PUBLISHED");

    await event(ann, "Lantern walk").getByRole("button", { name: "Delete" }).click();
    await ann.locator("#ask-dialog").getByRole("button", { name: "Delete" }).click();
    await admin.locator('#events > li[data-state="PUBLISHED"]').filter({ hasText: "Lantern walk" }).waitFor({ state: "detached" });
  });

  test("two people in one dialog: the second is asked, and nothing is overwritten unseen", async () => {
    const [ann, bob] = [await herald().user("ann"), await herald().user("bob")];
    const group = await ann.group(bob);
    const draft = await ann.draft("Choir practice", { groupIds: [group.id] });
    const page = await open("/");
    await logIn(page, "ann");

    await event(page, "Choir practice").getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("What").fill("Choir, mine");
    await bob.put(`/v1/events/${draft.id}`, { description: "Choir, his", location: "Hall" });
    await page.getByText("Someone else has just changed this event").waitFor();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Not saved: someone else changed this event").waitFor();
    assert.equal((await ann.get(`/v1/events/${draft.id}`)).description, "Choir, his");

    await page.getByRole("button", { name: "Load their version" }).click();
    assert.equal(await page.getByLabel("What").inputValue(), "Choir, his");
    await page.getByLabel("What").fill("Choir, ours");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await event(page, "Choir, ours").waitFor();
    const saved = await ann.get(`/v1/events/${draft.id}`);
    assert.equal(saved.description, "Choir, ours");
    assert.equal(saved.location, "Hall");
  });

  test("departments: an admin changes one, and everyone sees it; others have no such buttons", async () => {
    const [admin, bob] = [await open("/"), await open("/", { viewport: { width: 390, height: 844 } })];
    await logIn(admin, "admin");
    await logIn(bob, "bob");
    assert.equal(await bob.locator("#departments button").count(), 0);

    await admin.locator("#new-department").click();
    await admin.getByLabel("Name").fill("Astronomy");
    await admin.getByLabel("Letter").fill("A");
    await admin.locator("#department-form").getByRole("button", { name: "Save" }).click();
    await bob.locator("#departments li").filter({ hasText: "Astronomy" }).waitFor();

    await admin.getByRole("button", { name: "Delete Astronomy" }).click();
    await admin.locator("#ask-dialog").getByRole("button", { name: "Delete" }).click();
    await bob.locator("#departments li").filter({ hasText: "Astronomy" }).waitFor({ state: "detached" });
    const wide = await bob.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, "at phone width nothing sticks out");
  });

  test("what looks like markup is shown as text, on both pages", async () => {
    const nasty = '<img src=x onerror="document.title=1">';
    const [ann, bob] = [await herald().user("ann"), await herald().user("bob")];
    const group = await ann.group(bob);
    const [page, client] = [await open("/"), await open("/client/")];
    await logIn(page, "bob");
    await connectClient(client, "bob");
    const draft = await ann.draft(nasty, { groupIds: [group.id] });
    await page.locator(`#events > li[data-id="${draft.id}"] h3`).getByText(nasty).waitFor();
    await client.locator("#events li").filter({ hasText: nasty }).first().waitFor();
    for (const each of [page, client]) assert.equal(await each.locator("img[src=x]").count(), 0);
  });

  test("a wrong password, a taken-back login and a server that comes back are told readably", async () => {
    const page = await open("/");
    await page.getByLabel("E-mail").fill("ann@example.com");
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByText("E-mail or password is wrong.").waitFor();
    await logIn(page, "ann");

    await page.reload();
    await live(page);

    await herald().terminate();
    await page.locator('#state:not([data-state="live"])').waitFor();
    await herald().restart();
    await live(page);
    const ann = await herald().user("ann");
    await ann.draft("After the restart");
    await event(page, "After the restart").waitFor();
    assert.equal(await number(page, "twice"), 0);

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("E-mail").waitFor();
    await page.reload();
    await page.getByLabel("E-mail").waitFor();
  });

  async function connectClient(page, name, transports = "polling,websocket") {
    await page.getByLabel("E-mail").fill(`${name}@example.com`);
    await page.getByLabel("Password").fill("herald-demo");
    await page.getByRole("button", { name: "Get a token" }).click();
    await page.getByText(`Token of ${name}@example.com`).waitFor();
    await page.getByLabel("Transports").selectOption(transports);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await live(page);
  }

  for (const transports of ["polling,websocket", "websocket", "polling"]) {
    test(`the demo client connects, is cut, comes back, and shows every event once (${transports})`, async () => {
      const [ann, bob] = [await herald().user("ann"), await herald().user("bob")];
      const group = await ann.group(bob);
      const page = await open("/client/");
      await connectClient(page, "bob", transports);
      let draft = await ann.draft("Demo", { groupIds: [group.id] });
      const told = (version) => page.locator("#events li").filter({ hasText: `“Demo ${version}”` });
      const change = async () => { draft = (await ann.put(`/v1/events/${draft.id}`, { description: `Demo ${draft.version + 1}` })).body; };

      const versions = [];
      for (let turn = 1; turn <= 3; turn++) {
        await change();
        versions.push(draft.version);
        await told(draft.version).waitFor();
        await page.getByRole("button", { name: "Cut the transport" }).click();
        await page.locator('#state[data-state="cut"]').waitFor();
        await change();
        versions.push(draft.version);
        assert.equal(await told(draft.version).count(), 0);
        await page.getByRole("button", { name: "Let it back" }).click();
        await page.getByText("Resumed after").waitFor();
        await told(draft.version).waitFor();
        assert.equal(await number(page, "resumes"), turn);
      }
      for (const version of versions) assert.equal(await told(version).count(), 1, `version ${version}`);
      assert.equal(await number(page, "twice"), 0);
      await page.getByRole("button", { name: "Disconnect" }).click();
      await page.locator('#state[data-state="off"]').waitFor();
    });
  }
});

describe("the demo page where npm was not run", () => {
  const { open, herald } = inBrowser({ STATIC_DIR: join(import.meta.dirname, "support") });

  test("it says how to get the Socket.IO client, and so does its address", async () => {
    const answer = await fetch(new URL("/socket.io/socket.io.js", herald().url));
    assert.equal(answer.status, 404);
    assert.match(answer.headers.get("content-type"), /^text\/plain/);
    assert.match(await answer.text(), /run: npm ci --prefix static/);

    const page = await open("/client/", {}, /Refused to execute script/);
    await page.getByText("run: npm ci --prefix static").waitFor();
    assert.ok(await page.getByRole("button", { name: "Connect", exact: true }).isDisabled());
  });
});
