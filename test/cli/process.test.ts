/** The program as a process of its own: real signals, and the folder it is started in. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { TWO_PEOPLE } from "./two-people.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "dramatis-process-"));
const processes = new Set<ChildProcess>();

afterEach(() => {
  for (const process of processes) process.kill("SIGKILL");
  processes.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the program in a process group of its own, as a shell does; `until` waits for output, `exit` for its end. */
function start(args: string[], cwd = folder, stdout: "pipe" | number = "pipe") {
  const { OPENAI_API_KEY: _, OPENAI_BASE_URL: __, npm_lifecycle_event: ___, ...env } = process.env;
  const child = spawn(process.execPath, [join(root, "src/cli/main.ts"), ...args], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", stdout, "pipe"],
  });
  processes.add(child);
  let written = "";
  const exited = once(child, "exit").then(([code]): number => code);
  const heard = (chunk: Buffer) => {
    written += chunk;
    child.emit("heard");
  };
  child.stdout?.on("data", heard);
  child.stderr?.on("data", heard);
  return {
    child,
    async until(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(written);
        if (found !== null) return found;
        await once(child, "heard");
      }
    },
    exit: async () => ({ code: await exited, written }),
  };
}

describe("Ctrl-C", () => {
  it("ends a conversation after its turn, with 130 and a record of what was said", async () => {
    const out = join(folder, "interrupted");
    const { child, until, exit } = start(["run", "product-roundtable", "--turns", "150", "--out", out]);
    await until(/^ {2}3 {2}\S/m);
    child.kill("SIGINT");
    const { code, written } = await exit();
    expect(code).toBe(130);
    expect(written).toContain("Stopping after this turn.");
    const { status, turns } = JSON.parse(readFileSync(join(out, "conversation.json"), "utf8"));
    expect(status).toBe("interrupted");
    expect(turns.length).toBeGreaterThanOrEqual(3);
    expect(turns.length).toBeLessThan(150);
  });
});

describe("output that goes nowhere", () => {
  it("ends a conversation after its turn without asking for a Ctrl-C, and keeps its record", async () => {
    const out = join(folder, "unread");
    const { child, until, exit } = start(["run", "product-roundtable", "--turns", "150", "--out", out]);
    await until(/^ {2}1 {2}\S/m);
    child.stdout?.destroy();
    const { code, written } = await exit();
    expect(code).toBe(130);
    expect(written).not.toContain("Ctrl-C");
    const { status, turns } = JSON.parse(readFileSync(join(out, "conversation.json"), "utf8"));
    expect(status).toBe("interrupted");
    expect(turns.length).toBeGreaterThan(0);
  });

  it.skipIf(!existsSync("/dev/full"))("is named when the disk is full, and exits with 1", async () => {
    const full = openSync("/dev/full", "w");
    const out = join(folder, "full");
    const results = [
      await start(["models"], folder, full).exit(),
      await start(["run", "product-roundtable", "--turns", "150", "--out", out], folder, full).exit(),
    ];
    closeSync(full);
    const expected = { code: 1, written: "Cannot write to standard output: ENOSPC\n" };
    expect(results).toEqual([expected, expected]);
    expect(existsSync(join(out, "conversation.json"))).toBe(true);
  });
});

describe("check without files", () => {
  it("checks the usual folders that there are", async () => {
    const here = join(folder, "project");
    mkdirSync(join(here, "scenarios"), { recursive: true });
    writeFileSync(join(here, "scenarios/two-people.yaml"), TWO_PEOPLE);
    expect(await start(["check"], here).exit()).toEqual({ code: 0, written: "scenarios is valid.\n" });
    writeFileSync(join(here, "scenarios/other.yaml"), TWO_PEOPLE.replace("maxTurns: 4", "maxTurns: many"));
    const { code, written } = await start(["check"], here).exit();
    expect(code).toBe(1);
    expect(written).toContain("scenarios/other.yaml");
  });

  it("says what it looked for where there are none", async () => {
    const { code, written } = await start(["check"]).exit();
    expect(code).toBe(1);
    expect(written).toMatch(/no scenarios\/, personas\/, knowledge\/, experiments\/\. Name files or folders/);
  });
});

describe("studio", () => {
  /** Says its banner; ends in order at the first signal, and says so of a second one that comes meanwhile. */
  const SERVER = `
    const port = process.argv[process.argv.indexOf("--port") + 1];
    const keep = setInterval(() => {}, 1000);
    const end = (signal) => {
      console.log("got " + signal + ".");
      setImmediate(() => process.exit(7));
    };
    process.on("SIGTERM", end).on("SIGINT", end);
    console.log("banner of port " + port + ".");
  `;
  const here = join(folder, "graphs");
  const installed = join(here, "node_modules/@langchain/langgraph-cli");

  beforeAll(() => {
    mkdirSync(installed, { recursive: true });
    writeFileSync(join(here, "langgraph.json"), "{}");
    writeFileSync(join(installed, "package.json"), '{"bin": {"langgraphjs": "server.cjs"}}');
  });

  it("shows the server's banner alone and ends it by one signal, although a terminal sends Ctrl-C to the whole group", async () => {
    writeFileSync(join(installed, "server.cjs"), SERVER);
    const { child, until, exit } = start(["studio"], here);
    const [, port] = await until(/banner of port (\d+)\./);
    process.kill(-(child.pid ?? 0), "SIGINT");
    const { code, written } = await exit();
    expect(code).toBe(0);
    expect(written.replace(/^Port 2024 is taken; the graph server gets \d+\.\n/, "")).toBe(
      `banner of port ${port}.\ngot SIGTERM.\n`,
    );
  });

  it("exits as the server does when that ends by itself", async () => {
    writeFileSync(join(installed, "server.cjs"), "process.exit(7)");
    expect((await start(["studio"], here).exit()).code).toBe(7);
  });
});
