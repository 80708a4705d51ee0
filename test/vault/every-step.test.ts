/**
 * The machine stops before every single step on the disk, one after the other: from that step on no call of node:fs
 * does anything, clean-ups included. What is left must be the vault as it was or as it was to be.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openVault, type Vault } from "../../src/vault/vault.ts";
import { temporaryFolders } from "./temporary-vault.ts";

const machine = vi.hoisted(() => ({ stepsLeft: Number.POSITIVE_INFINITY, steps: [] as string[] }));

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const CHANGES = [
    "openSync",
    "writeSync",
    "fsyncSync",
    "renameSync",
    "linkSync",
    "rmSync",
    "writeFileSync",
    "mkdirSync",
  ];
  const stopping = Object.entries(fs).map(([name, call]) => {
    if (!CHANGES.includes(name) || typeof call !== "function") return [name, call];
    const step = (...args: unknown[]) => {
      if (machine.stepsLeft <= 0) throw new Error("the machine has stopped");
      machine.stepsLeft -= 1;
      machine.steps.push(name);
      return Reflect.apply(call, fs, args);
    };
    return [name, step];
  });
  return Object.fromEntries(stopping);
});

const newFolder = temporaryFolders();
const KEYS = { one: "key-number-one", two: "key-number-two" };

async function newVault() {
  const folder = newFolder();
  const vault = openVault({ env: { DRAMATIS_VAULT: join(folder, "keys.json") } });
  for (const [name, key] of Object.entries(KEYS)) await vault.add({ kind: "api", name, key });
  return { folder, vault };
}

const contentOf = (vault: Vault) =>
  Object.fromEntries(vault.list().map(({ name }) => [name, vault.read(name)]));

/** Stops before step 0, 1, 2, … until the change gets through; what the vault held after each. */
async function stopEverywhere(
  change: (vault: Vault) => Promise<unknown>,
  check: (vault: Vault) => Promise<void>,
) {
  const found: Record<string, string>[] = [];
  for (let steps = 0; ; steps++) {
    const { folder, vault } = await newVault();
    machine.steps = [];
    machine.stepsLeft = steps;
    const isThrough = await change(vault).then(
      () => true,
      () => false,
    );
    machine.stepsLeft = Number.POSITIVE_INFINITY;
    found.push(contentOf(vault));
    if (isThrough) return { found, steps: machine.steps };
    // The process of the lock is this one, which lives; of a killed one it would be broken.
    rmSync(join(folder, "keys.json.lock"), { force: true });
    await check(vault);
    expect(readdirSync(folder).filter((name) => name.endsWith(".new"))).toEqual([]);
  }
}

describe("stopped before any step", () => {
  it("adding leaves the vault without or with the new key, and it can be gone on with", async () => {
    const add = (vault: Vault) => vault.add({ kind: "api", name: "three", key: "key-number-three" });
    const { found, steps } = await stopEverywhere(add, async (vault) => {
      await vault.add({ kind: "admin", name: "later", key: "key-later" });
      expect(contentOf(vault)).toMatchObject({ ...KEYS, later: "key-later" });
    });
    const after = { ...KEYS, three: "key-number-three" };
    const committed = steps.indexOf("renameSync") + 1;
    expect(steps.length).toBeGreaterThan(8);
    expect(found).toEqual(found.map((_, step) => (step < committed ? KEYS : after)));
  });

  it("rotating leaves every key readable, and can be done again", async () => {
    const { found, steps } = await stopEverywhere(
      (vault) => vault.rotate(),
      async (vault) => {
        await vault.rotate();
        expect(contentOf(vault)).toEqual(KEYS);
      },
    );
    expect(steps.filter((step) => step === "renameSync")).toHaveLength(3);
    expect(found).toEqual(found.map(() => KEYS));
  });

  it("the first add leaves no vault or a whole one", async () => {
    for (let steps = 0; ; steps++) {
      const file = join(newFolder(), "keys.json");
      const vault = openVault({ env: { DRAMATIS_VAULT: file } });
      machine.stepsLeft = steps;
      const isThrough = await vault.add({ kind: "api", key: KEYS.one }).then(
        () => true,
        () => false,
      );
      machine.stepsLeft = Number.POSITIVE_INFINITY;
      rmSync(`${file}.lock`, { force: true });
      if (vault.list().length === 0) await vault.add({ kind: "api", key: KEYS.one });
      expect(contentOf(vault)).toEqual({ api: KEYS.one });
      if (isThrough) break;
    }
  });
});
