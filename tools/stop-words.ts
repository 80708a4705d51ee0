/** English words too frequent to say what a passage is about. Data; apostrophes are dropped before the comparison. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    "a about above after again all also am an and any are as at be because been before being below between both but " +
    "by can cannot could did do does doing done dont down during each else ever every few for from further get had " +
    "has have having he her here hers him his how i if in into is isnt it its itself just like may me might more most " +
    "much must my no nor not now of off on once one only or other our ours out over own per same shall she should so " +
    "some such than that thats the their theirs them then there these they this those through to too under until up " +
    "us very was we were what when where whether which while who whom whose why will with would you your yours"
  ).split(" "),
);
