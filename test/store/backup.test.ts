/** Backups of an embedded store, and stores made of them. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backUp, restoreInto } from "../../src/store/backup.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { digestOf, setPlainText, tablesOf } from "../../src/store/tables.ts";
import { newStore } from "./new-store.ts";
import { addOddRows, addThread, planOnly } from "./sample-content.ts";

const digests = (store: Store) =>
  store.sql.transaction(async (tx) => {
    await setPlainText(tx);
    return await Promise.all((await tablesOf(tx)).map((table) => digestOf(tx, table)));
  });

describe("a backup", () => {
  let folder = "";
  let store: Store;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "dramatis-backup-"));
    store = await openStore(await newStore(join(folder, "store")));
    await planOnly(store, { id: "a", conversations: 3 });
    await addOddRows(store);
    await addThread(store, "thread");
  }, 60_000);
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("becomes a store with the same content, while the first goes on", async () => {
    const file = join(folder, "first.backup");
    const before = await digests(store);
    const bytes = await backUp(store, file);
    expect([statSync(file).size, statSync(file).mode & 0o777]).toEqual([bytes, 0o600]);
    await store.sql.query("update dramatis.runs set is_cancelled = true");

    const restored = await restoreInto(join(folder, "restored"), file);
    expect(await digests(restored)).toEqual(before);
    expect(await digests(store)).not.toEqual(before);
    await restored.close();
    const again = await openStore(join(folder, "restored"));
    expect(await digests(again)).toEqual(before);
    await again.close();
  });

  it("never takes the place of a file, and leaves nothing behind where it cannot be written", async () => {
    const file = join(folder, "mine.txt");
    writeFileSync(file, "mine");
    await expect(backUp(store, file)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(statSync(file).size).toBe(4);
    const nowhere = join(folder, "nowhere", "b.backup");
    await expect(backUp(store, nowhere)).rejects.toMatchObject({ code: "write-failed" });
    expect(readdirSync(folder).filter((name) => /\.(part|new)$/.test(name))).toEqual([]);
  });

  it("is not put where something is", async () => {
    const file = join(folder, "second.backup");
    await backUp(store, file);
    const taken = join(folder, "taken");
    mkdirSync(taken);
    writeFileSync(join(taken, "letter.txt"), "mine");
    await expect(restoreInto(taken, file)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("is not empty"),
    });
    expect(readdirSync(taken)).toEqual(["letter.txt"]);
    await expect(restoreInto("postgres://user:MARKED@host/db", file)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.not.stringContaining("MARKED"),
    });
  });

  it("is refused when it is none, or only the beginning of one", async () => {
    const place = join(folder, "none");
    await expect(restoreInto(place, join(folder, "missing"))).rejects.toMatchObject({
      code: "invalid-argument",
    });
    const letter = join(folder, "letter.txt");
    writeFileSync(letter, "Dear reader");
    await expect(restoreInto(place, letter)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("is no backup"),
    });
    expect(existsSync(place)).toBe(false);

    const half = join(folder, "half.backup");
    const bytes = await backUp(store, half);
    truncateSync(half, Math.floor(bytes / 2));
    await expect(restoreInto(place, half)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("damaged or not whole"),
    });
    expect(existsSync(place)).toBe(false);

    const odd = join(folder, "odd.backup");
    writeFileSync(odd, gzipSync("a letter, packed"));
    await expect(restoreInto(place, odd)).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringContaining("cannot be restored"),
    });
    expect(readdirSync(place)).toEqual([]);
  });
});
