// The admin page: what it is made of, and its start.

import "./admin/cut.js";
import "./admin/departments.js";
import "./admin/events.js";
import "./admin/inbox.js";
import "./admin/jobs.js";
import "./admin/sending.js";
import { $ } from "./admin/element.js";
import { enter, leave } from "./admin/gate.js";
import { session } from "./admin/tab.js";
import { explain, say } from "./admin/telling.js";

session.restore()
  .then((known) => (known ? enter() : leave()))
  .catch((problem) => { leave(); say($("login-message"), "bad", explain(problem)); });
