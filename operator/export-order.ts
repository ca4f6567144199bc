import type { ExportedCoupon } from "../proto/gen/coupon/v1/campaign_service_pb.ts";

/**
 * Rows come in issue order; a row that goes back was sent twice.
 * @throws Error where `row` cannot follow `previous`
 */
export function assertInOrder(previous: ExportedCoupon | undefined, row: ExportedCoupon): void {
  if (row.coupon === undefined) throw new Error("the service sent a row without a coupon");
  if (previous?.coupon === undefined) return;
  const generations = row.generation - previous.generation;
  const back = generations < 0 || (generations === 0 && row.coupon.seq < previous.coupon.seq);
  if (back || row.coupon.code === previous.coupon.code) {
    throw new Error(`the service sent rows out of order, near seq ${row.coupon.seq}`);
  }
}
