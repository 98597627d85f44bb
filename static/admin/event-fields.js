// The fields of an event's dialog: filled from a record, and read back.

import { $, el } from "./element.js";
import { clearErrors } from "./fields.js";
import { records } from "./records.js";
import { toLocal } from "./when.js";

export function fillEventForm(event) {
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

/** What the fields say. `old` is the record they were filled from, if any. */
export function readEventForm(old) {
  const fields = $("event-form").elements;
  const time = (field, was) => (!field.value ? null : was && toLocal(was) === field.value ? was : new Date(field.value).toISOString());
  const ticked = (fieldset, were = []) => {
    // An id that this page doesn't know (a group one is not in) has no box, and stays.
    const boxes = [...fieldset.querySelectorAll("input")];
    const unknown = were.filter((id) => !boxes.some((box) => box.value === id));
    return [...unknown, ...boxes.filter((box) => box.checked).map((box) => box.value)];
  };
  return {
    description: fields.description.value.trim(),
    start: time(fields.start, old?.start),
    end: time(fields.end, old?.end),
    location: fields.location.value.trim() || null,
    descriptionLong: fields.descriptionLong.value.trim() || null,
    departmentIds: ticked($("e-departments"), old?.departmentIds),
    groupIds: ticked($("e-groups"), old?.groupIds),
  };
}
