import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { expect } from "chai";
import fc from "fast-check";
import type { Refusal } from "../../../campaign/refusal.ts";
import {
  RefusalReason,
  RefusalReasonSchema,
  RefusalSchema,
} from "../../../proto/gen/coupon/v1/refusal_pb.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../proto/gen/google/rpc/error_details_pb.ts";
import { toConnectError, toConnectErrorJson } from "../../../server/rpc/rpc-status.ts";

const SERVER_NOW_MS = 1_766_574_000_123;
const STARTS_AT_MS = Date.UTC(2026, 11, 24, 11, 0, 0, 500);

type Telling = { refusal: Refusal; code: Code; message: string; retryAfterMs: bigint };

/**
 * What a client gets, by reason: the type requires every reason of the union, the test every reason of the
 * contract.
 */
const tellings: { [reason in Refusal["reason"]]: Telling } = {
  NOT_STARTED: {
    refusal: { reason: "NOT_STARTED", startsAtMs: STARTS_AT_MS, waitMs: 1_500 },
    code: Code.FailedPrecondition,
    message: "the campaign opens at 2026-12-24T11:00:00.500Z",
    retryAfterMs: 1_500n,
  },
  ENDED: {
    refusal: { reason: "ENDED" },
    code: Code.FailedPrecondition,
    message: "the campaign has ended",
    retryAfterMs: 0n,
  },
  CANCELLED: {
    refusal: { reason: "CANCELLED" },
    code: Code.FailedPrecondition,
    message: "the campaign was cancelled",
    retryAfterMs: 0n,
  },
  PAUSED: {
    refusal: { reason: "PAUSED" },
    code: Code.FailedPrecondition,
    message: "the campaign is paused",
    retryAfterMs: 1_000n,
  },
  NOT_READY: {
    refusal: { reason: "NOT_READY" },
    code: Code.FailedPrecondition,
    message: "the codes are still being made",
    retryAfterMs: 1_000n,
  },
  SOLD_OUT: {
    refusal: { reason: "SOLD_OUT" },
    code: Code.FailedPrecondition,
    message: "all coupons are gone",
    retryAfterMs: 0n,
  },
  MAX_PER_USER: {
    refusal: { reason: "MAX_PER_USER", most: 3 },
    code: Code.FailedPrecondition,
    message: "the campaign gives each user 3 coupons, and this user has them",
    retryAfterMs: 0n,
  },
  UNKNOWN_CAMPAIGN: {
    refusal: { reason: "UNKNOWN_CAMPAIGN" },
    code: Code.NotFound,
    message: "campaign_id: there is no such campaign",
    retryAfterMs: 0n,
  },
  NO_COUPON: {
    refusal: { reason: "NO_COUPON" },
    code: Code.NotFound,
    message: "no coupon was issued for this look-up",
    retryAfterMs: 0n,
  },
  UNKNOWN_SINK: {
    refusal: { reason: "UNKNOWN_SINK", name: "crm" },
    code: Code.NotFound,
    message: "name: there is no sink crm",
    retryAfterMs: 0n,
  },
  SINK_EXISTS: {
    refusal: { reason: "SINK_EXISTS", name: "crm" },
    code: Code.AlreadyExists,
    message: "name: there is a sink crm with other settings; UpdateSink changes it",
    retryAfterMs: 0n,
  },
  TOO_MANY_SINKS: {
    refusal: { reason: "TOO_MANY_SINKS", most: 50 },
    code: Code.FailedPrecondition,
    message: "there are 50 sinks, and there may be no more: remove one first",
    retryAfterMs: 0n,
  },
  NOT_VALID_YET: {
    refusal: { reason: "NOT_VALID_YET", fromMs: 1_000 },
    code: Code.FailedPrecondition,
    message: "the coupon can be redeemed from 1970-01-01T00:00:01.000Z on",
    retryAfterMs: 0n,
  },
  VALIDITY_OVER: {
    refusal: { reason: "VALIDITY_OVER", untilMs: 1_000 },
    code: Code.FailedPrecondition,
    message: "the coupon could be redeemed until 1970-01-01T00:00:01.000Z",
    retryAfterMs: 0n,
  },
  VOIDED: {
    refusal: { reason: "VOIDED" },
    code: Code.FailedPrecondition,
    message: "an operator made this code void",
    retryAfterMs: 0n,
  },
  RESERVED: {
    refusal: { reason: "RESERVED", retryAfterMs: 1_500 },
    code: Code.FailedPrecondition,
    message: "another key has reserved this code",
    retryAfterMs: 1500n,
  },
  REDEEMED: {
    refusal: { reason: "REDEEMED", by: "another key" },
    code: Code.FailedPrecondition,
    message: "this code was redeemed, by another key",
    retryAfterMs: 0n,
  },
  NO_RESERVATION: {
    refusal: { reason: "NO_RESERVATION" },
    code: Code.FailedPrecondition,
    message: "key: it has no reservation of this code",
    retryAfterMs: 0n,
  },
  RESERVATION_OVER: {
    refusal: { reason: "RESERVATION_OVER", how: "timed out" },
    code: Code.FailedPrecondition,
    message: "key: its reservation timed out; reserve with another key",
    retryAfterMs: 0n,
  },
  INVALID: {
    refusal: { reason: "INVALID", field: "total", allowed: "must be 1 to 5" },
    code: Code.InvalidArgument,
    message: "total: must be 1 to 5",
    retryAfterMs: 0n,
  },
  OVERLOADED: {
    refusal: { reason: "OVERLOADED" },
    code: Code.Unavailable,
    message: "this server cannot take more at the moment; nothing was tried, ask again with the same key",
    retryAfterMs: 1_000n,
  },
  UNCERTAIN: {
    refusal: { reason: "UNCERTAIN" },
    code: Code.Unavailable,
    message: "a store did not confirm this, it may or may not have happened; ask again with the same key",
    retryAfterMs: 100n,
  },
  CONFLICT: {
    refusal: { reason: "CONFLICT", what: "a campaign with another total" },
    code: Code.AlreadyExists,
    message: "request_id: it was used before for a campaign with another total",
    retryAfterMs: 0n,
  },
  NOT_ALLOWED: {
    refusal: {
      reason: "NOT_ALLOWED",
      verb: "end",
      phase: "PAUSED_BEFORE_OPENING",
      allowed: ["resume", "cancel"],
    },
    code: Code.FailedPrecondition,
    message:
      "end is not possible: the campaign is paused and has not opened yet (PAUSED); allowed now: resume, cancel",
    retryAfterMs: 0n,
  },
  UNAUTHENTICATED: {
    refusal: { reason: "UNAUTHENTICATED", why: "the token has expired" },
    code: Code.Unauthenticated,
    message: "the token has expired",
    retryAfterMs: 0n,
  },
  PERMISSION_DENIED: {
    refusal: { reason: "PERMISSION_DENIED", why: "the token is of another campaign" },
    code: Code.PermissionDenied,
    message: "the token is of another campaign",
    retryAfterMs: 0n,
  },
  DEADLINE_EXCEEDED: {
    refusal: { reason: "DEADLINE_EXCEEDED" },
    code: Code.DeadlineExceeded,
    message:
      "the deadline of the request passed before anything was tried; ask again with the same key and a later one",
    retryAfterMs: 0n,
  },
  RATE_LIMITED: {
    refusal: { reason: "RATE_LIMITED", by: "address", retryAfterMs: 250 },
    code: Code.ResourceExhausted,
    message:
      "too many requests from this address; nothing was tried, and a coupon that was issued is kept: ask again with the same key",
    retryAfterMs: 250n,
  },
};

describe("refusal", () => {
  it("of an edit that is possible in part, the part is told", () => {
    const told = (phase: "ENDED" | "OPEN") =>
      toConnectError({ reason: "NOT_ALLOWED", verb: "add", phase, allowed: ["edit"] }, 0).rawMessage;
    expect(told("ENDED")).to.match(/; allowed now: edit of the name alone$/);
    expect(told("OPEN")).to.match(/; allowed now: edit$/);
  });

  it("the contract and the code know the same reasons", () => {
    const contract = RefusalReasonSchema.values
      .map(({ localName }) => localName)
      .filter((name) => name !== "UNSPECIFIED");
    expect(Object.keys(tellings).sort()).to.deep.equal([...contract].sort());
  });

  for (const [reason, { refusal, code, message, retryAfterMs }] of Object.entries(tellings)) {
    it(`${reason} is ${Code[code]}, in words and in its detail`, () => {
      const error = toConnectError(refusal, SERVER_NOW_MS);
      expect([error.code, error.rawMessage]).to.deep.equal([code, message]);
      const [detail, ...more] = error.findDetails(RefusalSchema);
      if (detail === undefined) throw new Error("no detail");
      expect(more).to.deep.equal([]);
      expect(detail.reason).to.equal(RefusalReason[refusal.reason]);
      expect(detail.retryAfterMs).to.equal(retryAfterMs);
      if (detail.serverTime === undefined) throw new Error("no server time");
      expect(timestampMs(detail.serverTime)).to.equal(SERVER_NOW_MS);
      const [info] = error.findDetails(ErrorInfoSchema);
      expect([info?.reason, info?.domain]).to.deep.equal([reason, "coupon.v1"]);
      const [retry] = error.findDetails(RetryInfoSchema);
      expect(retry?.retryDelay === undefined ? 0n : BigInt(durationMs(retry.retryDelay))).to.equal(
        retryAfterMs,
      );
      const seconds = retryAfterMs === 0n ? null : String(Math.ceil(Number(retryAfterMs) / 1_000));
      expect(error.metadata.get("retry-after")).to.equal(seconds);
      expect(error.findDetails(BadRequestSchema)).to.have.length(reason === "INVALID" ? 1 : 0);
      const startsAt = detail.startsAt === undefined ? undefined : timestampMs(detail.startsAt);
      expect(startsAt).to.equal(reason === "NOT_STARTED" ? STARTS_AT_MS : undefined);
    });
  }

  it("a change that the state allows, but not now: the reason stands between both", () => {
    const { refusal, message } = tellings.NOT_ALLOWED;
    const told = toConnectError({ ...refusal, why: "its end has passed" } as Refusal, SERVER_NOW_MS);
    expect(told.rawMessage).to.equal(message.replace("(PAUSED);", "(PAUSED), and its end has passed;"));
  });

  it("without the framework it is written in the very same bytes", () => {
    for (const { refusal, code } of Object.values(tellings)) {
      const error = toConnectError(refusal, SERVER_NOW_MS);
      const retryAfter = error.metadata.get("retry-after");
      expect(toConnectErrorJson(refusal, SERVER_NOW_MS)).to.deep.equal({
        code,
        json: Buffer.from(errorToJsonBytes(error, undefined)).toString(),
        retryAfterS: retryAfter === null ? undefined : Number(retryAfter),
      });
    }
  });

  it("whatever the instants are: the very same bytes (property)", () => {
    const someMs = fc.integer({ min: 0, max: 4_102_444_800_000 });
    const refusals = fc.oneof(
      fc
        .record({ startsAtMs: someMs, waitMs: fc.double({ min: 0, max: 1e10, noNaN: true }) })
        .map((parts): Refusal => ({ reason: "NOT_STARTED", ...parts })),
      fc
        .record({
          by: fc.constantFrom("user", "address", "key"),
          retryAfterMs: fc.integer({ min: 0, max: 1e7 }),
        })
        .map((parts) => ({ reason: "RATE_LIMITED", ...parts }) as Refusal),
      fc
        .record({ why: fc.string({ unit: "binary" }), retryAfterMs: fc.nat(100_000) })
        .map((parts): Refusal => ({ reason: "OVERLOADED", ...parts })),
      fc.constantFrom<Refusal>({ reason: "SOLD_OUT" }, { reason: "PAUSED" }, { reason: "UNCERTAIN" }),
    );
    fc.assert(
      fc.property(
        refusals,
        fc.oneof(
          someMs,
          someMs.map((ms) => ms - (ms % 1_000)),
        ),
        (refusal, nowMs) => {
          const error = toConnectError(refusal, nowMs);
          const written = Buffer.from(errorToJsonBytes(error, undefined)).toString();
          expect(toConnectErrorJson(refusal, nowMs).json).to.equal(written);
        },
      ),
    );
  });

  it("each field that is wrong is a violation of its own, with what is allowed", () => {
    const allowed = "give exactly one of them";
    const error = toConnectError({ reason: "INVALID", field: "user_id, request_id", allowed }, SERVER_NOW_MS);
    const violations = error.findDetails(BadRequestSchema)[0]?.fieldViolations;
    expect(violations?.map(({ field, description }) => [field, description])).to.deep.equal([
      ["user_id", allowed],
      ["request_id", allowed],
    ]);
  });

  it("RATE_LIMITED names its limit to programs, too", () => {
    const error = toConnectError({ reason: "RATE_LIMITED", by: "user", retryAfterMs: 1 }, SERVER_NOW_MS);
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata).to.deep.equal({ limit: "user" });
  });

  it("SOLD_OUT, which most callers of a sale get, stays small", () => {
    const { json } = toConnectErrorJson({ reason: "SOLD_OUT" }, SERVER_NOW_MS);
    expect(json.length).to.be.lessThan(420);
  });

  it("a wait is never told too short: parts of a millisecond count as one", () => {
    const error = toConnectError(
      { reason: "NOT_STARTED", startsAtMs: STARTS_AT_MS, waitMs: 0.25 },
      SERVER_NOW_MS,
    );
    expect(error.findDetails(RefusalSchema)[0]?.retryAfterMs).to.equal(1n);
  });
});
