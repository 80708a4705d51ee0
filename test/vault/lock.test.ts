/** Who may write: one at a time, and never one who waits for the dead. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withLock } from "../../src/vault/lock.ts";
import { temporaryFolders } from "./temporary-vault.ts";

const newFolder = temporaryFolders();
/** The id of a process that has ended. */
const ended = spawnSync(process.execPath, ["--version"]).pid;
const holder = (host: string, pid: number) => `${host}\n${pid}\n0123456789ab\n`;

describe("a lock", () => {
  it("is there while the change is made, names its holder, and is gone afterwards, also after an error", async () => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    const seen = await withLock(file, () => readFileSync(`${file}.lock`, "utf8"));
    expect(seen.split("\n").slice(0, 2)).toEqual([hostname(), String(process.pid)]);
    const failing = withLock(file, () => {
      throw new Error("as expected");
    });
    await expect(failing).rejects.toThrow("as expected");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is waited for, and taken once it is free", async () => {
    const file = join(newFolder(), "keys.json");
    writeFileSync(`${file}.lock`, holder(hostname(), process.pid));
    let pauses = 0;
    const pause = async () => {
      if (++pauses === 3) rmSync(`${file}.lock`);
    };
    expect(await withLock(file, () => "done", { pause })).toBe("done");
    expect(pauses).toBe(3);
  });

  it.each([
    ["a process that lives", hostname(), process.pid],
    ["a process of another machine, of which nothing is known", "elsewhere", ended],
  ])("of %s is left alone, and who waits too long is told what to delete", async (_, host, pid) => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    writeFileSync(`${file}.lock`, holder(host, pid));
    let isChanged = false;
    const waiting = withLock(
      file,
      () => {
        isChanged = true;
      },
      { patienceMs: 50, pause: async () => undefined },
    );
    await expect(waiting).rejects.toMatchObject({
      code: "vault-busy",
      message: expect.stringMatching(new RegExp(`process ${pid} on ${host}.*delete .*keys\\.json\\.lock`)),
    });
    expect(isChanged).toBe(false);
    expect(readdirSync(folder)).toEqual(["keys.json.lock"]);
  });

  it("of a process that was killed is broken at once, and what others left goes with it", async () => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    await withLock(file, () => {
      const [own = ""] = readdirSync(folder).filter((name) => /\.lock\.[0-9a-f]{8}\./.test(name));
      writeFileSync(join(folder, own.replace(`.${process.pid}.`, `.${ended}.`)), "");
    });
    writeFileSync(`${file}.lock`, holder(hostname(), ended));
    const pause = () => Promise.reject(new Error("waited"));
    expect(await withLock(file, () => existsSync(`${file}.lock`), { pause })).toBe(true);
    writeFileSync(`${file}.lock.break`, holder(hostname(), ended));
    await withLock(file, () => undefined, { pause });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("that somebody else is breaking is not broken twice", async () => {
    const folder = newFolder();
    const file = join(folder, "keys.json");
    writeFileSync(`${file}.lock`, holder(hostname(), ended));
    writeFileSync(`${file}.lock.break`, holder(hostname(), process.pid));
    const waiting = withLock(file, () => undefined, { patienceMs: 50, pause: async () => undefined });
    await expect(waiting).rejects.toMatchObject({ code: "vault-busy" });
    expect(readdirSync(folder)).toEqual(["keys.json.lock", "keys.json.lock.break"]);
  });
});
