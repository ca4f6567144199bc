import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { expect } from "chai";
import { couponFile } from "../../client/contract.ts";
import { CampaignStateSchema, ClaimAuthSchema, CouponSchema } from "../../proto/gen/coupon/v1/campaign_pb.ts";
import { CouponService } from "../../proto/gen/coupon/v1/coupon_service_pb.ts";
import { RefusalReasonSchema, RefusalSchema } from "../../proto/gen/coupon/v1/refusal_pb.ts";

/** For operators' calls alone, and for those that check a launch. */
const LEFT_OUT = [
  ...["coupon.v1.Refusal.state", "coupon.v1.Refusal.allowed", "coupon.v1.Coupon.rank"],
  "coupon.v1.IssueCouponRequest.receipt",
];
const METHODS_LEFT_OUT = ["GetCampaignCommitment", "GetIssuanceProof"];
const METHODS = CouponService.methods.filter(({ name }) => !METHODS_LEFT_OUT.includes(name));

function fieldOf(field: DescField) {
  const { name, number, jsonName, localName, fieldKind, presence } = field;
  const of =
    field.fieldKind === "scalar"
      ? field.scalar
      : field.fieldKind === "enum"
        ? field.enum.typeName
        : field.fieldKind === "message" && field.message.typeName;
  return { name, number, jsonName, localName, fieldKind, presence, of };
}

const fieldsOf = ({ typeName, fields }: DescMessage) =>
  fields.filter(({ name }) => !LEFT_OUT.includes(`${typeName}.${name}`)).map(fieldOf);

describe("The client's own description of the contract", () => {
  const messages = new Map(couponFile.messages.map((message) => [message.typeName, message]));
  const enums = new Map(couponFile.enums.map((one) => [one.typeName, one]));

  it("has the messages of CouponService as they are generated", () => {
    const generated = METHODS.flatMap(({ input, output }) => [input, output]);
    for (const message of [...generated, CouponSchema, RefusalSchema]) {
      const own = messages.get(message.typeName);
      expect(own && fieldsOf(own), message.typeName).to.deep.equal(fieldsOf(message));
    }
  });

  it("has the enums as they are generated", () => {
    for (const generated of [CampaignStateSchema, ClaimAuthSchema, RefusalReasonSchema]) {
      const values = (desc: typeof generated | undefined) =>
        desc?.values.map(({ name, number, localName }) => ({ name, number, localName }));
      const own = enums.get(generated.typeName);
      expect(own?.sharedPrefix).to.equal(generated.sharedPrefix);
      expect(values(own as typeof generated), generated.typeName).to.deep.equal(values(generated));
    }
  });

  it("has the methods as they are generated", () => {
    const methods = (all: readonly DescMethod[] | undefined) =>
      all?.map(({ name, localName, methodKind, idempotency, input, output, parent }) => ({
        ...{ name, localName, methodKind, idempotency, service: parent.typeName },
        types: [input.typeName, output.typeName],
      }));
    const [own] = couponFile.services;
    expect(methods(own?.methods)).to.deep.equal(methods(METHODS));
  });
});
