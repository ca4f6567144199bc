import type { Breaker } from "../../claims/breaker.ts";
import type { SeenSink, Sinks } from "../../record/sinks.ts";
import type { Refuse } from "../rpc/refuse.ts";

/** Finds a sink by its valid name. @throws the refusal UNKNOWN_SINK where there is none */
export type SinkNamed = (name: string) => Promise<SeenSink>;

export function createSinkNamed(
  sinks: Pick<Sinks, "find">,
  reads: Pick<Breaker, "ask">,
  refuse: Refuse["refuse"],
): SinkNamed {
  return async (name) => {
    const found = await reads.ask(() => sinks.find(name));
    if (found === null) throw refuse({ reason: "UNKNOWN_SINK", name });
    return found;
  };
}
