// What this page knows of the server's records. Lists say with `draws` how they are drawn; whoever needs to hear that
// a known record has changed says so with `watch`.

export const records = { EVENT: new Map(), DEPARTMENT: new Map(), EVENT_GROUP: new Map(), JOB: new Map() };
export const changed = new Set();   // ids to flash at the next rendering
const drawing = [];
let soon;              // the next drawing
let drawingTook = 0;   // how long the last one took: drawing gets a fifth of the time at most
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

/** Draws soon, and once for all that comes until then: an import brings thousands of notices. */
export function render() {
  soon ??= setTimeout(() => {
    const began = performance.now();
    soon = undefined;
    drawing.forEach((call) => call());
    changed.clear();
    drawingTook = performance.now() - began;
  }, Math.min(1_000, 5 * drawingTook));
}

export function forget() {
  for (const map of Object.values(records)) map.clear();
}
