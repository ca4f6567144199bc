import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import { createAuthenticateOperator } from "../../../access/operators.ts";
import { until } from "../../../local/poll.ts";
import { CampaignService, CampaignView } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { type Clients, connectClients, grpcClients, grpcWebClients } from "../../support/clients.ts";
import { keySetting } from "../../support/operator-key.ts";
import { OPERATOR_TOKEN } from "../../support/operator-token.ts";
import { HANG_MS } from "../../support/patience.ts";
import { post } from "../../support/post.ts";
import { openStubApp, type StubApp } from "../../support/stub-app.ts";

const KIM = "kim-key-0123456789-0123456789-0123456789";
const ID = "01JCALLS000000000000000000";

type Line = Record<string, unknown> & { level: string; method: string };
type Method = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

describe("the log of operators' calls", () => {
  let app: StubApp;
  let lines: Line[];
  let release: () => void;
  let held: Promise<void>;
  let url: string;
  let isWaiting = false;

  before(async () => {
    const stub = (kind: string) =>
      kind === "server_streaming"
        ? async function* () {
            yield {};
          }
        : () => ({});
    const answers = Object.fromEntries(
      CampaignService.methods.map(({ localName, methodKind }) => [localName, stub(methodKind)]),
    );
    const destination = {
      write(text: string) {
        const line = JSON.parse(text) as Line;
        if (line["msg"] === "operator's call") lines.push(line);
      },
    };
    app = await openStubApp({
      logger: createLogger({ level: "debug", format: "json", destination }),
      authenticateOperator: createAuthenticateOperator({
        token: OPERATOR_TOKEN,
        keys: [keySetting("kim", "viewer", KIM)],
      }),
      campaignService: {
        ...answers,
        createCampaign: () => ({ campaign: { id: ID } }),
        resumeCampaign() {
          throw new ConnectError("not now", Code.FailedPrecondition);
        },
        async endCampaign({ actor }: { actor: string }, { signal }: { signal: AbortSignal }) {
          if (actor !== "waits") return {};
          isWaiting = true;
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return {};
        },
        async *exportCoupons({ batchSize }: { batchSize: number }) {
          yield {};
          if (batchSize === 1) throw new ConnectError("a store is away", Code.Unavailable);
          if (batchSize === 2) await held;
        },
      } as unknown as ServiceImpl<typeof CampaignService>,
    });
    url = `http://127.0.0.1:${app.port}`;
  });
  beforeEach(() => {
    lines = [];
    held = new Promise((resolve) => {
      release = resolve;
    });
  });
  after(() => app.close());

  /** The lines of the calls so far: one is written once the answer has left the server. */
  async function told(count: number): Promise<Line[]> {
    const seen = await until(() => lines.length >= count, HANG_MS, 5);
    expect(seen, `${count} lines, not ${lines.length}`).to.equal(true);
    return lines;
  }
  const drain = async (stream: AsyncIterable<unknown>) => {
    for await (const _ of stream);
  };
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error) => ConnectError.from(error).code,
    );

  const transports: Record<string, () => Clients & { close?(): void }> = {
    Connect: () => connectClients(url),
    "gRPC-Web": () => grpcWebClients(url),
    gRPC: () => grpcClients(`http://127.0.0.1:${app.grpcPort}`),
  };
  for (const [name, open] of Object.entries(transports)) {
    it(`each method has one line over ${name}: info where it changes something or reads coupons`, async () => {
      const clients = open();
      try {
        release();
        for (const { localName } of CampaignService.methods) {
          const answer = (clients.campaigns as unknown as Record<string, Method>)[localName]?.({
            campaignId: ID,
          });
          if (answer !== undefined && Symbol.asyncIterator in answer) await drain(answer);
          else await answer?.catch(() => undefined);
        }
        await told(CampaignService.methods.length);
        const of = (level: string) =>
          lines.filter((line) => line.level === level).map(({ method }) => method);
        expect(of("debug")).to.have.members([
          ...["ListCampaigns", "WatchCampaign", "ListHistory", "GetCampaignStats", "DescribeFormats"],
          ...["PreflightCampaign", "VerifyCampaign", "GetSelf"],
        ]);
        expect([...of("info"), ...of("debug")]).to.have.members(
          CampaignService.methods.map((one) => one.name),
        );
        for (const { method, answer, actor, role, durationMs } of lines) {
          expect(answer, method).to.equal(method === "ResumeCampaign" ? "failed_precondition" : "ok");
          expect([actor, role], method).to.deep.equal(["operator", "admin"]);
          expect(durationMs).to.be.a("number");
        }
        const ids = lines.map(({ campaign }) => campaign);
        expect(ids.filter((id) => id !== undefined && id !== ID)).to.deep.equal([]);
        expect(lines.find(({ method }) => method === "ExportCoupons")).to.include({ campaign: ID });
      } finally {
        clients.close?.();
      }
    });
  }

  it("of a created campaign it has the id, and of a shared credential the name that the caller gives", async () => {
    const { campaigns } = connectClients(url);
    await campaigns.createCampaign({ name: "a", total: 1, actor: "kim@laptop\u001b[31m" });
    const [line] = await told(1);
    expect(line).to.include({ campaign: ID, actor: "operator (kim@laptop\\u001b[31m)", answer: "ok" });
  });

  it("GetCampaign without codes is no read of codes", async () => {
    const { campaigns } = connectClients(url, { token: KIM });
    await campaigns.getCampaign({ campaignId: ID, view: CampaignView.BASIC });
    await campaigns.getCampaign({ campaignId: ID });
    const seen = (await told(2)).map(({ level, actor, role }) => [level, actor, role]);
    expect(seen).to.deep.equal([
      ["debug", "kim", "viewer"],
      ["info", "kim", "viewer"],
    ]);
  });

  it("a call that the role does not cover has a line, a stranger's has none of this kind", async () => {
    await codeOf(connectClients(url, { token: null }).campaigns.cancelCampaign({ campaignId: ID }));
    await codeOf(
      connectClients(url, { token: KIM }).campaigns.cancelCampaign({ campaignId: ID, actor: "lee" }),
    );
    const [line, ...more] = await told(1);
    expect(line).to.include({
      ...{
        level: "info",
        method: "CancelCampaign",
        actor: "kim",
        role: "viewer",
        answer: "permission_denied",
      },
    });
    expect(more).to.deep.equal([]);
  });

  it("a request that cannot be read has the status that it was answered with", async () => {
    await post(url, "CampaignService/PauseCampaign", "{");
    const [line] = await told(1);
    expect(line).to.include({ method: "PauseCampaign", actor: "operator", answer: "http_400" });
  });

  it("a stream has its line at its end, with how it ended", async () => {
    const { campaigns } = connectClients(url);
    const leaving = new AbortController();
    const left = drain(campaigns.exportCoupons({ campaignId: ID, batchSize: 2 }, { signal: leaving.signal }));
    const broken = drain(campaigns.exportCoupons({ campaignId: ID, batchSize: 1 }));
    expect(await codeOf(broken)).to.equal(Code.Unavailable);
    expect((await told(1)).map(({ answer }) => answer)).to.deep.equal(["unavailable"]);
    leaving.abort();
    await codeOf(left);
    expect((await told(2)).map(({ answer }) => answer)).to.deep.equal(["unavailable", "canceled"]);
    release();
  });

  it("a change whose caller has left is told with what became of it", async () => {
    const { campaigns } = connectClients(url);
    const leaving = new AbortController();
    const left = campaigns.endCampaign({ campaignId: ID, actor: "waits" }, { signal: leaving.signal });
    expect(await until(() => isWaiting, HANG_MS, 5)).to.equal(true);
    leaving.abort();
    await codeOf(left);
    expect((await told(1))[0]).to.include({ method: "EndCampaign", answer: "ok" });
  });
});
