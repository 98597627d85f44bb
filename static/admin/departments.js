// The list of departments.

import { $, el } from "./element.js";
import { editDepartment } from "./department-dialog.js";
import { question } from "./dialogs.js";
import { changed, draws, records, render } from "./records.js";
import { swatch } from "./swatch.js";
import { session } from "./tab.js";
import { working } from "./telling.js";

draws(renderDepartments);

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

async function removeDepartment(button, department) {
  if (!await question("Delete this department?", `“${department.name}”`, { yes: "Delete" })) return;
  await working(button, async () => {
    await session.request("DELETE", `/v1/departments/${department.id}`, { ifMatch: department.version });
    records.DEPARTMENT.delete(department.id);
    render();
  });
}
