/** Stands between a client and a Postgres, and cuts the line when told, or just before a commit is answered. */
import { createConnection, createServer, type Socket } from "node:net";

export interface CuttingProxy {
  /** The same database, through here. */
  url: string;
  /** Cuts all lines; while away, new ones are cut as well. */
  setAway(isAway: boolean): void;
  /** The next commit reaches the server, and its answer gets lost. */
  loseNextCommit(): void;
  readonly lostCommits: number;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<CuttingProxy> {
  const to = new URL(target);
  const lines = new Set<Socket>();
  let isAway = false;
  let isLosing = false;
  let lostCommits = 0;
  const server = createServer((client) => {
    client.on("error", () => undefined);
    if (isAway) return void client.destroy();
    const upstream = createConnection({ host: to.hostname, port: Number(to.port) });
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    lines.add(client);
    client.on("close", () => lines.delete(client));
    let loses = false;
    client.on("data", (bytes) => {
      if (isLosing && bytes.toString("latin1").includes("commit")) {
        isLosing = false;
        loses = true;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!loses) return void client.write(bytes);
      lostCommits += 1;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(typeof address === "object" && address !== null ? address.port : 0);
  const cut = () => {
    for (const line of lines) line.destroy();
  };
  return {
    url: url.href,
    setAway(away) {
      isAway = away;
      if (away) cut();
    },
    loseNextCommit() {
      isLosing = true;
    },
    get lostCommits() {
      return lostCommits;
    },
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
