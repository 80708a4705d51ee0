/** The order of keys: the flag's file, the environment, the vault. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findKey } from "../../src/vault/find-key.ts";
import { openVault } from "../../src/vault/vault.ts";
import { temporaryFolders } from "./temporary-vault.ts";

const newFolder = temporaryFolders();
const folder = newFolder();
const inVault = { DRAMATIS_VAULT: join(folder, "keys.json") };
const keyFile = join(folder, "key.txt");

beforeAll(async () => {
  const vault = openVault({ env: inVault });
  await vault.add({ kind: "api", key: "key-of-vault" });
  await vault.add({ kind: "admin", key: "admin-key-of-vault" });
  await vault.add({ kind: "webhook", key: "whsec_of-vault" });
  writeFileSync(keyFile, "key-of-file\n", { mode: 0o600 });
});

describe("findKey", () => {
  const env = {
    ...inVault,
    OPENAI_API_KEY: " key-of-environment ",
    OPENAI_ADMIN_KEY: "admin-key-of-environment",
  };

  it.each([
    ["api", { keyFile, env }, "key-of-file", "key-file"],
    ["api", { env }, "key-of-environment", "environment"],
    ["api", { env: { ...inVault, OPENAI_API_KEY: " " } }, "key-of-vault", "vault"],
    ["admin", { keyFile, env }, "admin-key-of-environment", "environment"],
    ["admin", { keyFile, env: inVault }, "admin-key-of-vault", "vault"],
    ["webhook", { keyFile, env }, "key-of-file", "key-file"],
    ["webhook", { env: { ...env, OPENAI_WEBHOOK_SECRET: "whsec_ab" } }, "whsec_ab", "environment"],
    ["webhook", { env }, "whsec_of-vault", "vault"],
  ] as const)("%s of %j", (kind, where, key, source) => {
    expect(findKey(kind, where)).toEqual({ key, source });
  });

  it("finds none where there is no vault, or none of the kind in it, and makes nothing", async () => {
    const empty = newFolder();
    const file = join(empty, "keys.json");
    expect(findKey("api", { env: {} })).toBeUndefined();
    expect(findKey("api", { env: { DRAMATIS_VAULT: file } })).toBeUndefined();
    expect(findKey("api", { env: { HOME: join(empty, "nobody") } })).toBeUndefined();
    expect(existsSync(file)).toBe(false);
    await openVault({ file }).add({ kind: "admin", key: "only" });
    expect(findKey("api", { env: { DRAMATIS_VAULT: file } })).toBeUndefined();
  });

  it("does not look at the vault when a key comes before it, and does not pass over a broken one", () => {
    const broken = join(newFolder(), "keys.json");
    writeFileSync(broken, "no vault", { mode: 0o600 });
    expect(findKey("api", { env: { ...env, DRAMATIS_VAULT: broken } })?.source).toBe("environment");
    expect(() => findKey("api", { env: { DRAMATIS_VAULT: broken } })).toThrow(/is damaged/);
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ["missing", () => undefined, /is not there\. Name a file that holds an API key/],
    ["empty", (file) => writeFileSync(file, " \n", { mode: 0o600 }), /holds no key/],
    [
      "of two lines",
      (file) => writeFileSync(file, "sk-MARKED\nsk-MARKED2\n", { mode: 0o600 }),
      /characters that no key has/,
    ],
    ["a folder", (file) => mkdirSync(file, 0o700), /got a folder/],
    [
      "an env file",
      (file) => writeFileSync(file, "OPENAI_API_KEY=sk-MARKED", { mode: 0o600 }),
      /leave out quotes/,
    ],
    [
      "open to others",
      (file) => {
        writeFileSync(file, "sk-MARKED");
        chmodSync(file, 0o644);
      },
      /mode 0644\)\. Run: chmod 600/,
    ],
  ])("refuses a key file that is %s", (_, make, message) => {
    const file = join(newFolder(), "key.txt");
    make(file);
    const find = () => findKey("api", { keyFile: file, env: {} });
    expect(find).toThrow(message);
    expect(find).not.toThrow(/MARKED/);
  });
});
