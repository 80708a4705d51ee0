/** How somebody talks, whatever their kind: asides by communication style, lead-ins, feelings. */
import type { Frames } from "./voice.ts";

export const STYLES = [
  "terse",
  "questions",
  "pictures",
  "numbers",
  "stories",
  "formal",
  "dry",
  "warm",
] as const;
export type Style = (typeof STYLES)[number];

/** Words in a communication style or trait that show the style. */
export const STYLE_CUES: Record<Style, RegExp> = {
  terse:
    /\b(short sentences|plain words|few of them|terse|brief|concise|blunt|laconic|clipped|to the point)\b/i,
  questions: /\b(asks?|asking|questions?)\b/i,
  pictures: /\b(pictures?|images?|metaphors?|scenes?|sketch(es)?|analog(y|ies)|draws?|vivid)\b/i,
  numbers: /\b(numbers?|figures?|counts?|data|measures?|measured|statistics|tests?)\b/i,
  stories: /\b(story|stories|anecdotes?|tells what|remembers|examples?|narrat\w+)\b/i,
  formal: /\b(formal|polite|courteous|precise|complete arguments|academic|chooses each word)\b/i,
  dry: /\b(dry|wry|jokes?|humou?r|funny|sarcas\w+|ironic|deadpan)\b/i,
  warm: /\b(warm|gentle|gently|thanks|kind|tender|encourag\w+|generous|supportive)\b/i,
};

/** One sentence a persona of this style may add. Terse ones add nothing. */
export const ASIDES: Record<Style, Frames> = {
  terse: [],
  questions: [
    "Why has nobody asked who first wanted {subject}?",
    "What are we not asking about {subject}?",
    "And what if {second} turned out to be the better question?",
    "Who gets the last word on {subject}, and why that person?",
    "Which of us would still say this about {subject} with the door open?",
    "What would we do about {subject} if {second} had never come up?",
  ],
  pictures: [
    "I picture {subject} as a bridge we keep repainting instead of crossing.",
    "Think of packing for a trip: whatever goes in first decides what no longer fits.",
    "Stand in a doorway with {subject} in your hands and see which way you turn.",
    "It's like tuning an instrument in a moving car, with {subject} for a string.",
    "If I drew {subject} on a napkin, most of the napkin would stay empty.",
    "I see a long corridor with {subject} at one end and {second} at the other.",
  ],
  numbers: [
    "I'd like one figure on {subject} that all of us trust.",
    "Give me a count on {subject}, even a rough one, and I'll argue with less noise.",
    "If we can't count {subject}, let's at least agree on what we'd count.",
    "A number on {subject} would end this argument faster than another round of talk.",
    "Whoever brings the first honest count on {subject} has my ear.",
    "I'd put a date and a figure next to {subject} and see who still likes the idea.",
  ],
  stories: [
    "I knew somebody who'd have laughed out loud at how we talk about {subject}.",
    "There's a particular person I think of with {subject}, and she'd have no time for this meeting.",
    "One bad morning can teach you more about {subject} than a year of reports.",
    "Ask anyone who was there the last time {subject} went wrong, and they'll tell you about the small things.",
    "People tell stories about {subject} long after they've forgotten the plan.",
    "I remember somebody's face when {subject} failed, and not a word of the explanation.",
  ],
  formal: [
    "I should like that to be on the record as far as {subject} <is|are> concerned.",
    "If I've been imprecise about {subject}, I apologise and will correct it.",
    "Permit me to be exact about {subject}: I claim no more than I have said.",
    "I would ask that we treat {subject} with some care.",
    "That is as far as I can go on {subject} without guessing.",
  ],
  dry: [
    "I've sat through enough talk about {subject} to know how the biscuits end.",
    "If worrying about {subject} helped, we'd have been finished long ago.",
    "I'd call {subject} a success if nobody ever had to thank us.",
    "Somebody will make a slide about {subject}, and I hope to be on holiday.",
    "I've been wrong about {subject} before, and that was very educational for everyone else.",
    "There's nothing like {subject} to make a room study its shoes.",
  ],
  warm: [
    "I'm glad we can talk about {subject} like this.",
    "Thank you for your patience with me on {subject}.",
    "I say this with respect for everyone who's wrestled with {subject}.",
    "It does me good to hear how much you all care about {subject}.",
    "Whatever comes of {subject}, I like the way we're looking for an answer.",
  ],
};

/** Put before a sentence that has been said in these words before; the sentence goes on in lower case. */
export const LEADS: Frames = [
  "All things considered,",
  "As far as I can see,",
  "At this point",
  "Coming back to it,",
  "Even now",
  "For my part,",
  "From where I sit,",
  "Having listened to all of you,",
  "I'll say it again in fewer words:",
  "In other words,",
  "Let me put it differently:",
  "Looking at it once more,",
  "More and more I think that",
  "On reflection,",
  "Once again:",
  "Since it keeps coming up:",
  "So I come back to this:",
  "Speaking only for myself,",
  "To be fair,",
  "To my mind,",
  "To repeat myself on purpose:",
  "When I look at {second},",
  "With {second} in mind,",
  "With everything I know of {mine},",
];

export const FEELINGS: Record<string, { calm: Frames; agree: Frames; object: Frames; close: Frames }> = {
  analytical: {
    calm: ["focused", "curious", "composed"],
    agree: ["satisfied", "reassured"],
    object: ["doubtful", "restless"],
    close: ["settled", "content"],
  },
  creative: {
    calm: ["playful", "curious", "inspired"],
    agree: ["delighted", "excited"],
    object: ["itchy", "mischievous"],
    close: ["pleased", "wistful"],
  },
  pragmatic: {
    calm: ["determined", "brisk", "focused"],
    agree: ["satisfied", "ready"],
    object: ["impatient", "unconvinced"],
    close: ["relieved", "ready"],
  },
  empathetic: {
    calm: ["attentive", "concerned", "warm"],
    agree: ["grateful", "moved"],
    object: ["uneasy", "protective"],
    close: ["hopeful", "relieved"],
  },
  skeptical: {
    calm: ["wary", "alert", "amused"],
    agree: ["surprised", "appeased"],
    object: ["doubtful", "unconvinced"],
    close: ["reconciled", "watchful"],
  },
  visionary: {
    calm: ["hopeful", "eager", "inspired"],
    agree: ["excited", "grateful"],
    object: ["restless", "undeterred"],
    close: ["confident", "hopeful"],
  },
};

/** What somebody feels who is easily worried, and somebody who keeps something back. */
export const WORRIED: Frames = ["anxious", "tense", "worried"];
export const GUARDED: Frames = ["guarded", "cautious"];

/** Why the answer was given; nobody but the record sees it. */
export const REASONS: Record<"agree" | "object" | "answer" | "open" | "close", Frames> = {
  agree: [
    "{prev} is right about {point}, so I build on it from {mine} instead of restating it.",
    "What {prev} said on {point} matches what I know of {mine}; the next useful step is {subject}.",
    "Support for {prev} on {point} moves us forward, and the gap that remains is {subject}.",
    "I share {prev}'s view of {point} and want it carried over to {subject} before we forget.",
    "Agreeing with {prev} on {point} costs nothing and frees us to talk about {subject}.",
    "{prev} made the point on {point} that I'd have made from {mine}; I add what is still missing.",
  ],
  object: [
    "{prev} passes over what {point} could mean for {subject}; {mine} <gives|give> me a reason to say so.",
    "I disagree with {prev} on {point} because {subject} would be left open, and I want that answered before we go on.",
    "From {mine} I expect trouble with {subject} if {prev}'s view of {point} stands unchallenged.",
    "Somebody has to test what {prev} said about {point}, and {mine} <lets|let> me do it.",
    "The room was about to settle on {prev}'s picture of {point}; {subject} deserved one more look.",
    "{prev} and I want the same thing, but I would not look for it in {point}.",
  ],
  answer: [
    "{prev} asked me directly, and I can answer from {mine}.",
    "I owe {prev} an answer on {point}, and I tie it to {subject} so that others can respond.",
    "{prev}'s question about {point} deserves a straight reply, and I can speak from {mine}.",
    "Nobody else here works in {mine}, so {prev}'s question about {point} is mine to take.",
    "I answer {prev} first and bring in {subject}, which the question leaves out.",
  ],
  open: [
    "The conversation needs a frame first, and {mine} <gives|give> me a way into {subject}.",
    "Starting from {subject} shows early where we disagree; I can ground it in {mine}.",
    "Little has been said about {subject} so far, and I can speak on it from {mine}.",
    "I want {subject} on the table before positions harden.",
  ],
  close: [
    "The positions on {subject} have come close enough; I say what was decided so that we can end on it.",
    "More talk would repeat what we have, and from {mine} I see no further objection.",
    "{prev}'s last point on {point} removes my main doubt, so I name the outcome.",
    "We have what we came for, and naming it with {subject} in view keeps it from being reopened.",
    "From {mine} I can live with the outcome, and I'd rather say so plainly than let it drift.",
  ],
};
/** Added to the reason when a passage was used. */
export const REASON_EVIDENCE: Frames = [
  '"{title}" supports it.',
  'I rely on "{title}" for the facts.',
  'The evidence comes from "{title}".',
];
