import { createServer } from "node:net";
import type { Config } from "../../runtime/config.ts";
import { listen } from "../http/listen.ts";

/**
 * The ports that the group will share, tried before anything is forked: a taken one is said at once and once,
 * and for port 0 a free one is chosen, which stays the group's even if all of its workers die.
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
