#!/usr/bin/env node
// `make bench`: Herald, Socket.IO on Node and the physical limit, side by side in one session.
//   node bench/run.mjs [--quick] [--record] [--only fanout,rate,echo,job,idle,resume,many] [--from RESULTS.jsonl]
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { cores, describe, pins } from "./driver/machine.mjs";
import { Session } from "./driver/measure.mjs";
import { prepare } from "./driver/prepare.mjs";
import { record } from "./driver/record.mjs";
import { disturbed, faults, plots, tables } from "./driver/report.mjs";
import { FULL, QUICK } from "./driver/rows.mjs";
import { leaveOut, leftOut, tell } from "./driver/say.mjs";
import { KINDS, measure } from "./driver/session.mjs";

const root = path.resolve(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" },
    record: { type: "boolean" },
    only: { type: "string" },
    from: { type: "string" },
  },
});
const wanted = new Set(options.only?.split(",") ?? KINDS);
const unknown = [...wanted].filter((kind) => !KINDS.includes(kind));

async function session() {
  const size = options.quick ? QUICK : FULL;
  const have = prepare(root, size);
  const machine = { ...describe(have.nodeDir), quick: Boolean(options.quick), foreign_limit: size.foreign };
  const results = path.join(have.work, "results");
  mkdirSync(results, { recursive: true });
  const second = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const file = path.join(results, `${second}${options.quick ? "-quick" : ""}.jsonl`);
  // Line by line, at once: what was measured is there even if somebody ends it early.
  const write = (line) => appendFileSync(file, JSON.stringify(line) + "\n");
  write({ machine });
  if (!pins) leaveOut("pinning to cores: there is no taskset (util-linux); figures vary more");
  if (cores === 1)
    leaveOut("a core for the load generator: there is only one, which all share; only ratios mean something");
  const one = new Session(have, size, write);
  await measure(wanted, size, have, one);
  write({ left_out: leftOut });
  return { machine, runs: one.results, file, out: have.work };
}

function earlier(file) {
  const lines = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  leftOut.push(...lines.flatMap((line) => line.left_out ?? []));
  const { machine } = lines.find((line) => line.machine);
  return { machine, runs: lines.filter((line) => line.key), file, out: path.dirname(file) };
}

try {
  if (unknown.length) throw new Error(`--only knows ${KINDS.join(", ")}; not ${unknown.join(", ")}`);
  const { machine, runs, file, out } = options.from ? earlier(options.from) : await session();
  const drawn = plots(runs);
  for (const [name, text] of Object.entries(drawn)) writeFileSync(path.join(out, name), text);
  const found = tables(runs);
  for (const [title, text] of found) process.stdout.write(`\n${title}\n\n${text}\n`);
  process.stdout.write(`\n${faults(runs)}\n${disturbed(runs, machine.foreign_limit)}\n`);
  tell(
    `\nRuns: ${file}\nPlots: ${
      Object.keys(drawn)
        .map((name) => path.join(out, name))
        .join(", ") || "none: too few rows"
    }`,
  );
  if (leftOut.length) tell(`\nLEFT OUT:\n${leftOut.map((what) => `  - ${what}`).join("\n")}`);
  if (options.record) record(root, { machine, runs, tables: found, plots: drawn });
} catch (error) {
  tell(`bench: ${error.message}`);
  process.exitCode = 1;
}
