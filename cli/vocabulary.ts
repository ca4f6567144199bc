import type { Command, OptionSpec } from "./command.ts";
import { add } from "./verbs/add.ts";
import { cancel } from "./verbs/cancel.ts";
import { certify } from "./verbs/certify.ts";
import { commitment } from "./verbs/commitment.ts";
import { completion } from "./verbs/completion.ts";
import { config } from "./verbs/config.ts";
import { create } from "./verbs/create.ts";
import { dlq } from "./verbs/dlq.ts";
import { edit } from "./verbs/edit.ts";
import { end } from "./verbs/end.ts";
import { erase } from "./verbs/erase.ts";
import { events } from "./verbs/events.ts";
import { exportCoupons } from "./verbs/export.ts";
import { find } from "./verbs/find.ts";
import { formats } from "./verbs/formats.ts";
import { get } from "./verbs/get.ts";
import { history } from "./verbs/history.ts";
import { issue } from "./verbs/issue.ts";
import { keys } from "./verbs/keys.ts";
import { launch } from "./verbs/launch.ts";
import { list } from "./verbs/list.ts";
import { login } from "./verbs/login.ts";
import { logout } from "./verbs/logout.ts";
import { pause } from "./verbs/pause.ts";
import { preflight } from "./verbs/preflight.ts";
import { proof } from "./verbs/proof.ts";
import { redeem } from "./verbs/redeem.ts";
import { redemptions } from "./verbs/redemptions.ts";
import { rehearse } from "./verbs/rehearse.ts";
import { reschedule } from "./verbs/reschedule.ts";
import { resume } from "./verbs/resume.ts";
import { sinks } from "./verbs/sinks.ts";
import { stats } from "./verbs/stats.ts";
import { status } from "./verbs/status.ts";
import { token } from "./verbs/token.ts";
import { validate } from "./verbs/validate.ts";
import { verify } from "./verbs/verify.ts";
import { unvoid, voidCode } from "./verbs/void.ts";
import { watch } from "./verbs/watch.ts";
import { whoami } from "./verbs/whoami.ts";
import { why } from "./verbs/why.ts";

/**
 * Every verb, as data, for help, completion and the manual. The action is loaded only for the chosen verb
 * (cli/actions.ts).
 */
export const commands: readonly Command[] = [
  create,
  get,
  list,
  preflight,
  launch,
  watch,
  pause,
  resume,
  reschedule,
  add,
  edit,
  end,
  cancel,
  erase,
  history,
  exportCoupons,
  issue,
  find,
  why,
  redeem,
  validate,
  voidCode,
  unvoid,
  redemptions,
  status,
  verify,
  rehearse,
  formats,
  stats,
  commitment,
  certify,
  proof,
  sinks,
  dlq,
  events,
  login,
  logout,
  whoami,
  keys,
  token,
  config,
  completion,
];

/** The options that every verb takes. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: "--url <url>", about: "the service (env COUPON_URL, default http://127.0.0.1:8080)" },
  {
    flags: "--token <token>",
    about:
      "the operators' bearer token; other users of the machine see it in its list of processes: better --token-file (env COUPON_TOKEN)",
  },
  {
    flags: "--token-file <file>",
    about: "the file that holds the token, - for standard input (env COUPON_TOKEN_FILE)",
    offers: "files",
  },
  {
    flags: "--profile <name>",
    about: "which profile of the config file (env COUPON_PROFILE); see coupon config --help",
  },
  {
    flags: "--json",
    about: "results as JSON on standard output, everything else as JSON lines on standard error",
  },
  {
    flags: "--timeout <ms>",
    about: "for each try of a call, and the longest silence of a stream (env COUPON_TIMEOUT, default 10000)",
  },
  {
    flags: "--retries <n>",
    about:
      "tries after the first while the service is unavailable (env COUPON_RETRIES, default 5, streams 20)",
  },
  { flags: "--no-color", about: "no colours (also env NO_COLOR)" },
];
