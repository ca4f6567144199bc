import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { expect } from "chai";
import { type Clients, connectClients } from "../../bench/load/connect-client.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";

describe("the clients of load and scenario", () => {
  const calls: string[] = [];
  const note = (call: string) => {
    calls.push(call);
    return {};
  };
  const sockets = new Set<Socket>();
  const server = createServer(
    connectNodeAdapter({
      routes(router) {
        router.service(CampaignService, {
          listCampaigns: () => note("list"),
          createCampaign: () => note("create"),
          pauseCampaign: () => note("pause"),
        });
      },
    }),
  );
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  let clients: Clients;

  before(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    clients = connectClients(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  beforeEach(async () => {
    // Several kept-alive connections, closed in the same turn as the call: the client cannot have read the
    // close yet.
    await Promise.all(Array.from({ length: 3 }, () => clients.campaigns.listCampaigns({})));
    expect(sockets.size).to.equal(3);
    calls.length = 0;
    for (const socket of sockets) socket.resetAndDestroy();
  });
  after(() => {
    clients.close();
    server.close();
    server.closeAllConnections();
  });

  it("ask again what may be asked twice, when a kept connection was closed under it", async () => {
    await clients.campaigns.listCampaigns({});
    expect(calls).to.deep.equal(["list"]);
  });

  it("also what carries its request id", async () => {
    await clients.campaigns.createCampaign({ name: "n", total: 1, requestId: "one" });
    expect(calls).to.deep.equal(["create"]);
  });

  it("and nothing else", async () => {
    const lost = await clients.campaigns.pauseCampaign({ campaignId: "c" }).catch((error: unknown) => error);
    expect(String(lost)).to.match(/EPIPE|ECONNRESET|aborted|socket hang up/);
    expect(calls).to.deep.equal([]);
  });
});
