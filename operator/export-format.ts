import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ExportedCoupon } from "../proto/gen/coupon/v1/campaign_service_pb.ts";
import { csvRow } from "./csv.ts";

/** The format of an export. */
export interface ExportFormat {
  readonly name: string;
  readonly heading: string;
  readonly row: (exported: ExportedCoupon) => string;
}

/** The metadata of the campaign, which every row then has. */
export type ExportedMetadata = Readonly<Record<string, string>>;

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
    rank: coupon?.rank ?? 0,
  };
}

/** The same format with the campaign's metadata in every row: CSV has it as one cell of JSON. */
export function withMetadata(format: ExportFormat, metadata: ExportedMetadata): ExportFormat {
  if (format.name === "csv") {
    const cell = JSON.stringify(metadata);
    return {
      ...format,
      heading: csvRow([...COLUMNS, "metadata"]),
      row: (exported) => csvRow([...Object.values(fields(exported)), cell]),
    };
  }
  return { ...format, row: (exported) => `${JSON.stringify({ ...fields(exported), metadata })}\n` };
}

const COLUMNS = ["code", "campaign_id", "seq", "issued_at", "user_id", "request_id", "generation", "rank"];

export const exportFormats: readonly ExportFormat[] = [
  {
    name: "csv",
    heading: csvRow(COLUMNS),
    row: (exported) => csvRow(Object.values(fields(exported))),
  },
  { name: "jsonl", heading: "", row: (exported) => `${JSON.stringify(fields(exported))}\n` },
];
