import { constants, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { type Clients, grpcClients } from "../support/clients.ts";

describe("a refused stream", () => {
  let server: Http2Server;
  let sessions: Set<ServerHttp2Session>;
  let clients: Clients & { close(): void };
  let refuse: (session: ServerHttp2Session) => void;

  beforeEach(async () => {
    sessions = new Set();
    server = createServer();
    server.on("session", (session) => {
      sessions.add(session);
      session.on("error", () => undefined);
    });
    server.on("stream", (stream) => {
      stream.on("error", () => undefined);
      const { session } = stream;
      if (session === undefined) throw new Error("no session");
      if (stream.id === 1) refuse(session as ServerHttp2Session);
      if (!stream.destroyed) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    clients = grpcClients(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  afterEach(async () => {
    clients.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const askStatus = async () => {
    try {
      await clients.coupons.getCampaignStatus({ campaignId: "c" });
      return "answered";
    } catch (error) {
      return `${Code[ConnectError.from(error).code]} ${String(error)}`;
    }
  };

  it("by the server, is unavailable: nothing was tried", async () => {
    refuse = () => undefined;
    expect(await askStatus()).to.match(/^Unavailable /);
  });

  it("by the client's own HTTP/2, as the server takes no more on the connection, is unavailable", async () => {
    refuse = (session) => session.goaway(constants.NGHTTP2_NO_ERROR, 0);
    expect(await askStatus()).to.match(/^Unavailable /);
  });
});
