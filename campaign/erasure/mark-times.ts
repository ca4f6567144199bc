/** How often a process asks MongoDB which campaigns have erased users, in ms. */
export const MARKS_EVERY_MS = 1_000;
/**
 * A process that could not ask for so long takes every campaign for one with erased users. So a mark that is
 * older than this is heeded by every process, in ms.
 */
export const MARKS_KNOWN_FOR_MS = 3_000;
