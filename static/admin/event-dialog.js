// The dialog of an event. `editing` is the record as it was when its fields were filled in: what differs is what is
// sent, and its version is what If-Match says.

import { $ } from "./element.js";
import { fillEventForm, readEventForm } from "./event-fields.js";
import { clearErrors, difference, fieldErrors } from "./fields.js";
import { records, take, took, watch } from "./records.js";
import { session } from "./tab.js";
import { explain, say, toast } from "./telling.js";

let editing;
let latest;

export function editEvent(event) {
  editing = event;
  latest = event;
  $("event-dialog-title").textContent = !event ? "New event" : event.state === "PUBLISHED" ? "New version of a published event" : "Edit event";
  say($("event-hint"), "", ...(event?.state === "PUBLISHED"
    ? ["What is published stays as it is: your change becomes a draft, which takes its place when it is published."] : []));
  $("event-hint").hidden = event?.state !== "PUBLISHED";
  $("event-message").hidden = true;
  askWhich(false);
  fillEventForm(event ?? nextHour());
  $("event-dialog").showModal();
}

function nextHour() {
  const start = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000);
  return { start: start.toISOString(), end: new Date(+start + 3_600_000).toISOString() };
}

async function saveEvent(ifMatch) {
  const form = $("event-form");
  const now = readEventForm(editing);
  clearErrors(form);
  $("event-message").hidden = true;
  askWhich(false);
  const wrong = [];
  if (!now.description) wrong.push({ field: "description", message: "is needed" });
  if (!now.start) wrong.push({ field: "start", message: "is needed" });
  if (!now.end) wrong.push({ field: "end", message: "is needed" });
  if (now.start && now.end && now.start >= now.end) wrong.push({ field: "end", message: "must be after the start" });
  if (wrong.length) return fieldErrors(form, wrong);
  const body = difference(now, editing);
  if (editing && Object.keys(body).length === 0) return $("event-dialog").close();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const answer = editing
      ? await session.request("PUT", `/v1/events/${editing.id}`, { body, ifMatch })
      : await session.request("POST", "/v1/events", { body });
    const draft = editing && answer.status === 201;
    $("event-dialog").close();
    if (answer.data?.id) took(answer.data);
    if (draft) toast("info", "Saved as a draft of yours. Send it for review to have it published.");
  } catch (problem) {
    if (problem.status === 412) return conflict();
    say($("event-message"), "bad", explain(problem));
    fieldErrors(form, problem.errors ?? []);
  } finally {
    button.disabled = false;
  }
}

function conflictAhead(record) {
  if (editing?.id !== record.id) return;
  latest = record;
  say($("event-message"), "warn", `Someone else has just changed this event (now version ${record.version}). Saving will ask you which version to keep.`);
}

/** 412: the record was changed under the dialog. Nothing is overwritten unless its reader says so. */
async function conflict() {
  const id = editing.id;
  try {
    const { data } = await session.request("GET", `/v1/events/${id}`);
    if (editing?.id !== id) return;
    latest = data;
    take(records.EVENT, data);
    const theirs = Object.keys(difference(readable(data), readable(editing)));
    say($("event-message"), "warn", `Not saved: someone else changed this event meanwhile (version ${editing.version} → ${data.version}`
      + `${theirs.length ? `; changed: ${theirs.join(", ")}` : ""}).`);
    askWhich(true);
  } catch (problem) {
    say($("event-message"), "bad", explain(problem));
  }
}

/** In a conflict "Save" gives way to saying which version is to stand. */
function askWhich(conflicting) {
  $("take-theirs").hidden = $("keep-mine").hidden = !conflicting;
  $("event-save").hidden = conflicting;
  if (conflicting) $("take-theirs").focus();
}

const readable = ({ description, start, end, location, descriptionLong, departmentIds, groupIds }) =>
  ({ description, start, end, location, descriptionLong, departmentIds, groupIds });

watch(conflictAhead);
$("new-event").addEventListener("click", () => editEvent(undefined));
$("event-dialog").addEventListener("close", () => { editing = undefined; });
$("event-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  saveEvent(editing?.version);
});
$("take-theirs").addEventListener("click", () => {
  editing = latest;
  $("event-message").hidden = true;
  askWhich(false);
  fillEventForm(latest);
});
$("keep-mine").addEventListener("click", () => saveEvent(latest.version));
