/** `dramatis experiment`: checks what an experiment would compare, and shows what came of it. */
import { extname } from "node:path";
import type { Command } from "commander";
import { DramatisError } from "../domain/errors.ts";
import { NO_GUARD_FLAG, NO_GUARD_WORDS } from "./formula-guard.ts";
import { STORE_FLAG, STORE_WORDS } from "./store-option.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath, inputPath, outputPath } from "./typed-path.ts";
import { some } from "./values.ts";

interface CheckFlags {
  catalog?: string;
  json?: boolean;
}

interface ResultsFlags {
  store?: string;
  json?: boolean;
  csv?: boolean;
  out?: string;
  /** False with --no-formula-guard. */
  formulaGuard: boolean;
}

type Format = "json" | "csv" | "text";

/** What is written: as a flag says, else as the file is called. */
function formatOf({ json, csv, out }: ResultsFlags): Format {
  if (json && csv) throw new DramatisError("invalid-argument", "Expected --json or --csv, got both.");
  if (json) return "json";
  if (csv) return "csv";
  if (out === undefined) return "text";
  const format = ({ ".json": "json", ".csv": "csv", ".txt": "text" } as const)[extname(out).toLowerCase()];
  if (format !== undefined) return format;
  const message = `--out: expected a file *.csv, *.json or *.txt, got ${JSON.stringify(out)}. Or say --csv or --json.`;
  throw new DramatisError("invalid-argument", message);
}

async function checkExperiment(name: string, flags: CheckFlags, terminal: Terminal): Promise<void> {
  const { loadCatalog } = await import("../catalog/catalog.ts");
  const { formatNotice } = await import("../domain/screening.ts");
  const { findExperiment } = await import("../experiment/experiment-file.ts");
  const { jsonText } = await import("../report/json-text.ts");
  const { plainLine } = await import("../report/plain-text.ts");
  const { renderExperiment } = await import("./screen/experiment.ts");
  const catalog = loadCatalog(catalogPath(flags.catalog, terminal.env));
  const { notices, scenario, arms, ...experiment } = findExperiment(inputPath(name, terminal.env), {
    catalog,
  });
  for (const notice of notices) terminal.writeError(`notice: ${plainLine(formatNotice(notice))}\n`);
  const shown = {
    ...experiment,
    scenario: scenario.id,
    arms: arms.map((arm) => ({ ...arm, scenario: undefined })),
  };
  terminal.write(
    flags.json ? `${jsonText(shown)}\n` : `${renderExperiment(shown, terminal.screen).join("\n")}\n`,
  );
}

async function showResults(run: string, flags: ResultsFlags, terminal: Terminal): Promise<void> {
  const format = formatOf(flags);
  const { experimentResults } = await import("../experiment/read-results.ts");
  const { openExistingStore, withStore } = await import("./run-store.ts");
  const opened = await openExistingStore(flags.store, terminal);
  const results = await withStore(opened, (store) => experimentResults(store, run));
  const text = await rendered(results, format, { ...flags, terminal });
  if (flags.out === undefined) return terminal.write(text);
  const { writeFileSync } = await import("node:fs");
  const file = outputPath(flags.out, terminal.env);
  try {
    writeFileSync(file, text);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause)) throw cause;
    const message = `The results could not be written to ${file}: ${String(cause.code)}. Name another file with --out.`;
    throw new DramatisError("write-failed", message, { cause });
  }
  terminal.writeError(`Written: ${file}\n`);
}

type Results = Awaited<ReturnType<typeof import("../experiment/read-results.ts").experimentResults>>;

async function rendered(
  results: Results,
  format: Format,
  {
    terminal,
    out,
    formulaGuard,
  }: Pick<ResultsFlags, "out" | "formulaGuard"> & {
    terminal: Terminal;
  },
): Promise<string> {
  if (format === "csv") {
    const { resultsCsv } = await import("../experiment/csv.ts");
    const { guardNotice } = await import("./formula-guard.ts");
    let guarded = 0;
    const csv = { hasFormulaGuard: formulaGuard, onGuarded: () => void guarded++ };
    const text = resultsCsv(results.experiment, results.rows, csv);
    if (guarded > 0) terminal.writeError(`${guardNotice(guarded)}\n`);
    return text;
  }
  if (format === "json") {
    const { jsonText } = await import("../report/json-text.ts");
    return `${jsonText(withNulls(results))}\n`;
  }
  const { renderResults } = await import("./screen/experiment.ts");
  const screen = out === undefined ? terminal.screen : { columns: FILE_COLUMNS, colour: false };
  return `${renderResults(results, screen).join("\n")}\n`;
}

/** A file is read in editors, which do not say how wide they are. */
const FILE_COLUMNS = 160;

/** What is unknown is null: a key that is missing is easily taken for 0. */
const withNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? null : inner)));

export function addExperiment(program: Command, terminal: Terminal): void {
  const experiment = program
    .command("experiment")
    .description("compare versions of a scenario: check an experiment, or show its results");
  experiment
    .command("check")
    .description("check an experiment with every scenario it makes, and say what it would compare; free")
    .argument("<experiment>", "an experiment file, or the id of one that comes with Dramatis")
    .option("--catalog <file>", "a YAML file with your own models and prices", some("a file"))
    .option("--json", "print one JSON object and nothing else")
    .action((name: string, flags: CheckFlags) => checkExperiment(name, flags, terminal));
  experiment
    .command("results")
    .description("a row a conversation, a summary an arm, and differences from the first arm")
    .argument("<run>", "the id of an experiment's run; it may still be under way")
    .option(STORE_FLAG, STORE_WORDS, some("a store"))
    .option("--csv", "the rows alone, as CSV")
    .option(NO_GUARD_FLAG, NO_GUARD_WORDS)
    .option("--json", "print one JSON object and nothing else")
    .option("--out <file>", "write to a file *.csv, *.json or *.txt instead", some("a file"))
    .action((run: string, flags: ResultsFlags) => showResults(run, flags, terminal));
}
