import { useEffect, useState } from "preact/hooks";

/** What the part of the address behind # names. */
export type Route =
  | { readonly page: "list" }
  | { readonly page: "create" }
  | { readonly page: "campaign"; readonly campaignId: string; readonly tab: string }
  | { readonly page: "wall"; readonly campaignId: string }
  | { readonly page: "sinks" }
  | { readonly page: "sink"; readonly name: string }
  | { readonly page: "unknown" };

const CAMPAIGN_ID = /^[0-9A-Za-z]{1,64}$/;
/** As the service allows a sink's name. */
const SINK_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const TAB = /^[a-z-]{1,32}$/;
export const FIRST_TAB = "overview";

export function routeOf(hash: string): Route {
  const [first = "", campaignId = "", tab = FIRST_TAB, ...more] = hash.replace(/^#?\/?/, "").split("/");
  if (first === "" && campaignId === "") return { page: "list" };
  if (first === "new" && campaignId === "") return { page: "create" };
  if (first === "campaigns" && CAMPAIGN_ID.test(campaignId) && TAB.test(tab) && more.length === 0)
    return tab === "wall" ? { page: "wall", campaignId } : { page: "campaign", campaignId, tab };
  if (first === "sinks" && campaignId === "") return { page: "sinks" };
  if (first === "sinks" && SINK_NAME.test(campaignId) && tab === FIRST_TAB)
    return { page: "sink", name: campaignId };
  return { page: "unknown" };
}

export const hrefs = {
  list: "#/",
  create: "#/new",
  campaign: (campaignId: string, tab = FIRST_TAB): string =>
    tab === FIRST_TAB ? `#/campaigns/${campaignId}` : `#/campaigns/${campaignId}/${tab}`,
  wall: (campaignId: string): string => `#/campaigns/${campaignId}/wall`,
  sinks: "#/sinks",
  sink: (name: string): string => `#/sinks/${name}`,
};

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return routeOf(hash);
}
