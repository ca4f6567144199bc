import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect } from "chai";
import { takeAbsoluteForm } from "../../../server/http/absolute-form.ts";

describe("a request whose target is a whole URL", () => {
  let server: Server;

  before(async () => {
    server = createServer(
      takeAbsoluteForm((request, response) => void response.end(`${request.headers.host} ${request.url}`)),
    );
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  });
  after(() => new Promise((resolve) => void server.close(resolve)));

  async function seen(target: string): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.end(`GET ${target} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const part of socket) text += String(part);
    return text.split("\r\n\r\n")[1] ?? "";
  }

  for (const [target, expected] of [
    ["http://a.example:81/readyz?x=1", "a.example:81 /readyz?x=1"],
    ["HTTPS://a.example", "a.example /"],
    ["http://a.example?x", "a.example /?x"],
    ["/readyz", "other /readyz"],
    ["ftp://a.example/x", "other ftp://a.example/x"],
  ] as const) {
    it(target, async () => expect(await seen(target)).to.include(expected));
  }
});
