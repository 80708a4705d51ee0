/** `dramatis keys`: keeps API and admin keys and webhook secrets, encrypted, and shows no more of them than a fingerprint. */
import { type Command, Option } from "commander";
import { DramatisError } from "../domain/errors.ts";
import { count } from "../report/figures.ts";
import type { Rotation, Vault } from "../vault/vault.ts";
import type { KeyKind } from "../vault/vault-file.ts";
import { commandName } from "./command-name.ts";
import { EXIT } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** A provider that has not answered by then is not there. */
const ANSWER_MS = 15_000;

async function vaultOf({ env, clock }: Terminal): Promise<Vault> {
  const { openVault } = await import("../vault/vault.ts");
  return openVault({ env, clock });
}

/** Before the prompt: nobody likes to paste a key twice. */
async function refuseKeys(args: readonly string[]): Promise<void> {
  const { checkedName } = await import("../vault/key-text.ts");
  for (const arg of args) checkedName(arg);
  if (args.length <= 1) return;
  throw new DramatisError("invalid-argument", `Expected one name for the key, got ${args.length}.`);
}

interface KindFlags {
  admin?: boolean;
  webhook?: boolean;
}

const KIND_NAMES: Readonly<Record<KeyKind, string>> = {
  api: "API key",
  admin: "Admin key",
  webhook: "Webhook secret",
};

/** Undefined: Ctrl-C was pressed at the prompt. */
async function addKey(
  name: string | undefined,
  { admin: isAdmin, webhook: isWebhook }: KindFlags,
  terminal: Terminal,
): Promise<string | undefined> {
  const vault = await vaultOf(terminal);
  const kind = isAdmin ? "admin" : isWebhook ? "webhook" : "api";
  const key = await terminal.readSecret(`${KIND_NAMES[kind]} (it is not shown): `);
  if (key === undefined) return undefined;
  if (key.trim() === "") {
    const how = `${commandName(terminal.env)} keys add < key.txt`;
    throw new DramatisError(
      "invalid-argument",
      `Expected a key on standard input, got nothing. Type it at the prompt, or: ${how}`,
    );
  }
  const stored = await vault.add({ name, kind, key });
  return `Added the ${kind} ${kind === "webhook" ? "secret" : "key"} "${stored.name}", fingerprint ${stored.fingerprint}, to ${vault.file}`;
}

function rotationText({ count: keys, source, file }: Rotation): string {
  const done = `${count(keys, "key")} encrypted anew`;
  switch (source) {
    case "own-file":
      return `${done} with a new encryption key, in ${file}. The old one is gone.`;
    case "named-file":
      return `${done} with a new encryption key, the first in ${file}. Delete the others there once no other vault needs them.`;
    case "variable":
      return `${done} with the first of DRAMATIS_ENCRYPTION_KEY. This vault does not need the others any more.`;
  }
}

/** Asks the provider once for each key; the exit code tells whether it takes them all. */
async function testKeys(name: string | undefined, terminal: Terminal): Promise<number> {
  const vault = await vaultOf(terminal);
  const all = vault.list();
  const asked = name === undefined ? all : all.filter((stored) => stored.name === name);
  if (name !== undefined && asked.length === 0) vault.read(name); // Throws, with near names.
  const chosen = asked.flatMap(({ name, kind }) => (kind === "webhook" ? [] : [{ name, kind }]));
  if (chosen.length === 0 && asked.length > 0) {
    throw new DramatisError(
      "invalid-argument",
      "The provider tells nobody whether a webhook's secret is right. Have it send an event to the worker, which answers 400 where it is not.",
    );
  }
  if (chosen.length === 0) throw nothingKept(vault, terminal);
  const { adminBaseUrl, checkedBaseUrl, DEFAULT_BASE_URL } = await import("../domain/base-url.ts");
  const { checkKey } = await import("../vault/key-check.ts");
  const { renderTestedKeys } = await import("./screen/keys.ts");
  const baseUrl = checkedBaseUrl(terminal.env.OPENAI_BASE_URL?.trim() || DEFAULT_BASE_URL);
  // An admin key is not asked about at a server that it was not meant for, but where it was.
  const adminUrl = adminBaseUrl(terminal.env, baseUrl) ?? DEFAULT_BASE_URL;
  const tested = await Promise.all(
    chosen.map(async ({ name, kind }) => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const question = { kind, key: vault.read(name), baseUrl: kind === "admin" ? adminUrl : baseUrl };
      return { name, kind, check: await checkKey({ ...question, fetch, signal }) };
    }),
  );
  terminal.write(`${renderTestedKeys(tested, terminal.screen).join("\n")}\n`);
  return tested.every(({ check }) => check.outcome === "ok") ? EXIT.done : EXIT.userError;
}

function nothingKept({ file }: Vault, { env }: Terminal): DramatisError {
  const message = `There is no key in the vault ${file}. To keep one: ${commandName(env)} keys add`;
  return new DramatisError("unknown-name", message);
}

export function addKeys(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const keys = program
    .command("keys")
    .description("keep API and admin keys, and secrets of webhooks, encrypted");
  const print = (text: string) => terminal.write(`${text}\n`);

  keys
    .command("list", { isDefault: true })
    .description("name, kind, fingerprint and date of each; the first of a kind is the one that is used")
    .action(async () => {
      const vault = await vaultOf(terminal);
      const stored = vault.list();
      if (stored.length === 0) return print(nothingKept(vault, terminal).message);
      const { renderKeys } = await import("./screen/keys.ts");
      print(renderKeys(stored, terminal.screen).join("\n"));
    });

  keys
    .command("add")
    .description("keep a key; it is read from standard input, never from an argument")
    .argument("[name]", "what to call it (default: api, admin or webhook)")
    .option("--admin", "an admin key, for usage, costs and limits of an organisation")
    .addOption(
      new Option("--webhook", "the secret that OpenAI signs its webhooks with, for worker").conflicts(
        "admin",
      ),
    )
    .allowExcessArguments() // To be answered here: a key among them must be spoken of.
    .action(async (name: string | undefined, flags: KindFlags, { args }: Command) => {
      await refuseKeys(args);
      const done = await addKey(name, flags, terminal);
      if (done === undefined) exit(EXIT.interrupted);
      else print(done);
    });

  keys
    .command("remove")
    .description("forget a key")
    .argument("<name>")
    .action(async (name: string) => {
      const { fingerprint, kind } = await (await vaultOf(terminal)).remove(name);
      print(
        `Removed the ${kind} key "${name}", fingerprint ${fingerprint}. At the provider it is still valid.`,
      );
    });

  keys
    .command("rotate")
    .description("encrypt everything with a new encryption key")
    .action(async () => print(rotationText(await (await vaultOf(terminal)).rotate())));

  keys
    .command("test")
    .description("ask the provider once whether it takes a key, or every key; costs nothing")
    .argument("[name]")
    .action(async (name?: string) => exit(await testKeys(name, terminal)));
}
