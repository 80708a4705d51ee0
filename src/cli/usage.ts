/** `dramatis usage`: which tokens an organization used. */
import { type Command, Option } from "commander";
import type { UsageDimension } from "../organization/usage.ts";
import { choices, withSpendingFlags } from "./spending-flags.ts";
import type { Terminal } from "./terminal.ts";
import type { UsageFlags } from "./usage-report.ts";

/** As they are typed. */
const DIMENSIONS: Readonly<Record<string, UsageDimension>> = {
  model: "model",
  project: "project",
  user: "user",
  key: "apiKey",
  batch: "batch",
  tier: "tier",
};

export function addUsage(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const command = program
    .command("usage")
    .description("which tokens your organization used; takes an admin key")
    .addOption(
      new Option("--bucket <width>", "a minute, an hour or a day").choices(["1m", "1h", "1d"]).default("1d"),
    )
    .option(
      "--group-by <list>",
      `${Object.keys(DIMENSIONS).join(", ")}, joined by commas, or none`,
      choices(DIMENSIONS),
      ["model"],
    );
  withSpendingFlags(command, "30d, 24h by the hour, 1h by the minute").action(async (flags: UsageFlags) => {
    const { reportUsage } = await import("./usage-report.ts");
    exit(await reportUsage(flags, terminal));
  });
}
