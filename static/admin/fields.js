// What forms share: what was changed in them, and what is wrong with it.

import { el } from "./element.js";

/** Only what was changed: PUT leaves alone what it is not given. */
export function difference(now, old) {
  const plain = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value ?? "");
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => plain(value) !== plain(old?.[name]) && !(!old && plain(value) === plain([]))));
}

export function fieldErrors(form, errors) {
  for (const { field, message } of errors) {
    const input = form.elements[String(field ?? "").split(/[.[]/)[0]];
    if (!(input instanceof HTMLElement)) continue;
    const id = `${input.id}-error`;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", id);
    input.closest(".field")?.append(el("span", { class: "error", id }, message));
  }
  form.querySelector("[aria-invalid]")?.focus();
}

export function clearErrors(form) {
  form.querySelectorAll(".error").forEach((error) => error.remove());
  form.querySelectorAll("[aria-invalid]").forEach((input) => {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  });
}
