import { covers, type OperatorPrincipal } from "../../access/operators.ts";
import type { Refusal } from "../../campaign/refusal.ts";
import { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { OperatorRole } from "../../runtime/operator-settings.ts";

/**
 * The role that each method of the operators' service needs. viewer: reads what holds no code and no user.
 * operator: also changes campaigns and reads coupons. admin: also does what cannot be undone.
 */
export const ROLE_NEEDED: Readonly<Record<keyof typeof CampaignService.method, OperatorRole>> = {
  listCampaigns: "viewer",
  // With the issued codes: see CODES_ROLE.
  getCampaign: "viewer",
  watchCampaign: "viewer",
  listHistory: "viewer",
  getCampaignStats: "viewer",
  describeFormats: "viewer",
  preflightCampaign: "viewer",
  // A server runs one at a time.
  verifyCampaign: "operator",
  exportCoupons: "operator",
  findIssuance: "operator",
  createCampaign: "operator",
  pauseCampaign: "operator",
  resumeCampaign: "operator",
  rescheduleCampaign: "operator",
  updateCampaign: "operator",
  addCoupons: "operator",
  createRehearsal: "operator",
  removeRehearsal: "operator",
  endCampaign: "admin",
  cancelCampaign: "admin",
};

/** The role that GetCampaign needs to answer with issued codes. */
export const CODES_ROLE: OperatorRole = "operator";

/** Of every path of the operators' service, known or not. */
export const OPERATORS_PREFIX = `/${CampaignService.typeName}/`;

const roleOfPath = new Map<string, OperatorRole>(
  CampaignService.methods.map((method) => [
    OPERATORS_PREFIX + method.name,
    ROLE_NEEDED[method.localName as keyof typeof ROLE_NEEDED],
  ]),
);

/** Why the operator may not call the method of this path; undefined: it may, or the path is unknown. */
export function denialOf(operator: OperatorPrincipal, path: string): Refusal | undefined {
  const needed = roleOfPath.get(path);
  // Answered as unknown by the router.
  if (needed === undefined) return undefined;
  return denialOfRole(operator, needed, path.slice(OPERATORS_PREFIX.length));
}

export function denialOfRole(
  { name, role }: OperatorPrincipal,
  needed: OperatorRole,
  what: string,
): Refusal | undefined {
  if (covers(role, needed)) return undefined;
  const why = `${what} needs the role ${needed}; ${name} has the role ${role}`;
  return { reason: "PERMISSION_DENIED", why };
}
