import { createServer } from "node:net";
import type { Config } from "../../runtime/config.ts";
import { listen } from "../http/listen.ts";

/**
 * The ports that the group will share, tried before any worker is forked: a taken port is reported early and
 * once, and for port 0 a free one is chosen, which the group keeps even if all of its workers crash.
 * @throws UserError when one is taken
 */
export async function freePorts({ HOST, PORT, GRPC_PORT }: Config): Promise<{ http: number; grpc: number }> {
  const [http, grpc] = [createServer(), createServer()];
  try {
    return {
      http: await listen(http, HOST, PORT, "PORT"),
      grpc: await listen(grpc, HOST, GRPC_PORT, "GRPC_PORT"),
    };
  } finally {
    await Promise.all([http, grpc].map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
