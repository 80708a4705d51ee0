/** Frames for an interview: the interviewer, and how respondents hand the word back. */
import type { Frames } from "./voice.ts";

export const INTERVIEWER: {
  open: Frames;
  thank: Frames;
  listen: Frames;
  ask: Frames;
  follow: Frames;
  wrap: Frames;
  bye: Frames;
} = {
  open: [
    "Thank you all for making the time; there are no right answers here, and I'd like to begin with {subject}.",
    "I'd rather hear about one particular day than about opinions, so let's start close to {subject}.",
    "Let's begin with something that really happened to you around {subject}.",
  ],
  thank: [
    "Thank you, {prev}; I'd like to stay with {point} a little longer.",
    "That's very clear, {prev}, and {point} <goes|go> straight into my notes.",
    "I hadn't thought of {point} that way, {prev}.",
    "{prev}, I'm glad you mentioned {point}, because people usually leave that out.",
    "What you say about {point} surprises me, {prev}, in a good way.",
    "I want to be sure I understood {prev} on {point} before we go on.",
    "There's a whole story in what {prev} just said about {point}.",
    "{prev}, you said {point} almost in passing, and I'd like to pick that up.",
    "I'm writing that down about {point}, {prev}, in your words and not in mine.",
    "Let me hold on to {point} for a second, {prev}.",
    "Thank you for trusting us with that, {prev}; {point} <is|are> easy to talk about in general and hard in particular.",
    "So {point} <looks|look> quite different from where {prev} is standing.",
    "I can picture it, {prev}, right down to {point}.",
  ],
  listen: [
    "I'm less interested in whether {subject} should be better than in what you did the last time something went wrong.",
    "There's no need to be polite about {subject} on my account.",
    "I've heard two quite different stories about {subject} now, and both can be true.",
    "Sometimes what people do about {subject} makes more sense than what they were told to do.",
    "I'd like to understand {subject} from the inside before anyone tries to fix anything.",
    "What strikes me is that {subject} and {second} keep turning up in the same sentence.",
    "Nobody needs to defend themselves over {subject} here.",
    "When I hear {subject} described like that, I want to know what the room looked like.",
  ],
  ask: [
    "{target}, can you tell me about the last time {subject} mattered to you?",
    "{target}, what did you do when {subject} got in your way?",
    "How did you learn to deal with {subject}, {target}?",
    "{target}, if I'd stood beside you, what would I have seen of {subject}?",
    "What do you tell other people about {subject}, {target}?",
    "{target}, when did {subject} last surprise you?",
    "What would you miss, {target}, if {subject} disappeared overnight?",
    "{target}, does that match how {subject} <goes|go> for you?",
    "Who do you turn to, {target}, when there's trouble with {subject}?",
    "{target}, what have you stopped doing because of {subject}?",
    "Where are you, usually, when {subject} <comes|come> to mind, {target}?",
    "{target}, what do people who design {subject} not know about your day?",
    "What was different, {target}, the time {subject} went well?",
    "{target}, how would you explain {subject} to somebody on their first day?",
  ],
  follow: [
    "What happened right after that, {target}?",
    "{target}, who else was there when that happened with {subject}?",
    "And what did you want to say at that moment, {target}, but didn't?",
    "{target}, was that an ordinary day, as far as {subject} <goes|go>?",
    "How did you know, {target}, that something was wrong with {subject}?",
    "{target}, what would you have needed then?",
  ],
  wrap: [
    "Let me say back what I heard: {subject} and {second} weigh more on a working day than they do in our plans.",
    "I take with me that {subject} can't be understood from an office.",
    "I'll carry {subject} back to the people who decide, the way you told me.",
    "You don't agree with each other about {subject}, and I'm going to leave it that way in the report.",
    "If I've understood you, nobody here wants less {subject} at the price of {second}.",
  ],
  bye: [
    "That was my last question, and I'm grateful for every one of these answers.",
    "Thank you all; I'd have liked to go on about {subject} for another hour.",
    "If anything about {subject} <comes|come> back to you tonight, I'd love to hear from you.",
  ],
};

/** How a respondent gives the word back to the interviewer or to another respondent. */
export const RESPONDENT: { answer: Frames; toInterviewer: Frames; toOther: Frames; heard: Frames } = {
  answer: [
    "You ask about {point}, {prev}; I'll tell you how things really go.",
    "Honestly, {prev}, nobody has asked me about {point} before.",
    "{prev}, if I'm truthful about {point}, the story isn't pretty.",
    "About {point}, {prev}, I can only speak for myself.",
    "That's a good question, {prev}, and my answer on {point} depends on the day.",
    "Let me think, {prev}; with {point} there's what I should do and what I do.",
    "{prev}, you'd laugh if you saw me with {point}.",
    "I don't have a clever answer on {point}, {prev}, only a true one.",
    "When it comes to {point}, {prev}, I've got more than one story.",
    "Ask me about {point} in the morning and in the evening, {prev}, and you'd get two answers.",
    "I knew you'd come to {point}, {prev}.",
    "The short version about {point}, {prev}, is that I manage.",
    "I'd say this about {point}, {prev}, and I'd say it to anybody.",
    "With {point}, {prev}, I have to start a bit earlier.",
    "{prev}, I've told this about {point} at home, but never to somebody who writes things down.",
    "For you that may be a question about {point}, {prev}; for me it's a Tuesday.",
    "You have to have been there to understand {point}, {prev}, but I'll try.",
    "I'm not sure I'm the right person to ask about {point}, {prev}, and still I have a view.",
  ],
  toInterviewer: [
    "Is that the sort of thing you wanted to hear, {target}?",
    "{target}, do other people tell you the same about {subject}?",
    "Does that make sense from where you sit, {target}?",
    "{target}, will anybody actually read this about {subject}?",
    "Can I ask what you'd do with {subject}, {target}?",
    "{target}, did you expect me to say something else about {subject}?",
    "Would you have noticed that, {target}, if I hadn't told you?",
    "{target}, what happens now with what I've said about {subject}?",
    "Have you ever tried it yourself, {target}, with {subject} on your mind?",
    "{target}, am I the only one who says that about {subject}?",
  ],
  toOther: [
    "{target}, is it like that for you too, with {subject}?",
    "What do you do about {subject}, {target}?",
    "{target}, you must have seen the same with {subject}?",
    "How's {subject} on your side, {target}?",
    "{target}, who told you how to handle {subject}?",
    "Do you mind {subject} as much as I do, {target}?",
    "{target}, would you trust it, if it came to {subject}?",
    "And you, {target}, what did you do about {subject} in your first weeks?",
  ],
  heard: [
    "I recognise what {prev} says about {point}.",
    "It's funny that {prev} mentions {point}, because I've the opposite trouble.",
    "{prev} says {point}, and I thought of my own worst morning.",
    "For me it isn't quite like {prev} tells it, at least with {point}.",
    "I never knew that about {point}, {prev}.",
    "Listening to {prev} on {point}, I feel a bit less alone.",
    "{prev} and I would argue about {point} all day, I think, and enjoy ourselves.",
    "With {point} it's the other way round in my case, {prev}.",
    "{prev}, I'd have said the same about {point} a while ago.",
  ],
};
