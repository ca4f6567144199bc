import type { Facts } from "../../campaign/preflight/facts.ts";
import type { SeenProcess } from "../../record/processes.ts";

export const NOW_MS = Date.UTC(2026, 11, 24, 10, 50);

export function seenProcess(pid: number, given: Partial<SeenProcess> = {}): SeenProcess {
  return {
    _id: `owner-${pid}`,
    host: "a",
    pid,
    roles: ["server", "scheduler", "generator"],
    claims: {
      auth: "token",
      reachable: true,
      limits: { user: "20/10", address: "off", key: "off", shared: false },
    },
    version: "1.0.0",
    startedAt: new Date(NOW_MS - 60_000),
    seenAt: new Date(NOW_MS),
    ageMs: 300,
    tickAgeMs: 700,
    redisClock: { offsetMs: 0.4, uncertaintyMs: 1.2 },
    alarms: {},
    campaigns: [],
    ...given,
  };
}

/** Facts for which all lines are green, ten minutes before the start. */
export const allGreen: Facts = {
  nowMs: NOW_MS,
  campaign: {
    state: "SCHEDULED",
    total: 1_000,
    generated: 1_000,
    generation: 3,
    loadedGeneration: 3,
    startsAtMs: NOW_MS + 600_000,
    endsAtMs: undefined,
    claimAuth: "open",
    shape: 1,
  },
  guessOdds: { ok: true, value: 1e-15 },
  issued: { ok: true, value: 0 },
  pool: {
    ok: true,
    value: {
      status: "ok",
      generation: 3,
      codes: 1_000,
      claims: 0,
      ledger: 0,
      armedAtMs: 0,
      startsAtMs: NOW_MS + 600_000,
      endsAtMs: 0,
    },
  },
  redis: {
    info: {
      ok: true,
      value: {
        engine: "Redis",
        version: "7.0.15",
        mode: "standalone",
        role: "master",
        replicas: 1,
        aofEnabled: true,
        aofWriteOk: true,
        maxmemoryPolicy: "noeviction",
        maxmemoryBytes: 0,
        usedBytes: 10_000_000,
        systemBytes: 8_000_000_000,
      },
    },
    appendfsync: { ok: true, value: "always" },
    slot: { ok: true, value: undefined },
    write: { ok: true, value: 1.5 },
  },
  mongodb: {
    write: { ok: true, value: 4 },
    deployment: {
      ok: true,
      value: { kind: "replica-set", name: "rs0", members: 3, healthy: 3, majority: 2 },
    },
  },
  ownClock: { ok: true, value: { offsetMs: -0.2, uncertaintyMs: 1.1 } },
  processes: { ok: true, value: [seenProcess(1), seenProcess(2)] },
};
