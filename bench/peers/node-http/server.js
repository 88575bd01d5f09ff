// The smallest answer that Node's own HTTP server gives. Started with `node server.js --listen ADDRESS:PORT`.
"use strict";

const { createServer } = require("node:http");

const [host, port] = process.argv[process.argv.indexOf("--listen") + 1].split(":");
const http = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end("ok\n");
});

http.listen({ host, port: Number(port), backlog: 4096 }, () => console.log(`listening on ${host}:${port}`));
