/** `dramatis offline`: the offline server on a port, for any OpenAI client. */
import type { Command } from "commander";
import { formatUsd } from "../domain/money.ts";
import type { Terminal } from "./terminal.ts";
import { catalogPath } from "./typed-path.ts";
import { wholeNumber } from "./values.ts";

const DEFAULT_PORT = 8021;

export function addOffline(program: Command, terminal: Terminal): void {
  program
    .command("offline")
    .description("serve the OpenAI protocol on this machine, without a key and without a network")
    .option("--port <n>", "0: any free one", wholeNumber(0, 65_535), DEFAULT_PORT)
    .action(async ({ port }: { port: number }) => {
      const { openDramatis } = await import("../app.ts");
      const { offline } = await openDramatis({
        offline: true,
        catalogFile: catalogPath(undefined, terminal.env),
        env: terminal.env,
      });
      if (offline === undefined) return;
      const server = await offline.listen(port);
      const interrupted = new Promise<void>((resolve) => terminal.onInterrupt(() => resolve()));
      terminal.write(`OPENAI_BASE_URL=${server.url}/v1\n`);
      terminal.writeError("Answers are generated. Any key will do. Press Ctrl-C to stop.\n");
      await interrupted;
      await server.close();
      const { requests, costNanoUsd } = offline.bill;
      terminal.writeError(
        `${requests} requests answered; a provider would have charged ${formatUsd(costNanoUsd)}.\n`,
      );
    });
}
