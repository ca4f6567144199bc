import { type Document, Long, ObjectId } from "bson";
import type { FrontRequest } from "../wire/mongo-front.ts";

/** One member of the stand-in: what it believes of itself, and what it answers `hello` with. */
export type Member = {
  readonly index: number;
  readonly isPrimary: boolean;
  /** The term in which it was last elected; 0: never. */
  readonly term: number;
  readonly topologyVersion: Document;
  become(role: { primary: boolean; term?: number }): void;
  /** The reply to `hello`, at once or, where the client asks for it, at the next change; and so on. */
  hello(request: FrontRequest): Promise<Document | undefined>;
  /** Ends what waits. */
  close(): void;
};

export type SetView = {
  readonly hosts: () => readonly string[];
  /** The host of the member that this one takes for the primary. */
  readonly primaryHost: (member: Member) => string | undefined;
};

const SET_NAME = "stand-in";
/** As of MongoDB 8.0. No `logicalSessionTimeoutMinutes`: the engine behind has no sessions. */
const LIMITS = {
  ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
  ...{ minWireVersion: 0, maxWireVersion: 25, readOnly: false, helloOk: true },
};

export function createMember(index: number, view: SetView): Member {
  const processId = new ObjectId();
  const waiting = new Set<() => void>();
  let counter = 0;
  let isPrimary = false;
  let term = 0;
  let isClosed = false;

  const versionOf = () => ({ processId, counter: Long.fromNumber(counter) });

  function changed(): void {
    counter += 1;
    for (const wake of [...waiting]) wake();
  }

  function nextChange(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      waiting.add(wake);
    });
  }

  function described(isLegacy: boolean): Document {
    const hosts = view.hosts();
    return {
      ...{ [isLegacy ? "ismaster" : "isWritablePrimary"]: isPrimary, secondary: !isPrimary },
      ...{ setName: SET_NAME, setVersion: 1, hosts, me: hosts[index], primary: view.primaryHost(member) },
      ...(isPrimary ? { electionId: electionIdOf(term) } : {}),
      ...{ topologyVersion: versionOf(), localTime: new Date(), ...LIMITS, ok: 1 },
    };
  }

  const member: Member = {
    index,
    get isPrimary() {
      return isPrimary;
    },
    get term() {
      return term;
    },
    get topologyVersion() {
      return versionOf();
    },
    become(role) {
      isPrimary = role.primary;
      term = role.term ?? term;
      changed();
    },
    async hello({ name, command, mayStream, stream, hasLeft }) {
      const isLegacy = name.toLowerCase() === "ismaster";
      const { topologyVersion: known, maxAwaitTimeMS } = command;
      if (known === undefined || maxAwaitTimeMS === undefined) return described(isLegacy);
      let told = Number(known.counter);
      for (;;) {
        if (told === counter) await nextChange(Number(maxAwaitTimeMS));
        if (isClosed || hasLeft()) return undefined;
        told = counter;
        if (!mayStream) return described(isLegacy);
        stream(described(isLegacy));
      }
    },
    close() {
      isClosed = true;
      changed();
    },
  };
  return member;
}

/** A later term has a higher id: by it drivers know an old primary. */
function electionIdOf(term: number): ObjectId {
  return new ObjectId(`7fffffff${term.toString(16).padStart(16, "0")}`);
}
