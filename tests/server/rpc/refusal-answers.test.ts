import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { expect } from "chai";
import type { Refusal } from "../../../campaign/refusal.ts";
import { createRefusalAnswers } from "../../../server/rpc/issue-answer.ts";
import { toConnectError, toConnectErrorJson } from "../../../server/rpc/rpc-status.ts";

/** Two refusals of each reason that has parts, which differ in one part. */
const PAIRS: readonly (readonly [Refusal, Refusal])[] = [
  [
    { reason: "UNAUTHENTICATED", why: "the token has expired" },
    { reason: "UNAUTHENTICATED", why: "the signature of the token is wrong" },
  ],
  [
    { reason: "PERMISSION_DENIED", why: "the token is for another campaign" },
    { reason: "PERMISSION_DENIED", why: "a key cannot claim here" },
  ],
  [
    { reason: "RATE_LIMITED", by: "address", retryAfterMs: 10 },
    { reason: "RATE_LIMITED", by: "user", retryAfterMs: 10 },
  ],
  [
    { reason: "RATE_LIMITED", by: "user", retryAfterMs: 10 },
    { reason: "RATE_LIMITED", by: "user", retryAfterMs: 900 },
  ],
  [
    { reason: "OVERLOADED", why: "one" },
    { reason: "OVERLOADED", why: "other" },
  ],
  [
    { reason: "INVALID", field: "user_id", allowed: "one" },
    { reason: "INVALID", field: "request_id", allowed: "one" },
  ],
  [{ reason: "NOT_READY" }, { reason: "NOT_READY", adding: 3 }],
  [
    { reason: "NOT_STARTED", startsAtMs: 1_000, waitMs: 5 },
    { reason: "NOT_STARTED", startsAtMs: 2_000, waitMs: 5 },
  ],
];

describe("kept refusals", () => {
  for (const [one, other] of PAIRS) {
    it(`two ${one.reason} of one millisecond are told apart`, () => {
      const answers = createRefusalAnswers();
      const bodies = [one, other, one].map((refusal) => answers(refusal, 1).body);
      expect(bodies).to.deep.equal([one, other, one].map((refusal) => toConnectErrorJson(refusal, 1).json));
    });
  }

  it("an equal one of the same millisecond is the same answer", () => {
    const answers = createRefusalAnswers();
    const refusal = { reason: "UNAUTHENTICATED", why: "the token has expired" } as const;
    expect(answers({ ...refusal }, 1)).to.equal(answers({ ...refusal }, 1));
    expect(answers(refusal, 2)).not.to.equal(answers(refusal, 1));
  });

  it("refusals of one millisecond that differ in the time to wait are what the framework writes", () => {
    const waits = [0.4, 1, 127, 128, 999, 1_000, 16_383, 16_384, 59_999.2, 60_000, 2 ** 31, 2 ** 40 + 1];
    const asked: readonly Refusal[] = [
      ...waits.map((waitMs) => ({ reason: "NOT_STARTED", startsAtMs: 1_800_000_000_000, waitMs }) as const),
      ...waits.map((partMs) => ({ reason: "PAUSED", partMs }) as const),
      ...waits.map((partMs) => ({ reason: "NOT_READY", adding: 3, partMs }) as const),
      ...waits.map((retryAfterMs) => ({ reason: "RATE_LIMITED", by: "user", retryAfterMs }) as const),
    ];
    for (const nowMs of [1_799_999_999_000, 1_799_999_999_007]) {
      const answers = createRefusalAnswers();
      // Twice, so that each follows another one.
      for (const refusal of [...asked, ...asked]) {
        const { body, fields } = answers(refusal, nowMs);
        const error = toConnectError(refusal, nowMs);
        expect(body).to.equal(JSON.stringify(errorToJson(error, undefined)));
        expect(fields[3]).to.equal(String(Buffer.byteLength(body)));
        expect(fields.at(-1)).to.equal(error.metadata.get("retry-after"));
      }
    }
  });
});
