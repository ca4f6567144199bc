import { useEffect, useState } from "preact/hooks";
import { useApi, useSession } from "../session/session.tsx";
import { createStore, type Store, useStore } from "../session/store.ts";
import { type CampaignWatch, type WatchState, watchCampaign } from "./watch-campaign.ts";

/** A browser has six HTTP/1.1 connections to a host: tabs that nobody sees must not hold them all. */
const HIDDEN_MS = 60_000;

const NOTHING: Store<WatchState> = createStore<WatchState>({
  phase: "connecting",
  message: undefined,
  events: [],
  samples: [],
  trouble: undefined,
});

/** Follows a campaign while the component is mounted. */
export function useWatch(campaignId: string): WatchState {
  const api = useApi();
  const { serverClock } = useSession();
  const [watch, setWatch] = useState<CampaignWatch>();
  useEffect(() => {
    const opened = watchCampaign(campaignId, { api, serverClock });
    setWatch(opened);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") opened.hurry();
      else timer = setTimeout(() => opened.suspend(), HIDDEN_MS);
    };
    document.addEventListener("visibilitychange", follow);
    addEventListener("online", follow);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", follow);
      removeEventListener("online", follow);
      opened.close();
      setWatch(undefined);
    };
  }, [api, campaignId, serverClock]);
  return useStore(watch?.state ?? NOTHING);
}
