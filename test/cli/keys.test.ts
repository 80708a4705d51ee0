/** `dramatis keys`, from arguments to output, exit code and what lies on the disk. */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { temporaryFolders } from "../vault/temporary-vault.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";

const KEY = "sk-proj-MARKEDKEY0123456789abcdefghij";
const ADMIN = "sk-admin-MARKEDKEY0123456789abcdefghij";
const newFolder = temporaryFolders();

/** A vault's folder and a way to run commands in it; nothing that is printed or kept may hold a key. */
function place(variables: Record<string, string> = {}) {
  const folder = newFolder();
  const env = { DRAMATIS_VAULT: join(folder, "keys.json"), ...variables };
  return {
    folder,
    env,
    async keys(args: string[], options: SampleTerminalOptions = {}) {
      const { terminal, written } = sampleTerminal({ ...options, env: { ...env, ...options.env } });
      const exitCode = await runCommand(["keys", ...args], terminal);
      const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
      expect([written.stdout, written.stderr, ...kept].join("\n")).not.toContain("MARKEDKEY");
      return { exitCode, ...written };
    },
  };
}

describe("dramatis keys", () => {
  it("adds, lists and removes, showing fingerprints only", async () => {
    const { keys, env } = place();
    const added = await keys(["add"], { secret: KEY });
    expect(added).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^Added the api key "api", fingerprint [0-9a-f]{8}, to \S+keys\.json\n$/),
      stderr: "API key (it is not shown): ",
    });
    expect((await keys(["add", "costs", "--admin"], { secret: ADMIN })).stderr).toMatch(/^Admin key/);
    const { stdout } = await keys(["list"]);
    const today = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    expect(stdout).toMatch(
      new RegExp(
        `^  name   kind   fingerprint  added\n  api    api    [0-9a-f]{8}     ${today}\n  costs  admin  [0-9a-f]{8}     ${today}\n$`,
      ),
    );
    expect(await keys([])).toMatchObject({ exitCode: 0, stdout });
    expect((await keys(["remove", "api"])).stdout).toMatch(/^Removed the api key "api", .*still valid\.\n$/);
    expect((await keys(["list"])).stdout).not.toContain(" api ");
    expect(existsSync(env.DRAMATIS_VAULT)).toBe(true);
  });

  it("says how to begin where there is no key", async () => {
    const { keys } = place();
    expect(await keys(["list"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/: dramatis keys add\n$/),
    });
    expect(await keys(["test"])).toMatchObject({ exitCode: 1, stdout: "" });
    expect(await keys(["rotate"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Add a key first"),
    });
  });

  it.each([
    ["a key for a name", ["add", KEY], /looks like a key.*standard input/],
    ["a key after the name", ["add", "mine", KEY], /looks like a key/],
    ["a key as an option", ["add", `--key=${KEY}`], /unknown option/],
    ["a key to remove", ["remove", KEY], /looks like a key/],
    ["two names", ["add", "one", "two"], /Expected one name for the key, got 2/],
    ["nothing typed", ["add"], /Expected a key on standard input, got nothing/],
    ["an unknown name", ["test", "mine"], /There is no key "mine"/],
  ])("refuses %s with 1, and repeats no key", async (_, args, message) => {
    const { keys, folder } = place();
    const { exitCode, stdout, stderr } = await keys(args, { secret: " " });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("ends with 130 when Ctrl-C is pressed at the prompt", async () => {
    const { keys, folder } = place();
    expect(await keys(["add"])).toMatchObject({ exitCode: 130, stdout: "" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("rotates, and says where the encryption key is", async () => {
    const { keys } = place();
    await keys(["add"], { secret: KEY });
    expect((await keys(["rotate"])).stdout).toMatch(
      /^1 key encrypted anew .* in \S+vault\.key\. The old one is gone\.\n$/,
    );
    const named = place();
    const file = join(named.folder, "the.key");
    writeFileSync(file, readFileSync(join(newFolderWithKey(), "vault.key")), { mode: 0o600 });
    const env = { DRAMATIS_ENCRYPTION_KEY_FILE: file };
    await named.keys(["add"], { secret: KEY, env });
    expect((await named.keys(["rotate"], { env })).stdout).toMatch(
      /the first in \S+the\.key\. Delete the others/,
    );
    const texts = readFileSync(file, "utf8").trim().split("\n").join(",");
    const variable = { DRAMATIS_ENCRYPTION_KEY: texts };
    expect((await named.keys(["rotate"], { env: variable })).stdout).toContain(
      "the first of DRAMATIS_ENCRYPTION_KEY",
    );

    function newFolderWithKey() {
      const folder = newFolder();
      writeFileSync(join(folder, "vault.key"), `${Buffer.alloc(32, 1).toString("base64url")}=`);
      return folder;
    }
  });

  it("fits 60 columns", async () => {
    const { keys } = place({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1" });
    await keys(["add", "a-name-of-twenty-four-xx"], { secret: KEY });
    for (const args of [["list"], ["test"]]) {
      const { stdout } = await keys(args, { columns: 60 });
      expect(stdout).toContain("a-name-of-twenty-four-xx");
      expect(stdout.split("\n").filter((line) => line.length > 60)).toEqual([]);
    }
  });
});

describe("with a provider", () => {
  const server = createOfflineServer({
    models: [...loadCatalog().models.values()],
    generator: generateReply,
    apiKey: KEY,
  });

  it("tests every key or one: ok, refused, unreachable", async () => {
    const { url, close } = await server.listen(0);
    const { keys } = place({ OPENAI_BASE_URL: `${url}/v1` });
    await keys(["add", "good"], { secret: KEY });
    await keys(["add", "bad"], { secret: `${KEY}x` });
    expect(await keys(["test", "good"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/good +api +ok/),
    });
    const all = await keys(["test"]);
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toMatch(/good +api +ok\n +bad +api +refused +status 401\n/);
    await close();
    expect((await keys(["test", "good"])).stdout).toMatch(/good +api +unreachable +the connection failed/);
  });

  it("tests an admin key only at the server that is named for it", async () => {
    const asked: string[] = [];
    const other = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${headers.authorization}`);
      response.end("{}");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { keys } = place({
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/prompts`,
      OPENAI_ADMIN_BASE_URL: `http://127.0.0.1:${port}/admin`,
    });
    await keys(["add"], { secret: KEY });
    await keys(["add", "costs", "--admin"], { secret: ADMIN });
    expect(await keys(["test"])).toMatchObject({ exitCode: 0 });
    expect(asked.sort()).toEqual([
      `/admin/organization/projects?limit=1 Bearer ${ADMIN}`,
      `/prompts/models Bearer ${KEY}`,
    ]);
    other.closeAllConnections();
    other.close();
  });

  it("runs with the key of the vault when nothing else is set, and with that of --key-file before all", async () => {
    const { url, close } = await server.listen(0);
    const { keys, env, folder } = place({ OPENAI_BASE_URL: `${url}/v1` });
    await keys(["add"], { secret: KEY });
    const run = async (args: string[], more: Record<string, string> = {}) => {
      const { terminal, written } = sampleTerminal({ env: { ...env, ...more } });
      const out = join(newFolder(), "out");
      const exitCode = await runCommand(
        ["run", "product-roundtable", "--turns", "2", "--out", out, ...args],
        terminal,
      );
      const files = existsSync(out)
        ? readdirSync(out).map((name) => readFileSync(join(out, name), "utf8"))
        : [];
      expect([written.stdout, written.stderr, ...files].join("\n")).not.toContain("MARKEDKEY");
      return { exitCode, ...written };
    };
    const host = new URL(url).host;
    const byVault = await run([]);
    expect(byVault).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`network: ${host}, key from the vault`),
    });
    expect((await run(["--offline"])).stdout).toContain("offline (as asked)");
    expect((await run([], { OPENAI_API_KEY: "sk-wrong" })).exitCode).toBe(2);
    const keyFile = join(folder, "key.txt");
    writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
    const byFile = await run(["--key-file", keyFile], { OPENAI_API_KEY: "sk-wrong", DRAMATIS_VAULT: folder });
    expect(byFile).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("key from the file") });
    chmodSync(keyFile, 0o644);
    expect(await run(["--key-file", keyFile])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("chmod 600"),
    });
    await close();
    expect(server.bill.requests).toBeGreaterThanOrEqual(4);
  });
});
