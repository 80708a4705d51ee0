/** The flags of every command that asks models: the key, the models and the pace. */
import type { Command } from "commander";
import type { DramatisOptions } from "../app.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath, inputPath } from "./typed-path.ts";
import { some, wholeNumber } from "./values.ts";

export interface GatewayFlags {
  keyFile?: string;
  catalog?: string;
  rpm?: number;
  tpm?: number;
}

export const withGatewayFlags = (command: Command): Command =>
  command
    .option(
      "--key-file <file>",
      "a file that holds an API key and nothing else, mode 0600 (default: OPENAI_API_KEY, else the vault)",
      some("a file"),
    )
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"))
    .option("--rpm <n>", "requests a minute at most (default: learned from the answers)", wholeNumber(1))
    .option("--tpm <n>", "tokens a minute at most (default: learned from the answers)", wholeNumber(1));

/** What they mean for `openDramatis`. */
export function gatewayOptions(
  { keyFile, catalog, rpm, tpm }: GatewayFlags,
  { env, clock }: Terminal,
): Pick<DramatisOptions, "keyFile" | "catalogFile" | "limits" | "env" | "clock"> {
  const isLimited = rpm !== undefined || tpm !== undefined;
  return {
    keyFile: keyFile === undefined ? undefined : inputPath(keyFile, env),
    catalogFile: catalogPath(catalog, env),
    limits: isLimited ? { requestsPerMinute: rpm, tokensPerMinute: tpm } : undefined,
    env,
    clock,
  };
}
