/** One conversation by batch, or kept in a store: the same words as over the network, and what is told of it. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newStore } from "../store/new-store.ts";
import { openStage, type Result, type Stage } from "./simulate-stage.ts";

let stage: Stage;
beforeEach(async () => {
  stage = await openStage((folder) => newStore(join(folder, "store")));
}, 60_000);
afterEach(() => stage.close());

const FLAGS = ["--seed", "7", "--model", "gpt-4.1-mini"];
const FLEX = ["--model", "gpt-5-mini", "--tier", "flex"];
const run = (...flags: string[]) => ["run", stage.scenario, ...FLAGS, ...flags];
const out = (name: string) => ["--out", join(stage.folder, name)];

interface Json {
  run: string;
  status: string;
  turns: { speaker: string; message: string }[];
  usage: { costNanoUsd: number; byTier: Record<string, { requests: number }> };
  files: string[];
}
const said = ({ turns }: Json) => turns.map(({ speaker, message }) => `${speaker}: ${message}`);

describe("dramatis run --transport batch", () => {
  it("says the same as over the network, for half the money", async () => {
    const network = (await stage.json(...run(...out("network")))) as unknown as Json;
    const full = stage.server.bill.costNanoUsd;
    stage.server.reset();
    const batch = (await stage.json(...run("--transport", "batch", ...out("batch")))) as unknown as Json;
    expect(said(batch)).toEqual(said(network));
    expect(batch.turns).toHaveLength(4);
    expect(2 * stage.server.bill.costNanoUsd).toBe(full);
    expect(batch.usage.costNanoUsd).toBe(stage.server.bill.costNanoUsd);
    expect(Object.keys(batch.usage.byTier)).toEqual(["batch"]);
    const transcripts = ["network", "batch"].map((folder) =>
      readFileSync(join(stage.folder, folder, "messages.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).content),
    );
    expect(transcripts[1]).toEqual(transcripts[0]);
    expect(await stage.json("show", batch.run)).toMatchObject({ run: batch.run, conversations: 1 });
  }, 120_000);

  it("prints each turn once, as its batch brings it, and goes on where it was stopped", async () => {
    let answers = 0;
    stage.onAnswer = (count) => {
      answers = count;
      if (count === 2) stage.press();
    };
    const stopped = await stage.dramatis(...run("--transport", "batch", ...out("stopped")));
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stderr).toContain("may take hours");
    const [, id = ""] = /To go on: \S+ resume (\S+)/.exec(stopped.stderr) ?? [];
    expect(stopped.stderr).toContain(`If this is stopped: dramatis resume ${id}`);
    expect(stopped.stderr).toContain("Batches that are at the provider go on there, and are paid");
    const [, conversation = ""] = /once it has ended: \S+ show (\S+)/.exec(stopped.stderr) ?? [];
    expect(existsSync(join(stage.folder, "stopped"))).toBe(false);
    expect(stopped.stdout.match(/^ +1 {2}Ana Lund/gm)).toHaveLength(1);
    expect(stopped.stdout).not.toContain("Completed");
    expect(answers).toBe(2);
    const resumed = await stage.dramatis("resume", id);
    expect(resumed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("1 completed") });
    expect(await stage.dramatis("show", conversation)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("Ana Lund"),
    });
    expect(stage.server.batches.repeatedCustomIds).toEqual([]);
    expect(answers).toBe(4);
    const whole = await stage.dramatis(...run("--transport", "batch", ...out("whole")));
    expect(whole.exitCode).toBe(0);
    for (const turn of [1, 2, 3, 4])
      expect(whole.stdout.match(new RegExp(`^ +${turn} {2}\\w`, "gm"))).toHaveLength(1);
    expect(whole.stdout).toContain("Completed");
  }, 120_000);

  it("prints turns with tools once they are whole, in the order in which they were said", async () => {
    const long = ["run", "product-roundtable", "--seed", "7", "--turns", "3"];
    const network = await stage.dramatis(...long, ...out("network"));
    const batch = await stage.dramatis(...long, "--transport", "batch", ...out("batch"));
    const spoken = ({ stdout }: Result) =>
      stdout
        .slice(stdout.indexOf("\n  1  "), stdout.indexOf("── Completed"))
        // What a turn cost differs, and is not what was said.
        .replaceAll(/^ +gpt-.*$/gm, "");
    expect(spoken(network)).toMatch(/^ {2}3 {2}/m);
    expect(spoken(batch)).toBe(spoken(network));
  }, 120_000);

  it("ends at its cap, which a resumed run may raise", async () => {
    const capped = await stage.dramatis(
      ...run("--transport", "batch", "--max-cost", "0.0009", ...out("capped")),
    );
    expect(capped.exitCode).toBe(3);
    const [, id = ""] = /To go on with a higher cap: \S+ resume (\S+) --max-cost/.exec(capped.stderr) ?? [];
    expect((await stage.dramatis("resume", id, "--max-cost", "1")).exitCode).toBe(0);
  }, 120_000);

  it("refuses what a conversation in a store has not", async () => {
    for (const flags of [
      ["--cache"],
      ["--record", "x.jsonl"],
      ["--replay", "x.jsonl"],
      ["--explain-prompt", "1"],
    ]) {
      const refused = await stage.dramatis(...run("--transport", "batch", ...flags));
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`${flags[0]} is for`) });
    }
    const tiered = await stage.dramatis(
      "run",
      stage.scenario,
      ...FLEX,
      "--transport",
      "batch",
      ...out("tiered"),
    );
    expect(tiered).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("its own price") });
  }, 60_000);
});

describe("dramatis run --store", () => {
  it("keeps the conversation there, sent one by one", async () => {
    const kept = (await stage.json(...run("--store", stage.address, ...out("kept")))) as unknown as Json;
    expect(kept.status).toBe("completed");
    expect(Object.keys(kept.usage.byTier)).toEqual(["standard"]);
    expect(kept.files).toContain(join(stage.folder, "kept", "transcript.md"));
    expect((await stage.dramatis("show", `${kept.run}-000001`)).stdout).toContain(
      kept.turns[3]?.message.slice(0, 30),
    );
  }, 60_000);
});

describe("dramatis run --transport auto", () => {
  it("says why it goes one by one, and asks for no store then", async () => {
    rmSync(stage.address, { recursive: true });
    const normal = await stage.dramatis(...run("--transport", "auto", ...out("normal")));
    expect(normal.stderr).toMatch(
      /^Sent one by one: a batch would save about \$0\.00\d\d of \$0\.00\d\d and take about 4 hours, at an hour for each of some 4 waves/m,
    );
    const flex = ["--model", "gpt-5-mini", "--tier", "flex"];
    const tiered = await stage.dramatis(
      "run",
      stage.scenario,
      ...flex,
      "--transport",
      "auto",
      ...out("flex"),
    );
    expect(tiered).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining("--tier flex has the price of a batch already"),
    });
    expect((await stage.dramatis("runs")).stdout).toContain("no store");
  }, 120_000);
});
