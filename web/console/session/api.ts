import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { systemClock } from "../../../client/clock.ts";
import type { ServerClock } from "../../../client/server-clock.ts";
import { CampaignService } from "../../../proto/gen/coupon/v1/campaign_service_pb.ts";
import type { RedemptionService } from "../../../proto/gen/coupon/v1/redemption_service_pb.ts";

/** A method of the operators' services of campaigns and redemptions, as the contract names it. */
export type MethodName = Capitalize<
  keyof typeof CampaignService.method | keyof typeof RedemptionService.method
>;

/** The operators' service of campaigns, called with the operator's credential. */
export type Api = Client<typeof CampaignService>;

export type ApiOptions = {
  readonly baseUrl: string;
  /** The operator's key or access token. */
  readonly credential: string;
  readonly serverClock: ServerClock;
  /** Called when the service refuses the credential. */
  onUnauthenticated(error: ConnectError): void;
};

/** Without a deadline, a call over a dead connection would wait for minutes. A stream has none. */
const CALL_MS = 15_000;

/** Calls the operators' services with the operator's credential. */
export function createOperatorTransport(options: ApiOptions): Transport {
  const { baseUrl, credential, serverClock, onUnauthenticated } = options;
  const note = (error: unknown): never => {
    const told = ConnectError.from(error);
    if (told.code === Code.Unauthenticated) onUnauthenticated(told);
    throw told;
  };
  const withCredential: Interceptor = (next) => async (request) => {
    request.header.set("authorization", `Bearer ${credential}`);
    const sentMs = systemClock.elapsed();
    const response = await next(request).catch(note);
    if (response.stream) return { ...response, message: noting(response.message, note) };
    const { serverTime } = response.message as { readonly serverTime?: Timestamp };
    if (serverTime !== undefined) serverClock.add(sentMs, systemClock.elapsed(), timestampMs(serverTime));
    return response;
  };
  const transport = createConnectTransport({
    baseUrl,
    useBinaryFormat: true,
    interceptors: [withCredential],
  });
  return {
    unary: (method, signal, timeoutMs = CALL_MS, ...rest) =>
      transport.unary(method, signal, timeoutMs, ...rest),
    stream: (...call) => transport.stream(...call),
  };
}

export function createApi(transport: Transport): Api {
  return createClient(CampaignService, transport);
}

/** A stream reports a refusal when it is read. */
async function* noting<T>(stream: AsyncIterable<T>, note: (error: unknown) => never): AsyncIterable<T> {
  try {
    yield* stream;
  } catch (error) {
    note(error);
  }
}
