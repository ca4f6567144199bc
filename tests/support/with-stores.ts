import { type OpenedStores, openStores, openStoresAlone, type TestStores } from "./shared-stores.ts";

/**
 * The shared stores with one database for all tests of the `describe`, or with a new one for each test; or a
 * Redis and a MongoDB for this `describe` only.
 */
export type WhichStores = "once" | "each" | "alone";

/**
 * Real stores for the tests of one `describe`, available from its first `before` hook on. They are closed
 * after all its other hooks, when everything that a test built on them is closed.
 */
export function withStores(which: WhichStores = "once"): TestStores {
  let opened: OpenedStores | undefined;
  const stores = () => {
    if (opened === undefined) throw new Error("withStores: before the first hook, or after the last");
    return opened;
  };
  const open = async () => {
    opened = await (which === "alone" ? openStoresAlone() : openStores());
  };
  const close = async () => {
    await opened?.close();
    opened = undefined;
  };
  // This hook runs once the hooks of the suite are known, so the hook that it adds is the last.
  before("stores: give back last", function () {
    const suite = this.test?.parent;
    if (which === "each") suite?.afterEach("stores", close);
    else suite?.afterAll("stores", close);
  });
  if (which === "each") beforeEach("stores", open);
  else before("stores", open);
  return {
    get redis() {
      return stores().redis;
    },
    get pool() {
      return stores().pool;
    },
    get client() {
      return stores().client;
    },
    get db() {
      return stores().db;
    },
    get env() {
      return stores().env;
    },
  };
}
