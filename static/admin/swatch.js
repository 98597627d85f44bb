// A department's colour and letter.

import { el } from "./element.js";

/** Nothing but #rrggbb is taken for a colour. */
export const colour = (text) => (/^#[0-9a-f]{6}$/i.test(text ?? "") ? text : undefined);

export function swatch(department) {
  const mark = el("span", { class: "swatch", "aria-hidden": "true" }, department.letter || "•");
  const background = colour(department.color);
  if (background) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
    mark.style.backgroundColor = background;
    mark.style.color = r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "#1d1c2e" : "#ffffff";
  }
  return mark;
}
