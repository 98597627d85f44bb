// A real browser with real input, for the stories of the pages.

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { chromium } from "playwright-core";

import { Herald } from "./herald.mjs";

const DEADLINE = 20_000;
const QUIET = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // Chromium's sandbox can't be had by root, as which CI runs.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** A Herald and a browser for the tests of one `describe`, and what they do with them. */
export function inBrowser(env = {}) {
  let herald, browser;
  let complaints = [];
  let contexts = [];

  before(async () => {
    herald = await Herald.start(env);
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: QUIET });
  });
  after(async () => {
    await browser?.close();
    await herald?.stop();
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    const heard = complaints;
    complaints = [];
    contexts = [];
    assert.deepEqual(heard, [], "the browser complained");
  });

  /** A page in a context of its own: another person's browser. It may complain of what `expected` matches. */
  async function open(path, options = {}, expected = /^$/) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    contexts.push(context);
    context.setDefaultTimeout(DEADLINE);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(`${path}: ${error}`));
    page.on("console", (message) => {
      // An answer like 412 or a server that is away is part of the story; a script that fails or a breach of the policy
      // is not.
      const told = /^Failed to load resource|net::ERR_CONNECTION_REFUSED/.test(message.text());
      if (message.type() === "error" && !told && !expected.test(message.text())) complaints.push(`${path}: ${message.text()}`);
    });
    await page.goto(new URL(path, herald.url).href);
    return page;
  }

  async function logIn(page, name) {
    await page.getByLabel("E-mail").fill(`${name}@example.com`);
    await page.getByLabel("Password").fill("herald-demo");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await live(page);
  }

  const live = (page) => page.locator('#state[data-state="live"]').waitFor();
  const number = async (page, name) => Number(await page.locator(`#n-${name}`).textContent());
  const event = (page, text) => page.locator("#events > li").filter({ hasText: text });
  const inState = (page, text, state) => page.locator(`#events > li[data-state="${state}"]`).filter({ hasText: text }).waitFor();
  const seqs = (page) => page.locator("#log li[data-seq]:not([data-event=ready])").evaluateAll((lines) => lines.map((line) => Number(line.dataset.seq)).reverse());

  return { open, logIn, live, number, event, inState, seqs, herald: () => herald };
}
