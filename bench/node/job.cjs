// The whole job in Node: Express, better-sqlite3, Socket.IO. PUT /records/:id changes a row and tells everybody.
// DB is the file, SYNC SQLite's `synchronous`: NORMAL, as most programs have it, does not wait for the disk.
const http = require("node:http");
const Database = require("better-sqlite3");
const express = require("express");
const { Server } = require("socket.io");
const { port, wire } = require("./wire.cjs");

const ROWS = 1000;
const db = new Database(process.env.DB);
db.pragma("journal_mode = WAL");
db.pragma(`synchronous = ${process.env.SYNC || "NORMAL"}`);
db.exec(
  "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INTEGER NOT NULL, note TEXT NOT NULL)",
);
db.transaction(() => {
  const insert = db.prepare("INSERT OR IGNORE INTO records VALUES (?, ?, 0, ?)");
  for (let id = 0; id < ROWS; id++) insert.run(id, `record ${id}`, "x".repeat(64));
})();
const update = db.prepare("UPDATE records SET name = ?, n = ? WHERE id = ? RETURNING n, id, name, note");

const app = express();
app.disable("x-powered-by");
app.use(express.json());
const server = http.createServer(app);
const io = new Server(server, { serveClient: false });
wire(io);
app.put("/records/:id", (request, response) => {
  const record = update.get(request.body.name, request.body.n, Number(request.params.id));
  if (!record) return response.status(404).json({ error: "no such record" });
  io.to("all").emit("changed_record", { type: "records", record });
  response.json(record);
});
server.listen(port, "127.0.0.1", 4096);
