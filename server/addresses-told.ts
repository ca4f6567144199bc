import type { ListenerAddresses } from "../runtime/listeners.ts";

/** Where a process or a group of workers serves what, for the line that says that it is ready. */
export function toldAddresses({ http, grpc, operators, operatorsGrpc, health }: ListenerAddresses): string {
  const served = (url: string, grpcUrl: string | undefined) =>
    `on ${url}${grpcUrl === undefined ? "" : ` (gRPC on ${grpcUrl})`}`;
  const told = [
    ...(http === undefined ? [] : [served(http, grpc)]),
    ...(operators === undefined ? [] : [`for operators ${served(operators, operatorsGrpc)}`]),
    ...(health === undefined ? [] : [`with health pages on ${health}`]),
  ];
  return told.join(", ");
}
