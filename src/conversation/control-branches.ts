/**
 * LangGraph ends every node with a branch of its own, which looks for a `Command` in what the node returned: two more
 * runnables a node, each in a traced context. Ours return updates and no commands, so a turn need not look twice: that is a
 * twentieth of its time. Our own branches stay, known by identity and not by place; nodes that look otherwise than
 * expected are left as they are.
 */
import type { Runnable } from "@langchain/core/runnables";

interface Branch {
  run(...parts: never[]): Runnable;
}

interface Builder {
  branches: Record<string, Record<string, Branch>>;
}

interface Node {
  writers: Runnable[];
}

/** The name under which LangGraph runs branches. */
const BRANCH = "<branch_run>";

/** Remembers what our branches are compiled to. Before the graph is compiled. */
export function watchBranches({ branches }: Builder): ReadonlySet<Runnable> {
  const own = new Set<Runnable>();
  for (const branch of Object.values(branches).flatMap((named) => Object.values(named))) {
    const run = branch.run.bind(branch);
    branch.run = (...parts) => {
      const runnable = run(...parts);
      own.add(runnable);
      return runnable;
    };
  }
  return own;
}

/** Takes LangGraph's branches out of these nodes of a compiled graph. */
export function removeControlBranches(
  nodes: readonly (Node | undefined)[],
  own: ReadonlySet<Runnable>,
): void {
  for (const node of nodes) {
    const writers = node?.writers.filter((writer) => own.has(writer) || writer.getName() !== BRANCH) ?? [];
    // What the node writes, and where it leads.
    if (node !== undefined && writers.length === 2 && node.writers.length === 3) node.writers = writers;
  }
}
