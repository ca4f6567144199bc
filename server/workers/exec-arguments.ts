/**
 * Node's own arguments for a worker: those of the primary, without the env file. The primary has read it and
 * passes its settings on: a file that is changed or removed meanwhile neither changes a replacement nor keeps
 * it from starting.
 */
export function withoutEnvFile(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (argument, index) => !argument.startsWith("--env-file") && execArgv[index - 1] !== "--env-file",
  );
}
