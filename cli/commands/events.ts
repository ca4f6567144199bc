import { toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../proto/gen/coupon/v1/event_pb.ts";
import { call } from "../call.ts";
import type { Action } from "../command.ts";
import { printable } from "../render.ts";
import { resumedStream } from "../stream.ts";
import { listOf } from "../text-list.ts";
import { UserError } from "../user-error.ts";

const pageSize = 1_000;

export const action: Action = {
  async run(session, input) {
    const { output } = session;
    const follows = input.flag("--follow") === true;
    const fromNow = input.flag("--from-now") === true;
    if (fromNow && !follows) throw new UserError("--from-now goes with --follow");
    const chosen = {
      campaignId: input.text("--campaign") ?? "",
      types: listOf(input, "--types") ?? [],
      thresholds: listOf(input, "--thresholds") ?? [],
    };
    let pageToken = input.text("--page-token") ?? "";
    const write = async (events: readonly Event[], next: string): Promise<void> => {
      const lines = events.map((event) => `${JSON.stringify(toJson(EventSchema, event))}\n`);
      if (lines.length > 0) await output.writeData(lines.join(""));
      pageToken = next;
    };
    try {
      if (follows) {
        const messages = resumedStream(session, {
          open: (options) =>
            session.events.followEvents(
              { ...chosen, pageToken, fromNow: fromNow && pageToken === "" },
              options,
            ),
          properEnd: "interrupted",
          isProgress: () => true,
          maxSilenceMs: session.settings.timeoutMs,
          note: output.note,
        });
        for await (const { events, nextPageToken } of messages) await write(events, nextPageToken);
        return;
      }
      for (let isAll = false; !isAll; ) {
        const page = await call(session, (options) =>
          session.events.listEvents({ ...chosen, pageSize, pageToken }, options),
        );
        await write(page.events, page.nextPageToken);
        ({ isAll } = page);
      }
    } finally {
      if (pageToken !== "") output.note(`--page-token ${printable(pageToken)} goes on from here`);
    }
  },
};
