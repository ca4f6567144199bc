import type { Facts } from "./facts.ts";
import { amber, green, type Judged, red } from "./line.ts";

const SLOW_WRITE_MS = 250;

export function checkMongodbWrite({ mongodb: { write } }: Facts): Judged {
  if (!write.ok)
    return red(
      `MongoDB does not take a durable write (majority, journaled): ${write.why}`,
      "see to its disk, and that a majority of its members is up",
    );
  const finding = `a durable write (majority, journaled) took ${write.value.toFixed(1)} ms`;
  if (write.value <= SLOW_WRITE_MS) return green(finding);
  return amber(
    finding,
    `more than ${SLOW_WRITE_MS} ms, and each caller waits for one: see to its disk and network`,
  );
}

export function checkMongodbMembers({ mongodb: { replicaSet } }: Facts): Judged {
  if (!replicaSet.ok)
    return amber(`the members of MongoDB cannot be read: ${replicaSet.why}`, "find out from whoever runs it");
  const set = replicaSet.value;
  if (set === undefined) return green("one server, no replica set: all rests on its disk");
  const { name, members, healthy } = set;
  if (healthy === undefined)
    return amber(
      `replica set ${name} of ${members}; who is healthy cannot be read`,
      "find out from whoever runs it",
    );
  const finding = `replica set ${name}: ${healthy} of ${members} members are healthy`;
  if (healthy === members) return green(finding);
  const majority = Math.floor(members / 2) + 1;
  if (healthy < majority)
    return red(
      `${finding}, a majority is ${majority}`,
      "bring its members back: nothing can be made durable",
    );
  const spare = healthy - majority;
  return amber(
    `${finding}, ${spare === 0 ? "none" : spare} more may fail`,
    "bring its other members back before the start",
  );
}
