/** Frames for a debate: two sides, and a judge who weighs them. `{option}` is a noun phrase. */
import type { Frames } from "./voice.ts";

/** Advocates, for their own side and against the other. */
export const ADVOCATE: { admit: Frames; claim: Frames; attack: Frames; close: Frames } = {
  admit: [
    "I won't hide what speaks against us; it's in \"{title}\": {quoted}",
    'Let me read out the line my own side would rather skip, from "{title}": {quoted}',
    'Fairness first: "{title}" gives the other side a point, and I quote it: {quoted}',
    'I give up what isn\'t true, and after "{title}" I give up this: {quoted}',
  ],
  claim: [
    "Our side rests on something plain: {subject} <gets|get> better with {option}.",
    "I'm here to speak for {option}, and {subject} <is|are> my first reason.",
    "Ask yourselves what {subject} would look like without {option}.",
    "My case for {option} doesn't need anyone to be foolish; it only needs {subject} to matter.",
    "I'd defend {option} on the ground of {subject} alone.",
    "You may dislike {option} and still admit that {subject} <speaks|speak> in its favour.",
    "Whoever takes {subject} seriously ends up closer to {option} than they expected.",
    "There's a price to {option}, and I'd rather name it here than have you find it later.",
  ],
  attack: [
    "The case for {rival} is strongest where nobody is in a hurry, and weakest on {subject}.",
    "What I haven't heard from the other side is how {rival} <copes|cope> with {subject}.",
    "I'll grant that {rival} <has|have> its merits; {subject} <isn't|aren't> one of them.",
    "With {rival}, somebody has to make up for {subject}, and I notice we aren't told who.",
    "Everything said for {rival} assumes that {subject} will look after itself.",
    "Put {rival} in front of {people} and watch what happens to {subject}.",
    "If {rival} were the answer, {subject} wouldn't have come up so often this hour.",
    "I'd find it easier to admire {rival} if {subject} had been mentioned once without an excuse.",
  ],
  close: [
    "I'll rest here: decide for {option}, and decide it because of {subject}.",
    "If you take one thing from our side, take {subject}; the rest can be repaired.",
    "I've given up what I couldn't defend, and what's left still speaks for {option}.",
    "I concede that {rival} <does|do> some things better, and I ask you to weigh {subject} above them.",
    "My last word is for {people}, and for them I'd choose {option}.",
    "Whatever the ruling, let nobody say that {subject} <was|were> overlooked.",
    "I have nothing to add except that {option} <was|were> never meant as a comfort for us.",
  ],
};

/** The judge. `{rules}` opens the ruling, in the words the topic asks for. */
export const JUDGE: {
  open: Frames;
  hear: Frames;
  weigh: Frames;
  ask: Frames;
  ruling: Frames;
  reason: Frames;
  cost: Frames;
} = {
  open: [
    "I'll listen to both sides with the same ear, and I'll begin with {subject}.",
    "Let me say what I expect to hear: {option}, {rival}, and what becomes of {subject} under each.",
    "I have no favourite yet, only a question about {subject}.",
  ],
  hear: [
    "{prev}, I've noted {point}, and I'll come back to <it|them> before I decide.",
    "That was well argued on {point}, {prev}, and it isn't yet an answer.",
    "I follow {prev} as far as {point}, where the road forks.",
    "{prev}, the best part of that was {point}; the other half is still missing.",
    "Let me stop {prev} at {point}, because the case turns on it.",
    "I'd like {point} to stay in the room for a moment, {prev}, without applause.",
    "{prev} has made {point} sound inevitable, and nothing in a contest is.",
  ],
  weigh: [
    "For {option} I've written down one argument that holds, and for {rival} one that nobody has answered.",
    "Let me put the case for {option} better than I've heard it: it protects {subject} when nothing else does.",
    "Let me put the case for {rival} at its strongest: it trusts people with {subject}.",
    "So far the two sides have described different people, and {subject} <belongs|belong> to both of them.",
    "The scales move with {subject}, and neither side has put its full weight there.",
    "I've heard what {option} <gains|gain> and what {rival} <saves|save>; I've heard less about who loses.",
    "On {subject} the side of {rival} owes me an answer, and on {second} the side of {option} does.",
    "Neither {option} nor {rival} can be right for everybody, so I'm looking for the honest loss.",
  ],
  ask: [
    "{target}, what's the strongest thing the other side has said about {subject}?",
    "{target}, which single fact about {subject} would sink your case?",
    "Who pays for your answer on {subject}, {target}, and in which minute of the day?",
    "{target}, would you still hold that view on {subject} if {second} went the other way?",
    "I'd like you to answer the point about {subject} directly, {target}: what becomes of <it|them> on your side?",
    "{target}, what would you give up to keep {subject}?",
    "{target}, how would you explain {subject} to the person who loses?",
    "Is there any version of the other side's proposal you could sign, {target}, given {subject}?",
  ],
  ruling: ["{rules} this: I find for {option}.", "{rules} for {option}."],
  reason: [
    "I weighed {subject} against {second}, and the first was argued with less wishful thinking.",
    "What turned it was {subject}, where one side answered me and the other changed the subject.",
    "The side of {rival} was right about {subject}, and being right about that wasn't enough.",
  ],
  cost: [
    "Those who hoped for {rival} pay for this choice, and they should be told so plainly.",
    "The price falls on everybody who was better served by {rival}, and I won't call it a compromise.",
    "Something is lost with {rival}, and I'd like the winners to remember what.",
  ],
};
