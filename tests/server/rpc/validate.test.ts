import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import { TOTAL_MAX, type Valid, validCampaignId, validKey, validSpace } from "../../../campaign/valid.ts";
import { DEFAULT_CODE_FORMAT } from "../../../codes/code-format.ts";
import {
  type CreateCampaignRequest,
  CreateCampaignRequestSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { campaignIdOf, newCampaignId } from "../../../record/campaign-id.ts";
import { pageToken, validCount, validNewCampaign, validPageToken } from "../../../server/rpc/validation.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;

type Given = Omit<Partial<CreateCampaignRequest>, "startsAt"> & { startsAt?: Timestamp | undefined };

function requestWith(given: Given): CreateCampaignRequest {
  const base = { name: "여름 쿠폰", total: 1_000, startsAt: timestampFromMs(NOW_MS + HOUR_MS) };
  return Object.assign(create(CreateCampaignRequestSchema, base), given);
}

/** The field that a refusal names, else the reason of the refusal, or "(valid)". */
function fieldOf(valid: Valid<unknown>): string {
  if (valid.ok) return "(valid)";
  return valid.refusal.reason === "INVALID" ? valid.refusal.field : valid.refusal.reason;
}

function messageOf(valid: Valid<unknown>): string {
  return valid.ok || valid.refusal.reason !== "INVALID" ? "" : valid.refusal.allowed;
}

/** Blanks, characters without width, a Hangul filler, the empty Braille pattern. */
const UNSEEN = ["   ", "\u00a0\u3000", "\u200b\u200d\ufeff", "\u3164", "\u2800", " \u2060\u00ad "];

const UNWANTED = [
  "\u0000",
  "\n",
  "\t",
  "\u001b[2J",
  "\u007f",
  "\u0085",
  "\u2028",
  "\u2029",
  "\ud800",
  "\ufffd",
  "\udc00",
];

describe("validation of a new campaign", () => {
  it("takes a plain one and says what it took", () => {
    expect(validNewCampaign(requestWith({}), NOW_MS)).to.deep.equal({
      ok: true,
      value: {
        name: "여름 쿠폰",
        total: 1_000,
        startsAtMs: NOW_MS + HOUR_MS,
        endsAtMs: undefined,
        onePerUser: false,
        maxPerUser: undefined,
        seriesId: undefined,
        forgetUsersAfterDays: undefined,
        codeFormat: DEFAULT_CODE_FORMAT.pattern,
        claimAuth: undefined,
        redemption: undefined,
        requestId: undefined,
        actor: "",
        metadata: [],
      },
    });
  });

  const instantOf = (seconds: bigint, nanos: number) => create(TimestampSchema, { seconds, nanos });

  const good: [string, Given][] = [
    ["a name of 200 characters, counted as characters", { name: "👍".repeat(200) }],
    ["one coupon", { total: 1 }],
    ["the largest total", { total: TOTAL_MAX }],
    ["a start that has passed", { startsAt: timestampFromMs(0) }],
    ["a start in five years", { startsAt: timestampFromMs(Date.UTC(2031, 5, 1, 12)) }],
    ["an end right after the start", { endsAt: timestampFromMs(NOW_MS + HOUR_MS + 1) }],
    ["the last end there is", { endsAt: timestampFromMs(Date.UTC(9999, 11, 31, 23, 59, 59, 999)) }],
    ["a code format", { codeFormat: "가0가0" }],
    ["a code format of letters with a prefix", { codeFormat: "SUMMER-AAAA0000" }],
    ["a decomposed code format", { codeFormat: "가0가0".normalize("NFD") }],
    ["a request id of 128 characters", { requestId: "x".repeat(128) }],
    ["one per user", { onePerUser: true }],
  ];
  for (const [what, given] of good) {
    it(`takes ${what}`, () => {
      expect(fieldOf(validNewCampaign(requestWith(given), NOW_MS))).to.equal("(valid)");
    });
  }

  const bad: [string, Given, string, RegExp][] = [
    ["no name", { name: "" }, "name", /must not be empty/],
    ["a name of 201 characters", { name: "가".repeat(201) }, "name", /has 201 characters: 1 to 200/],
    ...UNWANTED.map((text): [string, Given, string, RegExp] => [
      `a name with ${JSON.stringify(text)}`,
      { name: `a${text}b` },
      "name",
      /control character/,
    ]),
    ...UNSEEN.flatMap((text): [string, Given, string, RegExp][] => {
      const said =
        /nothing but blanks or invisible characters: 1 to \d+ characters, at least one that is visible/;
      return (["name", "actor", "requestId"] as const).map((field) => [
        `${field} of ${JSON.stringify(text)} alone`,
        { [field]: text },
        field === "requestId" ? "request_id" : field,
        said,
      ]);
    }),
    ["a total of 0", { total: 0 }, "total", /^is 0: must be at least 1$/],
    ["a negative total", { total: -1 }, "total", /is -1/],
    [
      "a total that is too large",
      { total: TOTAL_MAX + 1 },
      "total",
      /^is 5,000,001: must be at most 5,000,000$/,
    ],
    ["no start", { startsAt: undefined }, "starts_at", /is required/],
    ["a start before 1970", { startsAt: timestampFromMs(-1) }, "starts_at", /before 1970/],
    [
      "a start after five years",
      { startsAt: timestampFromMs(Date.UTC(2031, 5, 1, 12) + 1) },
      "starts_at",
      /more than 5 years ahead: at the latest 2031-06-01/,
    ],
    [
      "a start with nanoseconds below 0",
      { startsAt: instantOf(1_800_000_000n, -1) },
      "starts_at",
      /has -1 nanos/,
    ],
    [
      "a start with a second of nanoseconds",
      { startsAt: instantOf(1_800_000_000n, 1_000_000_000) },
      "starts_at",
      /0 to 999999999/,
    ],
    [
      "an end with too many nanoseconds",
      { endsAt: instantOf(1_900_000_000n, 2_000_000_000) },
      "ends_at",
      /has 2000000000 nanos/,
    ],
    ["an end before the year 1", { endsAt: instantOf(-62_135_596_801n, 0) }, "ends_at", /year 1 or later/],
    ["an end before now and the start", { endsAt: timestampFromMs(NOW_MS) }, "ends_at", /^has passed/],
    ["an end at the start", { endsAt: timestampFromMs(NOW_MS + HOUR_MS) }, "ends_at", /after starts_at/],
    [
      "an end that has passed",
      { startsAt: timestampFromMs(NOW_MS - 2 * HOUR_MS), endsAt: timestampFromMs(NOW_MS - HOUR_MS) },
      "ends_at",
      /has passed/,
    ],
    [
      "an end in the year 10000",
      { endsAt: timestampFromMs(Date.UTC(10_000, 0, 1)) },
      "ends_at",
      /before the year 10000/,
    ],
    ["a code format that is a prefix alone", { codeFormat: "SUMMER-" }, "code_format", /too few/],
    ["a code format with something else", { codeFormat: "가가0X" }, "code_format", /position 4/],
    ["a code format that is too long", { codeFormat: `가${"0".repeat(32)}` }, "code_format", /too many/],
    ["a request id of 129 characters", { requestId: "x".repeat(129) }, "request_id", /has 129/],
    ["a request id with a line break", { requestId: "a\nb" }, "request_id", /control character/],
  ];
  for (const [what, given, field, allowed] of bad) {
    it(`refuses ${what}, naming ${field}`, () => {
      const valid = validNewCampaign(requestWith(given), NOW_MS);
      expect(fieldOf(valid)).to.equal(field);
      expect(messageOf(valid)).to.match(allowed);
      expect(messageOf(valid), "names the field once only").not.to.match(new RegExp(`^${field}`));
    });
  }

  it("the last nanosecond of the year 9999 is taken", () => {
    const endsAt = instantOf(253_402_300_799n, 999_999_999);
    expect(validNewCampaign(requestWith({ endsAt }), NOW_MS).ok).to.equal(true);
  });

  it("an instant between two milliseconds is the later one: never early", () => {
    const seconds = BigInt(NOW_MS / 1_000 + 60);
    const startOf = (nanos: number) => {
      const startsAt = { ...timestampFromMs(0), seconds, nanos };
      const valid = validNewCampaign(requestWith({ startsAt }), NOW_MS);
      return valid.ok ? valid.value.startsAtMs - Number(seconds) * 1_000 : undefined;
    };
    expect([0, 1, 999_999, 1_000_000, 1_000_001, 999_999_999].map(startOf)).to.deep.equal([
      0, 1, 1, 1, 2, 1_000,
    ]);
  });

  it("whatever is asked, it is refused or within every bound (property)", () => {
    const instant = fc.record({
      seconds: fc.bigInt({ min: -1_000_000_000_000n, max: 1_000_000_000_000n }),
      nanos: fc.integer({ min: 0, max: 999_999_999 }),
    });
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 210 }),
        fc.integer({ min: -10, max: TOTAL_MAX + 10 }),
        instant,
        fc.option(instant, { nil: undefined }),
        fc.string({ unit: "binary", maxLength: 140 }),
        (name, total, startsAt, endsAt, requestId) => {
          const request = requestWith({ name, total, requestId });
          request.startsAt = { ...timestampFromMs(0), ...startsAt };
          if (endsAt !== undefined) request.endsAt = { ...timestampFromMs(0), ...endsAt };
          const valid = validNewCampaign(request, NOW_MS);
          if (!valid.ok) {
            expect(fieldOf(valid)).to.be.oneOf(["name", "total", "starts_at", "ends_at", "request_id"]);
            return;
          }
          const { value } = valid;
          expect([...value.name].length).to.be.within(1, 200);
          expect(value.total).to.be.within(1, TOTAL_MAX);
          expect(value.startsAtMs).to.be.within(0, Date.UTC(2031, 5, 1, 12));
          if (value.endsAtMs !== undefined)
            expect(value.endsAtMs).to.be.greaterThan(Math.max(NOW_MS, value.startsAtMs));
          expect(() => new Date(value.startsAtMs).toISOString()).not.to.throw();
          expect(() => new Date(value.endsAtMs ?? 0).toISOString()).not.to.throw();
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("validation of keys, ids, counts and tokens", () => {
  it("a key is 1 to 128 characters that nothing can obey, taken exactly as given", () => {
    for (const key of ["a", " a ", "정 아무개", "x".repeat(128), "👍".repeat(128), "cp:{x}", "é", "e\u0301"])
      expect(validKey("user_id", key)).to.deep.equal({ ok: true, value: key });
    for (const key of ["", "x".repeat(129), "👍".repeat(129), ...UNWANTED.map((text) => `a${text}`)])
      expect(fieldOf(validKey("user_id", key)), JSON.stringify(key)).to.equal("user_id");
    expect(fieldOf(validKey("request_id", ""))).to.equal("request_id");
  });

  it("a key that passes survives the way through UTF-8 (property)", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 130 }), (key) => {
        if (!validKey("user_id", key).ok) return;
        expect(Buffer.from(key, "utf8").toString("utf8")).to.equal(key);
        expect(key).not.to.match(/[\r\n\0]/);
      }),
    );
  });

  it("an id that cannot be ours is unknown, an empty one a mistake", () => {
    expect(fieldOf(validCampaignId(""))).to.equal("campaign_id");
    const id = newCampaignId(NOW_MS);
    for (const written of [id, id.toLowerCase(), id.slice(0, 20) + id.slice(20).toLowerCase()])
      expect(validCampaignId(written)).to.deep.equal({ ok: true, value: id });
    // A long s is an S in capitals, but no character of an id.
    expect(fieldOf(validCampaignId(`${id.slice(1)}\u017f`))).to.equal("UNKNOWN_CAMPAIGN");
    for (const wrong of ["x", `${id}0`, id.slice(1), `${id.slice(0, -1)}I`, "{}", `${id}\n`])
      expect(fieldOf(validCampaignId(wrong)), wrong).to.equal("UNKNOWN_CAMPAIGN");
  });

  it("ids are ULIDs: sorted by time, all different, and accepted (property)", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 31 }), (early, later) => {
        const [first, second] = [newCampaignId(early), newCampaignId(early + later)];
        expect(first < second).to.equal(true);
        expect([campaignIdOf(first), campaignIdOf(second)]).to.deep.equal([first, second]);
        expect(campaignIdOf(first.toLowerCase())).to.equal(first);
      }),
    );
    expect(new Set(Array.from({ length: 1_000 }, () => newCampaignId(NOW_MS))).size).to.equal(1_000);
    expect(newCampaignId(1_469_918_176_385).slice(0, 10)).to.equal("01ARYZ6S41");
  });

  it("a count is within its bounds, 0 means the default", () => {
    const count = (value: number) => validCount("page_size", value, 1, 100, 50);
    expect(count(0)).to.deep.equal({ ok: true, value: 50 });
    expect([count(1), count(100)].map(fieldOf)).to.deep.equal(["(valid)", "(valid)"]);
    expect([count(-1), count(101)].map(fieldOf)).to.deep.equal(["page_size", "page_size"]);
    expect(messageOf(count(101))).to.equal("is 101: must be at most 100, or 0 for 50");
    expect(fieldOf(validCount("interval_ms", 99, 100, 60_000, 1_000))).to.equal("interval_ms");
  });

  it("a page token comes back as the place it stands for, anything else is refused (property)", () => {
    expect(validPageToken("")).to.deep.equal({ ok: true, value: undefined });
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.nat(999_999_999), (generation, seq) => {
        const value = { generation, seq };
        expect(validPageToken(pageToken(value))).to.deep.equal({ ok: true, value });
      }),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30 }), (text) => {
        const valid = validPageToken(text);
        if (valid.ok) expect(valid.value?.seq).to.be.within(0, 999_999_999);
        else expect(fieldOf(valid)).to.equal("page_token");
      }),
    );
    for (const wrong of [
      "x",
      "1-2",
      btoa("1-2-3"),
      btoa("-1-2"),
      btoa("1234567890-1"),
      btoa("a-b"),
      btoa("1-"),
    ])
      expect(fieldOf(validPageToken(wrong)), wrong).to.equal("page_token");
  });

  it("a format must have room beside what exists", () => {
    expect(fieldOf(validSpace("가가가가가가0000", TOTAL_MAX, 0))).to.equal("(valid)");
    expect(fieldOf(validSpace("가000", 200_000, 0))).to.equal("code_format");
    expect(fieldOf(validSpace("nonsense", 1, 0))).to.equal("code_format");
    expect(messageOf(validSpace("가000", 200_000, 0))).not.to.match(/^code_format/);
  });
});
