/** The program, from arguments to output and exit code, in process. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import { conversationRecordSchema } from "../../src/domain/record.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const root = join(import.meta.dirname, "../..");
const SCENARIO = join(root, "scenarios/product-roundtable.yaml");
const folder = mkdtempSync(join(tmpdir(), "dramatis-cli-"));
const KEY = "sk-proj-MARKEDKEY0123456789abcdefghij";

beforeAll(() => {
  mkdirSync(join(folder, "out"));
  mkdirSync(join(folder, "mine"));
  mkdirSync(join(folder, "one"));
  copyFileSync(join(root, "personas/ines-marvao.yaml"), join(folder, "one/ines-marvao.yaml"));
  writeFileSync(join(folder, "mine/two-people.yaml"), TWO_PEOPLE);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function dramatis(args: string[], options: SampleTerminalOptions = {}) {
  const { terminal, written } = sampleTerminal(options);
  const exitCode = await runCommand(args, terminal);
  return { exitCode, ...written };
}

let runs = 0;
const out = () => join(folder, "out", String(++runs));
const run = (args: string[], call?: SampleTerminalOptions) =>
  dramatis(["run", SCENARIO, "--out", out(), ...args], call);

describe("dramatis run", () => {
  it("shows every turn, what it cost, the end, and where the record is", async () => {
    const { exitCode, stdout, stderr } = await run(["--turns", "3", "--seed", "7"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("One spring release, two promises");
    expect(stdout).toMatch(/offline \(no OPENAI_API_KEY\)/);
    expect(stdout.match(/\$0\.\d+/g)?.length).toBeGreaterThan(3);
    expect(stdout).toContain("Completed: turn limit reached");
    expect(stdout).toContain("transcript.md");
  });

  it("prints one JSON object with --json, and the same one twice but for times and ids", async () => {
    const results = [
      await run(["--turns", "6", "--seed", "7", "--json"]),
      await run(["--turns", "6", "--seed", "7", "--json"]),
    ];
    const [first, second] = results.map(({ stdout }) => {
      const { conversationId, files, turns, ...rest } = JSON.parse(stdout);
      return {
        ...rest,
        turns: turns.map(({ startedAt, durationMs, ...turn }: Record<string, unknown>) => turn),
      };
    });
    expect(second).toEqual(first);
    expect(first.turns).toHaveLength(6);
    expect(first.usage.costNanoUsd).toBe(first.offline.bill.costNanoUsd);
    expect(first.usage.requests).toBe(first.offline.bill.requests);
    expect(Object.keys(first)).toEqual(
      expect.arrayContaining([
        "scenario",
        "seed",
        "status",
        "ending",
        "turns",
        "failures",
        "usage",
        "offline",
      ]),
    );
  });

  it("explains what was sent for a turn, part by part, up to what the provider reported", async () => {
    const flags = ["--turns", "3", "--seed", "7", "--model", "gpt-4.1-mini", "--explain-prompt", "2"];
    const { stdout } = await run([...flags, "--quiet"]);
    expect(stdout).toMatch(/What was sent for turn 2: [a-z-]+, gpt-4\.1-mini, \d requests?/);
    for (const part of ["tool or schema", "shared head", "opening", "message of ines-marvao", "own lines"])
      expect(stdout).toMatch(new RegExp(`^ +${part} +[\\d,]+ +[\\d,]+$`, "m"));
    expect(stdout).toContain("Private notes, never to be revealed:");

    const { prompt } = JSON.parse((await run([...flags, "--json"])).stdout);
    expect(prompt).toMatchObject({ turn: 2, model: "gpt-4.1-mini" });
    for (const { parts, tokens, reportedTokens, cachedTokens } of prompt.requests) {
      const sum = (key: "tokens" | "cachedTokens") =>
        parts.reduce((total: number, part: Record<string, number>) => total + (part[key] ?? 0), 0);
      expect(tokens).toBe(sum("tokens") + 3);
      expect(Math.abs(tokens - reportedTokens)).toBeLessThanOrEqual(20);
      expect(cachedTokens).toBe(sum("cachedTokens"));
    }
  });

  it("says when there is no such turn to explain, and keeps prompts out of the record", async () => {
    const to = out();
    const call = ["run", SCENARIO, "--out", to, "--turns", "1", "--quiet", "--explain-prompt"];
    const missing = await dramatis([...call, "5"]);
    expect(missing.stderr).toContain("nothing was sent for turn 5");
    await dramatis([...call, "1"]);
    expect(readFileSync(join(to, "conversation.json"), "utf8")).not.toContain("Private notes");
  });

  it("takes a strategy for long transcripts", async () => {
    const summaries = async (strategy: string) => {
      const to = out();
      await dramatis(["run", SCENARIO, "--out", to, "--turns", "30", "--quiet", "--context", strategy]);
      return JSON.parse(readFileSync(join(to, "conversation.json"), "utf8")).summaries;
    };
    expect(await summaries("full")).toEqual([]);
    expect((await dramatis(["run", SCENARIO, "--context", "all"])).exitCode).toBe(1);
  });

  it("writes a record that its own schema accepts, a transcript and a line per message", async () => {
    const to = out();
    await dramatis(["run", SCENARIO, "--out", to, "--turns", "4", "--quiet"]);
    const record = conversationRecordSchema.parse(
      JSON.parse(readFileSync(join(to, "conversation.json"), "utf8")),
    );
    const lines = readFileSync(join(to, "messages.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).message)).toEqual([
      ...record.remarks.map(({ message }) => message),
      ...record.turns.map(({ message }) => message),
    ]);
    expect(readFileSync(join(to, "transcript.md"), "utf8")).toMatch(/^# One spring release/);
  });

  it("refuses a scenario with characters that a terminal would obey, and prints none of them", async () => {
    mkdirSync(join(folder, "hostile"));
    const file = join(folder, "hostile/two-people.yaml");
    const hostile = String.raw`"Is \x9b2J \x7f \u202e safe?"`;
    writeFileSync(file, TWO_PEOPLE.replace("Please begin.", hostile).replace("Two people", hostile));
    const to = out();
    const { exitCode, stdout, stderr } = await dramatis(["run", file, "--out", to, "--json"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/4:10 +opening +expected text without control .* got U\+009B/);
    for (const text of [stdout, stderr])
      expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E\u2066-\u2069]/u);
  });

  it("finds a shipped scenario by its id", async () => {
    const { exitCode, stdout } = await dramatis([
      "run",
      "design-debate",
      "--turns",
      "2",
      "--json",
      "--out",
      out(),
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).scenario).toBe("design-debate");
  });

  it("ends with 3 before the cap is passed, and keeps the turns", async () => {
    const { exitCode, stdout } = await run(["--max-cost", "0.02", "--model", "gpt-4.1", "--json"]);
    const { status, turns, usage } = JSON.parse(stdout);
    expect({ exitCode, status }).toEqual({ exitCode: 3, status: "budget" });
    expect(turns.length).toBeGreaterThan(0);
    expect(usage.costNanoUsd).toBeLessThanOrEqual(20_000_000);
  });

  it("ends with 130 after the turn in flight on Ctrl-C, and writes what there is", async () => {
    const to = out();
    const { exitCode, stderr } = await dramatis(["run", SCENARIO, "--out", to], {
      interruptWhen: (stdout) => / 2 {2}\S/.test(stdout),
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain("Stopping after this turn");
    const record = JSON.parse(readFileSync(join(to, "conversation.json"), "utf8"));
    expect(record.status).toBe("interrupted");
    expect(record.turns.length).toBeGreaterThanOrEqual(2);
    expect(record.turns.length).toBeLessThan(18);
  });

  it.each<[string, string[], RegExp]>([
    ["a missing file", ["run", "scenarios/nothing.yaml"], /scenarios\/nothing\.yaml/],
    ["an unknown id", ["run", "product-roundtabel"], /Did you mean product-roundtable\?/],
    [
      "an unknown model",
      ["run", SCENARIO, "--model", "gpt4.1"],
      /^--model: .*did you mean gpt-4\.1.*\. Models .* --catalog /,
    ],
    ["no model", ["run", SCENARIO, "--model", ""], /'--model <id>'.*Expected a model, got nothing\./],
    ["no folder", ["run", SCENARIO, "--out", " "], /'--out <folder>'.*Expected a folder, got nothing\./],
    ["no catalog", ["run", SCENARIO, "--catalog", ""], /'--catalog <file>'.*Expected a file, got nothing\./],
    ["no catalog to list", ["models", "--catalog", ""], /'--catalog <file>'.*Expected a file, got nothing\./],
    ["a persona for a folder", ["personas", "ines-marvao"], /run: dramatis personas show ines-marvao$/m],
    [
      "a folder without scenarios",
      ["scenarios", join(root, "knowledge")],
      /at least one scenario .* got none/,
    ],
    ["no turns", ["run", SCENARIO, "--turns", "0"], /Expected a whole number of 1 or more/],
    ["words for a cap", ["run", SCENARIO, "--max-cost", "much"], /Expected an amount in dollars/],
    ["an unknown complexity", ["run", SCENARIO, "--complexity", "huge"], /low, medium, high, auto/],
    ["a missing catalog", ["run", SCENARIO, "--catalog", "none.yaml"], /none\.yaml/],
    ["an unknown command", ["rum"], /Did you mean run\?/],
    ["an unknown persona", ["personas", "show", "ines"], /Did you mean ines-marvao\?/],
    ["an unknown folder", ["scenarios", "nowhere"], /nowhere/],
  ])("says what is wrong about %s and exits with 1", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await dramatis(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  });

  it("refuses a folder it cannot write to before anything is sent", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const { exitCode, stderr } = await dramatis(["run", SCENARIO, "--out", join(file, "inside")]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Cannot write to the folder .*Name another with --out/);
    const inPlace = await dramatis(["run", SCENARIO, "--out", file]);
    expect(inPlace.exitCode).toBe(1);
    expect(inPlace.stderr).toMatch(/a-file: it is a file, not a folder\. Name another with --out/);
  });

  it("reports every mistake of a scenario at its line", async () => {
    const file = join(folder, "broken.yaml");
    writeFileSync(
      file,
      "id: broken\ntitle: Broken\ntopic: T\nopening: O\ncast: []\nendings:\n  - maxTurns: many\nbudgett: 3\n",
    );
    const { exitCode, stderr } = await dramatis(["run", file]);
    expect(exitCode).toBe(1);
    for (const place of ["5:", "7:", "8:"]) expect(stderr).toContain(place);
    expect(stderr).toContain("budget");
  });
});

describe("with a key", () => {
  const server = createOfflineServer({
    models: [...loadCatalog().models.values()],
    generator: generateReply,
    apiKey: KEY,
  });

  it("talks to the server of OPENAI_BASE_URL and lets the key out nowhere else", async () => {
    const { url, close } = await server.listen(0);
    const to = out();
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1` };
    const { exitCode, stdout, stderr } = await dramatis(["run", SCENARIO, "--out", to, "--turns", "3"], {
      env,
    });
    await close();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(`network: ${new URL(url).host}`);
    expect(server.bill.requests).toBeGreaterThanOrEqual(3);
    const files = ["conversation.json", "messages.jsonl", "transcript.md"].map((name) =>
      readFileSync(join(to, name), "utf8"),
    );
    expect([stdout, ...files].join("\n")).not.toContain("MARKEDKEY");
  });

  it("refuses a budget that rounds to nothing", async () => {
    const { exitCode, stderr } = await run(["--max-cost", "1e-12"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("above 0, like 0.25, and not below 0.000000001.");
  });

  it("lists the log of failed attempts with the files written, where it was", async () => {
    const to = out();
    const call = ["run", SCENARIO, "--out", to, "--turns", "1"];
    const { url, close } = await server.listen(0);
    const env = { OPENAI_API_KEY: `${KEY}x`, OPENAI_BASE_URL: `${url}/v1` };
    const listed = (await dramatis(call, { env })).stdout;
    const { files } = JSON.parse((await dramatis([...call, "--json", "--log", `${to}.log`], { env })).stdout);
    await close();
    expect(listed).toContain(`  ${join(to, "attempts.jsonl")}\n`);
    expect(files).toContain(`${to}.log`);
    expect((await run(["--turns", "1"])).stdout).not.toContain("attempts.jsonl");
  });

  it("says which variable to check when the key is refused, and not the key", async () => {
    const { url, close } = await server.listen(0);
    const env = { OPENAI_API_KEY: `${KEY}x`, OPENAI_BASE_URL: `${url}/v1` };
    const { exitCode, stdout } = await run(["--turns", "3", "--json"], { env });
    await close();
    expect(exitCode).toBe(2);
    const { status, failures } = JSON.parse(stdout);
    expect({ status, kinds: failures.map(({ kind }: { kind: string }) => kind) }).toEqual({
      status: "failed",
      kinds: ["unauthorised"],
    });
    expect(failures[0].detail).toContain("OPENAI_API_KEY");
    expect(stdout).not.toContain("MARKEDKEY");
  });

  it("says to check the key file when the key came from there", async () => {
    const { url, close } = await server.listen(0);
    const keyFile = join(folder, "refused.key");
    writeFileSync(keyFile, `${KEY}x\n`, { mode: 0o600 });
    const env = { OPENAI_BASE_URL: `${url}/v1` };
    const { stdout } = await run(["--turns", "3", "--json", "--key-file", keyFile], { env });
    await close();
    expect(JSON.parse(stdout).failures[0].detail).toMatch(/Check the key in the key file .*--offline\.$/);
  });

  it("says that the server cannot be reached", async () => {
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
    const { exitCode, stdout } = await run(["--json"], { env });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout).failures[0]).toMatchObject({
      kind: "unreachable",
      detail: expect.stringContaining("OPENAI_BASE_URL"),
    });
  });

  it("stays offline with --offline", async () => {
    const { stdout } = await run(["--turns", "1", "--offline"], { env: { OPENAI_API_KEY: KEY } });
    expect(stdout).toContain("offline (as asked)");
  });
});

describe("the other commands", () => {
  it.each<[string[], RegExp]>([
    [["scenarios", join(root, "scenarios")], /\n {2}dramatis run design-debate\n/],
    [["scenarios", join(folder, "mine")], /\n {2}dramatis run \S*mine\/two-people\.yaml\n/],
    [["personas"], /oddvar-skarheim/],
    [["personas", "show", "ines-marvao"], /private notes/],
    [["personas", "check"], /\d+ personas are valid/],
    [["personas", "check", join(folder, "one")], /^1 persona is valid\.$/m],
    [["models"], /gpt-4\.1-nano +\$0\.1000 +\$0\.0250 +\$0\.4000/],
    [["check", SCENARIO], /is valid/],
    [["check", join(root, "knowledge"), join(root, "personas")], /^All valid: .*knowledge, .*personas\.$/m],
    [["--version"], /^\d+\.\d+\.\d+\n$/],
    [["--help"], /Commands:.*\n\nTo begin, without a key: dramatis run product-roundtable\n$/s],
    [[], /Usage: dramatis .*Commands:/s],
  ])("%j", async (args, expected) => {
    const { exitCode, stdout } = await dramatis(args);
    expect(stdout).toMatch(expected);
    expect(exitCode).toBe(0);
  });

  it("prints commands as npm wants them where it runs under npm", async () => {
    const env = { npm_lifecycle_event: "dramatis" };
    const { stdout } = await dramatis(["scenarios"], { env });
    expect(stdout).toContain("  npm run -s dramatis -- run design-debate\n");
    const help = await dramatis(["run", "--help"], { env });
    expect(help.stdout).toMatch(/^Usage: npm run -s dramatis -- run \[options\] <scenario>/);
  });

  it("lists the good scenarios of a folder, then every problem of the others, and exits with 1", async () => {
    const place = join(folder, "mixed");
    mkdirSync(place);
    writeFileSync(join(place, "two-people.yaml"), TWO_PEOPLE);
    writeFileSync(join(place, "many.yaml"), TWO_PEOPLE.replace("maxTurns: 4", "maxTurns: many"));
    writeFileSync(join(place, "zero.yaml"), TWO_PEOPLE.replace("maxTurns: 4", "maxTurns: 0"));
    const { exitCode, stdout, stderr } = await dramatis(["scenarios", place]);
    expect(exitCode).toBe(1);
    expect(stdout.match(/ run \S+/g)).toEqual([expect.stringContaining("two-people.yaml")]);
    for (const name of ["many.yaml", "zero.yaml"]) expect(stderr).toContain(name);
    expect(stderr).not.toContain("two-people.yaml");
  });

  it("tells of secrets in a checked scenario that a run would send", async () => {
    const place = join(folder, "warned");
    mkdirSync(place);
    const token = `ghp_${"A1b2C3d4E5".repeat(3)}F6g7H8`;
    const text = TWO_PEOPLE.replace("Please begin.", `Use ${token} to begin.`);
    writeFileSync(join(place, "two-people.yaml"), `${text}screening: { secrets: warn }\n`);
    const { exitCode, stdout, stderr } = await dramatis(["check", place]);
    expect({ exitCode, isValid: stdout.includes("is valid") }).toEqual({ exitCode: 0, isValid: true });
    expect(stderr).toMatch(/^notice: GitHub token in .*two-people\.yaml:4:14: sent all the same\n$/);
  });

  it("names a checked file without what would act on a terminal", async () => {
    const place = join(folder, "evil\u001B[2J\u009B");
    mkdirSync(place);
    const file = join(place, "two-people.yaml");
    writeFileSync(file, TWO_PEOPLE);
    const { exitCode, stdout } = await dramatis(["check", file]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/evil␛\[2J\uFFFD\/two-people\.yaml is valid\.\n$/);
  });

  it.each([["no\u001B]52;c;QQ==\u0007such"], ["run", "--no\u009B2J\u202Esuch"]])(
    "repeats nothing of its arguments that would act on a terminal: %j",
    async (...args) => {
      const { exitCode, stderr } = await dramatis(args);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/no.*such/);
      expect(stderr).not.toMatch(/[^\P{Cc}\n]|\u202E/u);
    },
  );

  it("serves the OpenAI protocol until Ctrl-C", async () => {
    const { exitCode, stdout } = await dramatis(["offline", "--port", "0"], {
      interruptWhen: () => true,
    });
    expect(stdout).toMatch(/^OPENAI_BASE_URL=http:\/\/127\.0\.0\.1:\d+\/v1\n/);
    expect(exitCode).toBe(0);
  });

  it("fits 60 columns", async () => {
    const { stdout } = await run(["--turns", "2"], { columns: 60 });
    const long = stdout.split("\n").filter((line) => [...line].length > 60);
    expect(long).toEqual([]);
    expect(existsSync(join(folder, "out"))).toBe(true);
  });
});
