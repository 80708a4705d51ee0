/**
 * What a voice is made of: frames, that is sentences with slots, for everything a persona does in a turn.
 *
 * Slots are filled by `phrasing.ts`. A verb that must agree with the slot named last before it is written
 * `<comes|come>`; everywhere else slots stand where singular, plural and mass nouns all fit.
 * `{prev}` `{target}` `{owner}` names; `{point}` what the previous speaker said, a term or a quoted word;
 * `{subject}` `{second}` any two terms of the topic; `{thing}` a term that is no people; `{people}` one that is;
 * `{mine}` `{theirs}` `{field}` expertise of the speaker, the target, the owner; `{lead}` what the talk turns
 * around, `{option}` `{rival}` `{own}` what there is to choose; `{title}` with `{quoted}` or `{clause}` a passage; `{belief}` a conviction; `{word}` what was searched.
 */
export type Frames = readonly string[];

export interface Voice {
  /** First words, when nobody of the cast spoke before. */
  open: Frames;
  agree: Frames;
  object: Frames;
  /** To a question that was put to the speaker. */
  answer: Frames;
  argue: Frames;
  /** From the speaker's own field. */
  mine: Frames;
  belief: Frames;
  /** Directly after a sentence of the speaker's own life. */
  experience: Frames;
  /** Gives a passage, and directly after it what it means. */
  found: Frames;
  meaning: Frames;
  /** The search gave nothing. */
  empty: Frames;
  propose: Frames;
  decide: Frames;
  ask: Frames;
  /** Answers of somebody who is interviewed, and at its end what they would wish for. */
  life: Frames;
  wish: Frames;
}

/** A slot in a frame. `<comes|come>` after it agrees with the slot named last. */
export const SLOT: RegExp = /\{\w+\}/g;
