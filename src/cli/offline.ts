/** `dramatis offline`: the offline server on a port, for any OpenAI client; slow, limited or faulty where asked. */
import type { Command } from "commander";
import { formatUsd } from "../domain/money.ts";
import { DEFAULT_RATE_LIMIT } from "../offline/rate-limit.ts";
import type { OfflineServer, OfflineServerOptions } from "../offline/server.ts";
import { count } from "../report/figures.ts";
import { commandName } from "./command-name.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath } from "./typed-path.ts";
import { share, wholeNumber } from "./values.ts";

const DEFAULT_PORT = 8021;
/** No secret: it opens what this server charged, for whoever reaches it. */
const ADMIN_KEY = "sk-admin-offline";
const PROJECT = "proj_offline";

interface OfflineFlags {
  port: number;
  latency?: number;
  rpm?: number;
  tpm?: number;
  batch?: number;
  faults?: number;
  seed: number;
}

/** What the flags ask of the server; a limit that is not given is out of reach. */
export function settingsOf(flags: OfflineFlags): Omit<OfflineServerOptions, "models"> {
  const { latency, rpm, tpm, batch, faults: share, seed } = flags;
  const faults = share === undefined ? undefined : { seed, share };
  return {
    latencyMs: latency,
    rateLimit: {
      requestsPerMinute: rpm ?? DEFAULT_RATE_LIMIT.requestsPerMinute,
      tokensPerMinute: tpm ?? DEFAULT_RATE_LIMIT.tokensPerMinute,
    },
    faults,
    batch: { processingMs: batch, faults },
  };
}

function summaryOf({ bill, traffic }: OfflineServer): string {
  const { requests, costNanoUsd } = bill;
  const lines = [
    `${count(requests, "request")} answered; a provider would have charged ${formatUsd(costNanoUsd)}.`,
  ];
  if (traffic.rejected > 0) lines.push(`${count(traffic.rejected, "request")} rejected by the rate limit.`);
  if (traffic.faulted > 0) {
    const kinds = Object.entries(traffic.faultsByKind).map(([kind, times]) => `${kind} ${times}`);
    lines.push(`${count(traffic.faulted, "request")} failed as asked: ${kinds.sort().join(", ")}.`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

export function addOffline(program: Command, terminal: Terminal): void {
  program
    .command("offline")
    .description("serve the OpenAI protocol on this machine, without a key and without a network")
    .option("--port <n>", "0: any free one", wholeNumber(0, 65_535), DEFAULT_PORT)
    .option("--latency <ms>", "wait before each answer", wholeNumber(0, 3_600_000))
    .option("--rpm <n>", "requests a minute and model", wholeNumber(1))
    .option("--tpm <n>", "tokens a minute and model", wholeNumber(1))
    .option("--batch <ms>", "how long a batch takes", wholeNumber(0, 86_400_000))
    .option("--faults <share>", "share of requests that fail, 0 to 1", share)
    .option("--seed <n>", "which requests fail, and how", wholeNumber(0, 2 ** 31 - 1), 7)
    .action(async (flags: OfflineFlags) => {
      const { loadCatalog } = await import("../catalog/catalog.ts");
      const { createOfflineServer } = await import("../offline/server.ts");
      const catalog = loadCatalog(catalogPath(undefined, terminal.env));
      const offline = createOfflineServer({
        models: [...catalog.models.values()],
        recordRequests: false,
        clock: terminal.clock,
        adminKey: ADMIN_KEY,
        projectId: PROJECT,
        ...settingsOf(flags),
      });
      const server = await offline.listen(flags.port);
      const interrupted = new Promise<void>((resolve) => terminal.onInterrupt(() => resolve()));
      const command = commandName(terminal.env);
      terminal.write(`OPENAI_BASE_URL=${server.url}/v1\n`);
      terminal.writeError(
        `What was charged: OPENAI_ADMIN_BASE_URL=${server.url}/v1 OPENAI_ADMIN_KEY=${ADMIN_KEY} ${command} costs\n`,
      );
      terminal.writeError(`Its limits: the same, with OPENAI_PROJECT_ID=${PROJECT} ${command} limits\n`);
      terminal.writeError("Answers are generated. Any other key will do. Press Ctrl-C to stop.\n");
      await interrupted;
      await server.close();
      terminal.writeError(summaryOf(offline));
    });
}
