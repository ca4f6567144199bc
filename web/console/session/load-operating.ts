import type { OperatingPart } from "./operating-part.ts";

let loading: Promise<OperatingPart> | undefined;

/**
 * Loads the part of the console behind the sign-in, once.
 * @throws where its file cannot be loaded: no network, or the service has another version by now
 */
export function loadOperating(): Promise<OperatingPart> {
  loading ??= import("../operating.tsx").then(
    ({ operating }) => operating,
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/**
 * Fetches that part while the operator signs in, and does not run it yet: running it takes a phone a quarter
 * of a second in which nobody can type. The build names its file.
 */
export function fetchLater(): void {
  for (const { href } of document.querySelectorAll<HTMLLinkElement>("link[rel=later]")) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = href;
    document.head.append(link);
  }
}
