/**
 * A receiver of webhooks that has an event only once it is on the disk, and answers only then: killed, it has
 * lost what it had not written, as by a loss of power. A line of KEPT_FILE for each event, in order.
 */

import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const { PORT = "", KEPT_FILE = "", WEBHOOK_SECRET = "" } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);
const kept = openSync(KEPT_FILE, "a");
/** What it does with requests: `keep`, `mute` (keeps and does not answer), `hang`, `slow` or a status. */
let mode = "keep";

const server = createServer(async (request, response) => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  if (request.method === "PUT") {
    mode = body.toString("utf8");
    response.writeHead(204).end();
    return;
  }
  if (mode === "hang") return;
  if (mode !== "keep" && mode !== "mute" && mode !== "slow") {
    response.writeHead(Number(mode)).end();
    return;
  }
  const told = [webhook.verify(body, request.headers as Record<string, string>)].flat();
  if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, 200));
  writeSync(kept, told.map((event) => `${JSON.stringify(event)}\n`).join(""));
  fdatasyncSync(kept);
  if (mode === "mute") return;
  response.writeHead(204).end();
});
server.listen(Number(PORT), "127.0.0.1", () => console.log("serving"));
process.once("SIGTERM", () => {
  closeSync(kept);
  process.exit(0);
});
