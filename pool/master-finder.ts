import { UserError } from "../runtime/user-error.ts";
import { believedMaster, type SentinelAnswer } from "./believed-master.ts";
import { wordsOf } from "./redis-trouble.ts";
import { hostOf, hostsOf, type NodeAddress, type RedisAddress, type Sentinels } from "./redis-url.ts";
import { createSentinelLink, type SentinelLink } from "./sentinel-link.ts";

/** Finds out where Redis is: what REDIS_URL says, or what its Sentinels say now. */
export type MasterFinder = {
  /**
   * The address with its nodes. Where no Sentinel answers any more, the master that they named last: it may
   * be alive.
   * @throws UserError where waiting does not help
   */
  find(withinMs?: number): Promise<RedisAddress>;
  /** How many Sentinels answered when they were last asked, and of how many; undefined: there are none. */
  heard(): Heard | undefined;
  close(): void;
};

export type Heard = {
  readonly sentinels: number;
  readonly answering: number;
  /** Why others do not answer. */
  readonly why: string;
};

/** The time for an answer of one Sentinel, unless another is given. */
const ASK_MS = 1_000;
/** So long after the majority has answered, the others are not waited for: their machine may be gone. */
const GRACE_MS = 100;

export function createMasterFinder(address: RedisAddress): MasterFinder {
  const { sentinels } = address;
  if (sentinels === undefined) return { find: async () => address, heard: () => undefined, close() {} };
  const links = sentinels.nodes.map((node) => createSentinelLink(address, sentinels, node));
  /** Why a Sentinel does not help, by its last reply; undefined: it names a master, or was not asked yet. */
  const troubles = new Map<NodeAddress, string>();
  let epoch = Number.NEGATIVE_INFINITY;
  let named: NodeAddress | undefined;

  const why = () => sentinels.nodes.flatMap((node) => troubles.get(node) ?? []).join("; ");

  async function askOne(link: SentinelLink, node: NodeAddress, withinMs: number) {
    try {
      const answer = await link.ask(withinMs);
      if (answer === undefined) troubles.set(node, `${hostOf(node)}: knows no master ${sentinels?.master}`);
      else troubles.delete(node);
      return answer;
    } catch (error) {
      const words = wordsOf(error);
      troubles.set(node, words.includes(hostOf(node)) ? words : `${hostOf(node)}: ${words}`);
      throw error;
    }
  }

  return {
    async find(withinMs = ASK_MS) {
      const asked = sentinels.nodes.map((node, i) => askOne(links[i] as SentinelLink, node, withinMs));
      const replies = await mostOf(asked);
      const answers = replies.flatMap((reply) => ("answer" in reply && reply.answer ? [reply.answer] : []));
      const believed = believedMaster(answers, { sentinels: links.length, epoch, inUse: named });
      if (believed !== undefined) {
        epoch = believed.epoch;
        named = believed.master;
      }
      if (named === undefined) throw unnamed(sentinels, replies, why());
      return { ...address, nodes: [named] };
    },
    heard: () => ({
      sentinels: links.length,
      answering: links.length - troubles.size,
      why: why(),
    }),
    close() {
      for (const link of links) link.close();
    },
  };
}

/** The address with its nodes, asked for once. */
export async function masterAddress(address: RedisAddress, withinMs?: number): Promise<RedisAddress> {
  const finder = createMasterFinder(address);
  try {
    return await finder.find(withinMs);
  } finally {
    finder.close();
  }
}

type Reply =
  | { readonly answer: SentinelAnswer | undefined }
  | { readonly error: unknown }
  | { readonly late: true };

/** Those that have come when all have, or a while after more than half of the Sentinels answered. */
function mostOf(asked: readonly Promise<SentinelAnswer | undefined>[]): Promise<readonly Reply[]> {
  const replies: Reply[] = asked.map(() => ({ late: true }));
  let left = asked.length;
  let answered = 0;
  let timer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const came = (i: number, reply: Reply) => {
      replies[i] = reply;
      left -= 1;
      if ("answer" in reply) answered += 1;
      if (left > 0 && answered * 2 > asked.length)
        timer ??= setTimeout(() => resolve([...replies]), GRACE_MS);
      if (left > 0) return;
      clearTimeout(timer);
      resolve(replies);
    };
    for (const [i, one] of asked.entries())
      one.then(
        (answer) => came(i, { answer }),
        (error: unknown) => came(i, { error }),
      );
  });
}

function unnamed({ nodes, master }: Sentinels, replies: readonly Reply[], why: string): Error {
  const errors = replies.flatMap((reply) => ("error" in reply ? [reply.error] : []));
  const refusal = errors.find((error) => error instanceof UserError);
  if (refusal !== undefined) return refusal as UserError;
  const ignorant = replies.filter((reply) => "answer" in reply);
  if (ignorant.length === nodes.length)
    return new UserError(
      `configuration: REDIS_URL: none of the Sentinels at ${hostsOf({ nodes })} knows a master named ${master}: the name after the / must be that of their "sentinel monitor"`,
    );
  return new Error(`${ignorant.length === 0 ? "no Sentinel answers" : "no Sentinel names it"}: ${why}`);
}
