/** The flags that `dramatis costs` and `dramatis usage` share: the time, and where the report goes. */
import { type Command, InvalidArgumentError } from "commander";
import { moment } from "./moment.ts";
import { some } from "./values.ts";

/** Some of these names, joined by commas; `none` for none. */
export const choices =
  <Value>(known: Readonly<Record<string, Value>>) =>
  (text: string): Value[] => {
    const names = text.split(",").map((name) => name.trim());
    if (names.join() === "none") return [];
    const values = [...new Set(names)].flatMap((name) =>
      Object.hasOwn(known, name) ? [known[name] as Value] : [],
    );
    if (values.length === new Set(names).size) return values;
    throw new InvalidArgumentError(
      `Expected none, or some of ${Object.keys(known).join(", ")}, joined by commas.`,
    );
  };

/** @param usual what `--since` is unless it is said */
export const withSpendingFlags = (command: Command, usual: string): Command =>
  command
    .option(
      "--since <time>",
      `a date, a time or how long ago, in UTC: 2026-11-01, 2026-11-01T14:30, 7d, 24h (default: ${usual})`,
      moment,
    )
    .option("--until <time>", "the same; what happened then is not included (default: now)", moment)
    .option("--json", "print one JSON object and nothing else")
    .option("--csv", "print a row for each group of each bucket, as CSV")
    .option(
      "--html <file>",
      "also write a page for a browser, without anything from elsewhere",
      some("a file"),
    );
