import type { Transport } from "@connectrpc/connect";
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import { systemClock } from "../../../client/clock.ts";
import { createServerClock, type ServerClock } from "../../../client/server-clock.ts";
import type { Api } from "./api.ts";
import type { Self } from "./open-session.ts";
import type { OperatingPart } from "./operating-part.ts";
import { createStore, type Store, useStore } from "./store.ts";
import { actorStore } from "./typed-before.ts";

/** Why nobody is signed in; `refused`: the service refused the credential, in its own words. */
export type SignedOut = {
  readonly signedIn: false;
  readonly why: "start" | "left" | { readonly refused: string };
};
export type SignedIn = {
  readonly signedIn: true;
  readonly api: Api;
  /** For the other services of operators. */
  readonly transport: Transport;
  readonly Pages: OperatingPart["Pages"];
};

/**
 * The operator's session. The credential is in memory only: nothing of it is in a storage or in an address,
 * and a reload forgets it.
 */
export type Session = {
  readonly state: Store<SignedIn | SignedOut>;
  readonly serverClock: ServerClock;
  /** Milliseconds since the epoch on the server's clock; undefined: nothing has told it yet. */
  serverNowMs(): number | undefined;
  /** Who is signed in; undefined: nobody, or a service of an earlier version does not say. */
  readonly self: Store<Self | undefined>;
  /** Methods that the credential's role does not cover, by name. */
  readonly denied: Store<ReadonlySet<string>>;
  /**
   * Tries the credential with a harmless call.
   * @throws ConnectError where that fails, and whatever `load` throws
   */
  signIn(credential: string): Promise<void>;
  signOut(): void;
};

/** `load` gives the part of the page behind the sign-in. */
export function createSession(
  baseUrl: string,
  load: () => Promise<Pick<OperatingPart, "openSession" | "Pages">>,
): Session {
  const state = createStore<SignedIn | SignedOut>({ signedIn: false, why: "start" });
  const denied = createStore<ReadonlySet<string>>(new Set());
  const self = createStore<Self | undefined>(undefined);
  const serverClock = createServerClock();

  return {
    state,
    serverClock,
    serverNowMs: () => serverClock.at(systemClock.elapsed())?.serverMs,
    self,
    denied,
    async signIn(credential) {
      const { openSession, Pages } = await load();
      let api: Api | undefined;
      const opened = await openSession({
        baseUrl,
        credential,
        serverClock,
        onUnauthenticated(error) {
          const current = state.get();
          // A call that was under way when another operator signed in does not end the new session.
          if (current.signedIn && current.api === api)
            state.set({ signedIn: false, why: { refused: error.rawMessage } });
        },
      });
      api = opened.api;
      denied.set(opened.denied);
      self.set(opened.self);
      state.set({ signedIn: true, api, transport: opened.transport, Pages });
    },
    signOut() {
      // The next operator at this page is another one.
      actorStore.set("");
      state.set({ signedIn: false, why: "left" });
    },
  };
}

const Context = createContext<Session | undefined>(undefined);

export function SessionProvider(props: { readonly session: Session; readonly children: ComponentChildren }) {
  return <Context.Provider value={props.session}>{props.children}</Context.Provider>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (session === undefined) throw new Error("useSession: outside of SessionProvider");
  return session;
}

/** For components that are shown to a signed-in operator alone. */
export function useSignedIn(): SignedIn {
  const state = useStore(useSession().state);
  if (!state.signedIn) throw new Error("useSignedIn: nobody is signed in");
  return state;
}

export function useApi(): Api {
  return useSignedIn().api;
}
