/*
 * builtin_words.c - the words the model "builtin" knows, by class.
 *
 * Data only. English, and the greetings of its neighbours, so that these are not taken for text.
 * The words describe how people ask, oblige, thank and advertise in general; none names a sender
 * or a product.
 *
 * A word may stand in several lists; its classes add up. WORD_VERB | WORD_NOUNISH are words that
 * open a request as often as they name a thing, so they count as a verb only where the next word
 * shows it (reads_as_verb() in builtin_score.c). WORD_IDLE are imperatives that ask for nothing.
 * WORD_STOP is what two sentences may share without speaking of the same matter: grammar,
 * politeness, days and months. A verb missing here is not fatal: behind please or could you an
 * unknown word is taken for one. Words that are rarely verbs in mail (form, table, state) are
 * left out on purpose.
 */
#include "builtin_internal.h"

const SchedWordList sched_llm_words[] = {
	{WORD_VERB,
	 "accept acknowledge add adjust advise allow amend announce apply appoint approve arrange ask "
	 "assemble assign attach attend authorise authorize be become begin block borrow bring buy "
	 "calculate cancel carry chase choose circulate close collect come commission compare compile "
	 "complete confirm connect consider contribute convert correct create decide declare decorate "
	 "delegate delete deliver describe destroy determine dig disconnect discuss dispose distribute "
	 "do donate double-check download draw edit email e-mail empty enclose enrol enroll ensure "
	 "enter "
	 "escalate evaluate examine expedite explain export extend feed fetch fill finalise finalize "
	 "find finish follow forward get give go grab hang have hear identify implement import improve "
	 "include inform insert inspect install instruct insure investigate invite join keep lay leave "
	 "lend let locate make measure meet merge migrate monitor move negotiate nominate notify "
	 "obtain "
	 "organise organize pay pick ping postpone prepare proceed proof-read proofread propose "
	 "provide "
	 "publish pull purchase put raise reach read rearrange rebook recheck recommend reconcile "
	 "recount "
	 "redo reduce reimburse register remember remind remove renew reopen repeat rephrase replace "
	 "reply "
	 "reschedule reserve reset resend re-send resolve respond restart restore resubmit retrieve "
	 "return review revise rewrite rsvp save secure select sell send settle shorten shut sort "
	 "speak "
	 "specify spend stay stick stop submit suggest summarise summarize supply switch take talk "
	 "tell "
	 "think tidy touch translate try unlock unpack upload use vacate vacuum validate verify "
	 "wear withdraw write zip bake cook clean fix iron mow sew knit paint prune rake sweep vote "
	 "weigh wipe fetch swing pop nip head hop photocopy scan sign swap turn sanitise sterilise "
	 "rehearse "
	 "memorise practise practice "
	 "re-check re-run rerun retest deploy debug refactor rotate revoke grant migrate approve back "
	 "countersign co-sign initial tick untick fill-in pre-order preorder return hand bring hold "
	 "lodge "
	 "recycle water repot refill defrost reorder re-order top-up unblock unsubscribe prioritise "
	 "prioritize present "
	 "cut drop finish gather hoover lock pack park post press push ring run set show throw tighten "
	 "bleed flush service trim type wash wrap"},
	{WORD_VERB | WORD_NOUNISH,
	 " address answer archive audit back balance bill bleed block book brief budget build call "
	 "change charge check claim clear comment commit contact control copy correct count cover "
	 "credit "
	 "cut date deal deposit design detail  document double draft dress drop estimate exchange "
	 "fax file finish flag flush   fund   handle help hold host "
	 "input interview  invoice issue  label lead lease light list load log look "
	 "mail  map mark match measure  mention message mind name note offer open order "
	 "pack paint park pass patch pause permit phone photograph place plant plug point poll "
	 "post "
	 " present press price print process  proof  purchase push quote rate "
	 "reach record reference refund release rent repeat report request rescue research "
	 "reserve rest return review roll round row run sample schedule score screen scrap search "
	 "secure seal service set shape share shelve ship shop shoot show sketch sort  split "
	 "staff stage stamp start  step stock stop store study support  survey swap switch "
	 "talk tap tape test text tick tie time tip top touch  trace track trade train "
	 "transfer travel treat trim trust turn type update upgrade vacuum view visit  vote walk "
	 " wire work wrap water complete separate"},
	{WORD_IDLE,
	 "see note watch beware enjoy thank thanks hope look mind imagine guess believe relax rest "
	 "welcome worry "
	 "forget ignore disregard excuse pardon forgive sorry like love know think feel discover "
	 "explore "
	 "shop save win claim subscribe unsubscribe learn unlock view browse follow celebrate meet "
	 "experience treat happy have stay keep consider suppose say trust wish remember click"},
	{WORD_DETERMINER,
	 "a an the my your our his her their its this that these those some any all each every both "
	 "another more no enough several two three four five six seven eight nine ten one what"},
	{WORD_PRONOUN, "it this that these those them one him her me us he she they which"},
	{WORD_FILLER,
	 "humbly respectfully hereby herewith cordially gently just also kindly please possibly maybe "
	 "perhaps quickly again still then now both really "
	 "pls plz already then therefore at least ideally either simply very much asap urgently "
	 "promptly immediately so quick actually first always only additionally ever even "
	 "each further jointly personally"},
	{WORD_PLEASE, "please pls plz kindly bitte plse"},
	{WORD_CONNECTOR,
	 "and also so then but or next finally lastly first firstly second secondly third thirdly ok "
	 "okay oh well anyway btw ps p.s. p.s pps plus afterwards meanwhile otherwise therefore hence "
	 "additionally furthermore moreover now right alright action todo to-do reminder urgent "
	 "important meantime still asap yes no sure great perfect thanks sorry hey yep nope fine good "
	 "today tomorrow tonight lastly last alternatively instead"},
	{WORD_GREETING,
	 "hi hello hey dear hiya greetings morning afternoon evening good hallo hej moin servus "
	 "liebe lieber guten sehr bonjour salut cher chère hola buenos buenas estimado estimada ciao "
	 "gentile caro cara beste geachte kære hei olá"},
	{WORD_STOP,
	 "a an the my your our his her their its this that these those some any all each every both i "
	 "we you he she they it me us him them one be is are was were been being am do does did done "
	 "have has had having will would shall should can could may might must need needs ought to of "
	 "in on at by for with from about into onto over under after before until till since as and or "
	 "but if so than then when while where which who whom whose what why how not no nor there here "
	 "please kindly pls just also still again very really more most much many few other another "
	 "own same too only now today tomorrow tonight monday tuesday wednesday thursday friday "
	 "saturday "
	 "sunday mon tue tues wed thu thur thurs fri sat sun week weeks month months year day days "
	 "hour "
	 "hours morning afternoon evening noon night end date time deadline due latest next last first "
	 "soon asap eod cob eow let know get got make sure thing things thanks thank hi hello dear "
	 "send sent give take bring put see look come go want would'd i'm we're you're it's i'll "
	 "don't can't back up out off down re fwd fw january february march april june july "
	 "august september october november december jan feb mar apr jun jul aug sep sept oct nov dec "
	 "pm am p.m a.m o'clock able possible reply answer respond response confirm tell remember "
	 "forget reminder new question quick small request help needed required sorry hope new "
	 "someone anyone everyone everybody anything something nothing later early possible via per "
	 "wondering wonder great good well been yet already once between within without"},
	{WORD_PARTICLE,
	 "up out in off back over down through on away to with into for at after round around together "
	 "by both"},
	{WORD_PARTICIPLE,
	 "sent paid done made taken given brought put set left kept written read chosen sold bought "
	 "found filled met drawn cut shown handed in returned hung fed spent built lent sung laid shut "
	 "held told said drunk eaten worn seen got gone heard begun rung run"},
	{WORD_DAY,
	 "today tonight tomorrow monday tuesday wednesday thursday friday saturday sunday mon tue tues "
	 "wed thu thur thurs fri sat sun eod cob cop eow eom noon lunchtime midday midnight january "
	 "february march april june july august september october november december"},
	{WORD_SUBORDINATOR,
	 "when whenever after before once if as by in on for to while until since given with at "
	 "because unless although though during from due following regarding concerning per since "
	 "whilst whether depending assuming where"},
	{WORD_HEALTH,
	 "doctor dentist dental appointment clinic hospital surgery gp prescription pharmacy vaccine "
	 "vaccination jab physio therapy therapist optician blood medical medication health x-ray scan "
	 "nurse patient checkup check-up allergy gym workout tablets fasting mri ultrasound eye vet"},
	{WORD_HOME,
	 "mum mom dad grandma gran grandad grandpa auntie aunt uncle kids kid child children daughter "
	 "son school nursery teacher class birthday party dinner supper lunch cake garden allotment "
	 "ladder landlord tenant rent flat house kitchen boiler neighbour neighbor dog cat holiday "
	 "trip "
	 "wedding baby library swimming football choir club church babysit sofa fridge groceries "
	 "shopping "
	 "plumber bins parents picnic bbq barbecue water gas electricity loan bank insurance passport "
	 "car mot tax council love xx"},
	{WORD_WORK,
	 "report client customer invoice contract meeting project deck slides budget forecast deploy "
	 "release server code merge branch review office team manager figures kpi sales quote tender "
	 "supplier shipment container customs drawings site audit board minutes agenda timesheet "
	 "expenses payroll hr candidate interview onboarding proposal draft presentation department "
	 "colleague colleagues schedule spec production staging ticket vendor purchase order cargo "
	 "bill "
	 "lading vessel demurrage warehouse stakeholder compliance legal nda statement spreadsheet"},
	{WORD_EVENT,
	 "meeting call appointment dinner lunch supper breakfast rehearsal party workshop webinar "
	 "conference interview training session class concert match game visit inspection viewing "
	 "ceremony wedding birthday assembly performance show matinee flight standup stand-up review "
	 "demo kickoff kick-off hearing seminar lecture talk drinks picnic barbecue bbq tour open "
	 "evening webcast briefing retro sync catch-up catchup checkup check-up"},
	{WORD_DEADLINE,
	 "by until till before ending due latest deadline expires closes ends within cut-off cutoff"},
	{WORD_APART,
	 "since dated from ready after of last starting starts begins opened sent received ordered "
	 "born between leaves leaving arrives arriving departs delivered posted"},
	{WORD_SUBJECTNOUN,
	 "confirmation confirmed request update results result number status received shipped report "
	 "notification notice invoice summary list form details statement receipt reminder note info "
	 "information alert digest newsletter recap attached ready available today booking order "
	 "schedule question questions meeting minutes"},
	{WORD_PERSON,
	 "everyone everybody all members parents residents tenants participants staff "
	 "attendees volunteers guests students applicants owners holders players employees "
	 "colleagues families leaseholders delegates drivers speakers authors exhibitors "
	 "committee folks guys team customers pupils children they"},
	{WORD_ABBREVIATION,
	 "mr mrs ms dr prof st no nr nos vs etc e.g i.e approx inc ltd co dept tel ext fig min max jan "
	 "feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m a p ca bzw "
	 "z.b ave rd sq art vol pp ref incl excl sen jr sr gen messrs"},
	{0, NULL}};

/* Words that speak of the same deed; two sentences with one of a row each share their matter. */
const char *const sched_llm_synonyms[] = {
	"pay payment payments invoice invoices bill fee fees balance amount rent instalment "
	"installment overdue "
	"outstanding remit settle premium payable arrears transfer",
	"sign signature signatures countersign initial signed unsigned",
	"reply answer respond rsvp response attend attending attendance coming join numbers",
	"review approve approval reviewer feedback comment comments proofread read draft",
	"book booking reserve reservation table",
	"register registration sign-up enrol enroll enrolment places place",
	"renew renewal expire expires expiry expired",
	"call phone ring telephone",
	"vote ballot poll election",
	"form forms questionnaire survey",
	"quote quotation rate offer",
	NULL};

/* The commonest short words of the languages a mail may be in. */
const SchedLanguage sched_llm_languages[MAX_LANGUAGES] = {
	{"en", "the and to of is you for we on it please with are your be have will this that in at i"},
	{"de", "der die das und ist ich wir sie nicht mit f\xc3\xbcr auf ein eine den zu bitte uns im "
		   "von"},
	{"fr", "le la les et est vous nous pour un une des que dans sur pas avec je merci du au"},
	{"es", "el los las y es usted para un una que en con por no gracias del su nos se"},
	{"it", "il gli che \xc3\xa8 per un una con non sono del della grazie di si ci questo"},
	{"nl", "het een en van ik niet met voor op dat je wij zijn de graag bij ook"},
	{"da", "og det er jeg vi ikke med til p\xc3\xa5 en et af har tak kan der den"},
};
