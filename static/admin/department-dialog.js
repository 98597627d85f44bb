// The dialog of a department.

import { $ } from "./element.js";
import { clearErrors, difference, fieldErrors } from "./fields.js";
import { took } from "./records.js";
import { colour } from "./swatch.js";
import { session } from "./tab.js";
import { explain, say } from "./telling.js";

let department;

export function editDepartment(record) {
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
