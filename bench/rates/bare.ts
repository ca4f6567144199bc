/**
 * The yardstick: a server on Node's own http that answers every request with the same JSON, about as long as
 * a coupon's. Prints `ready PORT`.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const BODY =
  '{"coupon":{"code":"가나다라마바0123","campaignId":"01ARZ3NDEKTSV4RRFFQ69G5FAV","seq":1,"issuedAt":"2026-01-01T00:00:00.000Z"}}';
const HEADERS = { "content-type": "application/json", "content-length": Buffer.byteLength(BODY) };

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, HEADERS).end(BODY);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);
});
