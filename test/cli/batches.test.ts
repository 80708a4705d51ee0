/** `dramatis batches` on a store whose batches are known. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { findBatch } from "../../src/store/batches.ts";
import { openStore } from "../../src/store/store.ts";
import { newStore } from "../store/new-store.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-batches-"));
const place = join(folder, "store");

const REASON = `token_limit_exceeded: ${"more was enqueued than the organization may ".repeat(4)}have`;

beforeAll(async () => {
  const store = await openStore(await newStore(place));
  await store.sql.query(
    "insert into dramatis.runs (id, scenario, definition, conversations) values ('autumn', 's', '{}', 1)",
  );
  await store.sql.query(
    `insert into dramatis.batches (id, run_id, wave, part, model, requests, bytes, tokens, state, provider_id, status, planned_at)
     values ('aa11-1', 'autumn', 1, 1, 'gpt-4.1', 12, 9000, 4000, 'ended', 'batch_x', 'completed', '2026-11-01 14:30:59Z'),
       ('aa11-2', 'autumn', 2, 1, 'gpt-4.1', 12, 9000, 4000, 'planned', null, null, '2026-11-01 15:00:00Z'),
       ('aa11', 'autumn', 3, 1, 'gpt-4.1', 12, 9000, 4000, 'created', 'b', 'in_progress', '2026-11-01 16:00:00Z'),
       ('b%_c', 'autumn', 4, 1, 'gpt-4.1', 1, 1, 1, 'planned', null, null, '2026-11-01 17:00:00Z')`,
  );
  await store.sql.query(
    "insert into dramatis.runs (id, scenario, definition, conversations) values ('winter', 's', '{}', 1)",
  );
  await store.sql.query(
    "insert into dramatis.conversations (id, run_id, position, status) values ('winter-1', 'winter', 1, 'parked')",
  );
  await store.sql.query("update dramatis.batches set problem = $1 where id = 'aa11'", [REASON]);
  await store.close();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function batches(...args: string[]) {
  const { terminal, written } = sampleTerminal({ columns: 100 });
  const exitCode = await runCommand(["batches", ...args, "--store", place], terminal);
  return { exitCode, ...written };
}

it("lists what goes by batch, newest first, with the minute it was planned", async () => {
  const { stdout } = await batches("list", "autumn");
  expect(stdout.split("\n").flatMap((line) => /^ {2}(\S+) +autumn/.exec(line)?.[1] ?? [])).toEqual([
    "b%_c",
    "aa11",
    "aa11-2",
    "aa11-1",
  ]);
  expect(stdout).toContain("2026-11-01 14:30");
  expect(await batches("autumn")).toMatchObject({ exitCode: 0, stdout });
});

it("shows the one that is named by its id, its beginning, or the provider's id", async () => {
  for (const [id, wave] of [
    ["aa11-1", 1],
    ["batch_x", 1],
    ["aa11", 3],
    // The provider's whole id comes before the beginning of another of ours.
    ["b", 3],
    ["b%", 4],
  ] as const) {
    expect(JSON.parse((await batches("show", id, "--json")).stdout)).toMatchObject({ wave });
  }
  expect((await batches("show", "aa11-1")).stdout).toMatch(/ended \(UTC\) +–/);
}, 60_000);

it("shows the whole of why a batch came to nothing, however narrow it is", async () => {
  const { stdout } = await batches("show", "aa11");
  expect(stdout.replaceAll(/\s+/g, " ")).toContain(REASON);
});

it("says that a run has none, though others have", async () => {
  expect(await batches("list", "winter")).toMatchObject({
    exitCode: 0,
    stdout: "Nothing of the run winter has gone by batch yet.\n",
  });
});

it("are cancelled with their run, while all its conversations wait for them", async () => {
  const { terminal, written } = sampleTerminal();
  expect(await runCommand(["cancel", "winter", "--store", place], terminal)).toBe(0);
  expect(written.stdout).toBe(
    `Cancelled winter: 1 conversation in a batch will end once that is over.
Nobody works here now. To have its batches cancelled, and what they hold counted: dramatis worker --drain --store ${place}
`,
  );
  const store = await openStore(place);
  expect(await store.sql.query("select is_cancelled from dramatis.runs where id = 'winter'")).toEqual([
    { is_cancelled: true },
  ]);
  await store.close();
});

it("says what to do where none or several are meant, with the store that was given", async () => {
  const list = `dramatis batches list --store ${place}\n`;
  for (const id of ["", "%", "batch"]) {
    const { exitCode, stderr } = await batches("show", id);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `There is no batch ${JSON.stringify(id)} in this store. List them: ${list}`,
    });
  }
  expect((await batches("show", "aa")).stderr).toBe(
    `Several batches begin with "aa": expected enough of the id to tell them apart. List them: ${list}`,
  );
}, 60_000);

it("cancels only what is at the provider", async () => {
  expect(await batches("cancel", "aa11-1")).toMatchObject({
    exitCode: 1,
    stderr: "The batch aa11-1 has ended as completed: there is nothing to cancel.\n",
  });
  expect(await batches("cancel", "aa11-2")).toMatchObject({
    exitCode: 1,
    stderr: `The batch aa11-2 is not at the provider yet. To end its run: dramatis cancel autumn --store ${place}\n`,
  });
});

it("finds one of ten thousand and more", async () => {
  const store = await openStore(place);
  await store.sql.query(
    `insert into dramatis.batches (id, run_id, wave, part, model, requests, bytes, tokens)
     select 'later-' || n, 'autumn', 4 + n, 1, 'gpt-4.1', 1, 1, 1 from generate_series(1, 10500) as n`,
  );
  expect(await findBatch(store.sql, "batch_x")).toMatchObject({ id: "aa11-1" });
  await store.close();
}, 60_000);
