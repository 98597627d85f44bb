// What all dialogs have, and the one that asks.

import { $ } from "./element.js";

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

/** Answers `{message}`, or false if the reader would rather not. */
export function question(title, text, { yes, message = false, label = "Message to the author (optional)" }) {
  const dialog = $("ask-dialog");
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-field").hidden = !message;
  $("ask-label").textContent = label;
  $("ask-input").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes" && { message: $("ask-input").value.trim() }), { once: true });
  });
}
