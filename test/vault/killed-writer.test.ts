/** Real processes that write one vault at once, or are killed while they do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { randomShare } from "../../src/domain/random.ts";
import { openVault, type Vault } from "../../src/vault/vault.ts";
import { temporaryFolders } from "./temporary-vault.ts";

const newFolder = temporaryFolders();
const processes = new Set<ChildProcess>();
afterEach(() => {
  for (const child of processes) child.kill("SIGKILL");
  processes.clear();
});

function start(file: string, ...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "writer.ts"), ...args], {
    env: { ...process.env, DRAMATIS_VAULT: file },
    stdio: ["ignore", "pipe", "pipe"],
  });
  processes.add(child);
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
    child.emit("said");
  });
  child.stderr.on("data", (chunk) => {
    said += `error: ${chunk}`;
  });
  return { child, said: () => said, ended: once(child, "close") };
}

/** Everything in it opens, and holds what it should. */
function readWhole(vault: Vault): number {
  const stored = vault.list();
  for (const { name } of stored) expect(vault.read(name)).toBe(`key-of-${name}`);
  return stored.length;
}

const KILLS = 16;
const SIZE = 4;

describe("a writer that is killed", () => {
  it(`leaves the old or the new vault, at ${KILLS} seeded moments`, { timeout: 120_000 }, async () => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    const vault = openVault({ env: { DRAMATIS_VAULT: file } });
    let changes = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, said, ended } = start(file, "loop", String(SIZE));
      await once(child, "said");
      await new Promise((resolve) => setTimeout(resolve, randomShare("kill", kill) * 60));
      child.kill("SIGKILL");
      const [, signal] = await ended;
      expect({ signal, said: said() }).toEqual({
        signal: "SIGKILL",
        said: expect.not.stringContaining("error"),
      });
      const lines = said().trim().split("\n");
      changes += lines.filter((line) => line.startsWith("done")).length;
      const [word, count] = lines.at(-1)?.split(" ") ?? [];
      const held = readWhole(vault);
      const before = Number(count);
      // What was said to be done is done; a change that was begun is done or not.
      if (word === "done") expect(held).toBe(before);
      else expect([before - 1, before, before + 1]).toContain(held);
    }
    expect(changes).toBeGreaterThan(KILLS);
    // Whoever writes next waits for nobody and leaves nothing of the killed ones lying about.
    await vault.add({ kind: "admin", name: "last", key: "key-of-last" });
    readWhole(vault);
    expect(readdirSync(folder).sort()).toEqual(["keys.json", "vault.key"]);
  });
});

describe("writers at the same time", () => {
  it("lose no key of each other", { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    const writers = ["a", "b", "c"].map((prefix) => start(file, "add", prefix, "6"));
    const ends = await Promise.all(writers.map(async ({ ended, said }) => [(await ended)[0], said()]));
    expect(ends).toEqual(writers.map(() => [0, "ready\n"]));
    expect(readWhole(openVault({ env: { DRAMATIS_VAULT: file } }))).toBe(18);
    expect(readdirSync(folder).sort()).toEqual(["keys.json", "vault.key"]);
  });
});
