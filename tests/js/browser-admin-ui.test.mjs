// The official Socket.IO Admin UI in a real browser, against Herald: docs/admin-ui.md.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { extname, join, normalize } from "node:path";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";

import { inBrowser } from "./support/browser.mjs";
import { DATABASE } from "./support/herald.mjs";

const UI = join(import.meta.dirname, "node_modules/@socket.io/admin-ui/ui/dist");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

describe(`the Admin UI in a browser, ${DATABASE}`, () => {
  const env = {};
  let pages;

  // Before Herald starts, which has to know whose pages may come in.
  before(async () => {
    pages = createServer(async (request, answer) => {
      const path = normalize(new URL(request.url, "http://x").pathname);
      try {
        const file = await readFile(join(UI, path === "/" ? "index.html" : path));
        answer.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "text/html" }).end(file);
      } catch {
        answer.writeHead(404).end();
      }
    });
    pages.listen(0, "127.0.0.1");
    await once(pages, "listening");
    env.CORS_ORIGINS = `http://127.0.0.1:${pages.address().port}`;
  });
  after(() => pages?.close());

  const { open, herald } = inBrowser(env);

  test("an administrator logs in, sees who is connected, and disconnects them", async () => {
    const ann = await herald().user("ann");
    const [one, other] = [0, 1].map(() => io(herald().url, { forceNew: true, reconnection: false, auth: { token: ann.token } }));
    const [[{ id }], [{ id: its }]] = await Promise.all([once(one, "ready"), once(other, "ready")]);

    const page = await open(env.CORS_ORIGINS);
    await page.getByLabel("Server URL").fill(herald().url);
    await page.getByLabel("Username").fill("admin@example.com");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText("Invalid credentials").waitFor();
    await page.getByLabel("Password").fill("herald-demo");
    await page.getByRole("button", { name: "Connect" }).click();

    await page.locator('a.v-list-item[href="#/sockets"]').click();
    const row = (which) => page.locator("tbody tr").filter({ hasText: which });
    await row(id).waitFor();
    const told = once(one, "disconnect");
    await row(id).getByRole("button").click();
    assert.equal((await told)[0], "io server disconnect");
    // The click also opened the page of that socket.
    await page.locator('a.v-list-item[href="#/sockets"]').click();
    await row(its).waitFor();
    await page.waitForFunction((id) => [...document.querySelectorAll("tbody tr")].every((row) => !row.innerText.includes(id)), id);
    assert.ok(other.connected);
    other.close();
  });
});
