import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ExportedCoupon } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { csvRow } from "./csv.ts";

/** The format of an export. */
export interface ExportFormat {
  readonly name: string;
  readonly heading: string;
  readonly row: (exported: ExportedCoupon) => string;
}

function fields(exported: ExportedCoupon): Record<string, string | number> {
  const { coupon } = exported;
  const issuedAt = coupon?.issuedAt === undefined ? "" : timestampDate(coupon.issuedAt).toISOString();
  return {
    code: coupon?.code ?? "",
    campaignId: coupon?.campaignId ?? "",
    seq: coupon?.seq ?? 0,
    issuedAt,
    userId: exported.userId,
    requestId: exported.requestId,
    generation: exported.generation,
  };
}

export const exportFormats: readonly ExportFormat[] = [
  {
    name: "csv",
    heading: csvRow(["code", "campaign_id", "seq", "issued_at", "user_id", "request_id", "generation"]),
    row: (exported) => csvRow(Object.values(fields(exported))),
  },
  { name: "jsonl", heading: "", row: (exported) => `${JSON.stringify(fields(exported))}\n` },
];
