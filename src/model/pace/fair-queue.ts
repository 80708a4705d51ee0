/**
 * Whose turn it is among those that wait for a model: conversations one after the other, whatever number of requests
 * each has waiting; interactive ones before bulk, but every eighth turn is a bulk one's while bulk waits.
 */

import type { Priority } from "./permit.ts";

/** Interactive turns in a row after which bulk, if any waits, has one. */
const LONGEST_STREAK = 7;

export interface Entry {
  readonly conversation: string | undefined;
  readonly priority: Priority;
}

export interface FairQueue<T extends Entry> {
  readonly size: number;
  push(entry: T): void;
  /** Who is next; the same until it is taken or removed, or a more urgent one comes. */
  peek(): T | undefined;
  take(): T | undefined;
  /** Whether it was still in the queue. */
  remove(entry: T): boolean;
}

interface Link<T> {
  readonly value: T;
  previous: Link<T> | undefined;
  next: Link<T> | undefined;
}

/** Doubly linked, since an entry may leave from the middle; a Set keeps holes at its front that each look must skip. */
interface Chain<T> {
  readonly first: Link<T> | undefined;
  push(link: Link<T>): void;
  remove(link: Link<T>): void;
}

const linkTo = <T>(value: T): Link<T> => ({ value, previous: undefined, next: undefined });

function createChain<T>(): Chain<T> {
  let first: Link<T> | undefined;
  let last: Link<T> | undefined;
  return {
    get first() {
      return first;
    },
    push(link) {
      link.previous = last;
      link.next = undefined;
      if (last === undefined) first = link;
      else last.next = link;
      last = link;
    },
    remove(link) {
      if (link.previous === undefined) first = link.next;
      else link.previous.next = link.next;
      if (link.next === undefined) last = link.previous;
      else link.next.previous = link.previous;
      link.previous = undefined;
      link.next = undefined;
    },
  };
}

interface Conversation<T> {
  readonly id: string | undefined;
  readonly entries: Chain<T>;
}

/** The conversations of one priority that have something waiting, in the order of their turns. */
interface Round<T> {
  readonly turns: Chain<Conversation<T>>;
  readonly byId: Map<string | undefined, Link<Conversation<T>>>;
}

const createRound = <T>(): Round<T> => ({ turns: createChain(), byId: new Map() });

export function createFairQueue<T extends Entry>(): FairQueue<T> {
  const rounds: Record<Priority, Round<T>> = { interactive: createRound(), bulk: createRound() };
  const links = new Map<T, Link<T>>();
  let streak = 0;

  function nextPriority(): Priority {
    if (rounds.interactive.turns.first === undefined) return "bulk";
    return rounds.bulk.turns.first !== undefined && streak >= LONGEST_STREAK ? "bulk" : "interactive";
  }

  const next = () => rounds[nextPriority()].turns.first?.value.entries.first?.value;

  function remove(entry: T): Link<Conversation<T>> | undefined {
    const link = links.get(entry);
    if (link === undefined) return undefined;
    links.delete(entry);
    const { turns, byId } = rounds[entry.priority];
    const turn = byId.get(entry.conversation);
    if (turn === undefined) return undefined;
    turn.value.entries.remove(link);
    if (turn.value.entries.first === undefined) {
      turns.remove(turn);
      byId.delete(entry.conversation);
    }
    return turn;
  }

  return {
    get size() {
      return links.size;
    },
    push(entry) {
      const { turns, byId } = rounds[entry.priority];
      let turn = byId.get(entry.conversation);
      if (turn === undefined) {
        turn = linkTo({ id: entry.conversation, entries: createChain<T>() });
        byId.set(entry.conversation, turn);
        turns.push(turn);
      }
      const link = linkTo(entry);
      links.set(entry, link);
      turn.value.entries.push(link);
    },
    peek: next,
    take() {
      const entry = next();
      if (entry === undefined) return undefined;
      streak = entry.priority === "interactive" && rounds.bulk.turns.first !== undefined ? streak + 1 : 0;
      const turn = remove(entry);
      if (turn !== undefined && turn.value.entries.first !== undefined) {
        const { turns } = rounds[entry.priority];
        turns.remove(turn);
        turns.push(turn);
      }
      return entry;
    },
    remove: (entry) => remove(entry) !== undefined,
  };
}
