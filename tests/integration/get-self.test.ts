import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import {
  CampaignService,
  CampaignView,
  OperatorRole,
} from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { keySetting } from "../support/operator-key.ts";
import { OPERATOR_TOKEN } from "../support/operator-token.ts";
import { runHere } from "../support/run-here.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const KEYS = {
  redeemer: "cpo_the-key-of-a-redeemer-who-asks-0123456789",
  viewer: "cpo_the-key-of-a-viewer-who-asks-0123456789",
  operator: "cpo_the-key-of-an-operator-who-asks-01234567",
  admin: "cpo_the-key-of-an-admin-who-asks-0123456789",
} as const;
const READING = [
  ...["GetCampaign", "ListCampaigns", "WatchCampaign", "ListHistory", "GetSelf", "DescribeFormats"],
  ...["GetCampaignStats", "PreflightCampaign"],
  ...["ListSinks", "GetSink", "ListDeadLetters", "ListEvents", "FollowEvents"],
];
const ADMINS = [
  ...["EndCampaign", "CancelCampaign", "EraseUsers"],
  ...["AddSink", "UpdateSink", "RotateSinkSecret", "RemoveSink", "DropDeadLetters"],
];
const REDEEMING = [
  ...["ReserveCoupon", "ConfirmRedemption", "CancelRedemption", "RedeemCoupon", "ValidateCoupon"],
];
const ALL = [CampaignService, EventService, RedemptionService].flatMap(({ methods }) =>
  methods.map(({ name }) => name),
);

type Asked = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

describe("GetSelf", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;

  before(async () => {
    const settings = Object.entries(KEYS).map(([role, key]) =>
      keySetting(`${role}-kim`, role as keyof typeof KEYS, key),
    );
    const OPERATOR_KEYS = settings.map(({ name, role, sha256 }) => `${name}:${role}:${sha256}`).join(",");
    services = createServices({ ...stores.env, OPERATOR_KEYS });
    service = await services.start();
  });
  after(() => services.end());

  /** The methods that the service does not refuse for the caller's role, asked for nothing that there is. */
  async function reachable({ campaigns, events, redemptions }: Clients): Promise<string[]> {
    const names: string[] = [];
    const methods = [
      ...CampaignService.methods.map((method) => ({ ...method, client: campaigns })),
      ...EventService.methods.map((method) => ({ ...method, client: events })),
      ...RedemptionService.methods.map((method) => ({ ...method, client: redemptions })),
    ];
    // A viewer reads a campaign without its codes, and events without coupons. No event stream goes on.
    const request = { view: CampaignView.BASIC, types: ["campaign.opened"], batchSize: -1 };
    for (const { name, localName, client } of methods) {
      const answer = (client as unknown as Record<string, Asked>)[localName]?.(request);
      const failure = await (answer instanceof Promise ? answer : firstOf(answer)).then(
        () => undefined,
        (error: unknown) => ConnectError.from(error),
      );
      const reason = failure?.findDetails(RefusalSchema)[0]?.reason;
      if (reason !== RefusalReason.PERMISSION_DENIED) names.push(name);
    }
    return names;
  }

  it("tells each role its name and exactly the methods that the service then lets it call", async () => {
    const covers = {
      redeemer: [...REDEEMING, "GetSelf"],
      viewer: READING,
      operator: ALL.filter((name) => !ADMINS.includes(name)),
      admin: ALL,
    };
    const roles = {
      redeemer: OperatorRole.REDEEMER,
      viewer: OperatorRole.VIEWER,
      operator: OperatorRole.OPERATOR,
      admin: OperatorRole.ADMIN,
    };
    for (const role of ["redeemer", "viewer", "operator", "admin"] as const) {
      const clients = connectClients(service.url, { token: KEYS[role] });
      const answer = await clients.campaigns.getSelf({});
      expect(answer, role).to.include({ name: `${role}-kim`, role: roles[role], shared: false });
      expect(answer.methods, role).to.have.members(covers[role]);
      const inOrder = ALL.filter((name) => answer.methods.includes(name));
      expect(answer.methods, `${role}: in the order of the contract`).to.deep.equal(inOrder);
      expect(await reachable(clients), `${role}: what it reaches`).to.deep.equal(answer.methods);
    }
  });

  it("says that the OPERATOR_TOKEN is shared, over gRPC too, with the server's clock", async () => {
    const connect = connectClients(service.url);
    const grpc = grpcClients(service.grpcUrl);
    try {
      for (const { campaigns } of [connect, grpc]) {
        const sentMs = Date.now();
        const { name, role, shared, methods, serverTime } = await campaigns.getSelf({});
        expect({ name, role, shared }).to.deep.equal({
          ...{ name: "operator", role: OperatorRole.ADMIN, shared: true },
        });
        expect(methods).to.deep.equal(ALL);
        expect(serverTime && timestampMs(serverTime)).to.be.within(sentMs - 1, Date.now() + 1);
      }
    } finally {
      grpc.close();
    }
  });

  it("tells nothing to a caller without a credential or with a wrong one", async () => {
    for (const token of [null, `${KEYS.admin}x`]) {
      const { campaigns } = connectClients(service.url, { token });
      const refused = await campaigns.getSelf({}).then(
        () => undefined,
        (error: unknown) => ConnectError.from(error),
      );
      expect(refused?.code).to.equal(Code.Unauthenticated);
      expect(refused?.rawMessage).not.to.match(/kim|admin|viewer/);
    }
  });

  it("is what `coupon whoami` prints", async () => {
    const asViewer = await runHere(["whoami"], { url: service.url, env: { COUPON_TOKEN: KEYS.viewer } });
    expect([asViewer.code, asViewer.stderr]).to.deep.equal([0, ""]);
    const denied = ALL.filter((name) => !READING.includes(name)).join(", ");
    expect(asViewer.stdout).to.equal(
      `viewer-kim\n  role     viewer\n  service  ${service.url}\n  may not  ${denied}\n`,
    );
    const shared = await runHere(["whoami"], { url: service.url, env: { COUPON_TOKEN: OPERATOR_TOKEN } });
    expect(shared.stdout).to.equal(
      [
        "operator",
        "  role     admin",
        `  service  ${service.url}`,
        "  shared   several people may have this credential",
        "  may not  all methods are allowed",
        "",
      ].join("\n"),
    );
  });
});

async function firstOf(stream: AsyncIterable<unknown> | undefined): Promise<unknown> {
  for await (const message of stream ?? []) return message;
  return undefined;
}
