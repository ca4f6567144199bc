import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { actorOf } from "../../access/operators.ts";
import {
  createEraseUsers,
  type ErasedIn,
  type EraseUsersDeps as EraserDeps,
  type ErasureProgress,
  OtherErasureKey,
} from "../../campaign/erasure/erase-users.ts";
import { ErasureLost } from "../../campaign/erasure/erasure-turns.ts";
import { forgetAttempts } from "../../campaign/erasure/forget-attempts.ts";
import { PoolNotErased } from "../../campaign/erasure/pool-erasure.ts";
import type { Pseudonyms } from "../../campaign/erasure/pseudonyms.ts";
import { validKey } from "../../campaign/valid.ts";
import type { CampaignService } from "../../proto/gen/coupon/v1/campaign_service_pb.ts";
import { EraseUsersResponseSchema, ErasurePhase } from "../../proto/gen/coupon/v1/erasure_pb.ts";
import type { Attempts } from "../../record/attempts.ts";
import type { CampaignDoc } from "../../record/documents.ts";
import type { Processes } from "../../record/processes.ts";
import type { Cancel } from "../../runtime/clock.ts";
import { goneError } from "./caller-gone.ts";
import { operatorIn } from "./operator-gate.ts";
import { createRefuse } from "./refuse.ts";
import { validActor } from "./validation.ts";

export type EraseUsersDeps = Omit<EraserDeps, "pseudonyms"> & {
  readonly pseudonyms: Pseudonyms | undefined;
  readonly attempts: Pick<Attempts, "forget">;
  readonly processes: Pick<Processes, "seen">;
  readonly findCampaign: (id: string) => Promise<CampaignDoc>;
  readonly draining: AbortSignal;
};

const USERS_MAX = 1_000;
const PROGRESS_EVERY_MS = 500;
/** A process is known to run by a heartbeat that is not older. */
const SEEN_WITHIN_MS = 10_000;
/** Processes that meet claims: they must recognise erased users. */
const NEED_KEY = ["server", "scheduler", "generator"];

const PHASES: Readonly<Record<ErasureProgress["phase"], ErasurePhase>> = {
  looking: ErasurePhase.LOOKING,
  waiting: ErasurePhase.WAITING,
  erasing: ErasurePhase.ERASING,
};

/** The operators' EraseUsers. An erasure that is cut off is gone on with by a scheduler. */
export function createEraseUsersService(
  deps: EraseUsersDeps,
): Pick<ServiceImpl<typeof CampaignService>, "eraseUsers"> {
  const { pseudonyms, processes, findCampaign, clock, draining } = deps;
  const { refuse, orRefuse } = createRefuse(clock);

  /** @throws ConnectError where not all processes have the same key */
  async function demandOneKey(): Promise<Pseudonyms> {
    if (pseudonyms === undefined)
      throw unprepared("this server has no ERASURE_KEY: set it, the same on all processes");
    const others = (await processes.seen(SEEN_WITHIN_MS)).filter(
      ({ roles, erasureKey }) =>
        roles.some((role) => NEED_KEY.includes(role)) && erasureKey !== pseudonyms.fingerprint,
    );
    const [other] = others;
    if (other === undefined) return pseudonyms;
    const has = other.erasureKey === undefined ? "no ERASURE_KEY" : "another ERASURE_KEY";
    throw unprepared(
      `the process ${other.pid} on ${other.host} has ${has} than this server (${others.length} such in all): set the same on all`,
    );
  }

  return {
    async *eraseUsers(request, context) {
      const { userIds, dryRun } = request;
      if (userIds.length === 0 || userIds.length > USERS_MAX)
        throw refuse({ reason: "INVALID", field: "user_ids", allowed: `1 to ${USERS_MAX} of them` });
      for (const id of userIds) orRefuse(validKey("user_id", id));
      const actor = actorOf(operatorIn(context.values), orRefuse(validActor(request.actor)));
      const campaignId = request.campaignId === "" ? undefined : (await findCampaign(request.campaignId))._id;
      const { erase } = createEraseUsers({ ...deps, pseudonyms: await demandOneKey() });
      const leaving = new AbortController();
      const signal = AbortSignal.any([context.signal, draining, leaving.signal]);
      let progress: ErasureProgress = { phase: "looking", campaigns: 0, found: 0, erased: 0 };
      const onProgress = (now: ErasureProgress) => {
        progress = now;
      };
      // Attempts go first too: in campaigns without a coupon of theirs, nothing could go on with them.
      const forget = async () => (dryRun ? undefined : forgetAttempts(deps, userIds, campaignId, signal));
      const erasing = (async () => {
        await forget();
        const done = await erase({ ...{ userIds, campaignId, actor, dryRun, signal, onProgress } });
        await forget();
        return done;
      })();
      try {
        for (let done: ErasedIn[] | undefined; done === undefined; ) {
          const { phase, ...counts } = progress;
          yield create(EraseUsersResponseSchema, {
            message: { case: "progress", value: { phase: PHASES[phase], ...counts } },
          });
          done = await soonOrNot(erasing);
          if (done !== undefined) yield reportOf(done, clock.now());
        }
      } catch (error) {
        if (draining.aborted)
          throw new ConnectError("this server is stopping; ask another one", Code.Unavailable);
        if (context.signal.aborted) throw goneError(context.signal);
        if (error instanceof OtherErasureKey) throw unprepared(error.message);
        if (error instanceof PoolNotErased || error instanceof ErasureLost)
          throw new ConnectError(error.message, Code.Unavailable);
        throw error;
      } finally {
        leaving.abort();
        await erasing.catch(() => undefined);
      }
    },
  };

  /** The result, or undefined when it is time to send the progress. */
  async function soonOrNot<T>(result: Promise<T>): Promise<T | undefined> {
    let cancel: Cancel = () => undefined;
    const later = new Promise<undefined>((resolve) => {
      cancel = clock.after(PROGRESS_EVERY_MS, () => resolve(undefined));
    });
    return Promise.race([result, later]).finally(() => cancel());
  }
}

function unprepared(message: string): ConnectError {
  return new ConnectError(message, Code.FailedPrecondition);
}

function reportOf(done: readonly ErasedIn[], nowMs: number) {
  return create(EraseUsersResponseSchema, {
    message: {
      case: "report",
      value: {
        campaigns: done.map(({ name, ...counts }) => ({ campaignName: name, ...counts })),
        endedAt: timestampFromMs(nowMs),
      },
    },
  });
}
