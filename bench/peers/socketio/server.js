// Rooms as Socket.IO's own documentation builds them: `joinRoom {room}` joins and is acknowledged, `message {room,userId,message}`
// goes as `message {userId,message}` to everybody in the room, the sender included. Started with `node server.js --listen ADDRESS:PORT`.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const [host, port] = process.argv[process.argv.indexOf("--listen") + 1].split(":");
const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("joinRoom", ({ room }, joined) => {
    socket.join(room);
    joined({});
  });
  socket.on("message", ({ room, userId, message }) => io.to(room).emit("message", { userId, message }));
});

http.listen({ host, port: Number(port), backlog: 4096 }, () => console.log(`listening on ${host}:${port}`));
