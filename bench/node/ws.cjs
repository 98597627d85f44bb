// Socket.IO on Node, with its default engine, `ws`, and its default settings.
const http = require("node:http");
const { Server } = require("socket.io");
const { port, wire, emit } = require("./wire.cjs");

// Made before the Socket.IO server is attached, which then keeps its own path to itself.
let answer;
const server = http.createServer((request, response) => answer(request, response));
const io = new Server(server, { serveClient: false });
wire(io);
answer = emit(io);
server.listen(port, "127.0.0.1", 4096);
