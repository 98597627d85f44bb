// The log of notices, the newest on top.

import { $, el } from "./element.js";
import { STATES } from "./states.js";

const LOG_LINES = 200;

export function emptyLog() {
  $("log").replaceChildren(el("li", { class: "empty" }, "Nothing yet. What anyone changes appears here."));
}

export function summary({ event, data }) {
  if (event === "DELETED_RECORD") return `${data.type} ${data.id} is gone`;
  if (event === "incoming data") return JSON.stringify(data.data ?? null).slice(0, 200);
  const { type, record } = data ?? {};
  if (!record) return data?.message ? String(data.message) : "";
  const name = record.description && ["EVENT", "JOB"].includes(type) ? record.description : record.name ?? record.email ?? record.id;
  const state = record.state ? `, ${(type === "EVENT" && STATES[record.state]?.[0]) || record.state}` : "";
  return `${type} “${name}”, version ${record.version}${state}`;
}

export function line({ event, seq, text, missed: wasMissed, again }) {
  const log = $("log");
  log.querySelector(".empty")?.remove();
  log.prepend(el("li", { class: wasMissed ? "missed" : "", "data-seq": seq, "data-event": event },
    el("span", { class: "seq" }, seq === undefined ? "" : `#${seq}`),
    el("div", { class: "what" },
      el("span", { class: "name" }, event), wasMissed && el("span", { class: "soft" }, " · recovered"),
      again && el("span", { class: "soft" }, " · told twice"),
      text && el("div", { class: "soft" }, text))));
  while (log.children.length > LOG_LINES) log.lastChild.remove();
}
