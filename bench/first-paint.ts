/**
 * `npm run bench:pages`: how soon the console and the launch page show something, and what they load, in
 * Chromium with Lighthouse's desktop and phone, with an empty cache and a full one. Medians of some visits.
 * Exit codes: 0 all of it good by Lighthouse's measure, 1 not, 2 could not run.
 */
import type { Browser } from "playwright-core";
import type { PhotographedScene } from "../tests/harness/screenshots/scene.ts";
import { openSceneInBrowser } from "../tests/harness/screenshots/scene-in-browser.ts";
import { numberFlag } from "./number-flag.ts";
import { askedAgain, type Figures, figuresOf, plainTexts } from "./paint/figures.ts";
import { PROFILES, type Profile } from "./paint/profiles.ts";
import { faultsOf, medianOf, type Row, tableOf } from "./paint/report.ts";
import { visit } from "./paint/visit.ts";
import { parseFlags } from "./parse-flags.ts";
import { runCommand } from "./run-command.ts";

const USAGE = `usage: npm run bench:pages -- [--rounds N] [--help]

  --rounds N  visits of each kind, of which the median counts; default 5`;

/** A page, and what its reader came for. */
const PAGES = {
  launch: { path: ({ early }: PhotographedScene["campaigns"]) => `/launch/${early}`, ready: "#user-id" },
  console: { path: () => "/console", ready: "input[type=password]" },
} as const;

await runCommand("bench:pages", async ({ releases, controller: { signal } }) => {
  const { rounds: asked, help } = parseFlags(process.argv.slice(2), {
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  });
  if (help) return { exitCode: 0, lastWord: USAGE };
  const rounds = numberFlag("rounds", asked, 1, 99);
  const { scene, browser } = await openSceneInBrowser(releases);

  const rows: Row[] = [];
  const faults = new Set<string>();
  for (const [page, { path, ready }] of Object.entries(PAGES))
    for (const [device, profile] of Object.entries(PROFILES)) {
      const url = scene.url + path(scene.campaigns);
      const visits = { cold: [] as Figures[], warm: [] as Figures[] };
      for (let round = 0; round < rounds; round += 1) {
        signal.throwIfAborted();
        const { cold, warm, wrong } = await twice(browser, { url, ready, profile });
        visits.cold.push(cold);
        visits.warm.push(warm);
        for (const words of wrong) faults.add(words);
      }
      for (const [cache, figures] of Object.entries(visits))
        rows.push({
          name: `${page}, ${device}, ${cache}`,
          figures: medianOf(figures),
          good: profile.good,
        });
    }
  for (const fault of rows.flatMap(faultsOf)) faults.add(fault);
  const lines = [...tableOf(rows), ...[...faults].map((fault) => `NOT GOOD: ${fault}`)];
  return { exitCode: faults.size === 0 ? 0 : 1, lastWord: lines.join("\n") };
});

type TwiceOptions = { readonly url: string; readonly ready: string; readonly profile: Profile };

/** Visits the page with an empty cache, and once more with what the first visit has left there. */
async function twice(browser: Browser, plan: TwiceOptions) {
  const context = await browser.newContext({ locale: "en-GB", ...plan.profile.device });
  try {
    const first = await visit(context, plan);
    const second = await visit(context, plan);
    return {
      cold: figuresOf(first.observed, first.loaded),
      warm: figuresOf(second.observed, second.loaded),
      wrong: [...plainTexts(first.loaded), ...askedAgain(second.loaded)],
    };
  } finally {
    await context.close();
  }
}
