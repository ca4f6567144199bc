import * as script from "../../support/pool-model.ts";
import { type Actor, newActor } from "./agenda.ts";
import { type Machine, type World, wallMs } from "./world.ts";

/** The data with which a restarted Redis comes back. */
export type Comeback = "current" | "older" | "empty";

/** One Redis: a process with a fence token and a state, and files of earlier states. */
export type RedisServer = {
  readonly actor: Actor;
  readonly machine: Machine;
  readonly model: script.Model;
  /** Rises when a new process replaces this one: connections to the earlier one are gone. */
  readonly incarnation: number;
  nowMs(): number;
  /** Saves the current state, so that a restart can come back with it. */
  snapshot(): void;
  kill(): void;
  start(comeback: Comeback): void;
  flush(): void;
};

const SNAPSHOTS_MAX = 6;

export function createRedisServer(world: World): RedisServer {
  const machine: Machine = { offsetMs: 0 };
  const actor = newActor("redis");
  const snapshots: script.Model[] = [];
  let incarnation = 1;
  let model = script.newModel("token-1");

  return {
    actor,
    machine,
    get model() {
      return model;
    },
    get incarnation() {
      return incarnation;
    },
    nowMs: () => wallMs(world, machine),
    snapshot() {
      if (snapshots.length === SNAPSHOTS_MAX) snapshots.splice(world.random.below(SNAPSHOTS_MAX), 1);
      snapshots.push(script.copyOf(model));
    },
    kill() {
      actor.alive = false;
      incarnation++;
    },
    start(comeback) {
      const older = snapshots.length === 0 ? model : world.random.pick(snapshots);
      const from = comeback === "current" ? model : script.copyOf(older);
      const token = `token-${incarnation}`;
      model = comeback === "empty" ? script.newModel(token) : { ...from, token };
      if (world.plant === "no-fence") {
        if (model.meta !== undefined) model.meta.token = token;
        if (model.loading !== undefined) model.loading.token = token;
      }
      actor.alive = true;
      actor.heldUntilMs = 0;
    },
    flush() {
      model = script.newModel(model.token);
    },
  };
}
