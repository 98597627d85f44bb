// Puts the figures into docs/performance.md, between two marks, and the plots beside it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { disturbed, faults } from "./report.mjs";
import { leftOut, tell } from "./say.mjs";

const BEGIN = "<!-- bench: begin. Written by `make bench-record`. -->";
const END = "<!-- bench: end -->";

export function record(root, { machine, runs, tables, plots }) {
  const page = path.join(root, "docs/performance.md");
  const text = readFileSync(page, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for figures: ${BEGIN} … ${END}`);
  const dir = path.join(root, "docs/performance");
  mkdirSync(dir, { recursive: true });
  for (const [name, drawing] of Object.entries(plots)) writeFileSync(path.join(dir, name), drawing);
  writeFileSync(
    page,
    `${text.slice(0, begin)}${BEGIN}\n\n${figures(machine, runs, tables, plots)}\n${text.slice(end)}`,
  );
  tell(`recorded in ${page}`);
}

function figures(machine, runs, tables, plots) {
  const drawn = {
    "fanout.svg": "Deliveries per CPU-second against clients",
    "latency.svg": "p99 latency against load",
  };
  return [
    `**${machine.date}**, Herald ${machine.herald} (${machine.rust}), Node ${machine.node} (${machine.packages || "not compared"}); ` +
      `${machine.cores} x ${machine.cpu}, ${machine.memory}, Linux ${machine.kernel}` +
      `${machine.pinned ? "" : ", not pinned to cores"}. ${machine.quick ? "A **quick** session: one short run of each, an impression only." : "Medians of several runs."}`,
    `${faults(runs)} ${disturbed(runs, machine.foreign_limit)}`,
    ...(leftOut.length ? [`Left out: ${leftOut.join("; ")}.`] : []),
    ...Object.keys(plots).map((name) => `![${drawn[name]}](performance/${name})`),
    ...tables.map(([title, text]) => `### ${title}\n\n${text}`),
    "",
  ].join("\n\n");
}
