import type { DescMethod, DescService, JsonReadOptions } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import type { Clock } from "../../runtime/clock.ts";
import { strictDecoder } from "./strict-json.ts";
import type { TellTrouble } from "./trouble.ts";
import { tellingUndecodable } from "./undecodable.ts";

export type RouteDeps = { readonly clock: Clock; readonly tellTrouble: TellTrouble };

/**
 * Routes a service, each RPC with its own decoder for JSON requests. The framework reads the text of each
 * JSON message with `jsonOptions.textDecoder`, in any protocol: after decompression, from its envelope, or
 * from a URL.
 */
export function routeService<S extends DescService>(
  router: ConnectRouter,
  service: S,
  implementation: Partial<ServiceImpl<S>>,
  { clock, tellTrouble, ...jsonOptions }: RouteDeps & Partial<JsonReadOptions>,
): void {
  for (const method of service.methods) {
    const found: unknown = implementation[method.localName as keyof typeof implementation];
    const run = typeof found === "function" ? found.bind(implementation) : unimplementedOf(method);
    const json = { ...jsonOptions, textDecoder: strictDecoder(method.input, clock) };
    router.rpc(method, run as MethodImpl<typeof method>, { jsonOptions: json });
    const handler = router.handlers.pop();
    if (handler !== undefined) router.handlers.push(tellingUndecodable(handler, { clock, tellTrouble }));
  }
}

function unimplementedOf(method: DescMethod): () => never {
  return () => {
    throw new ConnectError(`${String(method)} is not implemented`, Code.Unimplemented);
  };
}
