import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { CampaignService, OperatorRole } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { readJsonLines } from "../support/run-cli.ts";
import { runHere } from "../support/run-here.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";

const ALL = [CampaignService, EventService, RedemptionService].flatMap(({ methods }) =>
  methods.map(({ name }) => name),
);

describe("cli whoami", () => {
  let service: StandIn;
  let answer: () => object;

  before(async () => {
    service = await startStandIn({ campaigns: { getSelf: () => answer() } });
  });
  after(() => service.close());

  const whoami = (...flags: string[]) => runHere(["whoami", ...flags], { url: service.url });

  it("says the name, the role, the service, and what the role does not cover", async () => {
    const methods = ALL.filter((name) => name !== "EndCampaign" && name !== "CancelCampaign");
    answer = () => ({ name: "oidc:the-kim", role: OperatorRole.OPERATOR, methods });
    const { code, stdout, stderr } = await whoami();
    expect([code, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.equal(
      `oidc:the-kim\n  role     operator\n  service  ${service.url}\n  may not  EndCampaign, CancelCampaign\n`,
    );
  });

  it("says that a shared credential is shared, and that everything is allowed", async () => {
    answer = () => ({ name: "operator", role: OperatorRole.ADMIN, shared: true, methods: ALL });
    const { stdout } = await whoami();
    expect(stdout).to.match(/^ {2}shared {3}several people may have this credential$/m);
    expect(stdout).to.match(/^ {2}may not {2}all methods are allowed$/m);
  });

  it("prints a name that a provider chose as text, and knows a newer service's role and methods", async () => {
    answer = () => ({ name: "kim\u001b[2J\u202eadmin", role: 9, methods: [...ALL, "RewindCampaign"] });
    const { code, stdout } = await whoami();
    expect(code).to.equal(0);
    expect(stdout.split("\n")[0]).to.equal("kim\\u001b[2J\\u202eadmin");
    expect(stdout).to.match(/^ {2}role {5}operator_role_9$/m);
    expect(stdout).to.match(/^ {2}may not {2}all methods are allowed$/m);
  });

  it("--json is the answer of the service, in one line", async () => {
    answer = () => ({ name: "vera", role: OperatorRole.VIEWER, methods: ["GetSelf"] });
    const { stdout } = await whoami("--json");
    expect(stdout.split("\n")).to.have.length(2);
    expect(readJsonLines(stdout)[0]).to.include({ name: "vera", role: "OPERATOR_ROLE_VIEWER" });
  });

  it("says why where the credential is refused, and where the service is older than GetSelf", async () => {
    answer = () => {
      throw new ConnectError("the operator's key or token is not known here", Code.Unauthenticated);
    };
    const refused = await whoami();
    expect([refused.code, refused.stdout]).to.deep.equal([6, ""]);
    expect(refused.stderr).to.include("the operator's key or token is not known here");
    answer = () => {
      throw new ConnectError("GetSelf is not implemented", Code.Unimplemented);
    };
    const older = await whoami();
    expect(older.code).not.to.equal(0);
    expect(older.stdout).to.equal("");
    expect(older.stderr).to.include("no older than this command");
  });
});
