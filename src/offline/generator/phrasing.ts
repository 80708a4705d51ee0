/** Turns frames into sentences: fresh frames first, slots filled, verbs agreeing, and nothing said twice. */
import { hash32 } from "../../domain/random.ts";
import { type Frames, SLOT } from "./phrases/voice.ts";
import { capitalise, expandContractions, fingerprint, lowerFirst } from "./prose.ts";

/** What a slot may be filled with. */
export interface Filling {
  text: string;
  isPlural?: boolean | undefined;
}

/** Slot name to fillings, best first. A frame with a slot that is missing or empty here cannot be used. */
export type Slots = Partial<Record<string, readonly Filling[]>>;

export interface Phrasing {
  /** A new sentence (some frames hold two) from the frames, or undefined when no frame's slots can be filled. */
  say(frames: Frames, slots: Slots): string | undefined;
  /** Whether this text was said, as a sentence of its own or inside one of the latest messages. */
  wasSaid(text: string): boolean;
}

export interface PhrasingParts {
  /** What was said before, oldest first. */
  messages: readonly string[];
  /** Everything that makes this turn another one than the next. */
  seed: string;
  isFormal: boolean;
  leads: Frames;
  turn: number;
}

/** Latest messages in which a frame counts as worn, from fresh memory to dim. */
const MEMORY = [6, 20, 60] as const;
const FIRST_FILLINGS = 3;
const MANY_FILLINGS = 60;

/** Slots for names, which no verb or pronoun of a frame refers to. */
const NAMES: ReadonlySet<string> = new Set(["prev", "target", "owner"]);

/** The longest stretch of a frame that is the same in every sentence made from it. */
const signatureOf = (frame: string): string =>
  frame
    .toLowerCase()
    .split(/\{\w+\}|<[^>]*>|'\w*/)
    .reduce((longest, part) => (part.length > longest.length ? part : longest), "")
    .trim();

/** The sentence as it goes on after other words; a name at its start keeps its capital. */
const continued = (sentence: string, frame: string) =>
  lowerFirst(sentence, frame.startsWith("{") ? "" : frame.toLowerCase());

/** Whether one of the texts stands in another: "the patch" beside "the three-week patch" would read like a slip. */
function overlaps(texts: readonly string[]): boolean {
  const cores = texts.map((text) => text.toLowerCase().replace(/^(the|an?) /, ""));
  return cores.some((core, at) => cores.some((other, index) => index !== at && other.includes(core)));
}

export function createPhrasing({ messages, seed, isFormal, leads, turn }: PhrasingParts): Phrasing {
  const said = new Set<number>();
  const tails = new Set<number>();
  const remember = (text: string) => fingerprint(text, (print, isTail) => (isTail ? tails : said).add(print));
  for (const message of messages) remember(message);
  const memories = MEMORY.map((count) => messages.slice(-count).join("\n").toLowerCase());
  let calls = 0;

  /** 0 for a frame that nobody remembers, up to the number of memories. */
  function wear(frame: string): number {
    const signature = signatureOf(frame);
    if (signature.length < 4) return 0;
    const dim = memories.at(-1) ?? "";
    if (!dim.includes(signature)) return 0;
    return memories.filter((memory) => memory.includes(signature)).length;
  }

  function isNew(sentence: string): boolean {
    let fresh = true;
    fingerprint(sentence, (print, isTail) => {
      if (!isTail && said.has(print)) fresh = false;
    });
    return fresh;
  }

  /** Fillings of a frame, best first: the slot named first takes turns quickest, and no two slots say the same. */
  function* fillingsOf(frame: string, slots: Slots, most: number): Generator<string> {
    const names = [...new Set(frame.match(SLOT) ?? [])].map((slot) => slot.slice(1, -1));
    const choices = names.map((name) => slots[name] ?? []);
    const total = choices.reduce((product, list) => product * list.length, 1);
    let given = 0;
    for (let index = 0; index < total && given < most; index++) {
      const chosen = new Map<string, Filling>();
      let rest = index;
      for (const [at, list] of choices.entries()) {
        const filling = list[rest % list.length];
        if (filling !== undefined) chosen.set(names[at] ?? "", filling);
        rest = Math.floor(rest / list.length);
      }
      if (overlaps([...chosen.values()].map(({ text }) => text))) continue;
      given += 1;
      yield render(frame, chosen);
    }
  }

  function render(frame: string, chosen: ReadonlyMap<string, Filling>): string {
    let isPlural = false;
    const spoken = isFormal ? expandContractions(frame) : frame;
    const text = spoken.replace(
      /\{(\w+)\}|<([^|>]+)\|([^>]+)>/g,
      (_, slot?: string, one?: string, many?: string) => {
        if (slot === undefined) return (isPlural ? many : one) ?? "";
        const filling = chosen.get(slot);
        if (!NAMES.has(slot)) isPlural = filling?.isPlural ?? false;
        return filling?.text ?? "";
      },
    );
    return capitalise(text);
  }

  function say(frames: Frames, slots: Slots): string | undefined {
    calls += 1;
    const order = frames
      .map((frame, index) => ({ frame, wear: wear(frame), draw: hash32(seed, calls, index) }))
      .sort((a, b) => a.wear - b.wear || a.draw - b.draw)
      .map(({ frame }) => frame);
    const candidates = [
      () => simple(order, slots, FIRST_FILLINGS),
      () => simple(order, slots, MANY_FILLINGS),
    ];
    // A very long conversation uses all of that up: it leads in differently, and at the very last counts the turns.
    for (const sentences of [...candidates, () => led(order, slots), () => counted(order, slots)]) {
      for (const sentence of sentences()) {
        if (!isNew(sentence)) continue;
        remember(sentence);
        return sentence;
      }
    }
    return undefined;
  }

  function* simple(order: Frames, slots: Slots, most: number): Generator<string> {
    for (const frame of order) yield* fillingsOf(frame, slots, most);
  }

  function* led(order: Frames, slots: Slots): Generator<string> {
    for (const frame of order.filter((each) => !each.slice(0, -1).includes("?"))) {
      for (const lead of leads) {
        for (const opening of fillingsOf(lead, slots, 2)) {
          for (const sentence of fillingsOf(frame, slots, 2))
            yield `${opening} ${continued(sentence, frame)}`;
        }
      }
    }
  }

  function* counted(order: Frames, slots: Slots): Generator<string> {
    for (const frame of order) {
      for (const sentence of fillingsOf(frame, slots, 1)) {
        yield `After ${turn - 1} turns, ${continued(sentence, frame)}`;
      }
    }
  }

  function wasSaid(text: string): boolean {
    let isTail = false;
    fingerprint(text, (print) => {
      if (tails.has(print)) isTail = true;
    });
    return (
      isTail || !isNew(text) || (memories.at(-1) ?? "").includes(text.toLowerCase().replace(/[.?!]$/, ""))
    );
  }

  return { say, wasSaid };
}
