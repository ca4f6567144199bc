// A thread with one caller of the herd, who comes at the start itself. Its times must not be those of the
// driver, which has hundreds of others to send in the same milliseconds.
import { once } from "node:events";
import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** @type {{ host: string, port: number, path: string, campaignId: string, startsAtMs: number }} */
const { host, port, path, campaignId, startsAtMs } = workerData;

const nowMs = () => performance.timeOrigin + performance.now();
/** Node's timers are late by up to some milliseconds: the rest is waited for in short turns. */
const TURNS_MS = 4;

const socket = connect({ host, port, noDelay: true });
socket.setEncoding("utf8");
await once(socket, "connect");
const body = JSON.stringify({ campaignId, userId: "first", requestId: "first" });
const request = `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** One request; its answer comes in one piece, as it is smaller than a packet. */
async function ask() {
  const answered = once(socket, "data");
  socket.write(request);
  return String((await answered)[0]);
}

await ask();
await new Promise((resolve) => setTimeout(resolve, startsAtMs - TURNS_MS - nowMs()));
while (nowMs() < startsAtMs) await new Promise((resolve) => setImmediate(resolve));
const sentMs = nowMs();
let answer = await ask();
while (!answer.startsWith("HTTP/1.1 200")) answer = await ask();
const doneMs = nowMs();
parentPort?.postMessage({ lateMs: sentMs - startsAtMs, firstMs: doneMs - startsAtMs });
socket.destroy();
