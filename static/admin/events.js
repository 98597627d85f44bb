// The list of events, with what each reader may do to each.

import { $, el } from "./element.js";
import { question } from "./dialogs.js";
import { editEvent } from "./event-dialog.js";
import { more } from "./follow.js";
import { changed, draws, records, render, take, took } from "./records.js";
import { STATES } from "./states.js";
import { swatch } from "./swatch.js";
import { session } from "./tab.js";
import { toast, working } from "./telling.js";
import { span } from "./when.js";

const MOST_SHOWN = 200;   // a longer list is for searching, not for reading

draws(renderEvents);
$("search").addEventListener("input", renderEvents);
$("filter").addEventListener("change", renderEvents);

function renderEvents() {
  const find = $("search").value.trim().toLowerCase();
  const state = $("filter").value;
  const all = [...records.EVENT.values()].filter((event) => !event.deletedAt);
  const shown = all
    .filter((event) => !state || event.state === state)
    .filter((event) => !find || [event.description, event.location, event.descriptionLong].some((text) => text?.toLowerCase().includes(find)))
    .sort((a, b) => a.start.localeCompare(b.start) || (a.description ?? "").localeCompare(b.description ?? "") || a.id.localeCompare(b.id));
  // The focus must not be lost because somebody else changed something.
  const focus = document.activeElement?.closest?.("#events [data-do]");
  const focused = focus && { id: focus.closest("li").dataset.id, what: focus.dataset.do };
  $("events").replaceChildren(...shown.slice(0, MOST_SHOWN).map(eventItem));
  if (focused) $("events").querySelector(`li[data-id="${CSS.escape(focused.id)}"] [data-do="${focused.what}"]`)?.focus();
  $("events-count").textContent = all.length ? `(${shown.length === all.length ? all.length : `${shown.length} of ${all.length}`}${more ? "+" : ""})` : "";
  const left = shown.length - MOST_SHOWN;
  $("events-empty").hidden = shown.length > 0 && left <= 0;
  $("events-empty").textContent = left > 0 ? `${left} more: find them by a word or a state.` : all.length ? "No event matches." : "No events yet. Make the first one.";
}

function eventItem(event) {
  const [label, kind] = STATES[event.state] ?? [event.state, ""];
  const departments = (event.departmentIds ?? []).map((id) => records.DEPARTMENT.get(id)).filter(Boolean);
  const groups = (event.groupIds ?? []).map((id) => records.EVENT_GROUP.get(id)?.name).filter(Boolean);
  const mine = event.authorId === session.user.id;
  const button = (what, text, call, cls = "small") =>
    el("button", { type: "button", class: cls, "data-do": what, on: { click: (click) => call(click.currentTarget) } }, text);
  const move = (what, text, state, ask) => button(what, text, (self) => changeState(self, event, state, ask));
  const { admin, draft } = { admin: session.isAdmin, draft: event.state === "DRAFT" };
  return el("li", { "data-id": event.id, "data-version": event.version, "data-state": event.state, class: changed.has(event.id) ? "flash" : "" },
    el("div", { class: "head" },
      el("h3", {}, event.description || "(no description)"),
      el("span", { class: `pill ${kind}` }, label),
      event.parentId && el("span", { class: "pill info", title: "A new version of a published event" }, "new version"),
      mine && el("span", { class: "pill" }, "mine")),
    el("div", { class: "meta" },
      el("span", {}, span(event.start, event.end)),
      event.location && el("span", {}, event.location),
      departments.map((department) => el("span", { class: "chip" }, swatch(department), department.name)),
      groups.length > 0 && el("span", {}, `Group: ${groups.join(", ")}`),
      el("span", {}, `version ${event.version}`)),
    event.descriptionLong && el("p", { class: "long" }, event.descriptionLong),
    el("div", { class: "buttons" },
      (draft || event.state === "PUBLISHED") && button("edit", "Edit", () => editEvent(event)),
      draft && (mine || admin) && move("review", "Send for review", "REVIEW"),
      event.state === "REVIEW" && admin && move("publish", "Publish", "PUBLISHED"),
      event.state === "REVIEW" && admin && move("refuse", "Refuse", "REFUSED", "Refuse this event?"),
      ["REVIEW", "REFUSED"].includes(event.state) && mine && move("draft", "Back to draft", "DRAFT"),
      button("clone", "Copy", (self) => working(self, async () => {
        const { data } = await session.request("POST", `/v1/events/${event.id}/clone`);
        took(data);
        toast("ok", "Copied into a draft of yours.");
      }), "small quiet"),
      (mine || admin) && button("delete", "Delete", (self) => removeEvent(self, event), "small quiet danger")));
}

async function changeState(button, event, state, ask) {
  const yes = ask ? await question(ask, `“${event.description}”`, { yes: "Refuse", message: true }) : { message: "" };
  if (!yes) return;
  await working(button, async () => {
    const body = { ids: [event.id], state };
    if (yes.message) body.message = yes.message;
    const { data } = await session.request("POST", "/v1/events/change_state", { body });
    if (Array.isArray(data)) data.forEach((record) => record?.id && take(records.EVENT, record));
    render();
  });
}

async function removeEvent(button, event) {
  if (!await question("Delete this event?", `“${event.description}”`, { yes: "Delete" })) return;
  await working(button, async () => {
    await session.request("DELETE", `/v1/events/${event.id}`, { ifMatch: event.version });
    records.EVENT.delete(event.id);
    render();
  });
}
