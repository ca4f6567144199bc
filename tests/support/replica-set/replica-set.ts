import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "bson";
import { type FrontRequest, type MongoFront, startMongoFront } from "../wire/mongo-front.ts";
import type { Address } from "../wire/proxy.ts";
import { createMember, type Member } from "./member.ts";
import { failed, interruptedFrom, type StateChange, type UnmetConcern, unmet } from "./replies.ts";

/**
 * Stands in for a replica set of three, because the embedded engine knows no elections: three members that
 * answer as primary and secondaries do, before the one engine, which holds what a majority has. A write that
 * a set would roll back is not passed on to it.
 */
export type ReplicaSet = {
  readonly url: string;
  /** How often each thing happened: an error by its name, `elections`, `secondary-reads`, `held`, … */
  count(what: string): number;
  /**
   * The next `times` inserts of issuances meet a primary that steps down under them, before it has written
   * them or afterwards; another member is elected `electAfterMs` after each.
   */
  stepDownAtInserts(times: number, electAfterMs: number): void;
  /** The same by a shutdown, after which the member refuses connections until another one is elected. */
  shutDownAtInserts(times: number, electAfterMs: number): void;
  /**
   * The other members lose the primary, and elect one of them `electAfterMs` later. It goes on as the primary
   * of its term for its clients, but no write reaches a majority: each waits until `heal()`, and is answered
   * then, too late, and undone.
   */
  partitionPrimary(electAfterMs: number): { heal(): void };
  /**
   * Until the returned function is called, no majority confirms a write in time; half of the inserts are
   * undone.
   */
  confirmNothing(codeName: UnmetConcern, afterMs: number): () => void;
  /** The next `times` inserts of issuances are interrupted in their middle, without an election. */
  interruptInserts(times: number): void;
  close(): Promise<void>;
};

const MEMBERS = 3;
const HELLOS = ["hello", "isMaster", "ismaster"];
const WRITES = [
  ...["insert", "update", "delete", "findAndModify", "bulkWrite"],
  ...["createIndexes", "create", "drop", "dropDatabase", "dropIndexes"],
];
const READS = ["find", "getMore", "aggregate", "count", "distinct", "listCollections", "listIndexes"];

/** What happens to one insert of issuances; undefined: the connection is closed. */
type Fault = (member: Member, request: FrontRequest) => Promise<Document | undefined>;

export async function startReplicaSet(target: Address): Promise<ReplicaSet> {
  const counts = new Map<string, number>();
  const fronts: MongoFront[] = [];
  const armed: Fault[] = [];
  let electing: Promise<unknown> = Promise.resolve();
  let term = 1;
  let cutOff: { readonly member: Member; readonly healed: Promise<void> } | undefined;
  let unconfirmed: { readonly codeName: UnmetConcern; readonly afterMs: number } | undefined;
  const turns = new Map<string, number>();
  let isClosed = false;

  const hosts = () => fronts.map(({ address: { host, port } }) => `${host}:${port}`);
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  /** 0 to `of` - 1 in turns, for each use. */
  const turn = (use: string, of: number) => {
    const taken = turns.get(use) ?? 0;
    turns.set(use, taken + 1);
    return taken % of;
  };

  const primaries = () => members.filter(({ isPrimary }) => isPrimary);
  const members: readonly Member[] = Array.from({ length: MEMBERS }, (_, index) =>
    createMember(index, {
      hosts,
      primaryHost: (asked) => {
        const [newest] = primaries().sort((a, b) => b.term - a.term);
        const believed = asked === cutOff?.member ? asked : newest;
        return believed === undefined ? undefined : hosts()[believed.index];
      },
    }),
  );

  function refuse(member: Member, codeName: StateChange): Document {
    count(codeName);
    return failed(codeName, member.topologyVersion);
  }

  function elect(after: Member, electAfterMs: number): void {
    electing = sleep(electAfterMs).then(() => {
      if (isClosed) return;
      term += 1;
      count("elections");
      members[(after.index + 1) % MEMBERS]?.become({ primary: true, term });
      // The others hear of it.
      for (const member of members) if (!member.isPrimary) member.become({ primary: false });
    });
  }

  /**
   * In turns: not written, or written; and answered with an error of the command, or with what was written
   * and the reason why the primary waits for a majority no longer.
   */
  async function interrupted(
    member: Member,
    request: FrontRequest,
    codeName: StateChange,
    change: () => void,
  ): Promise<Document> {
    const way = turn("interrupted", 4);
    const isWritten = way % 2 === 1;
    count(isWritten ? "interrupted-after" : "interrupted-before");
    const reply = isWritten ? await request.pass() : { ok: 1, n: countOf(request.command) };
    change();
    if (codeName !== "InterruptedDueToReplStateChange" || way < 2) return refuse(member, codeName);
    count("PrimarySteppedDown");
    return unmet(reply, "PrimarySteppedDown");
  }

  async function write(member: Member, request: FrontRequest): Promise<Document | undefined> {
    if (!member.isPrimary) return refuse(member, "NotWritablePrimary");
    const { term: ours } = member;
    const { name, collection } = request;
    const isIssuance = name === "insert" && collection === "issuances";
    if (member === cutOff?.member) {
      count(isIssuance ? "held" : "held-others");
      await cutOff.healed;
      return refuse(member, "InterruptedDueToReplStateChange");
    }
    const fault = isIssuance ? armed.shift() : undefined;
    if (fault !== undefined) return fault(member, request);
    if (unconfirmed !== undefined && isMajority(request.command)) {
      const { codeName, afterMs } = unconfirmed;
      count(codeName);
      const isUndone = (isIssuance || collection === "redemptions") && turn("undone", 2) === 0;
      if (isUndone) count(isIssuance ? "undone" : "redemptions-undone");
      const reply = isUndone ? { ok: 1, n: isIssuance ? countOf(request.command) : 1 } : await request.pass();
      await sleep(afterMs);
      return unmet(reply, codeName);
    }
    const reply = await request.pass();
    // The primary stepped down while this write was under way.
    if (member.term === ours && member.isPrimary) return reply;
    count("interrupted-after");
    return refuse(member, "InterruptedDueToReplStateChange");
  }

  async function read(member: Member, request: FrontRequest): Promise<Document> {
    if (member === cutOff?.member) {
      count("held-reads");
      await cutOff.healed;
      return refuse(member, "NotPrimaryOrSecondary");
    }
    if (member.isPrimary) return request.pass();
    const { mode } = (request.command["$readPreference"] ?? { mode: "primary" }) as { mode: string };
    if (mode === "primary") return refuse(member, "NotPrimaryNoSecondaryOk");
    // It lags so far behind that it has nothing.
    count("secondary-reads");
    const ns = `${request.command["$db"]}.${request.collection}`;
    return { ok: 1, cursor: { id: 0n, ns, firstBatch: [] }, n: 0, values: [] };
  }

  function handleFor(member: Member) {
    return async (request: FrontRequest): Promise<Document | undefined> => {
      const { name } = request;
      if (HELLOS.includes(name)) return member.hello(request);
      if (WRITES.includes(name)) return write(member, request);
      if (READS.includes(name)) return read(member, request);
      return request.pass();
    };
  }

  for (const member of members) fronts.push(await startMongoFront(target, handleFor(member)));
  members[0]?.become({ primary: true, term });

  function arm(times: number, fault: Fault): void {
    for (let i = 0; i < times; i += 1) armed.push(fault);
  }

  return {
    url: `mongodb://${hosts().join(",")}/?replicaSet=stand-in`,
    count: (what) => counts.get(what) ?? 0,
    stepDownAtInserts: (times, electAfterMs) =>
      arm(times, (member, request) =>
        interrupted(member, request, "InterruptedDueToReplStateChange", () => {
          member.become({ primary: false });
          elect(member, electAfterMs);
        }),
      ),
    shutDownAtInserts: (times, electAfterMs) =>
      arm(times, async (member, request) => {
        const front = fronts[member.index];
        const codeName = turn("shutdown", 2) === 0 ? "ShutdownInProgress" : "InterruptedAtShutdown";
        const reply = await interrupted(member, request, codeName, () => {
          member.become({ primary: false });
          elect(member, electAfterMs);
        });
        // Its answer goes out first; what else was under way gets none.
        front?.cut((connection) => connection !== request.connection);
        setImmediate(() => front?.refuse(true));
        void electing.then(() => front?.refuse(false));
        return reply;
      }),
    partitionPrimary(electAfterMs) {
      const [member] = primaries();
      if (member === undefined) throw new Error("there is no primary to cut off");
      let release: () => void = () => undefined;
      cutOff = {
        member,
        healed: new Promise((resolve) => {
          release = resolve;
        }),
      };
      count("partitions");
      elect(member, electAfterMs);
      return {
        heal() {
          cutOff = undefined;
          member.become({ primary: false });
          release();
        },
      };
    },
    confirmNothing(codeName, afterMs) {
      unconfirmed = { codeName, afterMs };
      return () => {
        unconfirmed = undefined;
      };
    },
    interruptInserts: (times) =>
      arm(times, async (_, request) => {
        const documents = request.command["documents"] as Document[];
        const first = Math.floor(documents.length / 2);
        count("interrupted-in-the-middle");
        if (first > 0) await request.pass({ ...request.command, documents: documents.slice(0, first) });
        return interruptedFrom(first, documents.length, "InterruptedDueToReplStateChange");
      }),
    async close() {
      isClosed = true;
      for (const member of members) member.close();
      await electing;
      await Promise.all(fronts.map((front) => front.close()));
    },
  };
}

function countOf({ documents = [] }: Document): number {
  return documents.length;
}

function isMajority({ writeConcern }: Document): boolean {
  return writeConcern?.w === "majority" || writeConcern?.w === undefined;
}
