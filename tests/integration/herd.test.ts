import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { RetryInfoSchema } from "../../proto/gen/google/rpc/error_details_pb.ts";
import { createCampaign, untilState } from "../support/campaign.ts";
import {
  type Clients,
  clientsOver,
  connectClients,
  grpcClients,
  grpcWebClients,
} from "../support/clients.ts";
import { inParallel } from "../support/in-parallel.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const AN_HOUR_MS = 3_600_000;
const WAITING = 200;
/** More than that many come in five seconds: the longest part. */
const HERD_RATE = 10;
const PART_MS_MAX = 5_000;
/** Redis says how long it is to the start; on a busy machine, the server tells its own time later. */
const BUSY_MS = 1_000;
const user = (i: number) => `${KEY_PREFIX}${i}`;

/** What a caller is told, in ms; `partMs`: how long after the start it is to be back. */
type Told = { readonly partMs: number; readonly retryAfterMs: number; readonly headerMs: number };

describe("Callers that wait for a start", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let clients: Clients;
  let grpc: ReturnType<typeof grpcClients>;
  let transports: Record<string, Clients>;

  before(async () => {
    services = createServices(stores.env);
    service = await services.start({ env: { HERD_RATE: String(HERD_RATE) } });
    clients = connectClients(service.url);
    grpc = grpcClients(service.grpcUrl);
    transports = {
      "Connect, binary": clients,
      "Connect, JSON": connectClients(service.url, { json: true }),
      "Connect, through the framework": clientsOver(
        createConnectTransport({
          ...{ baseUrl: service.url, httpVersion: "1.1", compressMinBytes: 0 },
          sendCompression: compressionGzip,
        }),
      ),
      "gRPC-Web": grpcWebClients(service.url),
      gRPC: grpc,
    };
  });

  after(async () => {
    grpc?.close();
    await services.end();
  });

  async function told({ coupons }: Clients, campaignId: string, userId: string): Promise<Told> {
    const error = await coupons.issueCoupon({ campaignId, userId }).then(
      () => new ConnectError("a coupon before the start"),
      (reason: unknown) => ConnectError.from(reason),
    );
    const [refusal] = error.findDetails(RefusalSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    if (refusal?.startsAt === undefined || refusal.serverTime === undefined) throw error;
    expect(refusal.reason).to.equal(RefusalReason.NOT_STARTED);
    const retryAfterMs = Number(refusal.retryAfterMs);
    const { seconds = 0n, nanos = 0 } = retry?.retryDelay ?? {};
    expect(Number(seconds) * 1_000 + nanos / 1_000_000, "RetryInfo").to.equal(retryAfterMs);
    const backAtMs = timestampMs(refusal.serverTime) + retryAfterMs;
    const headerMs = Number(error.metadata.get("retry-after")) * 1_000;
    return { partMs: backAtMs - timestampMs(refusal.startsAt), retryAfterMs, headerMs };
  }

  async function waitingCampaign(endsAtMs?: number): Promise<string> {
    const startsAtMs = Date.now() + AN_HOUR_MS;
    const end = endsAtMs === undefined ? {} : { endsAt: timestampFromMs(startsAtMs + endsAtMs) };
    const { id } = await createCampaign(clients, { total: 10, startsAtMs, ...end });
    await untilState(clients, id, "SCHEDULED");
    return id;
  }

  it("are told the start itself where few wait", async () => {
    const id = await waitingCampaign();
    for (const [name, through] of Object.entries(transports)) {
      const { partMs, retryAfterMs, headerMs } = await told(through, id, user(0));
      expect(partMs, name).to.be.within(0, BUSY_MS);
      expect(headerMs, name).to.be.within(retryAfterMs, retryAfterMs + 999);
    }
  });

  it("are spread where many wait: none comes early, and each is told the same on every transport", async () => {
    const id = await waitingCampaign();
    const everybody = Array.from({ length: WAITING }, (_, i) => user(i));
    const ask = (through: Clients) => inParallel(everybody, 16, (userId) => told(through, id, userId));
    await ask(clients);
    const parts: Record<string, number[]> = {};
    for (const [name, through] of Object.entries(transports)) {
      const all = await ask(through);
      for (const { retryAfterMs, headerMs } of all)
        expect(headerMs, name).to.be.within(retryAfterMs, retryAfterMs + 999);
      parts[name] = all.map(({ partMs }) => partMs);
      expect(Math.min(...parts[name]), `${name}: back before the start`).to.be.at.least(0);
      expect(Math.max(...parts[name]), name).to.be.within(PART_MS_MAX / 2, PART_MS_MAX + BUSY_MS);
    }
    const [first = [], ...others] = Object.values(parts);
    for (const [at, partMs] of first.entries())
      for (const other of others) expect(other[at], `user ${at}`).to.be.closeTo(partMs, BUSY_MS);
    // A tenth is nearly at once, and no half of the time has nearly all of them.
    expect(first.filter((ms) => ms < BUSY_MS).length).to.be.within(5, WAITING / 2);
    expect(first.filter((ms) => ms > PART_MS_MAX / 2).length).to.be.within(WAITING / 4, (3 * WAITING) / 4);
  });

  it("are back in the first half of a short sale", async () => {
    const lastsMs = 2_000;
    const id = await waitingCampaign(lastsMs);
    const everybody = Array.from({ length: WAITING }, (_, i) => user(i));
    await inParallel(everybody, 16, (userId) => told(clients, id, userId));
    const all = await inParallel(everybody, 16, (userId) => told(clients, id, userId));
    expect(Math.max(...all.map(({ partMs }) => partMs))).to.be.within(lastsMs / 4, lastsMs / 2 + BUSY_MS);
  });

  it("of a paused sale are spread, too", async () => {
    const id = await waitingCampaign();
    await clients.campaigns.pauseCampaign({ campaignId: id });
    const everybody = Array.from({ length: WAITING }, (_, i) => user(i));
    const retryOf = async (userId: string) => {
      const error = await clients.coupons.issueCoupon({ campaignId: id, userId }).catch(ConnectError.from);
      if (!(error instanceof ConnectError)) throw new Error("a coupon of a paused campaign");
      const [refusal] = error.findDetails(RefusalSchema);
      expect(refusal?.reason).to.equal(RefusalReason.PAUSED);
      return Number(refusal?.retryAfterMs);
    };
    expect(await retryOf(user(0))).to.equal(1_000);
    await inParallel(everybody, 16, retryOf);
    const waits = await inParallel(everybody, 16, retryOf);
    expect(Math.min(...waits)).to.equal(1_000);
    expect(Math.max(...waits)).to.be.within(1_000 + PART_MS_MAX / 2, 1_000 + PART_MS_MAX);
  });
});
