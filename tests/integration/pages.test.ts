import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { refusal } from "../support/answers.ts";
import { createCampaign, createOpenCampaign } from "../support/campaign.ts";
import { type Clients, connectClients, grpcClients } from "../support/clients.ts";
import { readMetrics } from "../support/metrics-page.ts";
import { post } from "../support/post.ts";
import { KEY_PREFIX, leakIn } from "../support/quiet-logs.ts";
import { runToEnd } from "../support/run-to-end.ts";
import { createServices, type Service, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const TOKEN = "a-token-of-the-operators-0123456789";
const user = (i: number) => `${KEY_PREFIX}${i}`;

describe("The pages and the doors of a service", () => {
  const stores = withStores();
  let services: Services;
  let service: Service;
  let operator: Clients;
  let anyone: Clients;

  before(async () => {
    services = createServices({ ...stores.env, OPERATOR_TOKEN: TOKEN });
    service = await services.start();
    operator = connectClients(service.url, { token: TOKEN });
    anyone = connectClients(service.url, { token: null });
  });

  after(async () => {
    await services.end();
  });

  it("/healthz and /readyz say that it is well, as JSON", async () => {
    for (const [path, status] of [
      ["/healthz", "ok"],
      ["/readyz", "ready"],
    ] as const) {
      const page = await fetch(new URL(path, service.url));
      expect([page.status, page.headers.get("content-type")?.split(";")[0]]).to.deep.equal([
        200,
        "application/json",
      ]);
      expect(await page.json()).to.deep.equal({ status });
      expect(page.headers.get("x-powered-by")).to.equal(null);
    }
  });

  it("/metrics has every metric, and they move with the claims", async () => {
    const total = 3;
    const before = await readMetrics(service.url);
    const campaignId = await createOpenCampaign(operator, { total, startsAtMs: Date.now() - 5_000 });
    const claim = (userId: string) => anyone.coupons.issueCoupon({ campaignId, userId });
    for (let i = 0; i < total; i++) await claim(user(i));
    await claim(user(0));
    await refusal(claim(user(total)));
    await refusal(claim(""));
    await refusal(anyone.coupons.issueCoupon({ campaignId: "nowhere", userId: user(0) }));
    const { id: later } = await createCampaign(operator, { total: 1, startsAtMs: Date.now() + 3_600_000 });
    await refusal(anyone.coupons.issueCoupon({ campaignId: later, userId: user(0) }));

    const after = await readMetrics(service.url);
    const moved = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    const outcome = (name: string) => moved(`coupon_claims_total{outcome="${name}"}`);
    expect([
      outcome("issued"),
      outcome("replayed"),
      outcome("sold_out"),
      outcome("invalid"),
      outcome("unknown_campaign"),
      outcome("not_started") + outcome("not_ready"),
    ]).to.deep.equal([total, 1, 1, 1, 1, 1]);
    // The number is higher if a claim passed its deadline on a busy machine and was sent again.
    expect(moved("coupon_claim_batch_size_sum"), "claims that went to Redis").to.be.at.least(total + 2);
    expect(moved("coupon_commit_batch_size_sum"), "issuances that went to MongoDB").to.equal(total);
    for (const histogram of [
      "coupon_claim_seconds",
      "coupon_commit_seconds",
      "coupon_arm_lateness_seconds",
    ]) {
      expect(moved(`${histogram}_count`), histogram).to.be.greaterThan(0);
    }
    expect(moved('coupon_pool_loads_total{outcome="loaded"}')).to.be.greaterThan(0);
    for (const queue of ["claims", "commits", "settles"]) {
      expect(after.get(`coupon_queue_depth{queue="${queue}"}`), queue).to.equal(0);
    }
    for (const name of ["coupon_ledger_depth", "coupon_swept_total", "process_cpu_seconds_total"]) {
      expect(after.has(name), name).to.equal(true);
    }
    const text = await (await fetch(new URL("/metrics", service.url))).text();
    expect(text).to.include("# HELP coupon_alarms_total");
    // Those of live campaigns are as many as docs/observability.md says.
    const bounded = text.split("\n").filter((line) => !line.startsWith("coupon_campaign_"));
    expect(bounded.join("\n"), "labels are bounded").not.to.include(campaignId);
    expect(text.split("\n").filter(leakIn), "codes and users").to.deep.equal([]);
  });

  it("operators need their token, the public does not", async () => {
    const before = await stores.db.collection("campaigns").countDocuments();
    const wrong = [
      undefined,
      "",
      "wrong",
      TOKEN.slice(1),
      `${TOKEN}x`,
      TOKEN.toUpperCase(),
      TOKEN.slice(0, 16),
    ];
    for (const token of wrong) {
      const { campaigns } = connectClients(service.url, { token: token ?? null });
      const firstOf = async (stream: AsyncIterable<unknown>) => {
        for await (const message of stream) return message;
        return undefined;
      };
      const calls = [
        () => campaigns.createCampaign({ name: "mine", total: 1 }),
        () => campaigns.getCampaign({ campaignId: "x" }),
        () => campaigns.listCampaigns({}),
        () => firstOf(campaigns.watchCampaign({ campaignId: "x" })),
        () => firstOf(campaigns.exportCoupons({ campaignId: "x" })),
        () => campaigns.describeFormats({}),
        () => campaigns.getSelf({}),
        () => campaigns.findIssuance({ code: "가0" }),
      ];
      // A wrong token once only: many are limited.
      for (const call of token === undefined ? calls : calls.slice(0, 1))
        expect((await refusal(call())).code).to.equal(Code.Unauthenticated);
    }
    const asCurl = await post(service.url, "CampaignService/ListCampaigns", {}, { authorization: "" });
    expect([asCurl.status, asCurl.code]).to.deep.equal([401, "unauthenticated"]);
    const notBearer = await post(service.url, "CampaignService/ListCampaigns", {}, { authorization: TOKEN });
    expect(notBearer.status).to.equal(401);
    const right = await post(
      service.url,
      "CampaignService/ListCampaigns",
      {},
      { authorization: `Bearer ${TOKEN}` },
    );
    expect(right.status).to.equal(200);
    const grpc = grpcClients(service.grpcUrl, null);
    try {
      expect((await refusal(grpc.campaigns.listCampaigns({}))).code).to.equal(Code.Unauthenticated);
      const public_ = await refusal(grpc.coupons.getCampaignStatus({ campaignId: "x" }));
      expect(public_.reason).to.equal("UNKNOWN_CAMPAIGN");
    } finally {
      grpc.close();
    }
    expect(await stores.db.collection("campaigns").countDocuments(), "campaigns").to.equal(before);
    const open = await refusal(anyone.coupons.issueCoupon({ campaignId: "x", userId: "u" }));
    expect(open.reason).to.equal("UNKNOWN_CAMPAIGN");
  });

  it("refuses to face the network without a token, or with a short one", async () => {
    const env = { ...stores.env, HOST: "0.0.0.0", PORT: "0" };
    const [none, short] = await Promise.all([runToEnd(env), runToEnd({ ...env, OPERATOR_TOKEN: "short" })]);
    for (const { code, stderr } of [none, short]) {
      expect(code).to.equal(2);
      expect(stderr).to.match(/^coupon: configuration: .*OPERATOR_TOKEN.*\n$/);
    }
    expect(none.stderr).to.include("HOST 0.0.0.0");
    expect(short.stderr, "the token itself").not.to.include('"short"');
  });

  it("its logs, at the most talkative level, hold no code, no user and no token", async () => {
    const made = await stores.db.collection<{ _id: string }>("coupons").find().toArray();
    expect(made.length).to.be.greaterThan(0);
    expect(
      services.lines.filter((line) => line.includes('"msg":"campaign created"')).length,
    ).to.be.greaterThan(0);
    const secrets = [TOKEN, KEY_PREFIX, ...made.map((coupon) => coupon._id)];
    const told = services.lines.filter((line) => secrets.some((secret) => line.includes(secret)));
    expect(told).to.deep.equal([]);
  });
});
