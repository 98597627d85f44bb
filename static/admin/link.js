// How the connection is, and what has come over it.

import { $ } from "./element.js";

export const numbers = { received: 0, recovered: 0, twice: 0 };

export function showState(state, { wait, code }) {
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

export function showNumbers(cursor) {
  $("n-cursor").textContent = cursor ?? "–";
  for (const name of ["received", "recovered", "twice"]) $(`n-${name}`).textContent = numbers[name];
}
