import { type OpenedStores, openStores, openStoresAlone, type TestStores } from "./shared-stores.ts";

/**
 * The shared stores with one database for all tests of the `describe`, or for each of them anew; or a Redis
 * and a MongoDB of its own.
 */
export type WhichStores = "once" | "each" | "alone";

/**
 * Real stores for the tests of one `describe`, there from its first `before` hook on. They are given back
 * after every other hook of it: what a test has built on them is closed by then.
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
  // Added when the hooks of the suite are known, so it is the last of them.
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
