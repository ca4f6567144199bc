/**
 * Bugs that can be planted, each with the invariant that should catch it. They exist only in the simulated
 * stores and in the code that connects them.
 */
export const PLANTS = {
  "acknowledge-early": "issuances.insert resolves before anything is durable (U2)",
  "settle-before-durable": "ledger entries are dropped before the issuance is durable (U2)",
  "no-fence": "a restarted Redis passes for the one that the pool was loaded into (U2, U10)",
  "adopt-nothing": "adopt answers and does nothing; books not compared (U1)",
  "no-books": "pool and MongoDB are not compared after a rebuild (U1)",
  "release-pushes-back": "release always hands the code back, also an issued one (U1)",
  "loader-order": "the loader reads issuances before codes, the swap does not count; books not compared (U5)",
  "swap-uncounted": "the swap does not count codes and claims; books not compared (U1)",
  "generation-frozen": "a load does not raise the generation (U10, U11)",
  "code-taken-ignored": "E11000 on the code counts as durable (U1)",
  "no-key-index": "no unique index on the claim key (U4)",
  "one-clock": "the caller's clock is not asked (U8)",
  "sold-out-cache": "a server that said sold out says so from memory, also to winners (U7)",
  "overloaded-after-pop": "who may have a code is told OVERLOADED: nothing was tried (U2)",
  "no-sweeper": "nobody finishes the ledger (U5)",
} as const;

export type PlantName = keyof typeof PLANTS;

/** Bugs that the comparison of pool and MongoDB after a rebuild would repair: they are planted without it. */
export const WITHOUT_BOOKS: ReadonlySet<PlantName | undefined> = new Set([
  "no-books",
  "adopt-nothing",
  "loader-order",
  "swap-uncounted",
] as const);
