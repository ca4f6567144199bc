import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { enumName } from "../../../proto/enum-name.ts";
import { CampaignService, OperatorRoleSchema } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { type Api, type ApiOptions, createApi, createOperatorTransport } from "./api.ts";

/** Who is signed in. */
export type Self = { readonly name: string; readonly role: string };

export type OpenedSession = {
  readonly api: Api;
  /** For the other services of operators. */
  readonly transport: Transport;
  /** Undefined: a service of an earlier version does not say. */
  readonly self: Self | undefined;
  /** Methods that the credential's role does not cover, by name. */
  readonly denied: ReadonlySet<string>;
};

/**
 * Tries the credential with a harmless call.
 * @throws ConnectError where that fails
 */
export async function openSession(options: ApiOptions): Promise<OpenedSession> {
  const transport = createOperatorTransport(options);
  const api = createApi(transport);
  const known = await selfOf(api);
  if (known === undefined) return { api, transport, self: undefined, denied: new Set() };
  const { name, role, methods } = known;
  return {
    ...{ api, transport },
    self: { name, role: enumName(OperatorRoleSchema, role).toLowerCase() },
    denied: new Set(
      CampaignService.methods.map((method) => method.name).filter((method) => !methods.includes(method)),
    ),
  };
}

/** Undefined: the service is of an earlier version, and takes the credential. */
async function selfOf(api: Api) {
  try {
    return await api.getSelf({});
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unimplemented) throw error;
    await api.listCampaigns({ pageSize: 1 });
    return undefined;
  }
}
