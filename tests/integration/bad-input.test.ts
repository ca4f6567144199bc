import { gzipSync } from "node:zlib";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import type { CreateCampaignRequestSchema } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { IssueCouponRequestSchema } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReason } from "../../proto/gen/coupon/v1/refusal_pb.ts";
import { held, type Refused, refusal } from "../support/answers.ts";
import { readBooks } from "../support/books.ts";
import { createOpenCampaign, untilState } from "../support/campaign.ts";
import { type Clients, connectClients } from "../support/clients.ts";
import { post, type Reply, read } from "../support/post.ts";
import { KEY_PREFIX } from "../support/quiet-logs.ts";
import { openRawRedis, type RawRedis } from "../support/raw-redis.ts";
import { createServices, type Services } from "../support/service.ts";
import { withStores } from "../support/with-stores.ts";

const AN_HOUR_MS = 3_600_000;
const A_YEAR_MS = 365 * 24 * AN_HOUR_MS;
const UNKNOWN_ID = "01JSTANDAB0000000000000000";

type Creation = Omit<MessageInitShape<typeof CreateCampaignRequestSchema>, `$${string}`>;
type Claim = MessageInitShape<typeof IssueCouponRequestSchema>;

describe("Bad input", () => {
  const stores = withStores();
  let redis: RawRedis;
  let services: Services;
  let url: string;
  let clients: Clients;
  /** Two open campaigns, one-per-user and by request. No bad request may take a coupon of either. */
  let byUser: string;
  let byRequest: string;

  before(async () => {
    redis = await openRawRedis(stores.env.REDIS_URL);
    services = createServices(stores.env);
    url = (await services.start()).url;
    clients = connectClients(url);
    byUser = await createOpenCampaign(clients, { total: 3 });
    byRequest = await createOpenCampaign(clients, { total: 3, onePerUser: false });
  });

  after(async () => {
    try {
      await services.end();
    } finally {
      await redis.close();
    }
  });

  const soon = () => timestampFromMs(Date.now() + AN_HOUR_MS);
  const good = (): Creation => ({ name: "a test", total: 10, onePerUser: true, startsAt: soon() });
  const countCampaigns = () => stores.db.collection("campaigns").countDocuments();

  async function expectNothingCreated(work: () => Promise<void>): Promise<void> {
    const before = await countCampaigns();
    await work();
    expect(await countCampaigns(), "campaigns").to.equal(before);
  }

  async function expectNothingIssued(work: () => Promise<void>): Promise<void> {
    await work();
    for (const id of [byUser, byRequest]) {
      const books = await readBooks(redis, stores.db, id);
      expect([books.issuances.length, books.open.length, Object.keys(books.claims)]).to.deep.equal([
        0,
        3,
        [],
      ]);
    }
  }

  function expectInvalid(refused: Refused, field: string, ...words: readonly string[]): void {
    expect([refused.code, refused.reason], refused.message).to.deep.equal([Code.InvalidArgument, "INVALID"]);
    expect(refused.message.startsWith(`${field}: `), refused.message).to.equal(true);
    for (const word of words) expect(refused.message).to.include(word);
    expect(Number(refused.detail?.retryAfterMs), "asking again does not help").to.equal(0);
    expect(refused.detail?.serverTime, "server_time").not.to.equal(undefined);
  }

  describe("to CreateCampaign is refused and creates nothing", () => {
    const cases: [what: string, field: string, change: () => Creation, ...words: string[]][] = [
      ["total 0", "total", () => ({ total: 0 }), "must be at least 1"],
      ["total -1", "total", () => ({ total: -1 }), "-1"],
      ["total 5,000,001", "total", () => ({ total: 5_000_001 }), "is 5,000,001: must be at most 5,000,000"],
      ["an empty name", "name", () => ({ name: "" }), "1 to 200"],
      ["a name of 300 characters", "name", () => ({ name: "n".repeat(300) }), "300"],
      ["a name with a line break", "name", () => ({ name: "one\ntwo" }), "control"],
      ["a name with an escape", "name", () => ({ name: "one\u001b[31mred" }), "control"],
      [
        "start more than five years ahead",
        "starts_at",
        () => ({ startsAt: timestampFromMs(Date.now() + 5.1 * A_YEAR_MS) }),
        "5 years",
      ],
      [
        "end before start",
        "ends_at",
        () => ({ endsAt: timestampFromMs(Date.now() + AN_HOUR_MS / 2) }),
        "starts_at",
      ],
      [
        "end with start",
        "ends_at",
        () => {
          const startsAt = soon();
          return { startsAt, endsAt: startsAt };
        },
        "after starts_at",
      ],
      [
        "end in the past",
        "ends_at",
        () => ({
          startsAt: timestampFromMs(Date.now() - AN_HOUR_MS),
          endsAt: timestampFromMs(Date.now() - AN_HOUR_MS / 2),
        }),
        "passed",
      ],
      ["a format with another letter", "code_format", () => ({ codeFormat: "가가AB00" }), "position 4"],
      ["a format of other syllables", "code_format", () => ({ codeFormat: "나나나나0000" }), "position 1"],
      ["a prefix that is a pattern", "code_format", () => ({ codeFormat: "AAAA-000000" }), "before a hyphen"],
      ["a format of 3", "code_format", () => ({ codeFormat: "가가0" }), "4 to 32"],
      ["a format of 33", "code_format", () => ({ codeFormat: `PROMO-${"0".repeat(28)}` }), "4 to 32"],
      ["a request id of 300 characters", "request_id", () => ({ requestId: "r".repeat(300) }), "128"],
      ["a request id with a tab", "request_id", () => ({ requestId: "one\ttwo" }), "control"],
    ];
    for (const [what, field, change, ...words] of cases) {
      it(what, () =>
        expectNothingCreated(async () => {
          const request = { ...good(), ...change() };
          expectInvalid(await refusal(clients.campaigns.createCampaign(request)), field, ...words);
        }),
      );
    }

    it("total or start absent", () =>
      expectNothingCreated(async () => {
        const { total: _, ...withoutTotal } = good();
        expectInvalid(
          await refusal(clients.campaigns.createCampaign(withoutTotal)),
          "total",
          "must be at least 1",
        );
        const { startsAt: __, ...withoutStart } = good();
        expectInvalid(await refusal(clients.campaigns.createCampaign(withoutStart)), "starts_at", "required");
      }));

    it("a format too small for the total, with the arithmetic", () =>
      expectNothingCreated(async () => {
        const request = { ...good(), total: 1_000, codeFormat: "가0가0" };
        const refused = await refusal(clients.campaigns.createCampaign(request));
        expectInvalid(
          refused,
          "code_format",
          "가0가0",
          " × 10 × ",
          "1,000 coupons need at least 1,000,000,000",
        );
        const [, product, codes] = /has ([\d ×]+) = ([\d,]+) codes/.exec(refused.message) ?? [];
        const multiplied = (product ?? "").split(" × ").reduce((all, factor) => all * Number(factor), 1);
        expect(codes, "what the factors give").to.equal(multiplied.toLocaleString("en-US"));
      }));

    const wire: [what: string, field: string, body: object][] = [
      ["total as words", "total", { total: "many" }],
      ["total as a fraction", "total", { total: 1.5 }],
      ["total beyond 32 bits", "total", { total: 1e12 }],
      ["total as a list", "total", { total: [1] }],
      ["a name that is a number", "name", { name: 7 }],
      ["a start that is no instant", "starts_at", { startsAt: "next Tuesday" }],
      ["a start without a zone", "starts_at", { startsAt: "2027-01-01T00:00:00" }],
      ["a start as a number", "starts_at", { startsAt: 1_800_000_000 }],
      ["a start on 30 February", "starts_at", { startsAt: "2027-02-30T10:00:00Z" }],
      ["an end at hour 24", "ends_at", { endsAt: "2027-12-31T24:00:00Z" }],
      ["one_per_user as words", "one_per_user", { onePerUser: "yes" }],
    ];
    for (const [what, field, change] of wire) {
      it(`in JSON: ${what}`, () =>
        expectNothingCreated(async () => {
          const startsAt = new Date(Date.now() + AN_HOUR_MS).toISOString();
          const body = { name: "a test", total: 10, startsAt, ...change };
          const { status, code, message } = await post(url, "CampaignService/CreateCampaign", body);
          expect([status, code], message).to.deep.equal([400, "invalid_argument"]);
          expect(message).to.match(new RegExp(`^${field}: is |\\bCreateCampaignRequest\\.${field}\\b`));
        }));
    }
  });

  describe("that is only unusual is understood by CreateCampaign", () => {
    it("total as a string of digits, as JSON may write numbers", async () => {
      const startsAt = new Date(Date.now() + AN_HOUR_MS).toISOString();
      const { status, json } = await post(url, "CampaignService/CreateCampaign", {
        name: "a test",
        total: "12",
        startsAt,
      });
      expect(status).to.equal(200);
      expect(json?.["campaign"]).to.include({ total: 12, state: "CAMPAIGN_STATE_GENERATING" });
    });

    it("a start with an offset", async () => {
      const year = new Date().getUTCFullYear() + 1;
      const { json } = await post(url, "CampaignService/CreateCampaign", {
        name: "a test",
        total: 1,
        startsAt: `${year}-01-01T08:30:00.5+09:00`,
        endsAt: `${year}-01-01T00:00:00-01:00`,
      });
      expect(json?.["campaign"]).to.include({
        startsAt: `${year - 1}-12-31T23:30:00.500Z`,
        endsAt: `${year}-01-01T01:00:00Z`,
      });
    });

    it("a start between two milliseconds, rounded up", async () => {
      const startsAt = soon();
      startsAt.nanos = 123_000_001;
      const { campaign } = await clients.campaigns.createCampaign({ ...good(), startsAt });
      expect(campaign?.startsAt?.nanos).to.equal(124_000_000);
    });

    it("a start in the past: opens at once, and the notices say so", async () => {
      const startsAt = timestampFromMs(Date.now() - A_YEAR_MS);
      const { campaign, notices } = await clients.campaigns.createCampaign({ ...good(), startsAt });
      expect(notices.join()).to.include("starts_at has passed").and.to.include("opens as soon as");
      const open = await untilState(clients, campaign?.id ?? "", "OPEN");
      expect(open.startsAt).to.deep.equal(startsAt);
      expect(open.openedAt && timestampMs(open.openedAt)).to.be.greaterThan(timestampMs(startsAt));
      const { notices: none } = await clients.campaigns.createCampaign(good());
      expect(none).to.deep.equal([]);
    });

    it("a decomposed (NFD) format, and a name of 200 characters", async () => {
      const codeFormat = "가가가가가가0000".normalize("NFD");
      expect(codeFormat.length).to.be.greaterThan(10);
      const name = "🎟".repeat(200);
      const { campaign } = await clients.campaigns.createCampaign({ ...good(), name, codeFormat });
      expect([campaign?.codeFormat, campaign?.name]).to.deep.equal(["가가가가가가0000", name]);
    });
  });

  describe("to IssueCoupon is refused and issues nothing", () => {
    const cases: [what: string, field: string, claim: () => Claim, ...words: string[]][] = [
      ["no campaign id", "campaign_id", () => ({ userId: "u" }), "empty"],
      ["no user id where each user gets one", "user_id", () => ({ campaignId: byUser }), "empty"],
      [
        "only a request id where each user gets one",
        "user_id",
        () => ({ campaignId: byUser, requestId: "r" }),
        "empty",
      ],
      [
        "a user id of 300 characters",
        "user_id",
        () => ({ campaignId: byUser, userId: "u".repeat(300) }),
        "300",
        "128",
      ],
      [
        "a user id of 129 symbols beyond 16 bits",
        "user_id",
        () => ({ campaignId: byUser, userId: "🎟".repeat(129) }),
        "129",
      ],
      ["a user id with NUL", "user_id", () => ({ campaignId: byUser, userId: "a\0b" }), "control"],
      ["a user id with a line break", "user_id", () => ({ campaignId: byUser, userId: "a\nb" }), "control"],
      ["a user id with U+0085", "user_id", () => ({ campaignId: byUser, userId: "a\u0085b" }), "control"],
      ["a user id with U+2028", "user_id", () => ({ campaignId: byUser, userId: "a\u2028b" }), "control"],
      [
        "a bad user id where the request is the key",
        "user_id",
        () => ({ campaignId: byRequest, requestId: "r", userId: "a\nb" }),
        "control",
      ],
      [
        "a request id of 300 characters",
        "request_id",
        () => ({ campaignId: byRequest, requestId: "r".repeat(300) }),
        "128",
      ],
      [
        "a request id with an escape",
        "request_id",
        () => ({ campaignId: byRequest, requestId: "\u001b[2J" }),
        "control",
      ],
    ];
    for (const [what, field, claim, ...words] of cases) {
      it(what, () =>
        expectNothingIssued(async () =>
          expectInvalid(await refusal(clients.coupons.issueCoupon(claim())), field, ...words),
        ),
      );
    }

    it("half a surrogate pair in JSON", () =>
      expectNothingIssued(async () => {
        const body = `{"campaignId":"${byUser}","userId":"a\\ud800b"}`;
        const { code, message } = await post(url, "CouponService/IssueCoupon", body);
        expect(code, message).to.equal("invalid_argument");
      }));

    it("ids of no campaign, well-formed or not", () =>
      expectNothingIssued(async () => {
        const strange = [
          "x",
          "*",
          "{}",
          "{*}",
          "cp:{x}:meta",
          "01JSTANDAB{}*00000000000000",
          "../../etc",
          "$where",
          "\n",
        ];
        for (const campaignId of [
          UNKNOWN_ID,
          UNKNOWN_ID.toLowerCase(),
          byUser.slice(1),
          `${byUser} `,
          ...strange,
        ]) {
          const calls = [
            clients.coupons.issueCoupon({ campaignId, userId: "u" }),
            clients.coupons.findCoupon({ campaignId, userId: "u" }),
            clients.coupons.getCampaignStatus({ campaignId }),
            clients.campaigns.getCampaign({ campaignId }),
            clients.campaigns.preflightCampaign({ campaignId }),
          ];
          for (const refused of await Promise.all(calls.map(refusal))) {
            expect([refused.code, refused.reason]).to.deep.equal([Code.NotFound, "UNKNOWN_CAMPAIGN"]);
            expect(refused.message).to.include("campaign_id");
          }
        }
      }));
  });

  describe("that is only unusual gets a coupon of its own", () => {
    it("user ids that mean something elsewhere", async () => {
      const userIds = [
        ..."{x} * $where __proto__ constructor 0 null".split(" "),
        "a b",
        "🎟".repeat(128),
        "é",
        "é".normalize("NFD"),
        "%s%n",
        "<script>",
        '"}',
      ];
      const campaignId = await createOpenCampaign(clients, { total: userIds.length });
      const codes = new Set<string>();
      for (const userId of userIds) {
        const { coupon, replayed } = await clients.coupons.issueCoupon({ campaignId, userId });
        expect(replayed, `the first answer to ${userId}`).to.equal(false);
        const found = await clients.coupons.findCoupon({ campaignId, userId });
        expect(held(found.coupon)).to.deep.equal(held(coupon));
        codes.add(held(coupon).code);
      }
      expect(codes.size).to.equal(userIds.length);
    });
  });

  describe("to FindCoupon", () => {
    it("a code however it was typed finds the coupon", async () => {
      const campaignId = await createOpenCampaign(clients, { total: 2 });
      const { coupon } = await clients.coupons.issueCoupon({ campaignId, userId: `${KEY_PREFIX}typist` });
      const { code } = held(coupon);
      const fullWidth = code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
      const typed = [
        code,
        code.normalize("NFD"),
        [...code].join(" "),
        [...code].join("-"),
        `${code.slice(0, 6)}-${code.slice(6)}`,
        `  ${code}\t`,
        ` ${code.slice(0, 3)} – ${code.slice(3)}`.normalize("NFD"),
        fullWidth,
      ];
      for (const input of typed) {
        const found = await clients.coupons.findCoupon({ campaignId, code: input });
        expect(held(found.coupon)).to.deep.equal(held(coupon));
      }
      const elsewhere = await refusal(clients.coupons.findCoupon({ campaignId: byUser, code }));
      expect([elsewhere.code, elsewhere.reason], "in another campaign").to.deep.equal([
        Code.NotFound,
        "NO_COUPON",
      ]);
    });

    it("codes that cannot be one are refused without an echo", async () => {
      for (const code of ["ABÇD", "가나다라1234567".repeat(3), "-", " ", "가".repeat(300), "가\u00000"]) {
        const refused = await refusal(clients.coupons.findCoupon({ campaignId: byUser, code }));
        expectInvalid(refused, "code");
        expect(refused.message).not.to.include(code.trim() === "" || code === "-" ? "\0" : code);
      }
      const unissued = (await readBooks(redis, stores.db, byUser)).open[0] ?? "";
      const refused = await refusal(clients.coupons.findCoupon({ campaignId: byUser, code: unissued }));
      expect([refused.code, refused.reason]).to.deep.equal([Code.NotFound, "NO_COUPON"]);
      expect(refused.message).not.to.include(unissued);
    });

    it("no selector, or two", async () => {
      const campaignId = byUser;
      for (const selectors of [{}, { userId: "u", code: "가0" }, { userId: "u", requestId: "r" }]) {
        const refused = await refusal(clients.coupons.findCoupon({ campaignId, ...selectors }));
        expectInvalid(refused, "user_id, request_id, code", "exactly one");
      }
    });

    it("the selector of the other kind of campaign", async () => {
      const byTheWrongId = clients.coupons.findCoupon({ campaignId: byUser, requestId: "r" });
      expectInvalid(await refusal(byTheWrongId), "user_id", "one coupon per user");
      const byTheWrongUser = clients.coupons.findCoupon({ campaignId: byRequest, userId: "u" });
      expectInvalid(await refusal(byTheWrongUser), "request_id", "by request");
      const tooLong = clients.coupons.findCoupon({ campaignId: byUser, userId: "u".repeat(300) });
      expectInvalid(await refusal(tooLong), "user_id", "300");
      const nobody = await refusal(clients.coupons.findCoupon({ campaignId: byUser, userId: "nobody" }));
      expect([nobody.code, nobody.reason]).to.deep.equal([Code.NotFound, "NO_COUPON"]);
    });
  });

  describe("to the operators' look-ups", () => {
    it("no code and no claim key, or more than a campaign goes by", async () => {
      const user = { userId: "u" };
      const request = { requestId: "r" };
      const all = "code, user_id, request_id";
      for (const [fields, field, ...words] of [
        [{}, all, "give the code"],
        [{ campaignId: byUser }, all, "give the code"],
        [{ code: "가0", ...user, campaignId: byUser }, all, "alone"],
        [{ code: "가0", ...request }, all, "alone"],
        [user, "campaign_id", "must not be empty"],
        [request, "campaign_id", "must not be empty"],
        [{ campaignId: byUser, ...request }, "user_id", "one coupon per user"],
        [{ campaignId: byUser, ...request, ...user }, "request_id", "must be empty", "one coupon per user"],
        [{ campaignId: byRequest, ...user }, "request_id", "by request"],
        [{ campaignId: byUser, userId: "u".repeat(300) }, "user_id", "300"],
        [{ campaignId: byUser, userId: " " }, "user_id", "visible"],
        [{ campaignId: byRequest, requestId: "r\n" }, "request_id", "control"],
      ] as const) {
        const refused = await refusal(clients.campaigns.findIssuance(fields));
        expectInvalid(refused, field, ...words);
      }
      for (const fields of [
        { campaignId: byUser, ...user },
        { campaignId: byRequest, ...request },
        { campaignId: byRequest, ...request, ...user },
      ]) {
        const nobody = await refusal(clients.campaigns.findIssuance(fields));
        expect([nobody.code, nobody.reason]).to.deep.equal([Code.NotFound, "NO_COUPON"]);
      }
      const nowhere = await refusal(clients.campaigns.findIssuance({ campaignId: UNKNOWN_ID, ...user }));
      expect(nowhere.reason).to.equal("UNKNOWN_CAMPAIGN");
    });

    it("proofs and commitments: an id that is none, and none or several keys", async () => {
      const { coupons } = clients;
      expectInvalid(await refusal(coupons.getCampaignCommitment({ campaignId: "" })), "campaign_id");
      const all = "user_id, request_id, code";
      for (const keys of [{}, { userId: "u", code: "가0" }, { userId: "u", requestId: "r" }])
        expectInvalid(await refusal(coupons.getIssuanceProof({ campaignId: byUser, ...keys })), all);
      const certifying = clients.campaigns.certifyCampaign({ campaignId: "" })[Symbol.asyncIterator]();
      expectInvalid(await refusal(certifying.next()), "campaign_id");
    });

    it("page sizes, batch sizes and intervals out of range", async () => {
      const { campaigns } = clients;
      const firstOf = async (stream: AsyncIterable<unknown>) => {
        for await (const message of stream) return message;
        return undefined;
      };
      const campaignId = byUser;
      const calls: [string, () => Promise<unknown>][] = [
        ["page_size", () => campaigns.getCampaign({ campaignId, pageSize: -1 })],
        ["page_size", () => campaigns.getCampaign({ campaignId, pageSize: 1_000_001 })],
        ["page_size", () => campaigns.listCampaigns({ pageSize: -1 })],
        ["page_size", () => campaigns.listCampaigns({ pageSize: 101 })],
        ["batch_size", () => firstOf(campaigns.exportCoupons({ campaignId, batchSize: -1 }))],
        ["batch_size", () => firstOf(campaigns.exportCoupons({ campaignId, batchSize: 10_001 }))],
        ["interval_ms", () => firstOf(campaigns.watchCampaign({ campaignId, intervalMs: 99 }))],
        ["interval_ms", () => firstOf(campaigns.watchCampaign({ campaignId, intervalMs: 60_001 }))],
        ["campaign_id", () => firstOf(campaigns.watchCampaign({}))],
        ["campaign_id", () => campaigns.preflightCampaign({})],
      ];
      for (const [field, call] of calls) expectInvalid(await refusal(call()), field);
    });

    it("page tokens that we never gave", async () => {
      const { campaigns } = clients;
      for (const pageToken of [
        "x",
        "MS0",
        "!!!",
        "1-1",
        Buffer.from("1-999999999999").toString("base64url"),
      ]) {
        const page = await refusal(campaigns.getCampaign({ campaignId: byUser, pageToken }));
        expectInvalid(page, "page_token", "next_page_token");
        expectInvalid(await refusal(campaigns.listCampaigns({ pageToken })), "page_token", "next_page_token");
      }
    });
  });

  describe("on the wire", () => {
    const issue = "CouponService/IssueCoupon";

    function expectReply({ status, code, message }: Reply, wanted: [number, string]): void {
      expect([status, code], message).to.deep.equal(wanted);
      expect(message, "no stack trace").not.to.match(/\n\s+at |node_modules/);
    }

    it("a body of 1 MB, plain or compressed, is refused before it is read whole", () =>
      expectNothingIssued(async () => {
        const large = JSON.stringify({ campaignId: byUser, userId: "u".repeat(1_000_000) });
        expectReply(await post(url, issue, large), [429, "resource_exhausted"]);
        const gzipped = gzipSync(large);
        expect(gzipped.length).to.be.lessThan(4_096);
        const reply = await post(url, issue, new Uint8Array(gzipped), { "content-encoding": "gzip" });
        expectReply(reply, [429, "resource_exhausted"]);
        const noise = new Uint8Array(1_000_000).fill(255);
        const binary = await post(url, issue, noise, { "content-type": "application/proto" });
        expectReply(binary, [429, "resource_exhausted"]);
      }));

    it("JSON that is none", () =>
      expectNothingIssued(async () => {
        for (const body of ['{"campaignId":', "[]", "7", "null", "", '{"campaignId":"x"}}', "\0", '"x"']) {
          expectReply(await post(url, issue, body), [400, "invalid_argument"]);
        }
      }));

    it("protobuf that is none", () =>
      expectNothingIssued(async () => {
        for (const bytes of [[255, 255], [10, 200], [10, 2, 255, 254], [8]]) {
          const reply = await post(url, issue, new Uint8Array(bytes), {
            "content-type": "application/proto",
          });
          expectReply(reply, [400, "invalid_argument"]);
          expect(reply.message).to.match(/^request: is malformed: /);
        }
      }));

    it("compression that is none, or unknown", () =>
      expectNothingIssued(async () => {
        const notGzip = await post(url, issue, "not gzip", { "content-encoding": "gzip" });
        expectReply(notGzip, [400, "invalid_argument"]);
        const unknown = await post(url, issue, "x", { "content-encoding": "zstd" });
        expectReply(unknown, [501, "unimplemented"]);
      }));

    it("fields that do not exist are ignored, as clients of a later version may send them", () =>
      expectNothingIssued(async () => {
        const reply = await post(url, issue, { campaignId: UNKNOWN_ID, userId: "u", colour: "red" });
        expectReply(reply, [404, "not_found"]);
        expect(reply.refusal?.reason).to.equal(RefusalReason.UNKNOWN_CAMPAIGN);
      }));

    it("a content type that is none of ours, and other methods than POST", () =>
      expectNothingIssued(async () => {
        const body = { campaignId: byUser, userId: "u" };
        for (const contentType of [
          "text/plain",
          "application/x-www-form-urlencoded",
          "application/xml",
          "json",
        ]) {
          expect((await post(url, issue, body, { "content-type": contentType })).status).to.equal(415);
        }
        const rpc = new URL(`/coupon.v1.${issue}`, url);
        const query = new URLSearchParams({ connect: "v1", encoding: "json", message: JSON.stringify(body) });
        for (const target of [rpc, new URL(`?${query}`, rpc)]) {
          const got = await fetch(target);
          expect(got.status, "GET").to.equal(405);
          await got.body?.cancel();
        }
        for (const method of ["PUT", "DELETE", "PATCH"]) {
          const got = await fetch(rpc, {
            method,
            headers: { "content-type": "application/json" },
            body: "{}",
          });
          expect(got.status, method).to.equal(405);
          await got.body?.cancel();
        }
      }));

    it("methods and paths that do not exist", async () => {
      const method = await post(url, "CouponService/TakeCoupon", {});
      expect([method.status, method.code]).to.deep.equal([404, "unimplemented"]);
      const page = await read(await fetch(new URL("/admin", url)));
      expect([page.status, page.contentType.split(";")[0]]).to.deep.equal([404, "application/json"]);
    });

    it("and after all of it the service is well", async () => {
      expect((await fetch(new URL("/healthz", url))).status).to.equal(200);
      expect(services.lines.filter((line) => line.includes("this is a bug"))).to.deep.equal([]);
      const { coupon } = await clients.coupons.issueCoupon({
        campaignId: byUser,
        userId: `${KEY_PREFIX}last`,
      });
      expect(held(coupon).seq).to.equal(1);
    });
  });
});
