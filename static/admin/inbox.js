// The inbox: what waits for the reader, confirmed as soon as this page has it, read when the reader says so.

import { $, el } from "./element.js";
import { live } from "./follow.js";
import { session } from "./tab.js";
import { toast, working } from "./telling.js";
import { moment } from "./when.js";

const SHOWN = 20;

let newest = [];     // newest first
let unread = 0;

/** The newest of it; what comes while this is under way has a higher seq and is put on top of it. */
export async function loadInbox() {
  try {
    const { data, headers } = await session.request("GET", `/v1/notifications?limit=${SHOWN}`);
    const later = newest.filter((own) => own.seq > (data[0]?.seq ?? 0) && own.status === "PENDING");
    newest = [...later, ...data];
    count(Number(headers.get("X-Unread-Count")));
  } catch { /* the next connection tries again */ }
}

/** Whether this was for the inbox. An alias says again what was said just before. */
export function takeInbox({ event, data }) {
  switch (event) {
    case "notification:received":
      return true;
    case "pending_notifications":
      confirm(data.notifications);
      count(data.unread);
      return true;
    case "new_notification":
      put(data);
      confirm([data]);
      count(data.unread);
      toast("info", data.message);
      return false;
    case "notification:read":
      for (const own of newest) if (data.all || own.id === data.id) own.status = "READ";
      count(data.unread);
      return true;
    default:
      return false;
  }
}

export function emptyInbox() {
  newest = [];
  count(0);
}

function put(notification) {
  if (newest.some(({ id }) => id === notification.id)) return;
  newest = [notification, ...newest];
}

/** Says that this page has them: only then do they count as delivered. */
function confirm(notifications) {
  if (notifications.length > 0) live.call("notification:ack", { ids: notifications.map(({ id }) => id) });
}

function count(now) {
  unread = now;
  newest.length = Math.min(newest.length, SHOWN);
  $("unread").textContent = unread;
  $("unread").hidden = unread === 0;
  $("to-inbox").setAttribute("aria-label", unread ? `Inbox, ${unread} unread` : "Inbox, all read");
  $("read-all").disabled = unread === 0;
  $("inbox").replaceChildren(...newest.map(item));
  $("inbox-empty").hidden = newest.length > 0;
}

function item(notification) {
  const { id, message, kind, createdAt, status } = notification;
  const button = (what, text, call) =>
    el("button", { type: "button", class: "small quiet", "data-do": what, on: { click: (click) => working(click.currentTarget, call) } }, text);
  return el("li", { "data-id": id, class: status === "READ" ? "read" : "" },
    el("p", {}, message),
    el("div", { class: "meta" }, el("span", {}, moment(createdAt)), el("span", {}, kind)),
    el("div", { class: "buttons" },
      status !== "READ" && button("read", "Mark read", async () => {
        const { data } = await session.request("PUT", `/v1/notifications/${id}/read`);
        notification.status = "READ";
        count(data.unread);
      }),
      button("delete", "Delete", async () => {
        await session.request("DELETE", `/v1/notifications/${id}`);
        newest = newest.filter((own) => own.id !== id);
        count(status === "READ" ? unread : Math.max(0, unread - 1));
        await loadInbox();
      })));
}

$("read-all").addEventListener("click", (click) => working(click.currentTarget, async () => {
  const { data } = await session.request("PUT", "/v1/notifications/read");
  for (const own of newest) own.status = "READ";
  count(data.unread);
}));
$("to-inbox").addEventListener("click", () => {
  $("inbox-title").focus();
  $("inbox-title").scrollIntoView({ block: "center" });
});
