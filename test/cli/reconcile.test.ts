/** `dramatis reconcile` over the wire: what runs asked, beside what the offline server counted and charged. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { formatUsd } from "../../src/domain/money.ts";
import type { Reconciliation } from "../../src/organization/reconcile.ts";
import { DAY, errorResponse, MINUTE, MODELS, past, TODAY } from "../organization/sample-organization.ts";
import { openReconcileStage, type ReconcileStage } from "./reconcile-stage.ts";

type Row = Reconciliation["rows"][number];

const FLEX = { tier: "flex", models: { "ana-lund": "gpt-5-mini", "bo-ferro": "o3" } } as const;
const MORNING = TODAY + 8 * 60 * MINUTE;

/** Answers so many requests, and refuses the key from then on. */
function refusingAfter(requests: number): typeof fetch {
  let left = requests;
  return async (input, init) => (left-- > 0 ? await fetch(input, init) : errorResponse(401, "No such key"));
}

/** Loses one answer: before the request is sent, or after the answer is paid for. */
function losing(place: number, when: "before" | "after"): typeof fetch {
  let requests = 0;
  return async (input, init) => {
    requests += 1;
    if (requests === place && when === "after") await fetch(input, init);
    if (requests === place) throw new TypeError("fetch failed", { cause: new Error("socket hang up") });
    return await fetch(input, init);
  };
}

/** As the server names `sk-ours`. */
const OUR_KEY = "key_cf6cf22d7df11704";

describe("a day of mixed traffic", () => {
  let stage: ReconcileStage;
  beforeAll(async () => {
    stage = await openReconcileStage(MORNING, {
      faults: { seed: 3, share: 0.15, kinds: ["500", "reset-billed"] },
      batch: { faults: { seed: 1, share: 0.2 } },
    });
    const conversations = 3;
    await stage.hold({ id: "standard", conversations }, { sharedCache: true });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "again", conversations }, { sharedCache: true });
    await stage.hold({ id: "later", conversations: 1, seed: 90 });
    await stage.hold({ id: "flex", context: FLEX });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "batch", transport: "batch" });
    await stage.hold({ id: "broken", seed: 70 }, { fetch: refusingAfter(3) });
  }, 120_000);
  afterAll(() => stage.close());

  const reconcile = (...args: string[]) => stage.run(["reconcile", "--since", "2026-11-20", ...args]);
  async function reconciliation(...args: string[]) {
    const { exitCode, stdout, stderr } = await reconcile("--json", ...args);
    return { exitCode, stderr, ...JSON.parse(stdout) };
  }

  it("is explained to the nano-dollar", async () => {
    const { exitCode, stderr, rows, totals, charged, underWay } = await reconciliation();
    const { bill, traffic } = stage.server;
    expect({ exitCode, stderr, underWay }).toEqual({ exitCode: 0, stderr: "", underWay: 0 });
    // What the day had in it: all of it has to be explained.
    const answered = await stage.inStore((sql) =>
      sql.query(
        `select count(*) filter (where from_cache)::int as "fromCache", count(*) filter (where cost_nano_usd is null)::int as lost,
           (select count(*)::int from dramatis.conversations where status = 'failed') as failed
         from dramatis.usage_entries`,
      ),
    );
    expect(answered).toEqual([{ fromCache: 12, lost: 1, failed: 2 }]);
    expect(traffic.faultsByKind).toEqual({ "reset-billed": 1, "500": 1, "batch-500": 2 });
    expect(rows.map((row: Record<string, unknown>) => [row.model, row.tier, row.verdict])).toEqual([
      ["gpt-4.1-nano", "batch", "matched"],
      ["gpt-4.1-nano", "standard", "lost"],
      ["gpt-5-mini", "flex", "matched"],
      ["o3", "flex", "matched"],
    ]);
    // The server's own bill, from before any report: every request, token and nano-dollar of it.
    expect(totals.provider).toEqual({
      requests: bill.requests,
      inputTokens: bill.inputTokens,
      cachedInputTokens: bill.cachedInputTokens,
      outputTokens: bill.outputTokens,
      costNanoUsd: bill.costNanoUsd,
    });
    expect(totals.provider.cachedInputTokens).toBeGreaterThan(0);
    expect(totals.ledger.costNanoUsd + totals.difference.costNanoUsd).toBe(bill.costNanoUsd);
    const sum = (of: string) =>
      charged.reduce((all: number, row: Record<string, number>) => all + (row[of] ?? Number.NaN), 0);
    expect([sum("chargedNanoUsd"), sum("differenceNanoUsd")]).toEqual([bill.costNanoUsd, 0]);
  });

  it.each([
    ["later-000001", 2, "2026-11-20T08:40:00.000Z"],
    ["flex-000001", 1, "2026-11-20T08:40:00.000Z"],
    ["batch-000002", 3, "2026-11-20T09:20:00.000Z"],
  ])(
    "names the entry that the ledger of %s lacks: when, how much, and whose",
    async (conversation, position, at) => {
      const entry = await stage.deleteEntry(conversation, position);
      const missing = {
        requests: 1,
        inputTokens: entry.input_tokens,
        cachedInputTokens: entry.cached_input_tokens,
        outputTokens: entry.output_tokens,
        costNanoUsd: entry.cost_nano_usd,
      };
      const { exitCode, rows, gaps, charged } = await reconciliation();
      await stage.insertEntry(entry);
      expect(exitCode).toBe(1);
      const [row, ...others] = rows.filter(({ verdict }: Row) => verdict === "only-at-provider");
      expect(others).toEqual([]);
      expect(row).toMatchObject({ day: "2026-11-20T00:00:00.000Z", model: entry.model, tier: entry.tier });
      const runs = [conversation.replace(/-\d+$/, "")];
      const place = { at, difference: missing, apiKeys: [OUR_KEY], projects: ["proj_offline"], runs };
      expect(row.places).toContainEqual(place);
      expect(gaps).toEqual([{ conversation, positions: [position], ...missing }]);
      // Beside the answer that was lost in the morning, which explains one request and not two.
      expect(row.difference.requests).toBe(entry.tier === "standard" ? 2 : 1);
      // The bill is as high as before, and no price is wrong.
      expect(charged.map((one: { differenceNanoUsd: number }) => one.differenceNanoUsd)).toEqual([0, 0, 0]);
    },
  );

  it("is explained while conversations that failed wait to go on", async () => {
    await stage.retry("broken");
    const { exitCode, totals, underWay } = await reconciliation();
    expect({ exitCode, underWay }).toEqual({ exitCode: 0, underWay: 3 });
    expect(totals.provider.requests).toBe(stage.server.bill.requests);
  });
});

describe("a run that was gone on with offline", () => {
  let stage: ReconcileStage;
  beforeAll(async () => {
    stage = await openReconcileStage(MORNING);
    const run = { id: "mixed", conversations: 2 };
    await stage.hold(run, { fetch: refusingAfter(5) });
  }, 60_000);
  afterAll(() => stage.close());

  it("is asked of the provider as far as it went there, and no further", async () => {
    const asked = stage.server.bill.requests;
    expect(asked).toBe(5);
    for (const isDone of [false, true]) {
      if (isDone) {
        await stage.retry("mixed");
        await stage.hold({ id: "mixed", conversations: 2 }, { offline: true });
        const records = await stage.inStore((sql) =>
          sql.query("select status, record ->> 'transport' as transport from dramatis.conversations"),
        );
        const offline = { status: "completed", transport: "offline" };
        expect(records).toEqual([offline, offline]);
      }
      const { exitCode, stdout } = await stage.run(["reconcile", "--since", "1h", "--json"]);
      const { totals, rows } = JSON.parse(stdout);
      expect(totals.ledger).toMatchObject({ requests: asked, costNanoUsd: stage.server.bill.costNanoUsd });
      expect(rows.map(({ verdict }: Row) => verdict)).toEqual(["matched"]);
      expect(exitCode).toBe(0);
    }
    expect(stage.server.bill.requests).toBe(asked);
  });

  it("has nothing of a batch that the offline server answered", async () => {
    await stage.hold({ id: "batch", transport: "batch" }, { offline: true });
    const { exitCode, stdout } = await stage.run(["reconcile", "--since", "1h", "--json"]);
    expect(JSON.parse(stdout).totals.ledger.requests).toBe(5);
    expect(exitCode).toBe(0);
    const entries = await stage.inStore((sql) =>
      sql.query("select tier, offline from dramatis.usage_entries where conversation_id = 'batch-000001'"),
    );
    expect(entries.length).toBeGreaterThan(3);
    expect(new Set(entries.map((entry) => JSON.stringify(entry)))).toEqual(
      new Set(['{"tier":"batch","offline":true}']),
    );
  });
});

describe("a run at flex, of a model that is not offered at it", () => {
  it("lost its answer at the standard price, and is explained by that while it goes on", async () => {
    const stage = await openReconcileStage(MORNING);
    onTestFinished(() => stage.close());
    const lossy = losing(2, "after");
    let requests = 0;
    await stage.hold(
      { id: "fallback", conversations: 1, context: { tier: "flex", tierFallback: "standard" } },
      { fetch: (input, init) => (++requests > 4 ? refusingAfter(0) : lossy)(input, init) },
    );
    const { exitCode, stdout } = await stage.run(["reconcile", "--since", "1h", "--json"]);
    const { rows } = JSON.parse(stdout);
    expect(rows.map(({ tier, verdict }: Row) => [tier, verdict])).toEqual([["standard", "lost"]]);
    expect(exitCode).toBe(0);
  });
});

describe("one conversation", () => {
  let stage: ReconcileStage;
  beforeAll(async () => {
    stage = await openReconcileStage(MORNING, { models: MODELS });
    const conversations = 1;
    await stage.hold({ id: "lost", conversations }, { fetch: losing(2, "after") });
    stage.now += 10 * MINUTE;
    await stage.hold(
      { id: "unsent", conversations, context: { models: { "ana-lund": "o3" } } },
      { fetch: losing(1, "before") },
    );
  }, 60_000);
  afterAll(() => stage.close());

  const reconcile = (...args: string[]) => stage.run(["reconcile", "--since", "1h", ...args]);

  it("is explained by the answer that was lost, within what that can have cost", async () => {
    const { exitCode, stdout } = await reconcile();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/gpt-4\.1-nano +standard +\S+ +\S+ +\$0\.000\d+ +lost/);
    expect(stdout).toContain("Explained by 1 lost answer, of $0.0");
    expect(stdout).toContain("1 lost answer, of $0.0");
    expect(stdout).toContain("nothing here was billed for them");
    expect(stdout).toContain(
      "Explained: 1 answer lost on the way, within what they can have cost.\n  Nothing to do.",
    );
  });

  it("with the traffic of another key is not, and says whose it is; that key left out, it is", async () => {
    const other = { apiKey: "key_other", project: "proj_other" };
    stage.server.charge(past(TODAY + 7 * 60 * MINUTE, { ...other, model: "gpt-4.1-nano" }));
    const { exitCode, stdout } = await reconcile();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/gpt-4\.1-nano +standard +\S+ +\S+ +\$0\.000\d+ +only at the provider/);
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "07:00 UTC 1 request, 3,000 in (1,024 cached), 500 out, $0.0004232; key key_other; project proj_other",
    );
    expect(stdout).toContain("usage --since 2026-11-20 --until 2026-11-21 --group-by");
    expect((await reconcile("--key", OUR_KEY)).exitCode).toBe(0);
    expect((await reconcile("--project", "proj_offline")).exitCode).toBe(0);
  });

  it("is only in the ledger where the provider is asked about another key", async () => {
    const { exitCode, stdout } = await reconcile("--key", "key_nobody");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/gpt-4\.1-nano +standard +\S+ +\$0\.0\d+ +-\$\S+ +only in the ledger/);
    expect(stdout).toContain("08:10 UTC  2 requests, ");
    expect(stdout).toContain("beside run unsent");
    expect(stdout).toContain("Not explained: 2 rows in tokens.");
  });

  it("whose ledger lacks an entry is not explained by a lost answer that may have cost as much", async () => {
    const entry = await stage.deleteEntry("unsent-000001", 3);
    const { exitCode, stdout } = await reconcile("--key", OUR_KEY);
    await stage.insertEntry(entry);
    expect(exitCode).toBe(1);
    const amounts = `1 request, ${entry.input_tokens.toLocaleString("en-US")} in (${entry.cached_input_tokens.toLocaleString("en-US")} cached), ${entry.output_tokens} out, ${formatUsd(entry.cost_nano_usd)}`;
    const words = stdout.replace(/\s+/g, " ");
    expect(words).toContain(`08:10 UTC ${amounts}; key ${OUR_KEY}; project proj_offline; beside run unsent`);
    expect(words).toContain(
      `The ledger of unsent-000001 lacks what the conversation counts: ${amounts}; missing of its entries: 4.`,
    );
    expect(words).toContain(
      "Not explained: 1 ledger with entries missing. Look at the store: dramatis store check",
    );
  });

  it("says in its JSON of everything that is unknown that it is", async () => {
    stage.server.charge(past(TODAY - DAY, { model: "mine" }));
    const { stdout } = await stage.run(["reconcile", "--since", "2d", "--until", "1d", "--json"]);
    const unknown = { costNanoUsd: null };
    expect(JSON.parse(stdout)).toMatchObject({
      projects: null,
      apiKeys: null,
      totals: { ledger: { costNanoUsd: 0 }, provider: unknown, difference: unknown },
      rows: [{ model: "mine", lost: null, provider: unknown, places: [{ difference: unknown }] }],
      charged: [{ expectedNanoUsd: null, differenceNanoUsd: null, isExplained: true }],
    });
    const { rows } = JSON.parse((await reconcile("--json", "--key", OUR_KEY)).stdout);
    expect(rows).toContainEqual(expect.objectContaining({ verdict: "matched", lost: null, places: null }));
  });

  it("says which days were not looked into by the minute, and how they are", async () => {
    const days = Array.from({ length: 16 }, (_, index) => TODAY - (index + 10) * DAY).reverse();
    for (const day of days) stage.server.charge(past(day, { model: "o3" }));
    const [since, second, until] = [days[0], days[1], days[15]].map((day = 0) =>
      new Date(day).toISOString().slice(0, 10),
    );
    const asked = ["reconcile", "--since", since ?? "", "--until", `${until}T01:00`];
    const { rows } = JSON.parse((await stage.run([...asked, "--json"])).stdout);
    expect(rows.map(({ places }: Row) => places?.length)).toEqual([
      undefined,
      undefined,
      ...Array<number>(14).fill(1),
    ]);
    const words = (await stage.run(asked)).stdout.replace(/\s+/g, " ");
    const untold = "Not looked into by the minute: only the latest 14 days that differ are. This one alone:";
    expect(words.split(untold)).toHaveLength(3);
    const alone = `reconcile --since ${since} --until ${second}`;
    expect(words).toContain(`${untold} dramatis ${alone}`);
    const one = JSON.parse((await stage.run([...alone.split(" "), "--json"])).stdout);
    expect(one.rows.map(({ day, places }: Row) => [day, places?.length])).toEqual([
      [`${since}T00:00:00.000Z`, 1],
    ]);
  });

  it("on another day is nothing", async () => {
    const { exitCode, stdout } = await stage.run([
      "reconcile",
      "--since",
      "2026-10-01",
      "--until",
      "2026-10-03",
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Nothing on either side.\n");
  });

  it.each([
    [["--since", "1d", "--until", "2d"], {}, /Expected --since before --until, got 2026-11-/],
    [["--key", "key_a,,key_b"], {}, /Expected names, joined by commas, got an empty one/],
    [[], { OPENAI_ADMIN_KEY: "" }, /dramatis keys add --admin/],
    [
      [],
      { OPENAI_ADMIN_KEY: "sk-admin-wrong" },
      /^Reading the organization's usage from .* failed: .*Expected an admin key/s,
    ],
    [["--store", "nowhere"], {}, /nowhere/],
  ])("cannot be compared with %j %j", async (args, env, message) => {
    const { exitCode, stdout, stderr } = await stage.run(["reconcile", ...args], env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });
});
