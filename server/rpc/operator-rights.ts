import { covers, type OperatorPrincipal } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { EventService } from "../../proto/gen/coupon/v1/event_service_pb.ts";
import type { RedemptionService } from "../../proto/gen/coupon/v1/redemption_service_pb.ts";
import type { OperatorRole } from "../../runtime/operator-settings.ts";
import { OPERATOR_SERVICES } from "./services.ts";

/** A method of an operators' service; no two of them have methods of one name. */
export type OperatorMethod =
  | keyof typeof CampaignService.method
  | keyof typeof EventService.method
  | keyof typeof RedemptionService.method;

/**
 * The role that each method of the operators' services needs; `any`: whichever. redeemer: redeems coupons,
 * and nothing else. viewer: reads what holds no code and no user. operator: has the rights of both, changes
 * campaigns, reads coupons and makes them void. admin: also does what cannot be undone, and decides which
 * other systems get codes and users.
 */
export const ROLE_NEEDED: Readonly<Record<OperatorMethod, OperatorRole | "any">> = {
  listCampaigns: "viewer",
  // With the issued codes: see CODES_ROLE.
  getCampaign: "viewer",
  watchCampaign: "viewer",
  listHistory: "viewer",
  getCampaignStats: "viewer",
  getSelf: "any",
  describeFormats: "viewer",
  preflightCampaign: "viewer",
  // A server runs one at a time.
  verifyCampaign: "operator",
  exportCoupons: "operator",
  findIssuance: "operator",
  findAttempts: "operator",
  // It holds no code and no user, and is made of all of them.
  certifyCampaign: "operator",
  createCampaign: "operator",
  beginCodeImport: "operator",
  uploadCodes: "operator",
  getCodeImport: "operator",
  discardCodeImport: "operator",
  pauseCampaign: "operator",
  resumeCampaign: "operator",
  rescheduleCampaign: "operator",
  updateCampaign: "operator",
  addCoupons: "operator",
  createRehearsal: "operator",
  removeRehearsal: "operator",
  endCampaign: "admin",
  cancelCampaign: "admin",
  eraseUsers: "admin",
  listSinks: "viewer",
  getSink: "viewer",
  listDeadLetters: "viewer",
  // With events of issued coupons: see CODES_ROLE.
  listEvents: "viewer",
  followEvents: "viewer",
  testSink: "operator",
  pauseSink: "operator",
  resumeSink: "operator",
  replayDeadLetters: "operator",
  dropDeadLetters: "admin",
  addSink: "admin",
  updateSink: "admin",
  // The secret lets its holder send events in the name of the service.
  rotateSinkSecret: "admin",
  removeSink: "admin",
  reserveCoupon: "redeemer",
  confirmRedemption: "redeemer",
  cancelRedemption: "redeemer",
  redeemCoupon: "redeemer",
  validateCoupon: "redeemer",
  // With the names of those who made it void, and the keys of orders.
  getCouponRedemptions: "operator",
  voidCoupon: "operator",
  unvoidCoupon: "operator",
};

/** The role that GetCampaign needs to answer with issued codes, and ListEvents with issued coupons. */
export const CODES_ROLE: OperatorRole = "operator";

/** The role that UpdateCampaign needs to change when users are erased: an erasure cannot be undone. */
export const ERASING_ROLE: OperatorRole = "admin";

type Needed = { readonly name: string; readonly role: OperatorRole | "any" };

const NEEDED: ReadonlyMap<string, Needed> = new Map(
  OPERATOR_SERVICES.flatMap(({ typeName, methods }) =>
    methods.map(({ name, localName }) => {
      const role = ROLE_NEEDED[localName as OperatorMethod];
      return [`/${typeName}/${name}`, { name, role }] as const;
    }),
  ),
);

/** The names of the methods that a role covers. */
export function methodsOf(role: OperatorRole): string[] {
  return [...NEEDED.values()].filter((needed) => suffices(role, needed.role)).map(({ name }) => name);
}

/** The name of the method at this path; undefined: there is none. */
export function methodAt(path: string): string | undefined {
  return NEEDED.get(path)?.name;
}

/** Why the operator may not call the method of this path; undefined: it may, or the path is unknown. */
export function denialOf(operator: OperatorPrincipal, path: string): Refusal | undefined {
  const needed = NEEDED.get(path);
  // Answered as unknown by the router.
  return needed === undefined ? undefined : denialOfRole(operator, needed.role, needed.name);
}

export function denialOfRole(
  { name, role }: OperatorPrincipal,
  needed: OperatorRole | "any",
  what: string,
): Refusal | undefined {
  if (suffices(role, needed)) return undefined;
  const why = `${what} needs the role ${needed}; ${name} has the role ${role}`;
  return { reason: "PERMISSION_DENIED", why };
}

const suffices = (role: OperatorRole, needed: OperatorRole | "any") =>
  needed === "any" || covers(role, needed);
