/** The exit codes of `coupon`. Scripts rely on them: never change a number. */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unavailable: 5,
  denied: 6,
  notConfirmed: 7,
  wrong: 8,
  amber: 9,
  red: 10,
  unjudged: 11,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: Record<ExitCode, string> = {
  0: "ok",
  1: "unexpected: a bug, here or in the service",
  2: "usage: an argument is missing or wrong",
  3: "refused: sold out, not started, ended, paused, conflicting …",
  4: "not found: no such campaign, coupon or sink",
  5: "unavailable: the service could not be reached, is overloaded or took too long; ask again with the same key",
  6: "denied: the token is missing, wrong or not allowed to do this",
  7: "not confirmed: the operator did not agree, or there was no terminal to ask at and --yes was not given",
  8: "wrong: coupon verify or coupon rehearse found a guarantee violated",
  9: "amber: coupon preflight found something to look at; it will open",
  10: "red: coupon preflight found that it will not open, or not as promised",
  11: "unjudged: coupon verify could not judge a guarantee that can be judged, or coupon rehearse not check the stores; verify again",
  130: "interrupted with Ctrl-C",
};
