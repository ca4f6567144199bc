import type { FastPathDeps } from "../http/fast-path.ts";
import { createFindAnswers, FIND_PATH, type FindAnswersDeps } from "./find-answer.ts";
import { createIssueAnswers, ISSUE_PATH, type IssueAnswersDeps } from "./issue-answer.ts";
import { createStatusAnswers, STATUS_PATH, type StatusAnswersDeps } from "./status-answer.ts";

/** The paths of the methods that the fast path answers: all of the public service. */
export const FAST_PATHS: readonly string[] = [ISSUE_PATH, FIND_PATH, STATUS_PATH];

export type FastMethodsDeps = IssueAnswersDeps & FindAnswersDeps & StatusAnswersDeps;

export function createFastMethods(deps: FastMethodsDeps): Pick<FastPathDeps, "methods" | "gets"> {
  const status = createStatusAnswers(deps);
  return {
    methods: new Map([
      [ISSUE_PATH, createIssueAnswers(deps)],
      [FIND_PATH, createFindAnswers(deps)],
      [STATUS_PATH, status.post],
    ]),
    gets: new Map([[STATUS_PATH, status.get]]),
  };
}
