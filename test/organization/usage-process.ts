/** Reads 31 days of usage by the minute and says what of it stayed in memory on the way. Needs `--expose-gc`. */
import { organizationUsage } from "../../src/organization/usage.ts";
import { DAY, MINUTE, past, startOrganization, TODAY } from "./sample-organization.ts";

const heapMb = () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

const MODELS_USED = ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3"];
const { server, access } = startOrganization();
for (let at = TODAY - 31 * DAY; at < TODAY; at += MINUTE) {
  for (const model of MODELS_USED) server.charge(past(at, { model }));
}
const report = () =>
  organizationUsage({
    ...access,
    since: TODAY - 31 * DAY,
    until: TODAY,
    bucket: "1m",
    groupBy: ["model", "project", "user", "apiKey", "batch", "tier"],
  });

// One page, to have everything loaded, and to know what one takes.
const kept: unknown[] = [];
for await (const bucket of report()) {
  kept.push(bucket);
  if (kept.length === 1440) break;
}
const withPage = heapMb();
kept.length = 0;
const before = heapMb();
const asked = server.requests.length;

let minutes = 0;
let requests = 0;
let most = 0;
for await (const { rows } of report()) {
  minutes += 1;
  for (const row of rows) requests += row.requests;
  if (minutes % 1440 === 0) most = Math.max(most, heapMb());
}
process.stdout.write(
  JSON.stringify({
    pages: server.requests.length - asked,
    minutes,
    requests,
    billed: server.bill.requests,
    keptMb: most - before,
    pageMb: withPage - before,
  }),
);
