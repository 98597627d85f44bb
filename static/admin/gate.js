// Coming and going.

import { $ } from "./element.js";
import { live, load } from "./follow.js";
import { emptyInbox } from "./inbox.js";
import { numbers, showNumbers } from "./link.js";
import { emptyLog } from "./log.js";
import { forget } from "./records.js";
import { session } from "./tab.js";
import { explain, say } from "./telling.js";

session.onGone = () => leave("Your login has ended. Please log in again.");

export function leave(message) {
  live.stop();
  session.cut = false;
  forget();
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  $("desk").hidden = $("who").hidden = $("state").hidden = true;
  $("gate").hidden = false;
  document.title = "Herald";
  say($("login-message"), "warn", ...(message ? [message] : []));
  $("email").focus();
}

export async function enter() {
  const { user } = session;
  $("gate").hidden = true;
  $("desk").hidden = $("who").hidden = $("state").hidden = false;
  $("who-mail").textContent = user.email;
  $("who-roles").textContent = (user.roles ?? []).join(", ");
  $("new-department").hidden = $("send-message").hidden = !session.isAdmin;
  document.title = `Herald · ${user.email}`;
  Object.assign(numbers, { received: 0, recovered: 0, twice: 0 });
  emptyLog();
  emptyInbox();
  say($("link-message"), "");
  $("link-message").hidden = true;
  showNumbers(live.after);
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
