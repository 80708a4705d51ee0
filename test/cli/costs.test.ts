/** What `dramatis costs` and `dramatis usage` print and write, asked of a server over a socket. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import type { Listening } from "../../src/offline/listen.ts";
import {
  ADMIN_KEY,
  DAY,
  MINUTE,
  NOW,
  past,
  startOrganization,
  TODAY,
} from "../organization/sample-organization.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";

const { server } = startOrganization();
let listening: Listening;
beforeAll(async () => {
  for (let day = 0; day < 10; day += 3) {
    server.charge(past(TODAY - day * DAY, { project: "proj_a" }));
    server.charge(past(TODAY - day * DAY, { model: "o3", project: "proj_b", tier: "flex" }));
  }
  server.charge(past(NOW - 5 * MINUTE, { model: "mine", apiKey: "=key" }));
  listening = await server.listen();
});
afterAll(() => listening.close());

async function run(args: string[], more: SampleTerminalOptions = {}) {
  const env = { OPENAI_ADMIN_KEY: ADMIN_KEY, OPENAI_ADMIN_BASE_URL: `${listening.url}/v1`, ...more.env };
  const { terminal, written } = sampleTerminal({ columns: 80, ...more, env });
  const exitCode = await runCommand(args, { ...terminal, clock: () => NOW });
  return { exitCode, ...written };
}

describe("dramatis costs", () => {
  it("shows a bar a day, its parts and sums", async () => {
    const { exitCode, stdout, stderr } = await run([
      "costs",
      "--since",
      "2026-11-17",
      "--until",
      "2026-11-21",
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { host } = new URL(listening.url);
    expect(stdout).toBe(`  What the organization was charged  ${host}
  2026-11-17 00:00 to 2026-11-21 00:00 UTC; US dollars, a bar a day

  2026-11-17  █████████████████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  $0.012696
  2026-11-18                                                           $0.000000
  2026-11-19                                                           $0.000000
  2026-11-20  █████████████████████████████████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  $0.012696

  █ gpt-4.1 $0.016928 66.7%  ▓ o3 $0.008464 33.3%

  By line item
  line item                          cost   share
  gpt-4.1, output_tokens        $0.008000   31.5%
  gpt-4.1, input_tokens         $0.007904   31.1%
  o3, flex output_tokens        $0.004000   15.8%
  o3, flex input_tokens         $0.003952   15.6%
  gpt-4.1, cached_input_tokens  $0.001024    4.0%
  o3, flex cached_input_tokens  $0.000512    2.0%
  ───────────────────────────────────────────────
  all                           $0.025392  100.0%
`);
  });

  it("sets the catalog's prices beside each day's charge", async () => {
    const { stdout } = await run(["costs", "--since", "4d", "--by-catalog", "--group-by", "project"]);
    expect(stdout).toContain("By project\n");
    expect(stdout).toMatch(/ {2}proj_a +\$0\.016928 +66\.7%\n {2}proj_b +\$0\.008464 +33\.3%\n/);
    expect(stdout).toContain("By day, beside the catalog's prices\n");
    expect(stdout).toMatch(/ {2}2026-11-17 +\$0\.012696 +\$0\.012696 +\$0\.0000\n/);
    // The request to a model without a price.
    expect(stdout).toMatch(/ {2}2026-11-20 +\$0\.012696 +≥ \$0\.012696 +≤ \$0\.0000 +1\n/);
    expect(stdout).toMatch(/ {2}all +\$0\.025392 +≥ \$0\.025392 +≤ \$0\.0000 +1\n/);
  });

  it("prints one JSON object with every day, and the bill's sum", async () => {
    const { stdout } = await run(["costs", "--since", "30d", "--json", "--by-catalog", "--group-by", "none"]);
    const { buckets, days, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      report: "costs",
      host: new URL(listening.url).host,
      since: "2026-10-21T00:00:00.000Z",
      until: "2026-11-20T10:30:20.000Z",
      bucket: "1d",
      groupBy: [],
      total: { costNanoUsd: server.bill.costNanoUsd, unknownAmounts: 0, otherNano: {} },
    });
    expect(buckets).toHaveLength(31);
    expect(buckets[0]).toEqual({
      startsAt: "2026-10-21T00:00:00.000Z",
      endsAt: "2026-10-22T00:00:00.000Z",
      rows: [],
    });
    expect(buckets.at(-1).rows).toEqual([{ costNanoUsd: 12_696_000 }]);
    expect(days.at(-1)).toEqual({
      startsAt: "2026-11-20T00:00:00.000Z",
      chargedNanoUsd: 12_696_000,
      catalogNanoUsd: 12_696_000,
      unpricedRequests: 1,
    });
  });

  it("prints CSV with a row for empty days too", async () => {
    const { stdout } = await run([
      "costs",
      "--since",
      "2026-11-19",
      "--csv",
      "--group-by",
      "project,line-item",
    ]);
    const [head, empty, first] = stdout.split("\r\n");
    expect(head).toBe(
      "starts_at,ends_at,project,line_item,cost_nano_usd,cost_usd,other_currency,other_amount",
    );
    expect(empty).toBe("2026-11-19T00:00:00.000Z,2026-11-20T00:00:00.000Z,,,0,0.000000000,,");
    expect(first).toBe(
      '2026-11-20T00:00:00.000Z,2026-11-21T00:00:00.000Z,proj_a,"gpt-4.1, cached_input_tokens",512000,0.000512000,,',
    );
  });

  it("writes a page for a browser beside what it prints", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dramatis-costs-"));
    const file = join(folder, "costs.html");
    const { exitCode, stdout, stderr } = await run(["costs", "--since", "7d", "--html", file]);
    const page = readFileSync(file, "utf8");
    rmSync(folder, { recursive: true });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: `Written: ${file}\n` });
    expect(stdout).toContain("By line item");
    expect(page).toMatch(
      /^<!doctype html>[\s\S]*<svg [\s\S]*gpt-4\.1, cached_input_tokens[\s\S]*<\/html>\n$/,
    );
  });

  it("says that the page cannot be written before it asks for anything", async () => {
    const { exitCode, stdout, stderr } = await run(["costs", "--since", "7d", "--html", tmpdir()]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("it is a folder, not a file. Name another file with --html.");
  });

  it("says that there was nothing", async () => {
    const { exitCode, stdout } = await run(["costs", "--since", "2026-01-01", "--until", "2026-01-03"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("2026-01-01 00:00 to 2026-01-03 00:00 UTC\n\n  Nothing in that time.\n");
    expect(stdout).toMatch(/ {2}all +\$0\.0000 +–\n/);
  });
});

describe("dramatis usage", () => {
  it("shows tokens by model, and what is told apart", async () => {
    const { stdout } = await run(["usage", "--since", "1d", "--group-by", "model,batch,tier,key"]);
    expect(stdout).toContain("tokens, in and out, a bar a day\n");
    expect(stdout).toContain("█ gpt-4.1 3,500 33.3%  ▓ mine 3,500 33.3%  ▒ o3 3,500 33.3%");
    expect(stdout).toMatch(/ {2}model +batch +tier +key +requests +input +cached +output\n/);
    expect(stdout).toMatch(/ {2}o3 +no batch +flex +\(none\) +1 +3,000 +1,024 +500\n/);
    expect(stdout).toMatch(/ {2}all +3 +9,000 +3,072 +1,500\n/);
  });

  it("comes by the hour and by the minute", async () => {
    const hours = await run(["usage", "--bucket", "1h"]);
    expect(hours.stdout).toContain(
      "2026-11-19 10:00 to 2026-11-20 10:30 UTC; tokens, in and out, a bar an hour",
    );
    expect(hours.stdout.match(/^ {2}2026-11-\d\d \d\d:00 /gm)).toHaveLength(26);
    const minutes = await run(["usage", "--bucket", "1m", "--json", "--group-by", "none"]);
    const { buckets, total } = JSON.parse(minutes.stdout);
    expect(buckets).toHaveLength(61);
    expect(total).toEqual({
      requests: 1,
      inputTokens: 3000,
      cachedInputTokens: 1024,
      outputTokens: 500,
      otherTokens: 0,
    });
  });

  it("prints CSV in which nothing becomes a spreadsheet's formula", async () => {
    const { stdout } = await run([
      "usage",
      "--since",
      "2h",
      "--bucket",
      "1h",
      "--csv",
      "--group-by",
      "key,batch",
    ]);
    const lines = stdout.trimEnd().split("\r\n");
    expect(lines[0]).toBe(
      "starts_at,ends_at,key,batch,requests,input_tokens,cached_input_tokens,output_tokens,other_tokens",
    );
    expect(lines.at(-1)).toBe(
      "2026-11-20T10:00:00.000Z,2026-11-20T11:00:00.000Z,'=key,false,1,3000,1024,500,0",
    );
    expect(lines).toHaveLength(4);
  });
});

describe("what is asked wrongly", () => {
  it.each([
    [["costs", "--since", "tomorrow"], /--since.*Expected a date like/s],
    [["costs", "--since", "1960-01-01"], /Expected --since in 1970 or later/],
    [["costs", "--since", "1d", "--until", "2d"], /Expected --since before --until, got 2026-11-1.* and /],
    [["costs", "--group-by", "model"], /Expected none, or some of line-item, project, key, user/],
    [["usage", "--bucket", "1w"], /Allowed choices are 1m, 1h, 1d/],
    [
      ["usage", "--group-by", "model,line-item"],
      /Expected none, or some of model, project, user, key, batch, tier/,
    ],
    [["costs", "--json", "--csv"], /Expected --json or --csv, got both/],
  ])("%o says what was expected", async (args, message) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it("without an admin key, how to get and keep one", async () => {
    const { exitCode, stdout, stderr } = await run(["costs"], { env: { OPENAI_ADMIN_KEY: "" } });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(
      /settings\/organization\/admin-keys\. To keep it: dramatis keys add --admin\. Or set OPENAI_ADMIN_KEY/,
    );
  });

  it("takes the admin key that the vault has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dramatis-vault-"));
    const env = { OPENAI_ADMIN_KEY: "", DRAMATIS_VAULT: join(folder, "keys.json") };
    await run(["keys", "add", "--admin"], { env, secret: ADMIN_KEY });
    const { exitCode, stdout } = await run(["costs"], { env });
    rmSync(folder, { recursive: true });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("By line item");
  });

  it("of a server that nobody named for the admin key", async () => {
    const asked = server.requests.length;
    const env = { OPENAI_ADMIN_BASE_URL: "", OPENAI_BASE_URL: `${listening.url}/v1` };
    const { exitCode, stderr } = await run(["usage"], { env });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`The admin key is not sent to ${new URL(listening.url).host}`);
    expect(stderr).toContain("set OPENAI_ADMIN_BASE_URL");
    expect(server.requests.length).toBe(asked);
  });
});

/** A server that answers everything so, and how often it was asked. */
async function serve(answer: RequestListener) {
  let asked = 0;
  const http = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  await new Promise<void>((ready) => http.listen(0, "127.0.0.1", ready));
  const { port } = http.address() as AddressInfo;
  return {
    env: { OPENAI_ADMIN_BASE_URL: `http://127.0.0.1:${port}/v1` },
    asked: () => asked,
    async close() {
      http.closeAllConnections();
      await new Promise((closed) => http.close(closed));
    },
  };
}

/** A page of one day, on which a dollar was charged, or of none. */
const page = (day: number | undefined, more: object) => {
  const start = TODAY / 1000 - (day ?? 0) * 86_400;
  const results = [{ amount: { value: 1, currency: "usd" }, line_item: "gpt-4.1, input_tokens" }];
  const bucket = { object: "bucket", start_time: start, end_time: start + 86_400, results };
  return JSON.stringify({ object: "page", data: day === undefined ? [] : [bucket], ...more });
};
const refusal = (status: number) =>
  JSON.stringify({ error: { message: `no (${status})`, type: "x", code: "y" } });

interface Broken {
  status?: number;
  /** Of the answer to the nth request, counted from 1. */
  body(count: number): string;
  message: RegExp;
  /** How often it is asked until that is said. */
  attempts: number;
  /** Pages that are taken for good before that. */
  reads?: number;
}

/** How a page can be answered, when nobody is to be shown a sum. */
const BROKEN: Readonly<Record<string, Broken>> = {
  "401": {
    status: 401,
    body: () => refusal(401),
    message:
      /: 401 no \(401\)\. Expected an admin key \(sk-admin-…\) that is still valid: owners .* make them at platform/,
    attempts: 1,
  },
  "403": {
    status: 403,
    body: () => refusal(403),
    message: /: 403 no \(403\)\. .*needs the permission to read usage/,
    attempts: 1,
  },
  "429": {
    status: 429,
    body: () => refusal(429),
    message:
      /: 429 no \(429\)\. It was asked several times in vain\. Try again later, or ask about less time/,
    attempts: 5,
  },
  "500": {
    status: 500,
    body: () => refusal(500),
    message: /: 500 no \(500\)\. Try again later, or ask about less time/,
    attempts: 5,
  },
  "JSON that breaks off": {
    body: () => page(10, { has_more: false }).slice(0, -40),
    message: /The answer is no JSON, or broke off\. Try again later/,
    attempts: 1,
  },
  "the same page for ever": {
    body: (count) => page(10, { has_more: true, next_page: `page_${count}` }),
    message: /came twice, or out of order\. Check that the address is one that knows organizations/,
    attempts: 2,
    reads: 1,
  },
  "empty pages for ever": {
    body: (count) => page(undefined, { has_more: true, next_page: `page_${count}` }),
    message: /3 empty pages came, and always with more to follow\. Check that the address/,
    attempts: 3,
    reads: 2,
  },
  "the same place to go on for ever": {
    body: (count) => page(12 - count, { has_more: true, next_page: "again" }),
    message: /a `next_page` came a second time, so that there would be no end\. Check that the address/,
    attempts: 2,
    reads: 1,
  },
};

describe("a server that does not answer as it should", () => {
  const GOOD = "page_good";
  const cases = Object.keys(BROKEN).flatMap((what) =>
    [0, 1].flatMap((pages) => ["", "--json", "--csv", "--by-catalog"].map((form) => ({ what, pages, form }))),
  );

  it.each(cases)(
    "$what after $pages good pages is a clear error, and no part of a sum $form",
    async (one) => {
      const { status = 200, body, message, attempts, reads = 0 } = BROKEN[one.what] as Broken;
      const headers = { "content-type": "application/json", "retry-after-ms": "1" };
      let left = one.pages;
      let count = 0;
      const { env, asked, close } = await serve((_request, response) => {
        if (left-- > 0) response.writeHead(200, headers).end(page(20, { has_more: true, next_page: GOOD }));
        else response.writeHead(status, headers).end(body(++count));
      });
      const folder = mkdtempSync(join(tmpdir(), "dramatis-costs-"));
      const forms = one.form === "" ? [] : [one.form];
      const args = ["costs", "--since", "30d", ...forms, "--html", join(folder, "costs.html")];
      const { exitCode, stdout, stderr } = await run(args, { env });
      await close();
      const files = readdirSync(folder);
      rmSync(folder, { recursive: true });
      expect({ exitCode, stdout, files }).toEqual({ exitCode: 1, stdout: "", files: [] });
      expect(asked()).toBe(one.pages + attempts);
      const read = one.pages + reads;
      const after =
        read === 0 ? "" : ` after ${read} ${read === 1 ? "page" : "pages"}, which are not the whole`;
      expect(stderr).toContain(`failed${after}: `);
      expect(stderr).toMatch(/^Reading the organization's costs from 127\.0\.0\.1:\d+ failed/);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain(ADMIN_KEY);
    },
  );

  it("shows no costs where the usage that is to stand beside them fails", async () => {
    const { env, close } = await serve((request, response) => {
      const isCosts = request.url?.includes("/costs") ?? false;
      const body = isCosts ? page(10, { has_more: false }) : refusal(403);
      response.writeHead(isCosts ? 200 : 403, { "content-type": "application/json" }).end(body);
    });
    for (const form of ["--json", "--csv", "--group-by=project"]) {
      const { exitCode, stdout, stderr } = await run(["costs", "--by-catalog", form], { env });
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toMatch(
        /^Reading the organization's usage from .* failed: 403 .*the permission to read usage/,
      );
    }
    await close();
  });

  it("is left at once with Ctrl-C", async () => {
    let interrupt: () => void = () => undefined;
    const { env, close } = await serve(() => interrupt());
    const { terminal, written } = sampleTerminal({ env: { ...env, OPENAI_ADMIN_KEY: ADMIN_KEY } });
    const exitCode = await runCommand(["costs"], {
      ...terminal,
      onInterrupt(listener) {
        interrupt = () => listener("signal");
        return () => undefined;
      },
    });
    await close();
    expect({ exitCode, ...written }).toEqual({ exitCode: 130, stdout: "", stderr: "" });
  });

  it("tells other currencies and unknown amounts, which are in no sum", async () => {
    const amounts = [
      { value: "2.5", currency: "eur" },
      null,
      { value: 1, currency: "usd" },
      { value: "-0.25", currency: "usd" },
    ];
    const results = amounts.map((amount) => ({ amount, line_item: "credit" }));
    const data = [{ start_time: TODAY / 1000, end_time: (TODAY + DAY) / 1000, results }];
    const body = JSON.stringify({ data, has_more: false });
    const { env, close } = await serve((_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(body),
    );
    const { stdout } = await run(["costs", "--since", "1h"], { env });
    const csv = await run(["costs", "--since", "1h", "--csv", "--group-by", "none"], { env });
    await close();
    expect(stdout).toMatch(/ {2}all +\$0\.7500 +100\.0%\n/);
    expect(stdout).toContain("1 charge of an amount that the provider did not tell, in no sum.");
    expect(stdout).toContain("Charged in another currency, in no sum: 2.500000000 EUR.");
    expect(
      csv.stdout
        .split("\r\n")
        .slice(1)
        .map((line) => line.split(",").slice(2).join()),
    ).toEqual([",,eur,2.500000000", ",,,", "1000000000,1.000000000,,", "-250000000,-0.250000000,,", ""]);
  });
});
