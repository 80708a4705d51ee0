/** The directory of an embedded store: full, damaged, not to be written, or another process's. */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { reason } from "../../src/store/engine.ts";
import { openStore } from "../../src/store/store.ts";
import { newStore } from "./new-store.ts";
import { startOpener } from "./processes.ts";
import { simulate } from "./sample-content.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dramatis-place-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A small disk of its own; undefined where this user may not mount one. */
function smallDisk(name: string, megabytes: number): string | undefined {
  const place = join(folder, name);
  try {
    execFileSync("mkdir", [place]);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", place], { stdio: "ignore" });
    return place;
  } catch {
    return undefined;
  }
}

const INSERT = "insert into dramatis.runs (id, scenario, definition, conversations) values ($1, $2, '{}', 1)";

it("says that its disk is full before anything is half written, and goes on once there is room", async ({
  skip,
}) => {
  const disk = smallDisk("full", 180);
  if (disk === undefined) return skip("Only root may mount the small disk this needs.");
  try {
    const ballast = join(disk, "ballast");
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 130 * 2 ** 20)));
    const store = await openStore(await newStore(join(disk, "store")));
    const text = "words that compress badly ".repeat(4000);
    let written = 0;
    const write = () =>
      store.sql.transaction(async (tx) => {
        await tx.query(INSERT, [`run-${written}-a`, `${text}${crypto.randomUUID()}`]);
        await tx.query(INSERT, [`run-${written}-b`, text]);
        await tx.query("select repeat('x', 100)");
      });
    // Another program takes the rest of the disk meanwhile.
    const fill = async () => {
      for (; written < 50; written += 1) {
        if (written === 10) writeFileSync(join(disk, "other"), Buffer.alloc(40 * 2 ** 20));
        await write();
      }
    };
    const full = {
      code: "store-failed",
      message: expect.stringMatching(/has no room: expected 64 MB free.*Make room/),
    };
    await expect(fill()).rejects.toMatchObject(full);
    await expect(openStore(join(disk, "second"))).rejects.toMatchObject(full);

    rmSync(ballast);
    rmSync(join(disk, "other"));
    await write();
    written += 1;
    expect(await store.sql.query("select count(*)::int as runs from dramatis.runs")).toEqual([
      { runs: 2 * written },
    ]);
    await store.close();
    const again = await openStore(join(disk, "store"));
    expect(await again.sql.query("select count(*)::int as runs from dramatis.runs")).toEqual([
      { runs: 2 * written },
    ]);
    await again.close();
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(openStore(join(disk, "store"))).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringMatching(/cannot be opened|read-only|readonly/i),
    });
  } finally {
    execFileSync("umount", ["-l", disk]);
  }
}, 60_000);

it("is refused where its directory cannot be made", async () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  await expect(openStore(join(file, "store"))).rejects.toMatchObject({
    code: "store-failed",
    message: expect.stringContaining("Check that the directory can be written to"),
  });
  await expect(openStore(file)).rejects.toMatchObject({
    code: "store-failed",
    message: expect.stringContaining("is a file"),
  });
});

it("leaves a folder alone that holds something else, and says so without a lock beside it", async () => {
  const place = join(folder, "work");
  mkdirSync(place);
  writeFileSync(join(place, "notes.txt"), "mine");
  const before = readdirSync(folder);
  for (const mustExist of [false, true]) {
    await expect(openStore(place, { mustExist })).rejects.toMatchObject(
      mustExist
        ? { code: "unknown-name" }
        : {
            code: "store-failed",
            message: expect.stringMatching(/work is not a store; name an empty or a new folder: .*>\.$/),
          },
    );
  }
  expect([readdirSync(place), readdirSync(folder)]).toEqual([["notes.txt"], before]);
});

it("says of what a killed process left half made that it may go", async () => {
  const place = join(folder, "half");
  mkdirSync(join(place, "base"), { recursive: true });
  writeFileSync(`${place}.lock`, "");
  await expect(openStore(place)).rejects.toMatchObject({
    code: "store-failed",
    message: expect.stringContaining("can be deleted"),
  });
});

it("says so when its directory goes away while it is open", async () => {
  const place = await newStore(join(folder, "gone"));
  const store = await openStore(place);
  rmSync(place, { recursive: true });
  await expect(store.sql.query("select 1")).rejects.toMatchObject({
    code: "store-failed",
    message: expect.stringContaining("is gone"),
  });
  await store.close().catch(() => undefined);
});

it("is refused where its files are damaged, with the way back", async () => {
  const place = await newStore(join(folder, "damaged"));
  truncateSync(join(place, "global", "pg_control"), 10);
  await expect(openStore(place)).rejects.toMatchObject({
    code: "store-failed",
    message: expect.stringContaining("put a backup back: dramatis store restore <file>"),
  });
});

it("is another process's until that is killed, and then holds what that wrote", async () => {
  const place = await newStore(join(folder, "shared"));
  const first = startOpener(place);
  await first.opened;
  const { pid } = first.child;
  await expect(openStore(place)).rejects.toMatchObject({
    code: "store-busy",
    message: expect.stringContaining(`process ${pid}`),
  });
  const second = startOpener(place);
  expect(await second.ended).not.toBe(0);
  expect(second.errors()).toContain("store-busy");
  first.child.kill("SIGKILL");
  await first.ended;
  const store = await openStore(place);
  expect(await store.sql.query("select id from dramatis.runs")).toEqual([{ id: `process-${pid}` }]);
  await store.close();
}, 60_000);

it("is one store, by whichever link its directory is reached", async () => {
  const place = await newStore(join(folder, "linked"));
  const store = await openStore(place);
  symlinkSync(place, join(folder, "link"));
  symlinkSync(folder, join(folder, "links"));
  for (const link of [join(folder, "link"), join(folder, "links", "linked")])
    await expect(openStore(link)).rejects.toMatchObject({
      code: "store-busy",
      message: expect.stringContaining(`process ${process.pid}`),
    });
  await store.close();
  await (await openStore(join(folder, "link"))).close();
});

it.each([
  [Object.assign(new Error("said so"), { code: "X" }), "said so"],
  [{ name: "ErrnoError", errno: 44 }, "ErrnoError 44"],
  [new AggregateError([], ""), "AggregateError"],
  [{}, "no reason was given"],
  ["text", "text"],
])("says why it cannot be opened in words: %o", (thrown, words) => {
  expect(reason(thrown)).toBe(words);
});

it("holds the same conversations, whatever the clock of the process does", async () => {
  const results: unknown[] = [];
  const YEAR = 365 * 24 * 3600 * 1000;
  for (const jumps of [0, 10 * YEAR]) {
    const store = await openStore(await newStore(join(folder, `clock-${jumps}`)));
    let calls = 0;
    const clock = () => Date.now() + (calls++ % 3) * jumps - jumps;
    const { records, billNanoUsd } = await simulate(store, { id: "a", conversations: 2, clock });
    results.push([records, billNanoUsd]);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
    await store.close();
  }
  expect(results[1]).toEqual(results[0]);
}, 60_000);

it("is ruled by the clock of its database: the store's sources read no other", () => {
  const sources = join(import.meta.dirname, "../../src/store");
  const readers = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .filter((file) => /Date\.now|new Date\(\)/.test(readFileSync(join(sources, file), "utf8")));
  // Who holds a directory, and since when, is for people to read.
  expect(readers).toEqual(["directory-lock.ts"]);
});
