import type { Action, Command, Input } from "./command.ts";
import type { LocalSession, Session } from "./session.ts";

/**
 * The action of each verb, in a module of its own that is loaded when the verb is chosen: a command that
 * pauses a sale does not wait until the console, the audit and the charts are loaded.
 */
type Load<S extends LocalSession> = () => Promise<{ readonly action: Action<S> }>;

/** Verbs that call no service; they start without the RPC client. */
export const localActions: Readonly<Record<string, Load<LocalSession>>> = {
  completion: () => import("./commands/completion.ts"),
  config: () => import("./commands/config.ts"),
  keys: () => import("./commands/keys.ts"),
  login: () => import("./commands/login.ts"),
  logout: () => import("./commands/logout.ts"),
  token: () => import("./commands/token.ts"),
};

export const serviceActions: Readonly<Record<string, Load<Session>>> = {
  add: () => import("./commands/add.ts"),
  cancel: () => import("./commands/cancel.ts"),
  certify: () => import("./commands/certify.ts"),
  commitment: () => import("./commands/commitment.ts"),
  create: () => import("./commands/create.ts"),
  dlq: () => import("./commands/dlq.ts"),
  edit: () => import("./commands/edit.ts"),
  end: () => import("./commands/end.ts"),
  erase: () => import("./commands/erase.ts"),
  events: () => import("./commands/events.ts"),
  export: () => import("./commands/export.ts"),
  find: () => import("./commands/find.ts"),
  formats: () => import("./commands/formats.ts"),
  get: () => import("./commands/get.ts"),
  history: () => import("./commands/history.ts"),
  issue: () => import("./commands/issue.ts"),
  launch: () => import("./commands/launch.ts"),
  list: () => import("./commands/list.ts"),
  pause: () => import("./commands/pause.ts"),
  preflight: () => import("./commands/preflight.ts"),
  proof: () => import("./commands/proof.ts"),
  redeem: () => import("./commands/redeem.ts"),
  redemptions: () => import("./commands/redemptions.ts"),
  rehearse: () => import("./commands/rehearse.ts"),
  reschedule: () => import("./commands/reschedule.ts"),
  resume: () => import("./commands/resume.ts"),
  sinks: () => import("./commands/sinks.ts"),
  stats: () => import("./commands/stats.ts"),
  status: () => import("./commands/status.ts"),
  unvoid: () => import("./commands/unvoid.ts"),
  validate: () => import("./commands/validate.ts"),
  verify: () => import("./commands/verify.ts"),
  why: () => import("./commands/why.ts"),
  void: () => import("./commands/void.ts"),
  watch: () => import("./commands/watch.ts"),
  whoami: () => import("./commands/whoami.ts"),
};

export async function perform(command: Command, session: LocalSession, input: Input): Promise<void> {
  const { name, takesCampaign } = command;
  const local = localActions[name];
  if (local !== undefined) return (await local()).action.run(session, input);
  const load = serviceActions[name];
  if (load === undefined) throw new Error(`there is nothing that does ${name}`);
  const [{ action }, connected] = await Promise.all([load(), connectedTo(session)]);
  const given = takesCampaign === false ? undefined : input.optionalCampaignId;
  if (given === undefined) return action.run(connected, input);
  const { meantCampaignId } = await import("./campaign-id.ts");
  return action.run(connected, input.withCampaignId(await meantCampaignId(connected, given)));
}

/** The session with clients of the service; the first call connects. */
export async function connectedTo(session: LocalSession): Promise<Session> {
  const { openClients } = await import("./client.ts");
  return { ...session, ...openClients(session.settings) };
}
