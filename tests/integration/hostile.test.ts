import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { until } from "../../local/poll.ts";
import { HANG_MS } from "../support/patience.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

describe("Callers that mean no good", () => {
  const stores = withStores("each");
  let services: Services;

  beforeEach(async () => {
    services = createServices(stores.env);
  });
  afterEach(async () => {
    await services.end();
  });

  const portOf = (url: string) => Number(new URL(url).port);

  /** The answer to these bytes on a bare connection, once its head is whole or the server has closed. */
  async function send(url: string, bytes: string): Promise<string> {
    const socket = connect(portOf(url), "127.0.0.1");
    let answer = "";
    let closed = false;
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("close", () => {
      closed = true;
    });
    socket.on("error", () => undefined);
    socket.write(bytes);
    expect(await until(() => closed || answer.includes("\r\n\r\n"), HANG_MS)).to.equal(true);
    socket.destroy();
    return answer;
  }

  function askGrpc(url: string, authority: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const session = connectHttp2(url);
      session.on("error", reject);
      const path = "/coupon.v1.CouponService/IssueCoupon";
      const headers = {
        ":method": "POST",
        ":authority": authority,
        ":path": path,
        "content-type": "application/grpc",
      };
      const stream = session.request(headers);
      stream.on("response", (answer) => {
        resolve(Number(answer[":status"]));
        session.destroy();
      });
      stream.on("error", reject);
      stream.end();
    });
  }

  it("an authority or host that is none is refused, on both doors, and the process lives", async () => {
    const service = await services.start();
    for (const authority of ["[", "[::bad", "%zz", "x:abc", "x:99999999"]) {
      expect(await askGrpc(service.grpcUrl, authority), authority).to.equal(400);
      const request = `POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: 0\r\n\r\n`;
      const answer = await send(service.url, request);
      expect(answer, authority).to.match(/^HTTP\/1\.1 4\d\d /);
      expect(answer).to.not.include("node_modules");
    }
    expect((await fetch(`${service.url}/healthz`)).status).to.equal(200);
  });

  it("connections that say nothing, or half of something, do not hold up a stop", async () => {
    const service: Service = await services.start({ env: { DRAIN_DEADLINE_MS: "6000" } });
    const half =
      "POST /coupon.v1.CouponService/IssueCoupon HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    const sockets: Socket[] = [];
    for (const [url, bytes] of [
      [service.url, ""],
      [service.grpcUrl, ""],
      [service.url, half],
    ] as const) {
      const socket = connect(portOf(url), "127.0.0.1");
      socket.on("error", () => undefined).resume();
      await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
      if (bytes !== "") socket.write(bytes);
      sockets.push(socket);
    }
    expect((await fetch(`${service.url}/healthz`)).status).to.equal(200);
    expect(await service.process.stop()).to.equal(0);
    expect(await until(() => sockets.every((socket) => socket.closed), HANG_MS)).to.equal(true);
  });
});
