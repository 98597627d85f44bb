// The admin page: fetch, then follow /ws from the very sequence number of what was fetched, so that nothing falls
// in between. Text from the server is only ever put in as text (textContent), never as markup.

import { Live, Problem, Session } from "./herald.js";

const $ = (id) => document.getElementById(id);
const PAGE = 200;          // the most that one list answer may hold
const MOST_PAGES = 5;      // so that a huge calendar does not fill this page
const LOG_LINES = 200;

const records = { EVENT: new Map(), DEPARTMENT: new Map(), EVENT_GROUP: new Map() };
const numbers = { received: 0, recovered: 0, twice: 0 };
const changed = new Set();   // ids to flash at the next rendering
let held;                    // notices that wait until a fetch is in
let more = false;            // there are more events than this page loads
let missed = 0;              // recovered since the link came back

const session = new Session({ onGone: () => leave("Your login has ended. Please log in again.") });
const live = new Live(session, { onState: showState, onReady: ready, onNotice: hear });

// ---- Little helpers -------------------------------------------------------------------------------------------

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (name === "on") for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

const STATES = {
  DRAFT: ["Draft", ""], REVIEW: ["In review", "warn"], PUBLISHED: ["Published", "ok"], REFUSED: ["Refused", "bad"],
};
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function span(start, end) {
  const [from, to] = [new Date(start), new Date(end)];
  if (isNaN(from) || isNaN(to)) return `${start} – ${end}`;
  return dates.formatRange(from, to);
}

/** For <input type="datetime-local">, in the reader's own time zone. */
function toLocal(time) {
  const date = new Date(time);
  if (isNaN(date)) return "";
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const colour = (text) => (/^#[0-9a-f]{6}$/i.test(text ?? "") ? text : undefined);

function swatch(department) {
  const mark = el("span", { class: "swatch", "aria-hidden": "true" }, department.letter || "•");
  const background = colour(department.color);
  if (background) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
    mark.style.backgroundColor = background;
    mark.style.color = r * 0.299 + g * 0.587 + b * 0.114 > 150 ? "#1d1c2e" : "#ffffff";
  }
  return mark;
}

/** A problem, so that one can read what to do about it. */
function explain(problem) {
  if (!(problem instanceof Problem)) return [`Something went wrong in this page: ${problem?.message ?? problem}`];
  const code = ["unknown", "offline", "unreachable"].includes(problem.code) ? "" : ` (${problem.code})`;
  const text = problem.detail || problem.title || problem.code;
  const fields = problem.errors.map(({ field, message }) => el("li", {}, field ? `${field}: ${message}` : message));
  return [text + code, fields.length > 0 && el("ul", {}, fields)];
}

function say(box, kind, ...content) {
  box.className = `notice ${kind}`;
  box.replaceChildren(...content.flat().filter(Boolean));
  box.hidden = content.length === 0;
}

function toast(kind, ...content) {
  const close = el("button", { type: "button", "aria-label": "Close this message" }, "✕");
  const box = el("div", { class: `notice ${kind}` }, el("div", {}, content.flat().filter(Boolean)), close);
  const timer = setTimeout(() => box.remove(), kind === "bad" ? 12_000 : 6_000);
  close.addEventListener("click", () => { clearTimeout(timer); box.remove(); });
  $("toasts").append(box);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
}

/** Runs what a button starts: the button waits with it, a problem is shown. */
async function working(button, work) {
  button.disabled = true;
  try { return await work(); } catch (problem) { toast("bad", explain(problem)); } finally { button.disabled = false; }
}

// ---- Coming and going -----------------------------------------------------------------------------------------

function leave(message) {
  live.stop();
  session.cut = false;
  for (const map of Object.values(records)) map.clear();
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  $("desk").hidden = $("who").hidden = $("state").hidden = true;
  $("gate").hidden = false;
  document.title = "Herald";
  say($("login-message"), "warn", ...(message ? [message] : []));
  $("email").focus();
}

async function enter() {
  const { user } = session;
  $("gate").hidden = true;
  $("desk").hidden = $("who").hidden = $("state").hidden = false;
  $("who-mail").textContent = user.email;
  $("who-roles").textContent = (user.roles ?? []).join(", ");
  $("new-department").hidden = !session.isAdmin;
  document.title = `Herald · ${user.email}`;
  Object.assign(numbers, { received: 0, recovered: 0, twice: 0 });
  $("log").replaceChildren(el("li", { class: "empty" }, "Nothing yet. What anyone changes appears here."));
  say($("link-message"), "");
  $("link-message").hidden = true;
  showNumbers();
  live.start(await load());
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  const button = event.submitter ?? event.target.querySelector(".primary");
  $("login-message").hidden = true;
  button.disabled = true;
  session.login(email.value.trim(), password.value)
    .then(() => { password.value = ""; return enter(); })
    .catch((problem) => {
      const wrong = problem.status === 401;
      say($("login-message"), "bad", ...(wrong ? ["E-mail or password is wrong."] : explain(problem)));
    })
    .finally(() => { button.disabled = false; });
});

for (const button of document.querySelectorAll("[data-demo]")) {
  button.addEventListener("click", () => {
    $("email").value = button.dataset.demo;
    $("password").value = "herald-demo";
    $("login").querySelector("[type=submit]").focus();
  });
}

$("logout").addEventListener("click", async () => {
  live.stop();
  session.cut = false;
  await session.logout();
  leave();
});

// ---- Fetch, then follow -----------------------------------------------------------------------------------------

/** Fetches everything and answers the seq to follow from: that of the first answer, the oldest of them. */
async function load() {
  held = [];
  try {
    const departments = await session.request("GET", `/v1/departments?limit=${PAGE}`);
    const groups = await session.request("GET", `/v1/event_groups?limit=${PAGE}`);
    const events = [];
    let path = `/v1/events?limit=${PAGE}`;
    for (let page = 0; path && page < MOST_PAGES; page++) {
      const answer = await session.request("GET", path);
      events.push(...answer.data);
      path = answer.next && inOwnHouse(answer.next);
    }
    more = Boolean(path);
    fill(records.DEPARTMENT, departments.data);
    fill(records.EVENT_GROUP, groups.data);
    fill(records.EVENT, events);
    return departments.seq;
  } finally {
    const waiting = held;
    held = undefined;
    waiting.forEach(apply);
    render();
  }
}

function fill(map, list) {
  map.clear();
  for (const record of list) map.set(record.id, record);
}

/** A link of the server's is followed on this host only, whatever host it names. */
function inOwnHouse(link) {
  const { pathname, search } = new URL(link, location.href);
  return pathname + search;
}

function ready(message, { first }) {
  live.user = message.user;
  missed = 0;
  if (message.resync) {
    say($("link-message"), "warn", "The cursor was too old to go on from, so everything was fetched again.");
    load().catch((problem) => toast("bad", explain(problem)));
  } else if (!first) {
    say($("link-message"), "ok", "Back again: nothing was missed so far.");
  }
  line({ event: "ready", seq: message.seq, text: message.resync ? "fetched again" : first ? "connected" : "resumed after this one" });
  showNumbers();
}

function hear(notice) {
  numbers.received += 1;
  if (notice.again) numbers.twice += 1;
  if (notice.missed) {
    numbers.recovered += 1;
    missed += 1;
    say($("link-message"), "ok", `Back again: recovered ${missed} missed ${missed === 1 ? "notice" : "notices"}.`);
  }
  line({ ...notice, text: summary(notice) });
  showNumbers();
  if (held) held.push(notice); else { apply(notice); render(); }
}

/** A notice into the records. By version, so that what a fetch already held is not undone by an older notice. */
function apply({ event, data }) {
  if (event === "new_notification") return toast("info", String(data?.message ?? ""));
  const map = records[data?.type];
  if (!map) return;
  if (event === "DELETED_RECORD") {
    map.delete(data.id);
  } else if (event === "NEW_RECORD" || event === "CHANGED_RECORD") {
    take(map, data.record);
  }
}

function take(map, record) {
  const old = map.get(record.id);
  if (old && old.version >= record.version) return;
  map.set(record.id, record);
  changed.add(record.id);
  if (editing?.id === record.id && old) conflictAhead(record);
}

// ---- What is seen ---------------------------------------------------------------------------------------------

function showState(state, { wait, code }) {
  const pill = $("state");
  const [kind, text] = {
    connecting: ["warn busy", "Connecting…"],
    live: ["ok", "Live"],
    waiting: ["bad", code === 4008 ? "Too slow for the server: coming back" : `Not connected: again in ${Math.ceil((wait ?? 0) / 1000)} s`],
    cut: ["bad", "Cut off"],
    stopped: ["", "Stopped"],
  }[state];
  pill.className = `pill dot ${kind}`;
  pill.textContent = text;
  pill.dataset.state = state;
  $("cut").disabled = state === "cut";
  $("back").disabled = state !== "cut";
}

function showNumbers() {
  $("n-cursor").textContent = live.after ?? "–";
  for (const name of ["received", "recovered", "twice"]) $(`n-${name}`).textContent = numbers[name];
}

function summary({ event, data }) {
  if (event === "DELETED_RECORD") return `${data.type} ${data.id} is gone`;
  const { type, record } = data ?? {};
  if (!record) return data?.message ? String(data.message) : "";
  const name = record.description && type === "EVENT" ? record.description : record.name ?? record.email ?? record.id;
  const state = record.state ? `, ${STATES[record.state]?.[0] ?? record.state}` : "";
  return `${type} “${name}”, version ${record.version}${state}`;
}

function line({ event, seq, text, missed: wasMissed, again }) {
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

function render() {
  renderEvents();
  renderDepartments();
  changed.clear();
}

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
  $("events").replaceChildren(...shown.map(eventItem));
  if (focused) $("events").querySelector(`li[data-id="${CSS.escape(focused.id)}"] [data-do="${focused.what}"]`)?.focus();
  $("events-count").textContent = all.length ? `(${shown.length === all.length ? all.length : `${shown.length} of ${all.length}`}${more ? "+" : ""})` : "";
  $("events-empty").hidden = shown.length > 0;
  $("events-empty").textContent = all.length ? "No event matches." : "No events yet. Make the first one.";
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

function renderDepartments() {
  const all = [...records.DEPARTMENT.values()].sort((a, b) => a.name.localeCompare(b.name));
  $("departments").replaceChildren(...all.map((department) =>
    el("li", { "data-id": department.id, "data-version": department.version, class: changed.has(department.id) ? "flash" : "" },
      swatch(department),
      el("span", { class: "name" }, department.name, department.description && el("span", { class: "soft small" }, ` ${department.description}`)),
      session.isAdmin && el("button", { type: "button", class: "small quiet", "data-do": "edit", "aria-label": `Edit ${department.name}`, on: { click: () => editDepartment(department) } }, "Edit"),
      session.isAdmin && el("button", { type: "button", class: "small quiet danger", "data-do": "delete", "aria-label": `Delete ${department.name}`,
        on: { click: (click) => removeDepartment(click.currentTarget, department) } }, "Delete"))));
  $("departments-empty").hidden = all.length > 0;
}

// ---- Changing -------------------------------------------------------------------------------------------------

/** An own write is shown from its answer at once; its notice, when it comes, has the same version and does nothing. */
function took(record, type = "EVENT") {
  take(records[type], record);
  render();
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

async function removeDepartment(button, department) {
  if (!await question("Delete this department?", `“${department.name}”`, { yes: "Delete" })) return;
  await working(button, async () => {
    await session.request("DELETE", `/v1/departments/${department.id}`, { ifMatch: department.version });
    records.DEPARTMENT.delete(department.id);
    render();
  });
}

function question(title, text, { yes, message = false }) {
  const dialog = $("ask-dialog");
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-field").hidden = !message;
  $("ask-input").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes" && { message: $("ask-input").value.trim() }), { once: true });
  });
}

for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

// The dialogs. `editing` is the record as it was when its fields were filled in: what differs is what is sent, and
// its version is what If-Match says.
let editing;
let latest;

function editEvent(event) {
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

$("event-dialog").addEventListener("close", () => { editing = undefined; });

function nextHour() {
  const start = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000);
  return { start: start.toISOString(), end: new Date(+start + 3_600_000).toISOString() };
}

function fillEventForm(event) {
  const fields = $("event-form").elements;
  fields.description.value = event.description ?? "";
  fields.start.value = toLocal(event.start);
  fields.end.value = toLocal(event.end);
  fields.location.value = event.location ?? "";
  fields.descriptionLong.value = event.descriptionLong ?? "";
  options($("e-departments"), records.DEPARTMENT, event.departmentIds);
  options($("e-groups"), records.EVENT_GROUP, event.groupIds);
  clearErrors($("event-form"));
}

function options(fieldset, map, ids = []) {
  const all = [...map.values()].sort((a, b) => a.name.localeCompare(b.name));
  fieldset.hidden = all.length === 0;
  fieldset.querySelector(".options").replaceChildren(...all.map((record) => {
    const box = el("input", { type: "checkbox", value: record.id });
    box.checked = ids.includes(record.id);
    return el("label", { class: "check" }, box, record.name);
  }));
}

function readEventForm() {
  const fields = $("event-form").elements;
  const time = (field, old) => (!field.value ? null : old && toLocal(old) === field.value ? old : new Date(field.value).toISOString());
  const ticked = (fieldset, old = []) => {
    // An id that this page doesn't know (a group one is not in) has no box, and stays.
    const boxes = [...fieldset.querySelectorAll("input")];
    const unknown = old.filter((id) => !boxes.some((box) => box.value === id));
    return [...unknown, ...boxes.filter((box) => box.checked).map((box) => box.value)];
  };
  return {
    description: fields.description.value.trim(),
    start: time(fields.start, editing?.start),
    end: time(fields.end, editing?.end),
    location: fields.location.value.trim() || null,
    descriptionLong: fields.descriptionLong.value.trim() || null,
    departmentIds: ticked($("e-departments"), editing?.departmentIds),
    groupIds: ticked($("e-groups"), editing?.groupIds),
  };
}

/** Only what was changed: PUT leaves alone what it is not given. */
function difference(now, old) {
  const plain = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value ?? "");
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => plain(value) !== plain(old?.[name]) && !(!old && plain(value) === plain([]))));
}

$("event-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  saveEvent(editing?.version);
});

async function saveEvent(ifMatch) {
  const form = $("event-form");
  const now = readEventForm();
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

$("take-theirs").addEventListener("click", () => {
  editing = latest;
  $("event-message").hidden = true;
  askWhich(false);
  fillEventForm(latest);
});
$("keep-mine").addEventListener("click", () => saveEvent(latest.version));
$("new-event").addEventListener("click", () => editEvent(undefined));

function fieldErrors(form, errors) {
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

function clearErrors(form) {
  form.querySelectorAll(".error").forEach((error) => error.remove());
  form.querySelectorAll("[aria-invalid]").forEach((input) => {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  });
}

let department;

function editDepartment(record) {
  department = record;
  const fields = $("department-form").elements;
  $("department-dialog-title").textContent = record ? "Edit department" : "New department";
  $("department-message").hidden = true;
  clearErrors($("department-form"));
  fields.name.value = record?.name ?? "";
  fields.letter.value = record?.letter ?? "";
  fields.color.value = colour(record?.color) ?? "#3d3a8c";
  fields.description.value = record?.description ?? "";
  $("department-dialog").showModal();
}

$("new-department").addEventListener("click", () => editDepartment(undefined));
$("department-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const form = submit.target;
  const fields = form.elements;
  clearErrors(form);
  const now = { name: fields.name.value.trim(), letter: fields.letter.value.trim(), color: fields.color.value, description: fields.description.value.trim() };
  if (!now.name) return fieldErrors(form, [{ field: "name", message: "is needed" }]);
  const body = department ? difference(now, department) : now;
  if (department && Object.keys(body).length === 0) return $("department-dialog").close();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const { data } = department
      ? await session.request("PUT", `/v1/departments/${department.id}`, { body, ifMatch: department.version })
      : await session.request("POST", "/v1/departments", { body });
    $("department-dialog").close();
    took(data, "DEPARTMENT");
  } catch (problem) {
    const stale = problem.status === 412;
    say($("department-message"), "bad", stale ? "Someone else changed this department meanwhile. Close this and open it again to see how it is now." : explain(problem));
    fieldErrors(form, problem.errors ?? []);
  } finally {
    button.disabled = false;
  }
});

$("search").addEventListener("input", renderEvents);
$("filter").addEventListener("change", renderEvents);

// ---- Cut, and let back ------------------------------------------------------------------------------------------

$("cut").addEventListener("click", () => {
  session.cut = true;
  live.stop("cut");
  say($("link-message"), "warn", `Cut off after #${live.after}. Change something elsewhere, then let it back.`);
});
$("back").addEventListener("click", () => {
  session.cut = false;
  live.resume();
});

// ---- Start ----------------------------------------------------------------------------------------------------

session.restore()
  .then((known) => (known ? enter() : leave()))
  .catch((problem) => { leave(); say($("login-message"), "bad", explain(problem)); });
