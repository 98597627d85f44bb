// Background jobs: started here, followed live, cancelled or reverted.

import { $, el } from "./element.js";
import { question } from "./dialogs.js";
import { draws, records, took } from "./records.js";
import { session } from "./tab.js";
import { toast, working } from "./telling.js";

const SHOWN = 10;
const STATES = {
  PENDING: ["Waiting", ""], RUNNING: ["Running", "info"], DONE: ["Done", "ok"], ERROR: ["Failed", "bad"], REVERTED: ["Reverted", ""],
};

draws(renderJobs);

function renderJobs() {
  const all = [...records.JOB.values()].sort((a, b) => b.id.localeCompare(a.id));
  const open = new Set([...document.querySelectorAll("#jobs details[open]")].map((log) => log.closest("li").dataset.id));
  $("jobs").replaceChildren(...all.slice(0, SHOWN).map((job) => item(job, open.has(job.id))));
  $("jobs-empty").hidden = all.length > 0;
}

function item(job, open) {
  const [label, kind] = STATES[job.state] ?? [job.state, ""];
  const under = job.state === "RUNNING" || job.state === "PENDING";
  const mine = job.userId === session.user.id;
  return el("li", { "data-id": job.id, "data-state": job.state },
    el("div", { class: "head" },
      el("span", { class: "name" }, job.description || job.filename || job.type),
      el("span", { class: `pill ${kind}` }, label)),
    under && el("progress", { max: 100, value: job.progress, "aria-label": `${job.description}: ${job.progress} %` }),
    job.log && el("details", { open }, el("summary", { class: "small soft" }, "Log"), el("pre", { class: "small" }, job.log)),
    (mine || session.isAdmin) && job.state !== "REVERTED" && el("div", { class: "buttons" },
      el("button", { type: "button", class: "small quiet danger", "data-do": "revert", on: { click: (click) => revert(click.currentTarget, job, under) } },
        under ? "Cancel" : "Revert")));
}

async function revert(button, job, under) {
  const [title, yes] = under ? ["Cancel this job?", "Cancel it"] : ["Revert this job?", "Revert it"];
  if (!await question(title, "Everything that it made is removed.", { yes })) return;
  await working(button, () => session.request("DELETE", `/v1/jobs/${job.id}`));
}

/** A button, the file input behind it, where its file goes, and the job in the answer. */
function sends(what, path, jobIn) {
  const [button, file] = [$(what), $(`${what}-file`)];
  button.addEventListener("click", () => file.click());
  file.addEventListener("change", () => working(button, async () => {
    const form = new FormData();
    form.append("file", file.files[0]);
    file.value = "";
    const job = jobIn((await session.request("POST", path, { body: form })).data);
    took(job, "JOB");
    toast("info", `“${job.filename}” is on its way; this page follows it.`);
  }));
}

sends("import", "/v1/events/import", (job) => job);
sends("upload", "/v1/uploads", ({ job }) => job);
