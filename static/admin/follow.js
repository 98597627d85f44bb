// Fetch, then follow /ws from the very sequence number of what was fetched, so that nothing falls in between.

import { Live } from "../live.js";
import { $ } from "./element.js";
import { loadInbox, takeInbox } from "./inbox.js";
import { numbers, showNumbers, showState } from "./link.js";
import { line, summary } from "./log.js";
import { fill, records, render, take } from "./records.js";
import { session } from "./tab.js";
import { explain, say, toast } from "./telling.js";

const PAGE = 200;          // the most that one list answer may hold
const MOST_PAGES = 5;      // so that a huge calendar does not fill this page

export let more = false;     // there are more events than this page loads
let held;                    // notices that wait until a fetch is in
let missed = 0;              // recovered since the link came back

export const live = new Live(session, { onState: showState, onReady: ready, onNotice: hear });

/** Fetches everything and answers the seq to follow from: that of the first answer, the oldest of them. */
export async function load() {
  held = [];
  try {
    const departments = await session.request("GET", `/v1/departments?limit=${PAGE}`);
    const groups = await session.request("GET", `/v1/event_groups?limit=${PAGE}`);
    const jobs = await session.request("GET", `/v1/jobs?limit=${PAGE}`);
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
    fill(records.JOB, jobs.data);
    fill(records.EVENT, events);
    return departments.seq;
  } finally {
    const waiting = held;
    held = undefined;
    waiting.forEach(apply);
    render();
  }
}

/** A link of the server's is followed on this host only, whatever host it names. */
function inOwnHouse(link) {
  const { pathname, search } = new URL(link, location.href);
  return pathname + search;
}

function ready(message, { first }) {
  live.user = message.user;
  missed = 0;
  loadInbox();
  if (message.resync) {
    say($("link-message"), "warn", "The cursor was too old to go on from, so everything was fetched again.");
    load().catch((problem) => toast("bad", explain(problem)));
  } else if (!first) {
    say($("link-message"), "ok", "Back again: nothing was missed so far.");
  }
  line({ event: "ready", seq: message.seq, text: message.resync ? "fetched again" : first ? "connected" : "resumed after this one" });
  showNumbers(live.after);
}

function hear(notice) {
  if (takeInbox(notice)) return;
  numbers.received += 1;
  if (notice.again) numbers.twice += 1;
  if (notice.missed) {
    numbers.recovered += 1;
    missed += 1;
    say($("link-message"), "ok", `Back again: recovered ${missed} missed ${missed === 1 ? "notice" : "notices"}.`);
  }
  line({ ...notice, text: summary(notice) });
  showNumbers(live.after);
  if (held) held.push(notice); else { apply(notice); render(); }
}

/** A notice into the records. */
function apply({ event, data }) {
  if (event === "incoming data") return toast(data.status === "failed" ? "bad" : "ok", `The processor answered: ${JSON.stringify(data.data).slice(0, 300)}`);
  const map = records[data?.type];
  if (!map) return;
  if (event === "DELETED_RECORD") {
    map.delete(data.id);
  } else if (event === "NEW_RECORD" || event === "CHANGED_RECORD") {
    take(map, data.record);
  }
}
