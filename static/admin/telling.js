// What the page tells its reader: a problem, a line in a box, a message that goes away by itself.

import { Problem } from "../session.js";
import { $, el } from "./element.js";

/** A problem, so that one can read what to do about it. */
export function explain(problem) {
  if (!(problem instanceof Problem)) return [`Something went wrong in this page: ${problem?.message ?? problem}`];
  const code = ["unknown", "offline", "unreachable"].includes(problem.code) ? "" : ` (${problem.code})`;
  const text = problem.detail || problem.title || problem.code;
  const fields = problem.errors.map(({ field, message }) => el("li", {}, field ? `${field}: ${message}` : message));
  return [text + code, fields.length > 0 && el("ul", {}, fields)];
}

export function say(box, kind, ...content) {
  box.className = `notice ${kind}`;
  box.replaceChildren(...content.flat().filter(Boolean));
  box.hidden = content.length === 0;
}

export function toast(kind, ...content) {
  const close = el("button", { type: "button", "aria-label": "Close this message" }, "✕");
  const box = el("div", { class: `notice ${kind}` }, el("div", {}, content.flat().filter(Boolean)), close);
  const timer = setTimeout(() => box.remove(), kind === "bad" ? 12_000 : 6_000);
  close.addEventListener("click", () => { clearTimeout(timer); box.remove(); });
  $("toasts").append(box);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
}

/** Runs what a button starts: the button waits with it, a problem is shown. */
export async function working(button, work) {
  button.disabled = true;
  try { return await work(); } catch (problem) { toast("bad", explain(problem)); } finally { button.disabled = false; }
}
