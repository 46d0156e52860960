// A subscriber that answers as it is told.

import { createServer } from "node:http";

/** What stands for the token in the path of Rhombus' webhooks; its end is shown. */
const TOKEN = "path-is-a-token";

export async function startReceiver() {
  const receiver = { status: 200, posts: [] };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    receiver.posts.push(JSON.parse(body));
    response.writeHead(receiver.status).end();
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${server.address().port}`;
  receiver.url = `${origin}/${TOKEN}`;
  receiver.shown = `${origin}/…${TOKEN.slice(-4)}`;
  receiver.token = TOKEN;
  receiver.stop = () =>
    new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  return receiver;
}
