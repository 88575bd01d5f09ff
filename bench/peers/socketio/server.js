// Rooms as Socket.IO's own documentation builds them: `joinRoom {room}` joins and is acknowledged, `message {room,userId,message}`
// goes as `message {userId,message}` to everybody in the room, the sender included. Started with `node server.js --listen ADDRESS:PORT`;
// with `--redis URL` behind that it is one of several processes, which the Redis adapter connects as its documentation says.
"use strict";

const { createServer } = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { Redis } = require("ioredis");
const { Server } = require("socket.io");

const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

/** The adapter on the Redis that was named; without one, what a single process has. */
const adapter = (url) => (url === undefined ? undefined : createAdapter(new Redis(url), new Redis(url)));

const [host, port] = option("--listen").split(":");
const http = createServer();
const io = new Server(http, { adapter: adapter(option("--redis")) });

io.on("connection", (socket) => {
  socket.on("joinRoom", ({ room }, joined) => {
    socket.join(room);
    joined({});
  });
  socket.on("message", ({ room, userId, message }) => io.to(room).emit("message", { userId, message }));
});

http.listen({ host, port: Number(port), backlog: 4096 }, () => console.log(`listening on ${host}:${port}`));
