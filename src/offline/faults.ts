/**
 * Faults without a script: a share of the acceptable requests fails, in one of many ways. Which ones fail, and how, is
 * decided by the seed and by how many requests came before, so that the same requests in the same order meet the same.
 */
import { DramatisError } from "../domain/errors.ts";
import { hash32, randomShare } from "../domain/random.ts";
import type { ChatRequest } from "./protocol.ts";
import type { ScriptedAnswer } from "./script.ts";

/** Numbers in [0, 1) that belong to one fault. */
type Draw = (what: string) => number;

const between = (share: number, least: number, most: number) =>
  Math.floor(least + share * (most - least + 1));

/** What proxies in front of the provider send: no JSON. */
const BAD_GATEWAY = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n";

const FAULTS = {
  /** A 429 that says how long to wait, as the provider's usually do. */
  "429": (draw: Draw) => ({ kind: "rate-limited", waitMs: between(draw("wait"), 20, 1000) }),
  /** A 429 with `Retry-After` only, in whole seconds. */
  "429-retry-after": () => ({ kind: "rate-limited", headers: "retry-after", waitMs: 1000 }),
  /** A 429 without any header that helps. */
  "429-bare": () => ({ kind: "rate-limited", headers: "none" }),
  /** A 429 without room at the tier; only for requests at flex. */
  "429-flex": () => ({ kind: "resource-unavailable" }),
  "500": () => ({ kind: "status", status: 500 }),
  "502": () => ({
    kind: "status",
    status: 502,
    headers: { "content-type": "text/html" },
    body: BAD_GATEWAY,
  }),
  "503": () => ({ kind: "status", status: 503 }),
  /** The connection breaks before anything was generated. */
  reset: () => ({ kind: "drop", billed: false }),
  /** It breaks after the answer was generated and paid for. */
  "reset-billed": () => ({ kind: "drop", billed: true }),
  /** No answer until the client gives up. */
  hang: () => ({ kind: "hang", billed: false }),
  /** The same, but the answer was generated and paid for. */
  "hang-billed": () => ({ kind: "hang", billed: true }),
  /** A stream that ends too early; only for requests that stream. */
  "cut-stream": (draw: Draw) => ({ kind: "cut-stream", afterChunks: between(draw("cut"), 1, 40) }),
  /** A whole answer whose body takes its time. */
  "slow-body": (draw: Draw) => ({ kind: "slow-body", durationMs: between(draw("slow"), 100, 2000) }),
} satisfies Record<string, (draw: Draw) => ScriptedAnswer>;

/** The faults that can be named. */
export type FaultKind = keyof typeof FAULTS;

// Object.keys forgets what its own literal says.
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** A seeded share of requests that fail. */
export interface FaultOptions {
  seed: number;
  /** Of the acceptable requests, 0 to 1. */
  share: number;
  /** Default: all named ones. Anything a script step can answer may stand here too; who stands twice comes twice as often. */
  kinds?: readonly (FaultKind | ScriptedAnswer)[] | undefined;
}

export interface Fault {
  /** For the figures: the name it goes by in `kinds`. */
  kind: string;
  answer: ScriptedAnswer;
}

export interface FaultSource {
  /** Called once for each acceptable request; undefined: it fares well. */
  next(request: ChatRequest): Fault | undefined;
  /** Begins again with the first request. */
  clear(): void;
}

const nameOf = (kind: FaultKind | ScriptedAnswer) => (typeof kind === "string" ? kind : kind.kind);

function checkOptions({ share, kinds }: FaultOptions): void {
  const refuse = (message: string) => new DramatisError("invalid-argument", message);
  if (!(share >= 0 && share <= 1)) throw refuse(`faults.share: expected a number from 0 to 1, got ${share}.`);
  if (kinds?.length === 0)
    throw refuse("faults.kinds: expected at least one kind, got none; leave it out for all.");
  const unknown = kinds?.find((kind) => typeof kind === "string" && !Object.hasOwn(FAULTS, kind));
  if (unknown === undefined) return;
  throw refuse(`faults.kinds: expected kinds among ${FAULT_KINDS.join(", ")}, got "${nameOf(unknown)}".`);
}

/** Throws DramatisError `invalid-argument`. */
export function createFaultSource(options: FaultOptions | undefined): FaultSource {
  if (options === undefined) return { next: () => undefined, clear: () => undefined };
  checkOptions(options);
  const { seed, share, kinds = FAULT_KINDS } = options;
  const kindsFor = ({ stream, service_tier: tier }: ChatRequest) =>
    kinds.filter((kind) => {
      const name = nameOf(kind);
      return (stream || name !== "cut-stream") && (tier === "flex" || name !== "429-flex");
    });
  let count = 0;
  return {
    next(request) {
      count += 1;
      const draw: Draw = (what) => randomShare(seed, count, what);
      if (draw("fails") >= share) return undefined;
      const candidates = kindsFor(request);
      const kind = candidates[hash32(seed, count, "kind") % candidates.length];
      if (kind === undefined) return undefined;
      return { kind: nameOf(kind), answer: typeof kind === "string" ? FAULTS[kind](draw) : kind };
    },
    clear() {
      count = 0;
    },
  };
}
