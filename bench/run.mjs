#!/usr/bin/env node
// `make bench`: Herald, Socket.IO on Node and the physical limit, side by side in one session.
//   node bench/run.mjs [--quick] [--record] [--only fanout,rate,echo,job,idle,resume,many] [--from RESULTS.jsonl]
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cores, describe, pins } from './driver/machine.mjs';
import { Session } from './driver/measure.mjs';
import { prepare } from './driver/prepare.mjs';
import { record } from './driver/record.mjs';
import { disturbed, faults, plots, tables } from './driver/report.mjs';
import * as rows from './driver/rows.mjs';
import { leaveOut, leftOut, say, tell } from './driver/say.mjs';
import { servers as serverTable, start, stop } from './driver/servers.mjs';

const root = path.resolve(import.meta.dirname, '..');
const KINDS = ['fanout', 'rate', 'echo', 'many', 'job', 'idle', 'resume'];
const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, record: { type: 'boolean' }, only: { type: 'string' }, from: { type: 'string' } },
});
const wanted = new Set(options.only?.split(',') ?? KINDS);
const unknown = [...wanted].filter((kind) => !KINDS.includes(kind));

// What one session measures: rows against servers that stay, then rows that need servers of their own.
async function measure(size, have, session) {
  const table = serverTable(have);
  const begin = (name) => start(name, table[name], have.work);
  const there = (...names) => names.filter((name) => table[name]);
  const all = there('herald', 'node-ws', 'node-uws', 'physical-each', 'physical-coalesce');

  if (['fanout', 'rate', 'echo', 'many'].some((kind) => wanted.has(kind))) {
    await together(all, begin, async (up) => {
      const only = (...names) => up.filter(({ name }) => names.includes(name));
      for (const server of up) await session.run({ ...rows.fanout(size, 200, 4), kind: 'fanout' }, server); // Warms it up.
      if (wanted.has('fanout')) {
        say('Fan-out through the publish door');
        for (const clients of size.clients) for (const window of size.windows) await session.row(rows.fanout(size, clients, window), up);
      }
      if (wanted.has('rate')) {
        say('Latency under a load that does not wait');
        let able = only('herald', 'node-ws', 'node-uws', 'physical-each');
        for (const perSecond of size.rates) {
          const got = await session.row(rows.rate(size, perSecond), able);
          able = able.filter((server) => !got.get(server).some((run) => run.saturated || run.error));
        }
      }
      if (wanted.has('echo')) {
        say('Acknowledged packets');
        await session.row(rows.echo(size), only('herald', 'node-ws', 'node-uws', 'physical-each'));
      }
      const many = size.many();
      if (wanted.has('many') && many > 1000) {
        say('Many connections');
        for (const clients of [1000, many]) await session.row(rows.manyClients(size, clients), only('herald', 'node-ws', 'physical-each'), size.idleRuns);
      }
    });
  }
  if (wanted.has('job')) {
    say('The whole job: PUT, stored, told');
    await together(there('herald', 'express', 'express-full'), begin, async (up) => {
      const herald = up.find(({ name }) => name === 'herald');
      if (herald) herald.job = await draft(herald, have);
      for (const server of up) await session.run({ ...rows.job({ ...size, warmup: size.jobWarmup }, 100) }, server);
      for (const receivers of size.job) await session.row(rows.job(size, receivers), up);
    });
  }
  if (wanted.has('idle')) {
    say('Connecting, and memory');
    await session.rowFresh(() => rows.idle(size), there('herald', 'node-ws', 'node-uws', 'physical-each'), begin, stop);
  }
  if (wanted.has('resume')) {
    say('Coming back, all at once');
    await session.rowFresh(async (server) => rows.resume(size, await publish(server, have, size.resume.missed)), ['herald'], begin, stop);
  }
}

async function together(names, begin, work) {
  const up = [];
  try {
    for (const name of names) {
      try {
        up.push(await begin(name));
      } catch (error) {
        leaveOut(error.message);
      }
    }
    await work(up);
  } finally {
    for (const server of up) await stop(server);
  }
}

async function post(server, have, where, body) {
  const headers = { Authorization: `Bearer ${have.tokens[0]}`, 'Content-Type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${server.port}${where}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
  return response.json();
}

// A draft, which its author's connections hear of: all listeners have the author's token.
async function draft(server, have) {
  const { id } = await post(server, have, '/v1/events', { description: 'x', start: '2030-01-01T09:00:00Z', end: '2030-01-01T10:00:00Z' });
  return [
    ...['--trigger-path', `/v1/events/${id}`, '--trigger-header', `Authorization: Bearer ${have.tokens[0]}`, '--tokens', have.oneToken],
    ...['--body', '{"description":"{seq}"}', '--event', 'CHANGED_RECORD', '--marker', '"description":"'],
  ];
}

// Stores so many notices for everybody; answers with the cursor before the first.
async function publish(server, have, count) {
  const BATCH = 100;
  let first;
  for (let n = 0; n < count; n += BATCH) {
    const notices = Array.from({ length: Math.min(BATCH, count - n) }, (_, index) => ({ event: 'bench', to: ['all'], data: { n: n + index, name: 'x'.repeat(150) } }));
    const places = await post(server, have, '/v1/publish/batch', notices);
    first ??= places[0].seq;
  }
  return first - 1;
}

async function session() {
  const size = options.quick ? rows.QUICK : rows.FULL;
  const have = prepare(root, size);
  const machine = { ...describe(have.nodeDir), quick: Boolean(options.quick), foreign_limit: size.foreign };
  const results = path.join(have.work, 'results');
  mkdirSync(results, { recursive: true });
  const file = path.join(results, `${machine.date.replace(/[^0-9]/g, '')}${options.quick ? '-quick' : ''}.jsonl`);
  const out = createWriteStream(file);
  const write = (line) => out.write(JSON.stringify(line) + '\n');
  write({ machine });
  if (!pins) leaveOut('pinning to cores: there is no taskset (util-linux); figures vary more');
  if (cores === 1) leaveOut('a core for the load generator: there is only one, which all share; only ratios mean something');
  const one = new Session(have, size, write);
  await measure(size, have, one);
  await new Promise((resolve) => out.end(resolve));
  return { machine, runs: one.results, file, out: have.work };
}

function earlier(file) {
  const [{ machine }, ...runs] = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return { machine, runs, file, out: path.dirname(file) };
}

try {
  if (unknown.length) throw new Error(`--only knows ${KINDS.join(', ')}; not ${unknown.join(', ')}`);
  const { machine, runs, file, out } = options.from ? earlier(options.from) : await session();
  const drawn = plots(runs);
  for (const [name, text] of Object.entries(drawn)) writeFileSync(path.join(out, name), text);
  const found = tables(runs);
  for (const [title, text] of found) process.stdout.write(`\n${title}\n\n${text}\n`);
  process.stdout.write(`\n${faults(runs)}\n${disturbed(runs, machine.foreign_limit)}\n`);
  tell(`\nRuns: ${file}\nPlots: ${Object.keys(drawn).map((name) => path.join(out, name)).join(', ') || 'none: too few rows'}`);
  if (leftOut.length) tell(`\nLEFT OUT:\n${leftOut.map((what) => `  - ${what}`).join('\n')}`);
  if (options.record) record(root, { machine, runs, tables: found, plots: drawn });
} catch (error) {
  tell(`bench: ${error.message}`);
  process.exitCode = 1;
}
