// What both Node servers do alike: the check of the token, the rooms, the answered event.
const { createSecretKey } = require("node:crypto");
const jwt = require("jsonwebtoken");

if (!process.env.JWT_SECRET) throw new Error("JWT_SECRET is not set");
// jsonwebtoken first tries to read a string as a PEM key, for half a millisecond each time. A KeyObject spares the
// peer that: it is compared at its best.
const key = createSecretKey(Buffer.from(process.env.JWT_SECRET));

exports.port = Number(process.env.PORT || 3000);

exports.wire = (io) => {
  io.use((socket, next) => {
    try {
      socket.data.user = jwt.verify(socket.handshake.auth.token, key, { algorithms: ["HS256"] });
      next();
    } catch {
      next(new Error("unauthorized"));
    }
  });
  io.on("connection", (socket) => {
    const { sub, roles } = socket.data.user;
    socket.join(["all", `user-${sub}`, ...(roles.includes("ADMIN") ? ["admin"] : [])]);
    socket.on("echo", (value, ack) => ack(value));
  });
};

// POST /emit: the body goes to everybody.
exports.emit = (io) => (request, response) => {
  if (request.method !== "POST" || request.url !== "/emit") return response.writeHead(404).end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    io.to("all").emit("changed_record", JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(204).end();
  });
};
