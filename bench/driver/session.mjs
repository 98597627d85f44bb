// What one session measures, in which order: rows against servers that stay, then rows that need servers of their own.
import * as rows from "./rows.mjs";
import { leaveOut, say } from "./say.mjs";
import { servers as serverTable, start, stop } from "./servers.mjs";

export const KINDS = ["fanout", "rate", "echo", "many", "job", "idle", "resume"];

// Fewer are no row of many.
const FEW = 1000;

export async function measure(wanted, size, have, session) {
  const table = serverTable(have);
  const begin = (name) => start(name, table[name], have.work);
  const there = (...names) => names.filter((name) => table[name]);
  const steady = there("herald", "node-ws", "node-uws", "physical-each", "physical-coalesce");
  // What fails is left out, and said; the other kinds are measured all the same.
  const kind = async (name, title, work) => {
    if (!wanted.has(name)) return;
    say(title);
    await work().catch((error) => leaveOut(`${name}: ${error.message}`));
  };

  if (["fanout", "rate", "echo", "many"].some((name) => wanted.has(name))) {
    await together(steady, begin, async (up) => {
      const only = (...names) => up.filter(({ name }) => names.includes(name));
      const single = () => only("herald", "node-ws", "node-uws", "physical-each");
      for (const server of up) await session.run(rows.fanout(size, 200, 4), server); // Warms it up.

      await kind("fanout", "Fan-out through the publish door", async () => {
        for (const clients of size.clients)
          for (const window of size.windows) await session.row(rows.fanout(size, clients, window), up);
      });
      await kind("rate", "Latency under a load that does not wait", async () => {
        let able = single();
        for (const perSecond of size.rates) {
          const got = await session.row(rows.rate(size, perSecond), able);
          const beyond = (runs) => runs.some((run) => run.error) || runs.every((run) => run.saturated);
          able = able.filter((server) => !beyond(got.get(server)));
        }
      });
      await kind("echo", "Acknowledged packets", () => session.row(rows.echo(size), single()));
      const many = size.many();
      if (many > FEW) {
        await kind("many", `Many connections: ${many}`, async () => {
          const some = only("herald", "node-ws", "physical-each");
          for (const clients of [FEW, many]) await session.row(rows.manyClients(size, clients), some, size.manyRuns);
        });
      }
    });
  }
  await kind("job", "The whole job: PUT, stored, told", () =>
    together(there("herald", "express", "express-full"), begin, async (up) => {
      const herald = up.find(({ name }) => name === "herald");
      if (herald) herald.job = await draft(herald, have);
      for (const server of up) await session.run(rows.job({ ...size, warmup: size.jobWarmup }, 100), server);
      for (const receivers of size.job) await session.row(rows.job(size, receivers), up);
    }),
  );
  await kind("idle", "Connecting, and memory", () => {
    const names = there("herald", "node-ws", "node-uws", "physical-each");
    return session.rowFresh(() => rows.idle(size), names, begin, stop);
  });
  await kind("resume", "Coming back, all at once", () => {
    const row = async (server) => rows.resume(size, await publish(server, have, size.resume.missed));
    return session.rowFresh(row, ["herald"], begin, stop);
  });
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
  const headers = { Authorization: `Bearer ${have.tokens[0]}`, "Content-Type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${server.port}${where}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`);
  return response.json();
}

// A draft, which its author's connections hear of: all listeners have the author's token.
async function draft(server, have) {
  const { id } = await post(server, have, "/v1/events", {
    description: "x",
    start: "2030-01-01T09:00:00Z",
    end: "2030-01-01T10:00:00Z",
  });
  return [
    ...[
      "--trigger-path",
      `/v1/events/${id}`,
      "--trigger-header",
      `Authorization: Bearer ${have.tokens[0]}`,
      "--tokens",
      have.oneToken,
    ],
    ...["--body", '{"description":"{seq}"}', "--event", "CHANGED_RECORD", "--marker", '"description":"'],
  ];
}

// Stores so many notices for everybody; answers with the cursor before the first.
async function publish(server, have, count) {
  const BATCH = 100;
  let first;
  for (let n = 0; n < count; n += BATCH) {
    const notices = Array.from({ length: Math.min(BATCH, count - n) }, (_, index) => ({
      event: "bench",
      to: ["all"],
      data: { n: n + index, name: "x".repeat(150) },
    }));
    const places = await post(server, have, "/v1/publish/batch", notices);
    first ??= places[0].seq;
  }
  return first - 1;
}
