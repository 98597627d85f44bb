// What this page knows of the server's records. Lists say with `draws` how they are drawn; whoever needs to hear that
// a known record has changed says so with `watch`.

export const records = { EVENT: new Map(), DEPARTMENT: new Map(), EVENT_GROUP: new Map(), JOB: new Map() };
export const changed = new Set();   // ids to flash at the next rendering
const drawing = [];
const watching = [];

export const draws = (call) => drawing.push(call);
export const watch = (call) => watching.push(call);

export function fill(map, list) {
  map.clear();
  for (const record of list) map.set(record.id, record);
}

/** By version, so that what is here already is not undone by something older. */
export function take(map, record) {
  const old = map.get(record.id);
  if (old && old.version >= record.version) return;
  map.set(record.id, record);
  changed.add(record.id);
  if (old) watching.forEach((call) => call(record));
}

/** An own write is shown from its answer at once; its notice, when it comes, has the same version and does nothing. */
export function took(record, type = "EVENT") {
  take(records[type], record);
  render();
}

export function render() {
  drawing.forEach((call) => call());
  changed.clear();
}

export function forget() {
  for (const map of Object.values(records)) map.clear();
}
