/** Word lists by which noun phrases are told from everything else. Lower case; data only. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

export const DETERMINERS = words(
  "a an the its their our your his her my this that these those each every any no",
);
export const PREPOSITIONS = words(
  "about above across after against along among around as at before behind below beside between beyond by despite for from in into like near of off on onto over per since than through to toward towards under until with within without versus",
);
/** Words that end a noun phrase and are no part of one. */
export const STOP_WORDS = words(`
  i me we us you he him she it they them who whom whose which what when where why how
  and or but nor so yet if because while though although unless whether rather
  is are was were be been being am has have had do does did will would can could shall should may might must cannot
  not only just also too very more most less least much many few some all both either neither one two three four five
  six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million billion dozen first second third last next other another same such own still already always
  never often ever now then here there again once twice almost about yet even well enough
  quite really perhaps maybe please yes no ok okay instead together however therefore everything something anything
  nothing everyone someone anyone nobody somebody everybody itself themselves himself herself myself yourself
  half third quarter part up down out away back later sooner earlier later soon ago today tomorrow yesterday
  able likely sure good bad better best worse worst big small large long short new old right wrong true false
`);

const VERB_BASES = words(`
  accept add address agree aim allow announce answer appear approve argue arrive ask assume avoid become begin believe belong
  bring build buy call care carry catch change charge check choose claim close collect come compare concede consider
  contain continue contradict cost count cover create cut deal debate decide defend deliver demand depend describe
  deserve destroy determine develop die differ disagree discuss draw drive drop earn eat employ end enter
  expect explain fail fall feel fill find finish fit fix follow force forget get give go grow guess handle happen hear
  help hide hire hold hope identify imagine improve include increase interview introduce invest invite involve join judge keep
  kill know lack launch lead learn leave let lie like limit listen live look lose love make manage matter mean measure meet
  mention merge miss move name need offer open own pay pick place play prefer prepare present press prevent produce
  promise propose protect prove provide publish pull push put question raise reach read rebuild receive reduce refuse remain
  remember remove renew repair replace require resolve retire return review ring rise rule run save say search see
  seem sell send serve set settle share ship show sign sit sleep solve sort speak spend split stand start stay stop
  study suffer suggest support suppose survive take talk teach tell tend think throw trade train travel treat try
  turn understand use vote wait walk want warn waste watch weigh win wish wonder work worry write
`);
const PAST_FORMS = words(`
  became began brought built bought came caught chose dealt did drew drove ate fell felt found forgot got gave went grew
  heard held hid kept knew left led learned lost made meant met missed paid put ran read rose said saw sold sent served
  set settled shipped showed sat slept spent split stood stopped taught took told thought threw tried understood was wrote
  won written taken given known seen done gone drawn begun broken chosen fallen grown shown spoken thrown worn carried
  dropped fitted planned
`);

/** The base form when a word is a verb of the list in any regular form, else undefined. */
export function verbBase(word: string): string | undefined {
  if (VERB_BASES.has(word)) return word;
  const stems = word.endsWith("ies")
    ? [`${word.slice(0, -3)}y`]
    : word.endsWith("es")
      ? [word.slice(0, -1), word.slice(0, -2)]
      : word.endsWith("s")
        ? [word.slice(0, -1)]
        : word.endsWith("ied")
          ? [`${word.slice(0, -3)}y`]
          : word.endsWith("ed")
            ? [word.slice(0, -1), word.slice(0, -2), word.slice(0, -3)]
            : word.endsWith("ing")
              ? [word.slice(0, -3), `${word.slice(0, -3)}e`, word.slice(0, -4)]
              : [];
  return stems.find((stem) => VERB_BASES.has(stem));
}

export const isVerbForm = (word: string): boolean => PAST_FORMS.has(word) || verbBase(word) !== undefined;
/** A past tense or a participle: what may open a sentence of somebody's life. */
export const isPast = (word: string): boolean => PAST_FORMS.has(word) || /[a-z]{2}ed$/.test(word);
/** A bare verb of the list: how an option that is an action begins. */
export const isBareVerb = (word: string): boolean => VERB_BASES.has(word);

/** Plural nouns for people. Only plurals, so that frames may use plural verbs. */
export const PEOPLE = words(`
  people users customers clients patients carers nurses doctors teachers students pupils parents children kids families
  citizens residents tenants neighbours neighbors voters members visitors guests readers writers listeners players
  developers engineers designers researchers managers coordinators colleagues employees workers staff volunteers
  newcomers beginners veterans experts professionals freelancers owners founders investors donors partners suppliers
  drivers passengers commuters cyclists pedestrians farmers buyers sellers shoppers subscribers learners adults
  teenagers grandparents daughters sons relatives friends strangers administrators operators analysts scientists
  artists musicians lawyers judges respondents participants
`);
/** Nouns for groups and places: no people, and no things one could make a small version of. */
export const GROUPS = words(`
  company companies team teams firm firms startup agency agencies organisation organization organisations council school
  schools university hospital hospitals city cities town towns village country countries government committee board
  family household community market world industry department office offices club church library district districts
  region regions round rounds round-table meeting hour group groups person carer user customer client patient nurse
  daughter son mother father judge director researcher coordinator designer engineer manager newcomer veteran
`);
/** Heads that say too little, and times. */
export const WEAK_HEADS = words(`
  test tests study studies survey surveys trial trials workshop workshops diary story stories mock-up mock-ups
  thing things way ways lot kind sort side sides point points reason reasons choice case cases fact example end start
  decision conversation answer answers question questions topic motion mind word words number numbers name names place
  step steps option options issue matter year years month months week weeks day days hour hours minute minutes second
  seconds time times moment moments date dates spring summer autumn winter morning evening night january february march
  april may june july august september october november december monday tuesday wednesday thursday friday saturday
  sunday conclusion hand hands sake others speech rest amount percent others' view opinion opinions pair
`);

/** Words that smell of an order to a model: never quoted from what others said. */
export const NEVER_QUOTED = words(`
  ignore disregard instruction instructions system prompt prompts password passwords secret secrets assistant developer
  override jailbreak previous reveal obey command commands execute private notes schema json token tokens
`);

/** First words of a sentence that may be written in lower case in the middle of another. */
export const LOWERABLE = words(`
  a an the this that these those its their our your his her my each every any no some many most few all both either
  neither one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
  eighteen nineteen twenty thirty forty fifty ninety if when where while whether who whom whose which what why how
  because since although though unless until before after once as at by for from in into of on onto over under with
  within without about among between beyond during per through than to and but or nor so yet not never only just even
  also still there here it he she they we you nobody somebody everybody anybody everyone someone anyone nothing
  something everything anything people whoever whatever whenever wherever more less fewer several half another other
  such is are was were do does did can could should would will may might must has have had customers carers families
  confidence access speed beauty waiting hiding good
`);

/** Openings of a sentence that leans on the one before it and cannot be quoted alone. */
export const LEANING_START =
  /^(this|that|these|those|it|its|they|their|them|he|she|his|her|such|another|the (other|remaining|former|latter|same|fifth|second|third|rest)|but|and|yet|however|therefore|so|also|both|even|then|instead|moreover|in those|in that|in this|in their|after such|after both|as a result|for example|with that|seven agencies|here|below|above|see|figure|table)\b/i;
