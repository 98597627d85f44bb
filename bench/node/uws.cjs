// Socket.IO on uWebSockets.js, which is not in the npm registry: UWS says where it is.
const { Server } = require("socket.io");
const uws = require(process.env.UWS);
const { port, wire } = require("./wire.cjs");

const app = uws.App();
const io = new Server({ serveClient: false });
io.attachApp(app);
wire(io);
app.post("/emit", (response) => {
  let body = Buffer.alloc(0);
  response.onAborted(() => {});
  response.onData((chunk, last) => {
    body = Buffer.concat([body, Buffer.from(chunk)]);
    if (!last) return;
    io.to("all").emit("changed_record", JSON.parse(body.toString()));
    response.cork(() => response.writeStatus("204 No Content").endWithoutBody());
  });
});
app.listen("127.0.0.1", port, (listening) => listening || process.exit(1));
