import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { createVerifyJob, type VerifyState } from "../../../web/console/views/verify/verify-job.ts";
import { campaignId, type StandIn, startStandIn } from "../../support/stand-in.ts";

type End = "report" | "cut" | "end" | "denied";

describe("console: verify", () => {
  let service: StandIn;
  let ends: End[] = [];
  let opened = 0;

  before(async () => {
    service = await startStandIn({
      campaigns: {
        async *verifyCampaign() {
          opened += 1;
          const end = ends.shift() ?? "report";
          if (end === "denied") throw new ConnectError("not yours", Code.PermissionDenied);
          const value = { reading: 1, what: "codes", done: opened, of: 10 };
          yield { message: { case: "progress" as const, value } };
          if (end === "cut") service.breakConnections();
          if (end === "report")
            yield { message: { case: "report" as const, value: { issued: 7, total: 10 } } };
        },
      },
    });
  });
  beforeEach(() => {
    ends = [];
    opened = 0;
  });
  after(() => service.close());

  function job() {
    const transport = createConnectTransport({ baseUrl: service.url, httpVersion: "1.1" });
    const verifying = createVerifyJob(createClient(CampaignService, transport), campaignId, async () => {});
    const seen: VerifyState[] = [];
    verifying.state.subscribe(() => void seen.push(verifying.state.get()));
    return { verifying, seen };
  }

  it("shows the progress and ends with the report", async () => {
    const { verifying, seen } = job();
    await verifying.start();
    expect(seen.map(({ kind }) => kind)).to.deep.equal(["running", "running", "done"]);
    const last = seen.at(-1);
    expect(last?.kind === "done" && last.report).to.include({ issued: 7, total: 10 });
  });

  it("begins again where the stream breaks or ends early, a few times", async () => {
    const { verifying, seen } = job();
    ends = ["cut", "end"];
    await verifying.start();
    expect(opened).to.equal(3);
    expect(verifying.state.get().kind).to.equal("done");
    expect(seen.map((state) => (state.kind === "running" ? state.breaks : -1))).to.include.members([0, 1, 2]);

    ends = ["end", "end", "end"];
    await verifying.start();
    expect(verifying.state.get().kind).to.equal("failed");
  });

  it("does not repeat a refusal, and forgets what was cancelled", async () => {
    const { verifying } = job();
    ends = ["denied"];
    await verifying.start();
    expect(verifying.state.get().kind).to.equal("failed");
    expect(opened).to.equal(1);
    const running = verifying.start();
    verifying.cancel();
    await running;
    expect(verifying.state.get()).to.deep.equal({ kind: "idle" });
  });
});
