import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { localActions, serviceActions } from "../../cli/actions.ts";
import { commands } from "../../cli/vocabulary.ts";
import { CampaignState } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { runHere } from "../support/run-here.ts";
import { campaign, refusal, type StandIn, startMs, startStandIn } from "../support/stand-in.ts";

const ids = ["R1M7ZHBRD43Y7RCS84PKE7C0CK", "01M7ZHBRD43Y7RCS84PKE7C0CK", "01M7ZHBRD43AAAAAAAAAAAAAAA"];

describe("cli: a campaign id in any case, or the beginning of one", () => {
  let service: StandIn;
  const asked: string[] = [];

  before(async () => {
    service = await startStandIn({
      campaigns: {
        listCampaigns: ({ pageToken, pageSize, includeRehearsals }) => ({
          campaigns: ids
            .filter((id) => id < pageToken && (includeRehearsals || !id.startsWith("R")))
            .slice(0, pageSize)
            .map((id) => campaign({ id, name: `sale ${id.slice(-2)}` })),
        }),
        pauseCampaign(request) {
          asked.push(request.campaignId);
          return { campaign: campaign({ id: request.campaignId, state: CampaignState.PAUSED }) };
        },
      },
      coupons: {
        getCampaignStatus(request) {
          asked.push(request.campaignId);
          if (!ids.includes(request.campaignId)) throw refusal(Code.NotFound, RefusalReason.UNKNOWN_CAMPAIGN);
          return { state: CampaignState.OPEN, serverTime: timestampFromMs(startMs) };
        },
      },
    });
  });
  beforeEach(() => {
    asked.length = 0;
  });
  after(() => service.close());

  const meant: [given: string, id: string | undefined][] = [
    [ids[1] ?? "", ids[1]],
    [ids[1]?.toLowerCase() ?? "", ids[1]],
    ["01M7ZHBRD43Y", ids[1]],
    ["01m7zhbrd43a", ids[2]],
    ["r1m7", ids[0]],
  ];
  for (const [given, id] of meant) {
    it(`${given} is ${id}`, async () => {
      const { code, stderr } = await runHere(["pause", given], { url: service.url });
      expect(code, stderr).to.equal(0);
      expect(asked).to.deep.equal([id]);
      if (given.length < 26) expect(stderr).to.match(new RegExp(`^coupon: ${given} is ${id} "sale `));
    });
  }

  it("an ambiguous one changes nothing, and names those that begin so", async () => {
    const { code, stderr } = await runHere(["pause", "01m7zhbrd43"], { url: service.url });
    expect(code).to.equal(2);
    expect(stderr).to.equal(
      `coupon: several campaigns' ids begin with 01M7ZHBRD43: ${ids[1]} "sale CK", ${ids[2]} "sale AA"; give more of the one that is meant\n`,
    );
    expect(asked).to.deep.equal([]);
  });

  it("one that none begins with is not found; what is no beginning of an id is the service's to refuse", async () => {
    const none = await runHere(["status", "01ZZZZ"], { url: service.url });
    expect([none.code, none.stderr]).to.deep.equal([
      4,
      "coupon: no campaign's id begins with 01ZZZZ; coupon list shows those that there are\n",
    ]);
    const { code } = await runHere(["status", "no-id"], { url: service.url });
    expect([code, asked]).to.deep.equal([4, ["no-id"]]);
  });

  it("a beginning that is too short says how long it has to be", async () => {
    const { code, stderr } = await runHere(["status", "01M"], { url: service.url });
    expect(code).to.equal(4);
    expect(stderr).to.match(
      /^coupon: there is no campaign 01M at .*; a shortened campaign id has 4 characters or more; coupon list shows the ids\n$/,
    );
    expect(asked).to.deep.equal(["01M"]);
  });

  it("a shortened id whose look-up needs the operator token says so", async () => {
    const closed = await startStandIn({
      campaigns: {
        listCampaigns() {
          throw new ConnectError("the operators' token is needed", Code.Unauthenticated);
        },
      },
    });
    try {
      const { code, stderr } = await runHere(["status", "01M7ZH"], { url: closed.url });
      expect(code).to.equal(6);
      expect(stderr).to.include("a shortened campaign id is looked up with the operator token");
      expect(stderr).to.include("give the id in full");
    } finally {
      await closed.close();
    }
  });

  it("every verb has what it does, and nothing is done that is no verb", () => {
    const done = [...Object.keys(localActions), ...Object.keys(serviceActions)];
    expect(done).to.have.members(commands.map(({ name }) => name));
  });
});
