import type { AddressInfo } from "node:net";
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromJsonString,
  ScalarType,
} from "@bufbuild/protobuf";
import { AnySchema, TimestampSchema, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import fc from "fast-check";
import { createRefusedCredentials } from "../../../claims/refused-credentials.ts";
import {
  CampaignService,
  RescheduleCampaignRequestSchema,
} from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { CouponService, IssueCouponRequestSchema } from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { EventService } from "../../../proto/gen/coupon/v1/event_service_pb.ts";
import { RedemptionService } from "../../../proto/gen/coupon/v1/redemption_service_pb.ts";
import { RefusalReason, RefusalSchema } from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { type App, buildApp } from "../../../server/app.ts";
import { strictDecoder } from "../../../server/rpc/strict-json.ts";
import { anyone } from "../../support/anyone.ts";
import { inParallel } from "../../support/in-parallel.ts";
import { JSON_TRANSPORTS } from "../../support/json-transports.ts";
import { silentLogger } from "../../support/shared-stores.ts";

const METHODS: readonly DescMethod[] = [CouponService, CampaignService, RedemptionService].flatMap(
  ({ methods }) => methods,
);

/** Texts that are no instant, or that a lenient parser would read as another instant; as JSON. */
const WRONG_INSTANTS = [
  ...['"2027-02-30T10:00:00Z"', '"2027-02-29T00:00:00Z"', '"1900-02-29T00:00:00Z"', '"2027-04-31T10:00:00Z"'],
  ...['"2027-13-01T00:00:00Z"', '"2027-00-01T00:00:00Z"', '"2027-01-00T00:00:00Z"', '"2027-01-32T00:00:00Z"'],
  ...['"2027-02-28T24:00:00Z"', '"2027-02-28T23:60:00Z"', '"2027-02-28T23:59:60Z"', '"0000-01-01T00:00:00Z"'],
  ...['"2027-01-01T00:00:00+24:00"', '"2027-01-01T00:00:00+09:60"', '"2027-01-01T00:00:00+0900"'],
  ...['"2027-01-01T00:00:00"', '"2027-01-01 00:00:00Z"', '"2027-01-01t00:00:00Z"', '"2027-01-01T00:00:00z"'],
  // Their offset moves them out of the range of a Timestamp.
  ...['"0001-01-01T00:00:00+09:00"', '"9999-12-31T23:59:59-09:00"'],
  ...['"2027-01-01T00:00Z"', '"2027-01-01"', '"2027-01-01T00:00:00.Z"', '"2027-01-01T00:00:00.1234567890Z"'],
  ...[
    '"2027-01-01T00:00:00Z "',
    '"+2027-01-01T00:00:00Z"',
    '"next Tuesday"',
    '""',
    "1800000000",
    "true",
    "{}",
  ],
];
const WRONG_NUMBERS = [
  '"0x10"',
  '"0b1"',
  '"+5"',
  '"05"',
  '" 5"',
  '"5 "',
  '""',
  '"1_000"',
  '"five"',
  "9007199254740993",
  ...["4999999.9999999999999", "5.0", '"60000.0"', "1e2", '"1e2"'],
];
const WRONG_NAMES = ['"BASIC"', '"campaign_view_basic"', '"1"', '""', "true"];

type Wrong = {
  readonly method: DescMethod;
  readonly field: DescField;
  /** The fields of messages around it, the outermost first. */
  readonly within: readonly DescField[];
  readonly values: readonly string[];
};

/** Every field of every request, with values that must be refused for it. */
function wrongsOf(method: DescMethod): Wrong[] {
  const wrongsIn = (fields: readonly DescField[], within: readonly DescField[]): Wrong[] =>
    fields.flatMap((field) => {
      const { message } = field;
      if (message !== undefined && message.typeName !== TimestampSchema.typeName)
        return wrongsIn(message.fields, [...within, field]);
      const values = wrongValues(field);
      return values.length === 0 ? [] : [{ method, field, within, values }];
    });
  return wrongsIn(method.input.fields, []);
}

/** A request in which this field has the value; `spelled`: which of its names a field goes by. */
function jsonOf({ field, within }: Wrong, value: string, spelled: "jsonName" | "name" = "jsonName"): string {
  return [...within, field].reduceRight((inner, one) => `{"${one[spelled]}":${inner}}`, value);
}

const pathOf = ({ field, within }: Wrong) => [...within, field].map(({ name }) => name).join(".");

function wrongValues(field: DescField): readonly string[] {
  if (field.enum !== undefined) return WRONG_NAMES;
  if (field.message?.typeName === TimestampSchema.typeName) return WRONG_INSTANTS;
  return [ScalarType.STRING, ScalarType.BOOL].some((plain) => plain === field.scalar) ? [] : WRONG_NUMBERS;
}

describe("JSON requests", () => {
  let app: App;
  let ports: { http: number; grpc: number };
  let reached: number;

  before(async () => {
    const reach = () => {
      reached++;
      throw new ConnectError("reached", Code.Aborted);
    };
    const reachedBy = <S extends DescService>({ methods }: S) =>
      Object.fromEntries(methods.map(({ localName }) => [localName, reach])) as unknown as ServiceImpl<S>;
    const metrics = createMetrics();
    app = buildApp({
      couponService: reachedBy(CouponService),
      campaignService: reachedBy(CampaignService),
      eventService: reachedBy(EventService),
      redemptionService: reachedBy(RedemptionService),
      campaignStatus: () => Promise.reject(new Error("not asked here")),
      findCoupon: () => Promise.reject(new Error("not asked here")),
      issueCoupon: () => Promise.reject(new Error("not asked here")),
      ...{
        clock: systemClock,
        logger: silentLogger,
        metrics,
        refusedCredentials: createRefusedCredentials(systemClock),
        authenticateOperator: anyone,
      },
      draining: new AbortController().signal,
      stopping: new AbortController().signal,
      keepAliveTimeoutMs: 65_000,
      metricsPage: () => metrics.registry.metrics(),
    });
    const [http = 0, grpc = 0] = await Promise.all(
      [app.http, app.grpc].map(async (server) => {
        await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
        return (server.address() as AddressInfo).port;
      }),
    );
    ports = { http, grpc };
  });

  beforeEach(() => {
    reached = 0;
  });

  after(async () => {
    app.http.closeAllConnections();
    await Promise.all([app.http, app.grpc].map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it("the table has every request with an instant, a number or an enum", () => {
    const named = METHODS.flatMap(wrongsOf).map(({ method, field }) => `${method.name}.${field.name}`);
    expect(named).to.include.members([
      ...["CreateCampaign.starts_at", "CreateCampaign.ends_at", "UpdateCampaign.ends_at"],
      ...["RescheduleCampaign.starts_at", "RescheduleCampaign.ends_at", "CreateRehearsal.starts_at"],
      ...["CreateCampaign.valid_from", "CreateCampaign.max_redemptions", "ReserveCoupon.timeout_ms"],
      ...["CreateCampaign.total", "CreateRehearsal.lifetime_ms", "GetCampaign.view"],
    ]);
  });

  for (const transport of JSON_TRANSPORTS) {
    it(`over ${transport.name}: a value that is not what it spells is refused with the field's name, and reaches nothing`, async () => {
      let asked = 0;
      for (const wrong of METHODS.flatMap(wrongsOf)) {
        const { method, values } = wrong;
        // The first transport gets all values; the others use the same decoder, so a part is enough for them.
        const sent = transport === JSON_TRANSPORTS[0] ? values : values.filter((_, i) => i % 8 === 0);
        const asking = sent.map(async (value, i) => {
          const json = jsonOf(wrong, value, i % 2 === 0 ? "jsonName" : "name");
          const told = await transport.ask(ports, method, json);
          if (told === undefined) return;
          asked++;
          const where = `${method.name} ${json}: ${told.message}`;
          expect(told.code, where).to.equal(Code.InvalidArgument);
          expect(told.message.startsWith(`${pathOf(wrong)}: is `), where).to.equal(true);
        });
        await Promise.all(asking);
      }
      expect(reached, "requests that came through").to.equal(0);
      expect(asked).to.be.greaterThan(4);
    });

    it(`over ${transport.name}: what is right comes through`, async () => {
      for (const wrong of METHODS.flatMap(wrongsOf)) {
        const { method, field } = wrong;
        const right =
          field.message !== undefined
            ? [
                '"2028-02-29T00:00:00Z"',
                '"2027-01-01T23:59:59.999999999-12:30"',
                '"0001-01-01T09:00:00+09:00"',
                '"9999-12-31T14:59:59-09:00"',
                "null",
              ]
            : field.enum !== undefined
              ? [JSON.stringify(field.enum.values[0]?.name), "0", "null"]
              : ["7", '"7"', "null"];
        for (const value of right) {
          const told = transport.ask(ports, method, jsonOf(wrong, value));
          if (told === undefined) continue;
          const before = reached;
          expect((await told).message, `${method.name} ${field.name} ${value}`).to.equal("reached");
          expect(reached).to.equal(before + 1);
        }
      }
    });
  }

  // gRPC and gRPC-Web percent-encode the message, and the framework answered nothing where that fails.
  const HALVES: readonly string[] = [
    '"\\ud800"',
    '{"\\ud800":1}',
    '{"\\uDC00":"\\ud800\\ud800"}',
    '["\\ud83d",{"\\\\\\ude00":null}]',
    // V8 cuts a character apart in its message, and an echo may do so too.
    "😀".repeat(20),
    `{"startsAt":${"😀".repeat(20)}}`,
    ...["", "1", "11", "111"].map((more) => `{"startsAt":"${more}${"😀".repeat(50)}"}`),
  ];
  const halvesOf = ({ input }: (typeof METHODS)[number]): readonly string[] => [
    ...HALVES,
    ...input.fields.map(({ jsonName }) => `{"${jsonName}":"\\ud800x"}`),
  ];
  for (const transport of JSON_TRANSPORTS) {
    it(`over ${transport.name}: every request with half a character is answered, and with a text`, async () => {
      for (const method of METHODS) {
        // A connection has at most 100 streams.
        const answers = await inParallel(halvesOf(method), 50, async (json) =>
          transport.ask(ports, method, json),
        );
        for (const told of answers) {
          if (told === undefined) continue;
          expect(told.message, method.name).not.to.match(/\p{Cs}/u);
          expect(told.code, told.message).to.be.oneOf([Code.InvalidArgument, Code.Aborted]);
        }
      }
    });
  }

  it("the two fast ways to a coupon take a request in which nothing can be misread", () => {
    expect(strictDecoder(IssueCouponRequestSchema, systemClock)).to.be.instanceOf(TextDecoder);
  });

  const decode = (desc: DescMessage, json: string) =>
    strictDecoder(desc, systemClock).decode(Buffer.from(json));

  it("a refusal says so in its detail too, and repeats only the beginning of what was given", () => {
    try {
      decode(RescheduleCampaignRequestSchema, JSON.stringify({ startsAt: "9".repeat(5_000) }));
      expect.fail("it was taken");
    } catch (error) {
      const told = ConnectError.from(error);
      expect(told.findDetails(RefusalSchema)[0]?.reason).to.equal(RefusalReason.INVALID);
      expect(told.rawMessage.length).to.be.lessThan(200);
    }
  });

  it("a kind of field that no request had so far is noticed at the start", () => {
    expect(() => strictDecoder(AnySchema, systemClock)).to.throw("google.protobuf.Any");
  });

  it("every day that there is, and no other, is taken, and read as that day (property)", () => {
    const two = (value: number) => String(value).padStart(2, "0");
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1_896, max: 2_104 }), fc.integer({ min: 0, max: 9_999 })),
        fc.integer({ min: 0, max: 13 }),
        fc.oneof(fc.integer({ min: 27, max: 32 }), fc.integer({ min: 0, max: 32 })),
        fc.integer({ min: 0, max: 24 }),
        (year, month, day, hour) => {
          const instant = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:00:00Z`;
          const json = JSON.stringify({ startsAt: instant });
          const date = new Date(0);
          date.setUTCFullYear(year, month - 1, day);
          date.setUTCHours(hour);
          const spelled = [
            date.getUTCFullYear(),
            date.getUTCMonth() + 1,
            date.getUTCDate(),
            date.getUTCHours(),
          ];
          const isThere = year > 0 && spelled.join() === [year, month, day, hour].join();
          seen[isThere ? "taken" : "refused"]++;
          if (!isThere) {
            expect(() => decode(RescheduleCampaignRequestSchema, json), json).to.throw("starts_at: is ");
            return;
          }
          const read = fromJsonString(
            RescheduleCampaignRequestSchema,
            decode(RescheduleCampaignRequestSchema, json),
          );
          expect(read.startsAt && timestampMs(read.startsAt), json).to.equal(date.getTime());
        },
      ),
      { numRuns: 3_000, seed: 9 },
    );
    expect(Math.min(seen.taken, seen.refused)).to.be.greaterThan(300);
  });
});
