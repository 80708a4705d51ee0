/** `dramatis costs`: what the provider charged an organization. */
import type { Command } from "commander";
import type { CostDimension } from "../organization/costs.ts";
import type { CostsFlags } from "./costs-report.ts";
import { choices, withSpendingFlags } from "./spending-flags.ts";
import type { Terminal } from "./terminal.ts";
import { some } from "./values.ts";

/** As they are typed. */
const DIMENSIONS: Readonly<Record<string, CostDimension>> = {
  "line-item": "lineItem",
  project: "project",
  key: "apiKey",
  user: "user",
};

export function addCosts(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const command = program
    .command("costs")
    .description("what the provider charged your organization, by day; takes an admin key")
    .option(
      "--group-by <list>",
      `${Object.keys(DIMENSIONS).join(", ")}, joined by commas, or none`,
      choices(DIMENSIONS),
      ["lineItem"],
    )
    .option("--by-catalog", "beside each day's charge, what its usage costs by the catalog's prices")
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"));
  withSpendingFlags(command, "30d").action(async (flags: CostsFlags) => {
    const { reportCosts } = await import("./costs-report.ts");
    exit(await reportCosts(flags, terminal));
  });
}
