/** Sides and choices: frames that name an option. Each ends with the option, which is how leanings are read back. */
import type { Frames } from "./voice.ts";

/** The speaker's own leaning; `{option}` is a noun phrase. */
export const FAVOUR: Frames = [
  "If I had to sign something today, I'd sign for {option}.",
  "My leaning, for what it's worth, is for {option}.",
  "Everything I know makes me speak for {option}.",
  "As things stand, I'd raise my hand for {option}.",
  "I'll put my cards on the table, and they're for {option}.",
  "Forced to choose this minute, I'd go for {option}.",
  "My vote would be for {option}.",
  "I haven't heard anything yet that moves me away from my first choice: {option}.",
  "All of that makes me argue for {option}.",
  "I'd take the blame gladly for {option}.",
];

/** The same for options that are verb phrases or whole clauses. */
export const FAVOUR_ACTION: Frames = [
  "If I had to choose this minute, it would be this: {option}.",
  "You know where I stand: {option}.",
  "My leaning, for what it's worth: {option}.",
  "Everything I know points one way: {option}.",
  "My vote is simple: {option}.",
  "I'd sign one sentence today: {option}.",
];

/** Giving up one's own option for the one that carries the room; `{option}` is what carries. */
export const CONCEDE: Frames = [
  "I came in with another favourite, {own}, and I can put my name to this instead: {option}.",
  "You won't hear me defend {own} any longer; count me in for {option}.",
  "I'd still have liked {own}, and I see the room is for {option}.",
  "I'm letting go of {own}, and I do so without bitterness, for {option}.",
  "My heart was with {own}, my head has moved: {option}.",
  "Let the record say that I gave up {own}, and why: we can all defend one thing, {option}.",
];

/** Remembering the facts everybody was given. */
export const GIVEN: Frames = [
  "Let's go back to what we were told at the start: {fact}",
  "One line of the brief keeps nagging me: {fact}",
  "We know this much for certain: {fact}",
  "I'd hold us to what's on the table: {fact}",
  "Nobody has disputed the plainest line we were given: {fact}",
];

/** Frames about the sources the previous speaker brought. */
export const CITED: Frames = [
  "{prev}, the source you brought changes how I hear {point}.",
  "I'd like to stay with what {prev} just read to us, because {point} <depends|depend> on that.",
  "Since {prev} gave us something in writing, we can stop guessing about {point}.",
  "{prev} has done the reading, so let's take {point} from there.",
  "That's a document and not a mood, {prev}, and it puts {point} in another light.",
  "I accept what {prev} quoted; what it means for {point} is still ours to decide.",
  "{prev}, I wouldn't argue with your source, only with the step from there to {point}.",
  "It helps that {prev} looked it up, because {point} <was|were> getting foggy.",
];

/** Coming back to a passage whose sentences have all been read out. */
export const AGAIN: Frames = [
  'We already have "{title}" on the table, and I\'d read {subject} in the light of it.',
  'I went back to "{title}", and on {subject} it says nothing we haven\'t heard.',
  '"{title}" has been quoted enough; what it asks of us now is a view on {subject}.',
  'Let me rest my case for {subject} on "{title}" once more.',
];

/** A second passage, after another one. */
export const ALSO: Frames = [
  'Set beside that, "{title}" adds: {quoted}',
  'And "{title}" points the same way or the other, as you like: {quoted}',
  'It should be read together with "{title}": {quoted}',
  'There\'s a companion to it in "{title}", where we read that {clause}',
];

/** When somebody from outside the cast has just spoken. */
export const OUTSIDE: Frames = [
  "That's a fair question about {point} from outside our circle, and I'd like to take it up.",
  "Since {point} has been put to us so directly, let's not walk past that.",
  "It takes a visitor to bring up {point}, apparently.",
  "I'll answer on {point} first, because guests shouldn't have to wait.",
  "We've just been asked about {point}, and I think we owe a straight reply.",
  "Good that somebody looks at {point} with fresh eyes.",
];
/** When nobody can be named and the talk goes on. */
export const ALONE: Frames = [
  "I've been turning {point} over in my mind, and I'm not finished.",
  "Let me go back to {point}, which I left too quickly.",
  "There was more to {point} than I admitted a moment ago.",
  "One thing follows from {point}, and I'd like to spell it out.",
  "I said {point} lightly, and a second look is due.",
];
