// Cut, and let back: what a lost connection is like, on demand.

import { $ } from "./element.js";
import { live } from "./follow.js";
import { session } from "./tab.js";
import { say } from "./telling.js";

$("cut").addEventListener("click", () => {
  session.cut = true;
  live.stop("cut");
  say($("link-message"), "warn", `Cut off after #${live.after}. Change something elsewhere, then let it back.`);
});
$("back").addEventListener("click", () => {
  session.cut = false;
  live.resume();
});
