// Times, in the words and the time zone of the reader.

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function span(start, end) {
  const [from, to] = [new Date(start), new Date(end)];
  if (isNaN(from) || isNaN(to)) return `${start} – ${end}`;
  return dates.formatRange(from, to);
}

export function moment(time) {
  const date = new Date(time);
  return isNaN(date) ? String(time) : dates.format(date);
}

/** For <input type="datetime-local">, in the reader's own time zone. */
export function toLocal(time) {
  const date = new Date(time);
  if (isNaN(date)) return "";
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
