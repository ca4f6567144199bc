import { luaScript } from "./script.ts";

/** Every script with its number of keys. The contract of each is the header of its Lua file. */
export const scripts = {
  claim: luaScript("claim", 6),
  claimMoving: luaScript("claim", 6, "first"),
  advance: luaScript("advance", 4),
  inspect: luaScript("inspect", 6),
  frontier: luaScript("frontier", 2),
  settle: luaScript("settle", 2),
  adopt: luaScript("adopt", 5),
  release: luaScript("release", 6),
  distrust: luaScript("distrust", 1),
  ledger: luaScript("ledger", 1),
  loadBegin: luaScript("load-begin", 4),
  loadCodes: luaScript("load-codes", 2),
  loadClaims: luaScript("load-claims", 2),
  loadCommit: luaScript("load-commit", 9),
  freeze: luaScript("freeze", 7),
  turn: luaScript("turn", 4),
  mark: luaScript("mark", 1),
  erase: luaScript("erase", 4),
  bindings: luaScript("bindings", 1),
  topUp: luaScript("top-up", 4),
  remove: luaScript("remove", 10),
  clock: luaScript("clock", 1),
  probe: luaScript("probe", 1),
  ready: luaScript("ready", 1),
  fence: luaScript("fence", 1),
  rights: luaScript("rights", 5),
  limit: luaScript("limit", 1),
};

export type ScriptName = keyof typeof scripts;
