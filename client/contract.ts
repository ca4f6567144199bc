import { createFileRegistry, type DescFile, type DescMethodUnary } from "@bufbuild/protobuf";
import { bootFileDescriptorProto, type GenEnum, type GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { CampaignState, ClaimAuth } from "../proto/gen/coupon/v1/campaign_pb.ts";
import type {
  FindCouponRequest,
  FindCouponResponse,
  GetCampaignStatusRequest,
  GetCampaignStatusResponse,
  IssueCouponRequest,
  IssueCouponResponse,
} from "../proto/gen/coupon/v1/coupon_service_pb.ts";
import type { Refusal, RefusalReason } from "../proto/gen/coupon/v1/refusal_pb.ts";

/**
 * CouponService's part of the contract, written out. The generated code holds the same in binary, and decodes
 * it with the descriptor of all descriptors: 6 of 26 kB. tests/client/contract.test.ts compares the two; the
 * types are the generated ones.
 */

/** google.protobuf.FieldDescriptorProto.Type */
const INT64 = 3;
const INT32 = 5;
const BOOL = 8;
const STRING = 9;
const MESSAGE = 11;
const ENUM = 14;

type Field = readonly [name: string, number: number, type: number, typeName?: string];

/** google.protobuf.MethodOptions.IdempotencyLevel */
const NO_SIDE_EFFECTS = 1;

const TIMESTAMP = ".google.protobuf.Timestamp";
const TIMESTAMP_FILE = "google/protobuf/timestamp.proto";

function message(name: string, ...fields: readonly Field[]) {
  return {
    name,
    field: fields.map(([field, number, type, typeName = ""]) => ({
      ...{ name: field, number, type, typeName, label: 1 },
      jsonName: field.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    })),
  };
}

function enumeration(name: string, prefix: string, names: string) {
  const value = names.split(" ").map((text, number) => ({ name: `${prefix}_${text}`, number }));
  return { name, value };
}

function method(name: string, idempotencyLevel = 0) {
  return {
    ...{ name, inputType: `.coupon.v1.${name}Request`, outputType: `.coupon.v1.${name}Response` },
    ...{ clientStreaming: false, serverStreaming: false, options: { idempotencyLevel } },
  };
}

function file(content: object, imported?: DescFile): DescFile {
  const proto = bootFileDescriptorProto({
    ...{ syntax: "proto3", messageType: [], enumType: [] },
    ...content,
  } as unknown as Parameters<typeof bootFileDescriptorProto>[0]);
  const found = createFileRegistry(proto, () => imported).getFile(proto.name);
  if (found === undefined) throw new Error(`no file ${proto.name}`);
  return found;
}

const timestampFile = /* @__PURE__ */ file({
  ...{ name: TIMESTAMP_FILE, package: "google.protobuf" },
  messageType: [message("Timestamp", ["seconds", 1, INT64], ["nanos", 2, INT32])],
});

const CAMPAIGN: Field = ["campaign_id", 1, STRING];
const KEYS: readonly Field[] = [CAMPAIGN, ["user_id", 2, STRING], ["request_id", 3, STRING]];
const COUPON: Field = ["coupon", 1, MESSAGE, ".coupon.v1.Coupon"];

const couponFile = /* @__PURE__ */ file(
  {
    ...{ name: "coupon/v1/coupon_service.proto", package: "coupon.v1", dependency: [TIMESTAMP_FILE] },
    messageType: [
      message("IssueCouponRequest", ...KEYS),
      message("IssueCouponResponse", COUPON, ["replayed", 2, BOOL]),
      message("FindCouponRequest", ...KEYS, ["code", 4, STRING]),
      message("FindCouponResponse", COUPON),
      message("GetCampaignStatusRequest", CAMPAIGN),
      message(
        "GetCampaignStatusResponse",
        ["state", 1, ENUM, ".coupon.v1.CampaignState"],
        ["starts_at", 2, MESSAGE, TIMESTAMP],
        ["ends_at", 3, MESSAGE, TIMESTAMP],
        ["server_time", 4, MESSAGE, TIMESTAMP],
        ["millis_to_start", 5, INT64],
        ["sold_out", 6, BOOL],
        ["one_per_user", 7, BOOL],
        ["claim_auth", 8, ENUM, ".coupon.v1.ClaimAuth"],
        ["max_per_user", 9, INT32],
      ),
      message(
        "Refusal",
        ["reason", 1, ENUM, ".coupon.v1.RefusalReason"],
        ["starts_at", 2, MESSAGE, TIMESTAMP],
        ["server_time", 3, MESSAGE, TIMESTAMP],
        ["retry_after_ms", 4, INT64],
      ),
      message(
        "Coupon",
        ["code", 1, STRING],
        ["campaign_id", 2, STRING],
        ["seq", 3, INT32],
        ["issued_at", 4, MESSAGE, TIMESTAMP],
      ),
    ],
    enumType: [
      enumeration("ClaimAuth", "CLAIM_AUTH", "UNSPECIFIED OPEN KEY TOKEN"),
      enumeration(
        "CampaignState",
        "CAMPAIGN_STATE",
        "UNSPECIFIED GENERATING SCHEDULED OPEN PAUSED SOLD_OUT ENDED CANCELLED",
      ),
      enumeration(
        "RefusalReason",
        "REFUSAL_REASON",
        "UNSPECIFIED NOT_STARTED ENDED CANCELLED PAUSED NOT_READY SOLD_OUT UNKNOWN_CAMPAIGN NO_COUPON INVALID " +
          "OVERLOADED UNCERTAIN CONFLICT NOT_ALLOWED UNAUTHENTICATED PERMISSION_DENIED RATE_LIMITED DEADLINE_EXCEEDED " +
          "UNKNOWN_SINK SINK_EXISTS TOO_MANY_SINKS NOT_VALID_YET VALIDITY_OVER VOIDED RESERVED REDEEMED NO_RESERVATION " +
          "RESERVATION_OVER MAX_PER_USER",
      ),
    ],
    service: [
      {
        name: "CouponService",
        method: [method("IssueCoupon"), method("FindCoupon"), method("GetCampaignStatus", NO_SIDE_EFFECTS)],
      },
    ],
  },
  timestampFile,
);

const methods: unknown = couponFile.services[0]?.methods;
const [issueCoupon, findCoupon, getCampaignStatus] = methods as readonly [
  DescMethodUnary<GenMessage<IssueCouponRequest>, GenMessage<IssueCouponResponse>>,
  DescMethodUnary<GenMessage<FindCouponRequest>, GenMessage<FindCouponResponse>>,
  DescMethodUnary<GenMessage<GetCampaignStatusRequest>, GenMessage<GetCampaignStatusResponse>>,
];
const [ClaimAuthSchema, CampaignStateSchema, RefusalReasonSchema] = couponFile.enums as unknown as readonly [
  GenEnum<ClaimAuth>,
  GenEnum<CampaignState>,
  GenEnum<RefusalReason>,
];
const RefusalSchema = couponFile.messages.find(
  ({ name }) => name === "Refusal",
) as unknown as GenMessage<Refusal>;

export {
  CampaignStateSchema,
  ClaimAuthSchema,
  couponFile,
  findCoupon,
  getCampaignStatus,
  issueCoupon,
  RefusalReasonSchema,
  RefusalSchema,
};
