/** The vault as its callers see it: what it keeps, what lies on the disk, and what it says when something is wrong. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DramatisError } from "../../src/domain/errors.ts";
import { newFernetKey } from "../../src/vault/fernet.ts";
import { openVault } from "../../src/vault/vault.ts";
import { temporaryFolders } from "./temporary-vault.ts";

const KEY = "sk-proj-MARKED0123456789abcdefghij";
const ADMIN = "sk-admin-MARKEDADMIN0123456789";
const newFolder = temporaryFolders();
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

function newVault(env: Record<string, string> = {}) {
  const folder = newFolder();
  const file = join(folder, "keys.json");
  const all = { DRAMATIS_VAULT: file, ...env };
  return { folder, file, keyFile: join(folder, "vault.key"), vault: openVault({ env: all, clock: () => 0 }) };
}

/** The error of a call, checked to be one of ours that holds no secret. */
async function errorOf(call: () => unknown): Promise<DramatisError> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof DramatisError)) throw error;
    expect(error.message).not.toMatch(/MARKED/);
    return error;
  }
  throw new Error("nothing was refused");
}

/** Changes the vault's JSON by hand. */
function edit(
  file: string,
  change: (vault: { fingerprintKey: string; keys: Record<string, string>[] }) => void,
) {
  const vault = JSON.parse(readFileSync(file, "utf8"));
  change(vault);
  writeFileSync(file, JSON.stringify(vault));
}

describe("a vault", () => {
  it("is empty before there is one, and listing makes nothing", () => {
    const { folder, vault } = newVault();
    expect(vault.list()).toEqual([]);
    expect(vault.first("api")).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("gives back what was added, in order, the first of a kind being the one that is used", async () => {
    const { vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    await vault.add({ kind: "admin", key: ADMIN });
    await vault.add({ kind: "api", name: "second", key: `  ${KEY}2\n` });
    expect(vault.list().map(({ name, kind }) => [name, kind])).toEqual([
      ["api", "api"],
      ["admin", "admin"],
      ["second", "api"],
    ]);
    expect([vault.read("api"), vault.read("admin"), vault.read("second")]).toEqual([KEY, ADMIN, `${KEY}2`]);
    expect(vault.first("admin")).toEqual({ name: "admin", key: ADMIN });
    await vault.remove("api");
    expect(vault.first("api")).toEqual({ name: "second", key: `${KEY}2` });
  });

  it("writes no key, and lets nobody else read what it writes", async () => {
    const { folder, file, keyFile, vault } = newVault();
    const stored = await vault.add({ kind: "api", key: KEY });
    expect(readdirSync(folder).sort()).toEqual(["keys.json", "vault.key"]);
    expect([mode(file), mode(keyFile)]).toEqual(["600", "600"]);
    for (const path of [file, keyFile]) expect(readFileSync(path, "utf8")).not.toContain("MARKED");
    expect(JSON.stringify([stored, vault.list(), vault])).not.toContain("MARKED");
    expect(stored).toEqual({
      name: "api",
      kind: "api",
      addedAt: "1970-01-01T00:00:00.000Z",
      fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    });
  });

  it("lies in the user's folder for configuration, in a folder of its own that only the user may enter", async () => {
    const home = newFolder();
    const vault = openVault({ env: { HOME: home } });
    expect(vault.file).toBe(join(home, ".config/dramatis/keys.json"));
    await vault.add({ kind: "api", key: KEY });
    expect(mode(join(home, ".config/dramatis"))).toBe("700");
    expect(openVault({ env: { HOME: home, XDG_CONFIG_HOME: "/elsewhere" } }).file).toBe(
      "/elsewhere/dramatis/keys.json",
    );
    expect(openVault({ env: { HOME: home, XDG_CONFIG_HOME: "relative" } }).file).toBe(vault.file);
    expect((await errorOf(() => openVault({ env: {} }))).message).toMatch(/HOME is not set.*DRAMATIS_VAULT/);
  });

  it("has fingerprints that tell keys apart, survive a rotation, and differ from vault to vault", async () => {
    const { vault } = newVault();
    const other = newVault();
    const [a, b, c] = [
      await vault.add({ kind: "api", name: "a", key: KEY }),
      await vault.add({ kind: "api", name: "b", key: KEY }),
      await vault.add({ kind: "api", name: "c", key: `${KEY}c` }),
    ];
    const elsewhere = await other.vault.add({ kind: "api", key: KEY });
    expect(a.fingerprint).toBe(b.fingerprint);
    expect(new Set([a.fingerprint, c.fingerprint, elsewhere.fingerprint]).size).toBe(3);
    await vault.rotate();
    expect(vault.list()).toEqual([a, b, c]);
  });

  it("keeps every key of changes made at once in one process", async () => {
    const { vault, folder } = newVault();
    const names = Array.from({ length: 12 }, (_, index) => `key-${index}`);
    await Promise.all(names.map((name) => vault.add({ kind: "api", name, key: `${KEY}${name}` })));
    expect(
      vault
        .list()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort());
    for (const name of names) expect(vault.read(name)).toBe(`${KEY}${name}`);
    expect(readdirSync(folder).sort()).toEqual(["keys.json", "vault.key"]);
  });
});

describe("the encryption key", () => {
  it("may be in the variable: then no file is made", async () => {
    const { folder, vault } = newVault({ DRAMATIS_ENCRYPTION_KEY: newFernetKey() });
    await vault.add({ kind: "api", key: KEY });
    expect(readdirSync(folder)).toEqual(["keys.json"]);
    expect(vault.read("api")).toBe(KEY);
  });

  it("may be in a file that a variable names, which must be there", async () => {
    const keyFile = join(newFolder(), "the.key");
    const { vault, folder } = newVault({ DRAMATIS_ENCRYPTION_KEY_FILE: keyFile });
    const missing = await errorOf(() => vault.add({ kind: "api", key: KEY }));
    expect(missing).toMatchObject({ code: "vault-locked", message: expect.stringContaining("openssl rand") });
    writeFileSync(keyFile, `${newFernetKey()}\n`, { mode: 0o600 });
    await vault.add({ kind: "api", key: KEY });
    expect(readdirSync(folder)).toEqual(["keys.json"]);
    expect(vault.read("api")).toBe(KEY);
  });

  it("may be several: the first encrypts, all decrypt", async () => {
    const [old, next] = [newFernetKey(), newFernetKey()];
    const { file, vault } = newVault({ DRAMATIS_ENCRYPTION_KEY: old });
    await vault.add({ kind: "api", key: KEY });
    const both = openVault({ env: { DRAMATIS_VAULT: file, DRAMATIS_ENCRYPTION_KEY: `${next}, ${old}` } });
    expect(both.read("api")).toBe(KEY);
    expect(await both.rotate()).toEqual({ count: 1, source: "variable" });
    expect((await errorOf(() => vault.read("api"))).code).toBe("vault-locked");
    expect(openVault({ env: { DRAMATIS_VAULT: file, DRAMATIS_ENCRYPTION_KEY: next } }).read("api")).toBe(KEY);
  });

  it.each(["MARKED", `${newFernetKey()},MARKED`, ","])("is refused when it is none: %#", async (text) => {
    const { vault } = newVault({ DRAMATIS_ENCRYPTION_KEY: text });
    const error = await errorOf(() => vault.add({ kind: "api", key: KEY }));
    expect(error).toMatchObject({
      code: "vault-locked",
      message: expect.stringMatching(/^DRAMATIS_ENCRYPTION_KEY/),
    });
  });

  it("is named when it is another one, and nothing is added under it", async () => {
    const { file, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    const before = readFileSync(file, "utf8");
    const wrong = openVault({ env: { DRAMATIS_VAULT: file, DRAMATIS_ENCRYPTION_KEY: newFernetKey() } });
    for (const call of [
      () => wrong.read("api"),
      () => wrong.first("api"),
      () => wrong.add({ kind: "api", name: "b", key: KEY }),
      () => wrong.rotate(),
    ]) {
      const error = await errorOf(call);
      expect(error.code).toBe("vault-locked");
      expect(error.message).toContain("DRAMATIS_ENCRYPTION_KEY is not the key it was encrypted with");
    }
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("is not made anew while keys depend on the lost one; they can be removed, and the vault begins again", async () => {
    const { keyFile, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    rmSync(keyFile);
    const error = await errorOf(() => vault.add({ kind: "api", name: "b", key: KEY }));
    expect(error).toMatchObject({
      code: "vault-locked",
      message: expect.stringContaining("vault.key is not there"),
    });
    expect(existsSync(keyFile)).toBe(false);
    expect(vault.list()).toHaveLength(1);
    await vault.remove("api");
    await vault.add({ kind: "api", key: KEY });
    expect(vault.read("api")).toBe(KEY);
  });
});

describe("rotation", () => {
  it("replaces the key beside the vault, and the old one opens nothing any more", async () => {
    const { file, keyFile, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    await vault.add({ kind: "admin", key: ADMIN });
    const old = readFileSync(keyFile, "utf8").trim();
    expect(await vault.rotate()).toEqual({ count: 2, source: "own-file", file: keyFile });
    expect([vault.read("api"), vault.read("admin")]).toEqual([KEY, ADMIN]);
    const now = readFileSync(keyFile, "utf8");
    expect(now).toMatch(/^[\w-]{43}=\n$/);
    expect(now).not.toContain(old);
    expect(mode(keyFile)).toBe("600");
    const stale = openVault({ env: { DRAMATIS_VAULT: file, DRAMATIS_ENCRYPTION_KEY: old } });
    expect((await errorOf(() => stale.read("api"))).code).toBe("vault-locked");
  });

  it("keeps the old key behind the new one in a named file, which other vaults may need", async () => {
    const keyFile = join(newFolder(), "the.key");
    const old = newFernetKey();
    writeFileSync(keyFile, old, { mode: 0o600 });
    const { vault } = newVault({ DRAMATIS_ENCRYPTION_KEY_FILE: keyFile });
    await vault.add({ kind: "api", key: KEY });
    expect(await vault.rotate()).toEqual({ count: 1, source: "named-file", file: keyFile });
    expect(readFileSync(keyFile, "utf8").trim().split("\n").slice(1)).toEqual([old]);
    expect(vault.read("api")).toBe(KEY);
  });

  it("asks for the new key where it is in the variable", async () => {
    const { vault } = newVault({ DRAMATIS_ENCRYPTION_KEY: newFernetKey() });
    await vault.add({ kind: "api", key: KEY });
    const error = await errorOf(() => vault.rotate());
    expect(error).toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/the new key, a comma/),
    });
  });

  it("needs a vault, and changes nothing while one of its keys cannot be opened", async () => {
    const { file, keyFile, vault } = newVault();
    expect((await errorOf(() => vault.rotate())).code).toBe("unknown-name");
    await vault.add({ kind: "api", key: KEY });
    edit(file, ({ keys }) => Object.assign(keys[0] ?? {}, { token: keys[0]?.token?.slice(0, -8) }));
    const before = [file, keyFile].map((path) => readFileSync(path, "utf8"));
    expect((await errorOf(() => vault.rotate())).code).toBe("vault-damaged");
    expect([file, keyFile].map((path) => readFileSync(path, "utf8"))).toEqual(before);
  });
});

describe("a damaged vault", () => {
  it.each<[string, (text: string) => string, RegExp]>([
    ["cut short", (text) => text.slice(0, text.length / 2), /it is no JSON/],
    ["empty", () => "", /it is no JSON/],
    ["a key in plain text", () => '"sk-MARKED"', /the whole is not as it was written/],
    ["an unknown field", (text) => text.replace('"version"', '"MARKED": 1, "version"'), /the whole is not/],
    ["no token", (text) => text.replace('"token"', '"MARKED"'), /keys\[0\]\S* is not as it was written/],
    ["a later version", (text) => text.replace('"version": 1', '"version": 2'), /later version.*Update/],
  ])("says so: %s", async (_, change, message) => {
    const { file, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    writeFileSync(file, change(readFileSync(file, "utf8")));
    const calls = [
      () => vault.list(),
      () => vault.read("api"),
      () => vault.add({ kind: "api", name: "b", key: KEY }),
    ];
    for (const call of calls) {
      const error = await errorOf(call);
      expect(error).toMatchObject({ code: "vault-damaged", message: expect.stringMatching(message) });
    }
  });

  it("names the key whose token was cut short or changed; the others can be read and it can be replaced", async () => {
    const { file, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    await vault.add({ kind: "admin", key: ADMIN });
    for (const spoil of [
      (token: string) => token.slice(0, -12),
      (token: string) => token.replace(/.{4}==$|.{4}$/, "AAAA"),
    ]) {
      edit(file, ({ keys }) => Object.assign(keys[0] ?? {}, { token: spoil(keys[0]?.token ?? "") }));
      const error = await errorOf(() => vault.read("api"));
      expect(error.code).toBe("vault-damaged");
      expect(error.message).toMatch(
        /the key "api" was (cut short or )?changed\. Remove it \(dramatis keys remove api\)/,
      );
      expect(vault.read("admin")).toBe(ADMIN);
      await vault.remove("api");
      await vault.add({ kind: "api", key: KEY });
      edit(file, ({ keys }) => keys.reverse());
      expect(vault.read("api")).toBe(KEY);
    }
  });

  it("says that two keys have one name", async () => {
    const { file, vault } = newVault();
    await vault.add({ kind: "api", key: KEY });
    edit(file, ({ keys }) => keys.push(...keys));
    expect((await errorOf(() => vault.list())).message).toMatch(/is damaged: keys is not/);
  });
});

describe.skipIf(process.platform === "win32")("a loose mode", () => {
  it.each([
    ["the vault", 0o640, (paths: { file: string }) => paths.file, "chmod 600"],
    ["the key file", 0o604, (paths: { keyFile: string }) => paths.keyFile, "chmod 600"],
    ["the folder", 0o770, (paths: { folder: string }) => paths.folder, "chmod go-w"],
  ])("of %s is refused with the command that mends it", async (_, loose, pathOf, command) => {
    const made = newVault();
    await made.vault.add({ kind: "api", key: KEY });
    const path = pathOf(made);
    chmodSync(path, loose);
    const error = await errorOf(() => made.vault.read("api"));
    expect(error.code).toBe("loose-mode");
    expect(error.message).toContain(`Run: ${command} ${path}`);
  });

  it("of a folder like /tmp, where nobody replaces another's files, is none", async () => {
    const { folder, vault } = newVault();
    chmodSync(folder, 0o1777);
    await vault.add({ kind: "api", key: KEY });
    expect(vault.read("api")).toBe(KEY);
  });

  it("of Dramatis's own folder is refused even for looking, and quoted for the shell", async () => {
    const home = join(newFolder(), "it's mine");
    mkdirSync(home);
    const vault = openVault({ env: { XDG_CONFIG_HOME: home } });
    await vault.add({ kind: "api", key: KEY });
    chmodSync(join(home, "dramatis"), 0o755);
    const error = await errorOf(() => vault.list());
    expect(error.message).toContain(`Run: chmod 700 '${home.replace("'", String.raw`'\''`)}/dramatis'`);
  });
});

describe("what is refused before anything is written", () => {
  it.each<[string, { name?: string; kind?: "api" | "admin"; key?: string }, RegExp]>([
    ["no key", { key: "  \n" }, /holds no key/],
    ["a key with a space", { key: "sk-MARKED 1" }, /characters that no key has/],
    ["a key beyond ASCII", { key: "ключ-MARKED" }, /characters that no key has/],
    ["an assignment", { key: "OPENAI_API_KEY=sk-MARKED" }, /leave out quotes and the name/],
    ["quotes", { key: '"sk-MARKED"' }, /leave out quotes/],
    ["an admin key as an API key", { key: ADMIN }, /dramatis keys add --admin/],
    ["a webhook's secret as an API key", { key: "whsec_TUFSS0VE" }, /dramatis keys add --webhook/],
    ["a name that is a key", { name: KEY }, /looks like a key.*standard input/],
    ["a name that is a bare key", { name: "0123456789abcdef0123456789abcdef" }, /looks like a key/],
    ["a name with spaces", { name: "my key" }, /lower-case letters and digits.*got "my key"/],
  ])("%s", async (_, given, message) => {
    const { folder, vault } = newVault();
    const error = await errorOf(() => vault.add({ kind: "api", key: KEY, ...given }));
    expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("a name that is taken, and one that is not there", async () => {
    const { vault } = newVault();
    expect((await errorOf(() => vault.remove("api"))).code).toBe("unknown-name");
    await vault.add({ kind: "api", name: "production", key: KEY });
    expect((await errorOf(() => vault.add({ kind: "admin", name: "production", key: KEY }))).message).toMatch(
      /already.*dramatis keys remove production/,
    );
    for (const call of [() => vault.remove("producton"), () => vault.read("producton")]) {
      expect(await errorOf(call)).toMatchObject({
        code: "unknown-name",
        message: expect.stringContaining("Did you mean production?"),
      });
    }
  });

  it.skipIf(process.getuid?.() === 0)("a folder that cannot be written to", async () => {
    const { folder, vault } = newVault();
    chmodSync(folder, 0o500);
    const error = await errorOf(() => vault.add({ kind: "api", key: KEY }));
    chmodSync(folder, 0o700);
    expect(error).toMatchObject({ code: "write-failed", message: expect.stringContaining("EACCES") });
  });

  it("a folder in the place of the vault", async () => {
    const { file, vault } = newVault();
    mkdirSync(file);
    expect(await errorOf(() => vault.list())).toMatchObject({
      code: "invalid-file",
      message: expect.stringMatching(/got a folder/),
    });
  });
});
