import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import fc from "fast-check";
import {
  FindCouponResponseSchema,
  IssueCouponRequestSchema,
  IssueCouponResponseSchema,
} from "../../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { readIssueRequest, writeIssueResponse } from "../../../server/rpc/issue-json.ts";

describe("IssueCoupon in JSON", () => {
  const general = (json: string) => {
    const { campaignId, userId, requestId } = fromJsonString(IssueCouponRequestSchema, json, {
      ignoreUnknownFields: true,
    });
    return { campaignId, userId, requestId };
  };

  it("reads what the general codec reads, either spelling, in any order", () => {
    for (const json of [
      '{"campaignId":"a","userId":"b","requestId":"c"}',
      ' { "request_id" : "c" , "campaign_id":"" }\n',
      '{"userId":"가 나","campaign_id":"\u{1f600}"}',
    ]) {
      expect(readIssueRequest(json), json).to.deep.equal(general(json));
    }
  });

  it("leaves to the general codec what is odd in any way", () => {
    for (const json of [
      "",
      "{}",
      "null",
      '"userId":"a"}',
      '{"userId":"a",}',
      '{"userId":"a"}}',
      '{"userId":"a"} b',
      '{"userId":"a"',
      '{"userId":"a""requestId":"b"}',
      '{"userId":"a\u0001"}',
      '\u00a0{"userId":"a"}',
      '{"userId":"a"}\u2028',
      "[]",
      '"text"',
      "{",
      '{"userId":1}',
      '{"userId":null}',
      '{"userId":"a","user_id":"b"}',
      '{"userId":"a","new":"b"}',
      '{"userId":"first","userId":"last"}',
      '{"userId":"","user_id":"b","user_id":"b"}',
      '{"__proto__":"a"}',
      '{"userId":"\\ud800"}',
      '{"userI\\u0064":"a"}',
      "\ufeff{}",
    ]) {
      expect(readIssueRequest(json), json).to.equal(undefined);
    }
  });

  it("never reads anything but what the general codec reads (property)", () => {
    const name = fc.constantFrom(
      "campaignId",
      "campaign_id",
      "userId",
      "user_id",
      "requestId",
      "request_id",
      "x",
    );
    const value = fc.oneof({ weight: 6, arbitrary: fc.string({ unit: "binary" }) }, fc.jsonValue());
    let read = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (fields) => {
        const json = `{${fields.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`).join(",")}}`;
        const request = readIssueRequest(json);
        if (request === undefined) return;
        read++;
        expect(request).to.deep.equal(general(json));
      }),
      { numRuns: 2_000, seed: 4 },
    );
    expect(read).to.be.greaterThan(300);
  });

  it("writes the very bytes of the general codec (property)", () => {
    const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("가", "힣", "0", "9"), { minLength: 4, maxLength: 10 }),
        fc.integer({ min: 1, max: 5_000_000 }),
        fc.oneof(
          instant,
          instant.map((ms) => Math.floor(ms / 1_000) * 1_000),
        ),
        fc.boolean(),
        (code, seq, issuedAtMs, replayed) => {
          const held = { code: code.join(""), campaignId: "01M7YQZAAWCPD2T0Z7YQGQM1FV", seq, issuedAtMs };
          const message = create(IssueCouponResponseSchema, {
            coupon: {
              code: held.code,
              campaignId: held.campaignId,
              seq,
              issuedAt: timestampFromMs(issuedAtMs),
            },
            replayed,
          });
          expect(writeIssueResponse(held, replayed)).to.equal(
            toJsonString(IssueCouponResponseSchema, message),
          );
          const found = create(FindCouponResponseSchema, { coupon: message.coupon });
          expect(writeIssueResponse(held, false)).to.equal(toJsonString(FindCouponResponseSchema, found));
        },
      ),
      { numRuns: 1_000, seed: 4 },
    );
  });
});
