import type { Server } from "node:net";

/** Whether requests that can wait should wait for one more turn of the event loop. */
export type AwaitsConnections = () => boolean;

export type NewConnections = {
  /** Counts the connections that this server accepts. */
  watch(server: Server): void;
  /** `turnsMax`: so many turns in a row a flood of connections may take from the requests that wait. */
  awaiting(turnsMax?: number): AwaitsConnections;
};

const TURNS_MAX = 20;

/**
 * Node accepts one connection in each turn of the event loop. Where many come at once, turns in which one
 * came are kept short: else a flood of connections fills the kernel's queue, and honest callers find no place
 * in it. Each `awaiting` counts its own turns.
 */
export function createNewConnections(): NewConnections {
  let came = 0;
  return {
    watch(server) {
      server.on("connection", () => {
        came += 1;
      });
    },
    awaiting(turnsMax = TURNS_MAX) {
      let seen = 0;
      let turns = 0;
      return () => {
        const isQuiet = came === seen;
        seen = came;
        turns = isQuiet || turns >= turnsMax ? 0 : turns + 1;
        return turns > 0;
      };
    },
  };
}
