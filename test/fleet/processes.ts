/** Worker processes: started, killed, stopped and gone on, and what they said. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { WorkerMessage, WorkerTask } from "./fleet-process.ts";

export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly problems: Extract<WorkerMessage, { kind: "problem" }>[];
  /** Resolves once it takes conversations. */
  readonly working: Promise<void>;
  /** Resolves when it has ended: true when its run was over, false when it was killed. */
  readonly ended: Promise<boolean>;
}

/** It must not outlive whoever started it, however that ends. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export function startProcess(task: WorkerTask): WorkerProcess {
  const child = fork(new URL("./fleet-process.ts", import.meta.url), [JSON.stringify(task)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  alive.add(child);
  const problems: WorkerProcess["problems"] = [];
  const working = Promise.withResolvers<void>();
  let isOver = false;
  let said = "";
  child.stderr?.on("data", (text: Buffer) => {
    said = (said + text.toString()).slice(-4000);
  });
  child.on("message", (message: WorkerMessage) => {
    if (message.kind === "working") working.resolve();
    if (message.kind === "problem") problems.push(message);
    if (message.kind === "over") isOver = true;
  });
  const ended = once(child, "exit").then(([code, signal]) => {
    alive.delete(child);
    working.resolve();
    if (code !== 0 && signal === null)
      throw new Error(`Worker ${task.name} ended with code ${code}:\n${said}`);
    return isOver;
  });
  ended.catch(() => undefined);
  return { child, problems, working: working.promise, ended };
}
