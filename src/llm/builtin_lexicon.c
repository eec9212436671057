/*
 * builtin_lexicon.c - the words and phrases the model "builtin" knows, and their weights.
 *
 * Data only. English, and the greetings and closings of its neighbours, so that these are not taken for text.
 * The words describe how people ask, oblige, thank and advertise in general; none names a sender or a product.
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
	 "weigh wipe swing pop nip head hop photocopy scan sign swap turn sanitise sterilise rehearse "
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
	 "pack paint park pass patch pause permit phone photograph place plan plant plug point poll "
	 "post "
	 " present press price print process  proof  purchase push quote rate "
	 "reach record reference refund release rent repeat report request rescue research "
	 "reserve rest return review roll round row run sample schedule score screen scrap search "
	 "secure seal service set shape share shelve ship shop shoot show sketch sort  split "
	 "staff stage stamp start  step stock stop store study support  survey swap switch "
	 "table talk tap tape test text tick tie time tip top touch  trace track trade train "
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
	 "just also kindly please possibly maybe perhaps quickly again still then now both really "
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
	 "by until till before due latest deadline expires closes ends within cut-off cutoff"},
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

/*
 * Weights are tenths; a sentence of 10 and more is a task. Within one cue only the largest counts, the cues add
 * up. The notation is described in builtin_match.c.
 */
const SchedPattern sched_llm_patterns[] = {
	/* Direct requests. */
	{"could|can|will|would|might|cld|cd you|u ?and ?%C ?possibly|perhaps|maybe ?%Y ?%Y <%V",
	 CUE_ASK, 28},
	{"could|can|will|would you|u %N|both|all|guys ?%Y <%V", CUE_ASK, 26},
	{"couldn't|can't|won't|wouldn't you|u ?%Y <%V", CUE_ASK, 14},
	{"you|u ?be able to ?%Y <%V", CUE_ASK, 26},
	{"you|u ?be in a position to ?%Y <%V", CUE_ASK, 24},
	{"would|do|will you|u ?please ?%Y mind ?please <%G", CUE_ASK, 28},
	{"^mind <%G", CUE_ASK, 20},
	{"%P ?%Y ?%Y <%V", CUE_ASK, 28},
	{"%P , ?%Y <%V", CUE_ASK, 24},
	{"%P remember|remind ?%O ?to <%V", CUE_ASK, 28},
	{"%P be ?%Y <prepared|ready|there|on|at|punctual|present|in|outside", CUE_ASK, 22},
	{"<%V * %P $", CUE_ASK, 16},
	{"<%N *** %P $", CUE_WANT, 14},
	{"<%N ** %P , %T", CUE_WANT, 16},
	{"can|could|may|might|must|have|need|like i|we|to ?%Y "
	 "ask|trouble|bother|request|beg|get|persuade you "
	 "?%Y to|for ?%Y <%V",
	 CUE_ASK, 28},
	{"ask|asks|asking|beg|urge|urging|request|requests|require|requires|want|wants|need|needs|like|"
	 "expect|expects|trust|remind|encourage|advise|instruct|prefer "
	 "you|u|everyone|everybody|all|parents|"
	 "members|residents|tenants ?%Y ?not to ?%Y <%V",
	 CUE_ASK, 26},
	{"counting|relying|depending on you|u ?to ?%Y <%V", CUE_ASK, 22},
	{"for|up|on|with|leave|left you|u|yours ?guys|all|both to ?%Y <%V", CUE_ASK, 15},
	{"leave|leaving %D * to|with you", CUE_ASK, 14},
	{"appreciate~|grateful|obliged|thankful|great|good|lovely|nice|helpful|kind|ideal|wonderful|"
	 "brilliant|splendid|perfect|super|fantastic|cool|useful|handy|best|better|glad|love|happy|"
	 "delighted "
	 "** if|that|when|once you|u ?all ?both "
	 "?could|can|would|might|were|are|was ?be ?able ?to ?%Y <%V",
	 CUE_ASK, 26},
	{"appreciate|appreciated|grateful ** if|for your|a|an|this|the", CUE_ASK, 18},
	{"if you|u could|would ?%Y ?%Y <%V", CUE_ASK, 20},
	{"if you|u can|get|have ** could|can|would you", CUE_ASK, 10},
	{"so|very|really kind|good ?enough as|and|to ?to <%V", CUE_ASK, 22},
	{"wonder~|hoping|hoped|hope|wish|hopefully ?if|whether|that ?that you|u ?guys|all|both "
	 "?could|can|would|might|'ll|will|may|be ?be ?able ?to ?%Y <%V",
	 CUE_ASK, 22},
	{"you|u ?%Y might|may ?%Y want|like|wish|care|need to <%V", CUE_ASK, 8},
	{"any|a|some chance|possibility|way ?that ?of you|u ?could|can|might|'d ?%Y <%V|%G", CUE_ASK,
	 26},
	{"any|a|some chance|possibility * could|can|might ?%Y <%V", CUE_ASK, 24},
	{"any chance of|for ?%D <%N", CUE_ASK, 20},
	{"possible ?for ?you ?%Y to ?%Y <%V", CUE_ASK, 20},
	{"possible that you", CUE_ASK, 14},
	{"what|how about|if you|u <%G|%V", CUE_ASK, 10},
	{"could|can|may|might i|we ?%Y ?please <have|get|borrow|see", CUE_ASK, 22},
	{"could|can|may|might i|we ?%Y <use|collect|reschedule|rearrange|postpone|bring|move|push",
	 CUE_REPLY, 14},
	{"can|could|shall|should|may we|i ?%Y "
	 "<meet|talk|speak|chat|schedule|find|set|fix|catch|discuss|agree",
	 CUE_REPLY, 13},
	{"can|could %D * be %E", CUE_ASK, 14},
	{"can|could|would|will|might anyone|anybody|someone|somebody|one|whoever", CUE_OTHERS, -12},
	{"^anyone|anybody|someone|somebody|who", CUE_OTHERS, -8},
	{"make|making ?%Y sure|certain ?that ?%D", CUE_ASK, 22},
	{"be|being sure|certain to ?%Y <%V", CUE_ASK, 24},
	{"see to it that|you", CUE_ASK, 22},
	{"^ensure|check that|whether|if", CUE_ASK, 22},
	{"^ensure %D|%N", CUE_ASK, 20},
	{"^do ?not|n't forget|omit|neglect|fail", CUE_ASK, 24},
	{"don't|dont|do|never|not not|forget|omit|neglect ?forget ?to ?%Y <%V|%D|about|that", CUE_ASK,
	 22},
	{"don't|dont forget ?to <%V", CUE_ASK, 26},
	{"don't|dont forget|leave <%D|your|about|it", CUE_ASK, 20},
	{"remember|remembering to|that ?you ?%Y <%V", CUE_ASK, 24},
	{"^remember ?also <your|the|to", CUE_ASK, 18},
	{"reminder|remind|reminding ** to ?%Y <%V", CUE_ASK, 20},
	{"reminder|remind|reminding|reminded ** that|: ?that your|you|the|this|we|rent|payment",
	 CUE_OBLIGE, 9},
	{"^do ?%Y <%V", CUE_ASK, 16},
	{", ?and|so|then|but|or %P <%V", CUE_ASK, 26},
	{"so|and|then|but|or|, "
	 "<send|let|give|tell|ring|call|text|email|drop|show|bring|lend|hand|ping|get|"
	 "write|forward me|us ?%D ?%N",
	 CUE_ASK, 16},
	{"see|check|find ?out if|whether you|u|we|there can|could|are|is|have|has|they <%V|%D", CUE_ASK,
	 16},
	{"would|'d like|love|want|prefer you|u|for|your to|you ?to <%V", CUE_ASK, 24},
	{"would|'d love|like ?to ?have ?%D ** back", CUE_WANT, 16},
	{"time|chance|moment|minute ?today ?%T to ?%Y "
	 "<review|look|read|check|sign|approve|call|fill|complete|"
	 "discuss|test|answer|finish|send|comment|give|go|proofread|help|have",
	 CUE_ASK, 16},
	{"can|could|may i|we count|rely|depend|bank on you", CUE_ASK, 22},
	{"^have|take|having a ?%N ?%N look|read|think|go|glance", CUE_ASK, 20},
	{", will|would|could|can|won't you ?", CUE_ASK, 22},
	{"great|cool|nice|lovely|good|helpful|handy|perfect|brilliant|grand|useful to ?%Y <get|"
	 "have|see|know|hear",
	 CUE_ASK, 15},
	{"if you|u ?%Y ?can|could|get|send|do|have|finish|manage|bring|let|return *** by|before|"
	 "until %T",
	 CUE_ASK, 13},
	{"be|are|is ?%Y up for <%G", CUE_REPLY, 12},
	{"fancy|fancying %G|a|some", CUE_REPLY, 10},
	{"want|wants|need|needs %D * on|at|in my|their|our|the desk|hands|inbox", CUE_WANT, 16},

	/* Duties. */
	{"you|u|everyone|everybody|all|%Q ?%Y need|needs|have|has|ought|got|'ve ?%Y ?got to ?%Y <%V",
	 CUE_OBLIGE, 24},
	{"you|u|everyone|everybody|%Q will|'ll|would|may|do|does|still|also ?%Y ?also|still ?%Y "
	 "need|have|want to ?%Y <%V",
	 CUE_OBLIGE, 22},
	{"you'll|you'd|you've ?%Y need|have|got|better|want ?to ?%Y <%V", CUE_OBLIGE, 22},
	{"you|u|everyone|everybody|all|%Q ?who ?** are|is|were|you're ?%Y ?%Y "
	 "required|requested|asked|reminded|expected|supposed|obliged|urged|kindly ?%Y ?requested to "
	 "?%Y <%V",
	 CUE_OBLIGE, 28},
	{"you're|you are|be ?%Y invited|encouraged|welcome to ?%Y "
	 "<submit|review|comment|sign|complete|apply|reply|"
	 "respond|vote|nominate|propose",
	 CUE_OBLIGE, 16},
	{"you're|youre ?%Y "
	 "required|requested|asked|reminded|expected|supposed|obliged|down|due|scheduled|meant "
	 "to|for ?%Y <%V|%D",
	 CUE_OBLIGE, 26},
	{"you're|you|are|is ?are to|down ?for ?to <%V|%D", CUE_OBLIGE, 8},
	{"you|u|everyone|everybody|%Q must|shall ?%Y <%V", CUE_OBLIGE, 24},
	{"you|u|everyone|everybody|%Q should|ought ?to ?%Y ?%Y <%V", CUE_OBLIGE, 16},
	{"you|u should ?%Y receive|hear|find|see|get|notice|be|now|have|expect", CUE_OBLIGE, -14},
	{"you|u had|'d better ?not <%V", CUE_OBLIGE, 20},
	{"you|u ?%Y ?still|also owe", CUE_OBLIGE, 20},
	{"you|u ?still haven't|hadn't|didn't|have|did not ?yet ?%E", CUE_OBLIGE, 14},
	{"you|u haven't|have not|never|didn't|did not ?yet ?yet "
	 "sent|signed|paid|replied|returned|submitted|filled|completed|confirmed|answered|approved|"
	 "uploaded|"
	 "registered|given|told|chosen|booked|renewed|reply|send|sign|pay|return|submit|confirm|answer",
	 CUE_OBLIGE, 22},
	{"must|shall ?all|also|still|not|therefore ?%Y be ?%Y <%E", CUE_OBLIGE, 17},
	{"should ?all|also|still|therefore ?%Y be ?%Y <%E", CUE_OBLIGE, 10},
	{"needs|need|has|have|ought|got ?still|also|all to ?%Y be ?%Y "
	 "<%E|in|with|at|on|back|there|ready|done",
	 CUE_OBLIGE, 17},
	{"is|are ?%Y to ?%Y be ?%Y <%E", CUE_OBLIGE, 14},
	{"need|needs|want|wants|could|do|does ?%Y ?with ?your "
	 "signing|fixing|sorting|cleaning|doing|replacing|checking|watering|renewing|updating|paying|"
	 "filling|"
	 "reviewing|returning|collecting|emptying|washing|painting|repairing|approving|answering|"
	 "approval|"
	 "proofreading|booking|moving",
	 CUE_OBLIGE, 16},
	{"your ** be|is|are|was|remains|remain|has|have|now ?now|%Y ?been ?%Y "
	 "required|needed|due|overdue|outstanding|missing|awaited|pending|wanted|requested|incomplete|"
	 "unpaid|"
	 "expected|late|unsigned|owed|payable",
	 CUE_OBLIGE, 22},
	{"your ** will ?%Y be ?%Y required|needed|due|payable|requested", CUE_OBLIGE, 18},
	{"your ** expires|lapses|closes|runs|ends|expire|lapse|expired ?on|out|in|%T|at", CUE_OBLIGE,
	 11},
	{"your ** is|are ?about|set|going to expire|lapse|end|run", CUE_OBLIGE, 11},
	{"due ?%Y ?back ?%Y by|on|before|at|in|back|for|%T|%N|no", CUE_OBLIGE, 14},
	{"^due", CUE_OBLIGE, 13},
	{"^due ?date|on|by|: ?: %T|%N", CUE_OBLIGE, 14},
	{"payable ?in by|on|before|within|no|%T|upon|at", CUE_OBLIGE, 16},
	{"outstanding|unpaid|overdue ?%N invoice~|balance|amount|payment~|fee~|bill|rent|premium|"
	 "account|item~|tax|sum|book~|loan~|charge~|contribution~|subscription",
	 CUE_OBLIGE, 16},
	{"is|are|was|were|now|past|long|been|remains|remain|still overdue|outstanding|unpaid|due|"
	 "unsigned|unanswered|unsettled",
	 CUE_OBLIGE, 11},
	{"amount|payment|balance|total|invoice|rent|fee|fees|premium|instalment|installment|"
	 "repayment|bill|sum|contribution ?%N ?%N ?of ?%N is|are|was|be|now|falls|remains due|"
	 "overdue|outstanding|payable|unpaid|open",
	 CUE_OBLIGE, 16},
	{"payment|reply|response|answer|registration|submission|feedback|rsvp|comments|sign-up|"
	 "enrolment|"
	 "confirmation|replies|responses|payments|orders|entries|applications|registrations "
	 "?%Y ?is|are ?%Y ?%E by|before|within|until|required|requested|due|no",
	 CUE_OBLIGE, 16},
	{"past due", CUE_OBLIGE, 14},
	{"we|i ?have|haven't|not|still|n't ?not ?%Y ?yet|still ?%Y received|had|got|seen|heard|have ** "
	 "from you|your|payment|yet|the|back|anything|reply|answer",
	 CUE_CHASE, 6},
	{"haven't|hasn't|not ?%Y ?yet received|had|got|heard|seen|have ** from "
	 "you|your|payment|reply|anything|"
	 "back",
	 CUE_OBLIGE, 13},
	{"not|n't ?%Y ?yet been ?%Y received|paid|returned|settled|signed|completed|submitted",
	 CUE_OBLIGE, 14},
	{"action|signature|reply|response|approval|input|feedback|confirmation|payment|review|decision|"
	 "answer|"
	 "attention|acknowledgement ?is|are ?%Y "
	 "required|needed|requested|wanted|awaited|missing|due|overdue|"
	 "outstanding|pending",
	 CUE_OBLIGE, 22},
	{"require|requires|need|needs|awaits|await|awaiting|wants|requested|requests|request ?%Y "
	 "your|approval|attention|signature",
	 CUE_OBLIGE, 22},
	{"except|apart|missing|lacks|lacking|only|short|but ?for ?from ?is ?of your", CUE_OBLIGE, 14},
	{"signature~|form|page|document~|details|receipt~|payment|information|number|item~|paper~|"
	 "attachment~|following ?still is|are ?still missing",
	 CUE_OBLIGE, 14},
	{"waiting ?%Y for|on ?%D you|your|yours", CUE_OBLIGE, 20},
	{"waiting ?%Y for|on %D|%N|payment", CUE_OBLIGE, 11},
	{"assigned ?%D ?%N ?%N ?%N to you|@you", CUE_OBLIGE, 24},
	{"assigned you|to you", CUE_OBLIGE, 24},
	{"added|named|made|set|requested|listed you ?%Y as|to ?%D "
	 "<reviewer|approver|assignee|owner|review",
	 CUE_OBLIGE, 26},
	{"as ?%D reviewer|approver|assignee", CUE_OBLIGE, 16},
	{"requested|requests|requesting|wants|needs|awaits|asked|asks ?for your|a "
	 "<review|approval|input|feedback|"
	 "signature|comments|opinion|sign-off|response|reply",
	 CUE_OBLIGE, 24},
	{"invited|asked you to ?%Y <review|sign|complete|approve|comment|edit|fill|submit|upload|pay",
	 CUE_OBLIGE, 24},
	{"you've|you|been|have|were|are ?have ?been assigned|asked|requested|nominated|allocated|given "
	 "?to|as|a|"
	 "the|this ?%Y",
	 CUE_OBLIGE, 18},
	{"it's|its|is|now your turn|go|move", CUE_OBLIGE, 20},
	{"your turn to", CUE_OBLIGE, 22},
	{"^your turn|move", CUE_OBLIGE, 18},
	{"you|you're|your ?are ?%Y on|down ?for * duty|rota|shift", CUE_OBLIGE, 16},
	{"^over to you", CUE_TAKEUP, 20},
	{"time|high to|for|you <%V", CUE_OBLIGE, 6},
	{"^time to <renew|pay|book|return|submit|order|service|review|update", CUE_OBLIGE, 14},
	{"due ?%Y for <%D|renewal|a|service|inspection|return|review", CUE_OBLIGE, 11},
	{"obliged|obligated|bound to <%V", CUE_OBLIGE, 10},

	/* Needs. */
	{"i|we ?%Y ?will|'ll|do|would|also|still ?%Y need|require|want|lack ?to ?have the|your|"
	 "these|those|them|it|both|all|those|copies|two|three",
	 CUE_WANT, 13},
	{"i|we|i'd|we'd|they ?%Y ?will|'ll|do|would|also|still ?%Y need|require|want|like|lack "
	 "?to ?have|see|get %D|some|your",
	 CUE_WANT, 7},
	{"need|require|lack|miss|missing|want ?from you|your", CUE_WANT, 20},
	{"need|needs|require|requires|want|wants|like|have *** by|before|until|no|latest|for|from "
	 "%T|you",
	 CUE_WANT, 10},
	{"^need|needed|wanted|missing|required|requested ?: %D|%N|some|your", CUE_WANT, 12},
	{"need|needs|require|requires ** from you|yourself|your|everyone", CUE_WANT, 16},
	{"need|needs|require|want ** asap|urgently|today|tonight|tomorrow|now|eod|immediately",
	 CUE_WANT, 14},
	{"need|needs|required|wanted|needed ?%Y by|before|until|for|on|no %T|%N|%D|later|noon",
	 CUE_WANT, 12},
	{"i|we ?%Y ?still|only|just ?%Y need|require|lack|miss|missing", CUE_WANT, 3},
	{"i'm|we're|am|are|still ?still|only ?just missing|lacking|short", CUE_WANT, 10},
	{"wants|needs|want|need it|them|this|that|these ?back %T|by|on|tmrw|asap|at|before|until|"
	 "in",
	 CUE_WANT, 13},

	/* Answers. */
	{"rsvp|r.s.v.p.|rsvps", CUE_REPLY, 26},
	{"let|lets me|us ?%P ?both ?all know", CUE_REPLY, 22},
	{"lmk", CUE_REPLY, 22},
	{"tell me|us|him|her", CUE_REPLY, 18},
	{"know by|before|if|whether|which|what|how|when|until|in ** you|your", CUE_REPLY, 6},
	{"like|want|need|be to|good ?to know|hear ?%Y ?from ?you if|whether|which|what|how|when|"
	 "by|before|your|from|the",
	 CUE_REPLY, 14},
	{"need|want|wanted|expect|require|await %D|your ?%Y "
	 "answer|reply|response|decision|word|confirmation|"
	 "numbers|choice",
	 CUE_REPLY, 16},
	{"an|your|a|quick|short|early ?%Y ?quick|short|early|brief "
	 "answer|reply|response|note|word|line|decision|"
	 "confirmation|ok|okay|yes|call ** by|before|until|would|is|will|no|on",
	 CUE_REPLY, 14},
	{"your thoughts|opinion|view|views|take|feedback|comments|vote|answer|decision|approval|advice "
	 "?%N ?%N "
	 "?on ?by ?%N",
	 CUE_REPLY, 8},
	{"any|your "
	 "thoughts|feedback|comments|objections|ideas|preference|preferences|suggestions|input ** ?",
	 CUE_REPLY, 14},
	{"^thoughts|comments|feedback|objections ?on ** ?", CUE_REPLY, 16},
	{"^ok|okay|fine|good|agreed|approved ?with|for ?you ?by ** ?", CUE_REPLY, 10},
	{"are|r|is|do|does|would|will|be you|u|that|this|it|he|she ** "
	 "free|available|around|ok|okay|fine|suit|work|happy|interested|joining|coming|in|attending ** "
	 "?",
	 CUE_REPLY, 13},
	{"can|could|will|would|are|do you|u ?%Y ?still "
	 "<make|come|join|attend|manage|be|making|coming|joining|do "
	 "** ?",
	 CUE_REPLY, 10},
	{"i'd|we'd|i|we ?%Y ?would|'ll|will|do ?%Y have|need|like|must|want|ought ?to know|hear|"
	 "receive|learn",
	 CUE_REPLY, 14},
	{"is|would|'s|it it|that ?be ok|okay|fine|alright|possible|cool|acceptable if|that|to|"
	 "with|for",
	 CUE_REPLY, 14},
	{"which|what|when|where|who|how|why ** you|u|your|yours|suits|works|best ** ?", CUE_QUESTION,
	 12},
	{"which|what|when|where|how ** should|shall|do|does|can|could|would|is|are ** ?", CUE_QUESTION,
	 6},
	{"do|does|did|are|is|have|has|was|were|r|shall|should|has you|u|your|i|we|it|this|that|the ** "
	 "?",
	 CUE_QUESTION, 9},
	{"^ready|interested|possible|free|available|agreed|game|up ** ?", CUE_QUESTION, 8},
	{"would you|u ?%Y like|prefer|rather|want|care|consider ** ?", CUE_QUESTION, 10},
	{"did|have you|u ?%Y ?had "
	 "?get|got|manage|managed|find|found|finish|finished|do|done|send|sent|hear|heard|"
	 "decide|decided|sign|signed|book|booked|pay|paid|chance|manage",
	 CUE_QUESTION, 11},
	{"what|which|how * ?would|do|did|is|are|'s ?you|your "
	 "think|reckon|say|preference|opinion|view|choice",
	 CUE_QUESTION, 12},
	{"let me|us know ?how|that|if ?%D it|things|everything|you|she|he|all "
	 "goes|go|went|get|got|gets|arrived|arrive|made|like|liked|enjoyed",
	 CUE_STOCK, -16},

	/* Courtesy. */
	{"if|should|in you|case|there ?should ?still ?%Y have|of|any|are|need|require|be|is "
	 "any|further|more|"
	 "questions|queries|concerns|doubts|problems|assistance|help|information|issues|anything",
	 CUE_STOCK, -40},
	{"with|for|about any|further|all questions|queries|concerns|problems|issues|information",
	 CUE_STOCK, -30},
	{"any ?other|further|more questions|queries|concerns|doubts|problems", CUE_STOCK, -30},
	{"if ?you anything is|seems|looks|isn't|comes|else|unclear", CUE_STOCK, -26},
	{"don't|not|never hesitate", CUE_STOCK, -40},
	{"feel|be free|welcome to", CUE_STOCK, -40},
	{"%P find ?%Y attached|enclosed|below|here|our|the|a|my|inclosed", CUE_STOCK, -40},
	{"^find|found attached|enclosed|below", CUE_STOCK, -40},
	{"%P ?do ?also note|excuse|pardon|forgive|bear|rest", CUE_STOCK, -34},
	{"%P accept our|my apologies|thanks|condolences", CUE_STOCK, -34},
	{"%P be|take advised|aware|informed|assured|notified|note|careful|safe", CUE_STOCK, -34},
	{"^note|n.b|nb ?that|:", CUE_STOCK, -10},
	{"%P see|refer|look ?to attached|enclosed|below|above|the ?attachment|attached $", CUE_STOCK,
	 -30},
	{"%P see ?%D attached|enclosed|below|above", CUE_STOCK, -24},
	{"^thank~|thx|ta|cheers ?you ?so ?very ?again ?much for|that|to", CUE_STOCK, -22},
	{"^many|big|huge|heartfelt|warm thanks|thank", CUE_STOCK, -22},
	{"if|should you ?%Y need|want|require|fancy|have "
	 "anything|any|help|more|further|me|us|a|another|to|assistance",
	 CUE_STOCK, -24},
	{"let me|us know if you "
	 "need|want|have|require|spot|notice|find|see|get|would|run|'d|lack|struggle|ever",
	 CUE_STOCK, -26},
	{"let me|us know if|how i|we|there|anything|that|something "
	 "can|could|'s|is|are|may|any|else|may|helps",
	 CUE_STOCK, -24},
	{"%D|or|and|us|me contact|call|ring|email|write|reach|phone|text ** if|should|in "
	 "you|case|anything",
	 CUE_STOCK, -6},
	{"contact|reach|ask|call|email|ring|visit|see ?out ?me|us|our "
	 "?customer|support|team|website|shop|page|"
	 "office if|with|for|on|at|in|to|should "
	 "any|you|more|further|details|information|help|case|learn",
	 CUE_STOCK, -30},
	{"get|be in touch ?%Y ?with ?us ?me|us ?if|with|should|for", CUE_STOCK, -20},
	{"keep|stay in|up touch|tuned|safe|warm|well|to|healthy|calm", CUE_STOCK, -30},
	{"^take care|heart", CUE_STOCK, -30},
	{"^have|enjoy a|an|your|some|the ?%Y ?very great|good|nice|lovely|safe|wonderful|super|"
	 "pleasant|fun|rest|weekend|day|evening|holiday|trip|time",
	 CUE_STOCK, -26},
	{"^enjoy|relax|congratulations|congrats|welcome|cheers|sorry|apologies", CUE_STOCK, -24},
	{"^see you|ya|u", CUE_STOCK, -24},
	{"^looking|look forward", CUE_STOCK, -18},
	{"give|send|say|pass ?on ** love|regards|hello|hi|best|wishes|hug|kiss|cuddle ?to|from",
	 CUE_STOCK, -26},
	{"say hi|hello|thanks", CUE_STOCK, -26},
	{"consider the environment", CUE_STOCK, -40},
	{"before printing|you print", CUE_STOCK, -30},
	{"do|don't|please not|do ?not reply|respond|answer ?directly to|this", CUE_STOCK, -40},
	{"not|don't reply|respond to this|it", CUE_STOCK, -40},
	{"unmonitored|no-reply|not monitored|noreply", CUE_STOCK, -30},
	{"add us|me|this|our|%N to your ?address|contacts|safe", CUE_STOCK, -30},
	{"view|read|open|see * in ?your ?a ?web browser", CUE_STOCK, -40},
	{"view|read|open * online", CUE_STOCK, -36},
	{"manage|update|change|edit ?your|my|email "
	 "preferences|subscription|settings|notifications|notification",
	 CUE_STOCK, -40},
	{"unsubscribe|unsubscribing", CUE_STOCK, -40},
	{"opt out", CUE_STOCK, -30},
	{"keep|retain|print|save this|it|the|your * for ?your|a|the|future records|reference|"
	 "record|journey|visit",
	 CUE_STOCK, -30},
	{"keep|retain|print this|the|your ?%N e-mail|email|mail|receipt|ticket|confirmation|"
	 "letter|notice|message|code",
	 CUE_STOCK, -26},
	{"show|present|scan|have the|this|your ?%N ?%N code|qr|ticket|barcode|voucher|confirmation",
	 CUE_STOCK, -22},
	{"keep us|me|you posted|updated|informed|in", CUE_STOCK, -14},
	{"no|without ?further reply|response|answer|action|need|rush ?is|needed|necessary|required|to",
	 CUE_STOCK, -20},
	{"rest assured", CUE_STOCK, -40},
	{"don't|not|no|never ?to worry|worries|panic|be|stress|bother|touch|hurry|rush", CUE_STOCK,
	 -18},
	{"^don't|never|avoid|dont|do ?not %V", CUE_STOCK, -12},
	{"%P|must|should|do not|don't|refrain|avoid|never ?be %V", CUE_STOCK, -36},
	{"bear|keep in mind", CUE_STOCK, -24},
	{"intended ?only ?solely for|recipient~", CUE_STOCK, -30},
	{"confidential|privileged", CUE_STOCK, -12},
	{"received this ?e-mail|email|message|mail in error", CUE_STOCK, -40},
	{"delete this|it ?e-mail|email|message|mail and|immediately|from", CUE_STOCK, -24},
	{"ignore|disregard this|the|my|our ?previous|earlier|last notice|email|e-mail|mail|"
	 "message|reminder|letter|note",
	 CUE_STOCK, -36},
	{"if you've|you|have|payment ?have ?has ?already|been|just "
	 "%E|made|paid|sent|replied|done|settled|received",
	 CUE_STOCK, -14},
	{"if ?you ?have|you've|it|this|payment|it's already|crossed|not", CUE_STOCK, -10},
	{"follow|like|find|join us on", CUE_STOCK, -36},
	{"hope|trust|hoping ?that|you|this|all ** "
	 "well|fine|good|great|safe|finds|enjoy|enjoyed|enjoying|had|lovely",
	 CUE_STOCK, -24},
	{"thank|thanks|appreciate|grateful ** your|for "
	 "patience|understanding|help|support|business|interest|order|"
	 "quick|prompt|time|kind|purchase|payment",
	 CUE_STOCK, -24},
	{"to|that|or unsubscribe|opt|stop ?receiving", CUE_STOCK, -24},
	{"click|tap here|below|on|the ?link ?to", CUE_STOCK, -6},
	{"track your|the|parcel|package|it|delivery|order|progress", CUE_STOCK, -34},
	{"^learn|read|find|discover|see more|out", CUE_STOCK, -24},
	{"visit|browse|explore|discover our|the|us", CUE_STOCK, -20},
	{"rate|review your ?recent|us|purchase|stay|experience|order|driver|delivery|on", CUE_STOCK,
	 -20},
	{"tell us|me how|about|what ?you ** did|thought|your|experience|think|doing|are", CUE_STOCK,
	 -14},
	{"^tell|ask|give|wish your|him|her|them|mum|mom|dad|the * i|we|from|hi|love|said|a|all "
	 "?kiss|hug|hello",
	 CUE_STOCK, -16},
	{"^contact|call|email|ask|ring|reach|consult|write the|our|your|us|to ?%N ?our support|"
	 "desk|team|helpdesk|hotline|service|department|customer|administrator|reception",
	 CUE_STOCK, -16},

	/* Small talk. */
	{"how are|is|was|were|'s|did|have|has|do "
	 "you|things|life|everyone|everybody|everything|it|your|the|she|he|"
	 "all ?is|are|going|doing|been|holiday|weekend|trip|kids|feel|feeling|like|go|enjoy|family ?$",
	 CUE_SMALLTALK, -20},
	{"how's|hows ?it|life|things|everything|the|your", CUE_SMALLTALK, -24},
	{"how are|r you|u|things ?doing|all|both|today ?", CUE_SMALLTALK, -24},
	{"did you|u ?%Y see|hear|know|enjoy|watch|like|notice|sleep|catch|survive", CUE_SMALLTALK, -24},
	{"have you|u ?%Y seen|heard|read|watched|tried|noticed|ever|been", CUE_SMALLTALK, -16},
	{"guess what|who|where", CUE_SMALLTALK, -30},
	{"remember when|how|that|the time|day|night|summer|year", CUE_SMALLTALK, -24},
	{"isn't|wasn't|aren't|doesn't|don't|won't it|that|he|she|they|you", CUE_SMALLTALK, -18},
	{"can|could|would you|u ?%Y believe|imagine|guess", CUE_SMALLTALK, -40},
	{"you know what|how|who", CUE_SMALLTALK, -14},
	{"who|what|why would|knew|could|else|not ?have ?known|thought ** ?", CUE_SMALLTALK, -18},
	{"what a|an", CUE_SMALLTALK, -18},
	{"right|eh|huh|innit|no|true ?", CUE_SMALLTALK, -6},
	{"remember|know|recall %D|when|how|that|our ** ?", CUE_SMALLTALK, -8},
	{"did you|u ?%Y get|arrive|make home|back|there|away|it", CUE_SMALLTALK, -16},

	/* Done or withdrawn. */
	{"no|not|without|hardly|isn't|is|there's any|a|much ?need|necessary|reason to|for|any|on|that",
	 CUE_DONE, -30},
	{"no need|necessity|requirement", CUE_DONE, -40},
	{"don't|needn't|not|won't|doesn't|didn't|no|never ?%Y ?longer "
	 "have|need|needs|has|be|required|worry|bother "
	 "to|about|your|the|it|that|anything|any|one|with|this|a",
	 CUE_DONE, -34},
	{"needn't|need ?not %V", CUE_DONE, -34},
	{"never|nvm mind|worry|nvm", CUE_DONE, -40},
	{"nvm|nevermind", CUE_DONE, -40},
	{"^mind the|your|it", CUE_DONE, -20},
	{"^scrap|forget|ignore|disregard|drop|strike|please ?ignore|disregard|forget "
	 "that|it|about|my|what|the",
	 CUE_DONE, -40},
	{"has|have|had|'s|is|are|was|been|got ?%Y ?been|now|all "
	 "cancelled|canceled|withdrawn|dropped|scrapped|solved|"
	 "resolved|settled|sorted|fixed|done|closed|completed|merged",
	 CUE_DONE, -16},
	{"called|been off|cancelled", CUE_DONE, -12},
	{"no|any longer|more needed|necessary|required|need|relevant|have|apply|stands|applies",
	 CUE_DONE, -34},
	{"not ?be needed|necessary|required|needed|relevant ?any|for", CUE_DONE, -30},
	{"already|all|now ?been "
	 "%E|sent|done|paid|sorted|fixed|settled|handled|taken|booked|covered|set|on|good|"
	 "found|have|has|in|received|got",
	 CUE_DONE, -12},
	{"all|you're|it's|is sorted|set|done|good|fixed", CUE_DONE, -14},
	{"taken care of", CUE_DONE, -14},
	{"nothing ?else|more|further ?for|to|you|is ?you|to|left ?do|needed|required|to", CUE_DONE,
	 -34},
	{"no ?further|more|immediate action|response|reply|payment|changes ?is|are ?%Y required|"
	 "needed|necessary",
	 CUE_NO_ACTION, -20},
	{"nothing ?more|else ?for|you|that you|to|needs|is need|to|do|be|needed|required",
	 CUE_NO_ACTION, -16},
	{"will|'ll ?be ?%Y automatically|debited|charged|collected|deducted|taken", CUE_DONE, -18},
	{"automatically renewed|debited|charged|collected|paid|deducted|renew|renews", CUE_DONE, -18},
	{"by|via|through|your direct debit|autopay|card", CUE_DONE, -16},
	{"paid|settled in full", CUE_DONE, -20},
	{"thank|thanks|received|confirm|confirming ?you ?for|your|the|that|we "
	 "payment|received|paying|remittance",
	 CUE_DONE, -20},
	{"you|they|he|she|i|we ?%Y ?have|has|'ve|already ?already "
	 "sent|paid|signed|returned|submitted|replied",
	 CUE_DONE, -8},
	{"went|gone through|out|ahead", CUE_DONE, -6},
	{"instead of you", CUE_DONE, -10},

	/* Left to the reader. */
	{"if you|u ?%Y ?would like|want|wish|fancy|prefer|care|feel", CUE_OFFER, -13},
	{"if you|u ?%Y have|find ?the|some|a time|moment|minute", CUE_OFFER, -8},
	{"if you're|you|are ?are ?%Y interested|bored|curious|keen", CUE_OFFER, -13},
	{"if|when|whenever you're|you'd ?%Y interested|like|bored|keen|ever|in", CUE_OFFER, -13},
	{"you|u ?%Y can|may|could|might ?%Y ?also|always|now|still ?%Y <%V", CUE_OFFER, -10},
	{"whoever|whichever|anyone|anybody|those who|likes|wants|interested|can|with|wishing|would",
	 CUE_OFFER, -16},
	{"optional|optionally|voluntary|voluntarily", CUE_OFFER, -14},
	{"no|without|zero obligation|pressure", CUE_OFFER, -12},
	{"welcome|happy|free|able|glad|pleased to|for", CUE_OFFER, -3},
	{"^if|should|in ?case ** , ?then <%v", CUE_OFFER, -16},
	{"in case of|you|it|anything|there|something", CUE_OFFER, -16},
	{"in ?an|the emergency|emergencies|urgent", CUE_OFFER, -16},
	{"for|with|in urgent|further|more|general matters|cases|issues|details|information|"
	 "enquiries|inquiries|questions|queries|help|requests",
	 CUE_OFFER, -18},
	{"^for questions|details|information|help|emergencies", CUE_OFFER, -18},
	{"if you|u can't|cannot|are|can unable|not|make|come|attend", CUE_OFFER, -6},
	{"if|as|when|where ?you ?haven't|not ?already|yet", CUE_OFFER, 6},
	{"^to %v|%V ** , ?%P %V", CUE_OFFER, -10},
	{"^to|for "
	 "learn|find|see|get|read|view|opt|unsubscribe|manage|stop|more|help|details|further|know",
	 CUE_OFFER, -16},

	/* The sender or others will. */
	{"^i'll|we'll|i'm|we're|i've|we've|i'd|we'd", CUE_SELF, -12},
	{"^i|we ?%Y will|shall|am|are|can|could|have|had|was|were|did|might|may|do|just|already",
	 CUE_SELF, -12},
	{"^let me <%v", CUE_SELF, -8},
	{"i'll|we'll|i|we|i'd ?will|shall|'ll|can|would ?%Y %V", CUE_SELF, -8},
	{"i'll|we'll|will|shall|'ll let|send|get|keep|update|call|inform|notify|contact|be you|back|in",
	 CUE_SELF, -12},
	{"i|we need|have|had|must|should|ought|want|got to|%V ?%V", CUE_SELF, -14},
	{"we need|have|must|should|ought ?to ?%Y <%V", CUE_OBLIGE, 12},
	{"complete|finished|ready|done|settled|fine ** except|apart|but|save|missing ?for|from "
	 "?is the|your|a|one|two",
	 CUE_OBLIGE, 14},
	{"need|needs|has|have|must|should ?%Y ?to ?%Y reach|arrive|be|come|go|get|land|leave|"
	 "return|stand|happen ?with ?to|in|at|back|on me|us|the|our|my|here|by|before|no|until|%T|"
	 "there|ready",
	 CUE_OBLIGE, 17},
	{"must|should ?%Y reach|arrive|return ** by|before|no|until|%T", CUE_OBLIGE, 14},
	{"unless|until ** received|paid|settled|returned|hear|sent|signed|receive|get|have", CUE_OBLIGE,
	 16},
	{"what's|what|all|only|still missing|remains|left|needed|lacking|remaining|outstanding is|"
	 "are|:|now",
	 CUE_OBLIGE, 13},
	{"you ?still ?%Y have %N missing|outstanding|overdue|pending|open|unfinished|incomplete|"
	 "unsigned|unapproved",
	 CUE_OBLIGE, 16},
	{"you ?still ?%Y have missing|outstanding|overdue|pending|unfinished|incomplete|unsigned|"
	 "unapproved|until|till",
	 CUE_OBLIGE, 16},
	{"he|she|they|he's|she's|they're|it ?%Y "
	 "will|'ll|must|should|need|needs|has|have|is|are|was|were|can|did",
	 CUE_OTHERS, -8},
	{"asked|told|want|wanted|wants|reminded|helped|invited|allowed me|us|him|her|them to",
	 CUE_OTHERS, -16},
	{"he|she|they'll|he'll|she'll|they will|'ll|have|%V", CUE_OTHERS, -8},

	/* Where the date stands when the deed stands elsewhere. */
	{"deadline|cut-off|cutoff|closing ?date|last ?day|date ?for ?%N ?%N "
	 "is|:|was|will|moved|extended|has",
	 CUE_DUE, 10},
	{"deadline|cut-off|cutoff|closes|closing|close|ends|expires|expiry", CUE_DUE, 8},
	{"need|needs|needed|want|wants|like|have|get|be it|this|that|them|these|back|everything|all ** "
	 "by|before|until|on|no|for|at",
	 CUE_DUE, 10},
	{"it's|they're|it|they|this|these|that|both|all ?is|are|was ?%Y due|needed|required|wanted",
	 CUE_DUE, 10},
	{"until|till|by|before|latest %T|%N", CUE_DUE, 4},
	{"accept|open|possible|take ** until|till|by|before", CUE_DUE, 6},
	{"no|not later than", CUE_DUE, 8},
	{"at|by the|%D latest", CUE_DUE, 8},
	{"no|not|there's|is|any|great|huge rush|hurry|urgent", CUE_DUE, 4},
	{"expires|expire|expiring|lapses|closes|ends|runs|shuts|stops ?out|down|up ?on|at|in|by "
	 "%T|%N",
	 CUE_DUE, 8},
	{"last|latest|final|only day|date|chance|moment|possible", CUE_DUE, 8},
	{"reach|reaches|arrive|arrives|with|have|has|get|gets me|us|here|it|them|everything ** by|"
	 "before|until|no|on|%T",
	 CUE_DUE, 6},
	{"by|until|before|till then|that", CUE_DUE, 6},
	{"lock|locks|close|shut|freeze|freezes|goes|go ?out ?to ?live ?print on|at|in|by|this %T|"
	 "%N",
	 CUE_DUE, 8},

	/* A chaser. */
	{"any|some news|update~|word|progress|movement|joy", CUE_CHASE, 16},
	{"any luck|sign|idea ?yet with|of|on|when|about|?", CUE_CHASE, 14},
	{"gentle|friendly|quick|just|kind|little|polite|second|final|last|another|2nd ?a "
	 "?gentle|friendly|quick|kind "
	 "reminder|nudge|chaser|prod",
	 CUE_CHASE, 12},
	{"^reminder", CUE_CHASE, 8},
	{"following|follow|followed up", CUE_CHASE, 12},
	{"chasing|chase|nudging|nudge|bumping|bump|pinging|pestering|prodding|chaser", CUE_CHASE, 13},
	{"circling|circle|coming|come|getting|get|checking|check|looping back|in|round "
	 "?on|to|about|with",
	 CUE_CHASE, 8},
	{"still|yet waiting|need|nothing|awaiting|outstanding|missing|open|haven't|have|not|pending|no",
	 CUE_CHASE, 11},
	{"haven't|hasn't|hadn't|not|nothing|never|didn't ?%Y ?yet|still "
	 "heard|seen|received|had|got|gotten|arrived|"
	 "reached|come|get|receive|hear",
	 CUE_CHASE, 13},
	{"sorry|hate|apologies|apologise|don't ?for ?to|want ?to|%Y "
	 "bug|chase|pester|nag|bother|press|push|badger|"
	 "bugging|chasing|pestering|nagging",
	 CUE_CHASE, 14},
	{"did|have|had|were|has you|u ?%Y ?get|had|have|got|manage|managed|find|found a|the|to|"
	 "any ?%N chance|time|moment|minute",
	 CUE_CHASE, 13},
	{"did|have you|u ?%Y get|got|gotten round|around|to|anywhere", CUE_CHASE, 13},
	{"did|have|were you|u ?%Y manage|managed|able|forget|forgotten|seen|see|receive|received|"
	 "get|got|looked|look to|my|it|this|that|at|about|the",
	 CUE_CHASE, 12},
	{"where|how|what|what's|how's|where's ?is|are|do|does|'s ?we|the|it|this|that "
	 "?status|stand|latest|state|"
	 "looking|coming|going ?of|with|on|along",
	 CUE_CHASE, 8},
	{"what's|what|whats ?is the status|state|latest|situation|eta", CUE_CHASE, 15},
	{"status|eta ?on|of|for|with|update ** ?", CUE_CHASE, 10},
	{"my|our|the|below ?last|previous|earlier|first "
	 "email|e-mail|mail|message|note|request|question|letter|below",
	 CUE_CHASE, 6},
	{"as|like ?i ?we asked|mentioned|discussed|requested|promised|per", CUE_CHASE, 3},
	{"you|u promised|said|were|owe", CUE_CHASE, 6},
	{"again|second|third|once time|more|again|reminder", CUE_CHASE, 5},

	/* Handing on. */
	{"can|could|will|would|cld you|u ?%Y ?%P do|handle|cover|process|pay|fill|sign|organise|"
	 "arrange|book|return|check|action|answer|review|manage|see|get|have|read|take|help ?care "
	 "?in ?of ?out ?with ?on this|that|it|one|these|those|them|below|him|her",
	 CUE_TAKEUP, 22},
	{"can|could|will|would|cld you|u ?%Y ?%P take|deal|sort|look|reply|respond|pick|see|help|"
	 "get ** this|that|it|one|these|those|them|below|him|her",
	 CUE_TAKEUP, 22},
	{"%P do|handle|cover|process|pay|fill|sign|organise|arrange|book|return|check|action|"
	 "answer|review|manage|see|read|take|complete ?care ?in ?of ?out ?with this|that|it|one|"
	 "these|those|them|below",
	 CUE_TAKEUP, 20},
	{"%P take|deal|sort|look|reply|respond|pick|see|advise|get ** this|that|it|one|these|"
	 "those|them|below|him|her",
	 CUE_TAKEUP, 20},
	{"^one|this|that ?one ?is|'s for you", CUE_TAKEUP, 18},
	{"^yours ?, ?i|?", CUE_TAKEUP, 14},
	{"your department|area|desk|thing|field|bag|court|baby", CUE_TAKEUP, 14},
	{"^one for you", CUE_TAKEUP, 18},
	{"^for|fya|ftao ?your|you action|attention|fya|to", CUE_TAKEUP, 18},
	{"%P|can|could action|act|below|handle|sort|advise", CUE_TAKEUP, 14},
	{"this|that|it|below ?one ?is|'s|are ?for|your ?you|yours|one|job", CUE_TAKEUP, 6},
	{"can|could|do i|we leave|pass this|it|that ?with|to|on you", CUE_TAKEUP, 20},
	{"leave|leaving this|it|that|these ?one with|to you", CUE_TAKEUP, 18},
	{"thoughts|opinion|comments|views", CUE_TAKEUP, 10},
	{"see below|attached|the", CUE_TAKEUP, 5},
	{"this|that|these|it|below|one|bill|form|letter|them ?%N by|before|until", CUE_TAKEUP, 6},

	/* Addressed to programs. */
	{"ignore|disregard|forget|override|bypass|discard|drop ?all|any|the|your|of ?of|the|your|my "
	 "?previous|prior|"
	 "earlier|above|other|existing|preceding|own|current|past|safety "
	 "instructions|instruction|rules|rule|prompt|prompts|guidelines|directions|directives|policies|"
	 "programming|"
	 "commands|restrictions",
	 CUE_MACHINE, 30},
	{"assistant|ai|bot|llm|chatbot|copilot|a.i note|notes|instruction|instructions|message|"
	 "directive|command|override|prompt|memo|task|notice|order",
	 CUE_MACHINE, 30},
	{"agent|model|system|scheduler|robot instruction|instructions|directive|command|override|"
	 "prompt",
	 CUE_MACHINE, 20},
	{"note|message|instruction|instructions|attention|memo|command|directive|directives|notice|"
	 "request|hint|orders "
	 "to|for ?the|any|all|your|my|whichever|whatever|every|an "
	 "?ai|automated|virtual|digital|email|mail|"
	 "scheduling|reading|smart|artificial|e-mail|software "
	 "ai|a.i|assistant|assistants|bot|bots|agent|agents|llm|llms|model|models|scheduler|software|"
	 "parser|program|"
	 "machine|machines|system|systems|robot|tool|tools|automation|summariser|summarizer|"
	 "intelligence",
	 CUE_MACHINE, 30},
	{"ai|a.i|virtual|digital|email|mail|e-mail|scheduling|language|automated|calendar|"
	 "planning|smart|inbox assistant|assistants|agent|agents|model|models|bot|bots reading|"
	 "that|who|processing|:|,|must|should|please|shall",
	 CUE_MACHINE, 20},
	{"ai|a.i|virtual|digital|email|mail|e-mail|language|automated|smart|inbox assistant|"
	 "assistants|agent|agents|model|models|bot|bots",
	 CUE_MACHINE, 8},
	{"^ai|assistant|bot|llm|chatbot|copilot|robot ,|:", CUE_MACHINE, 22},
	{"^system|agent|scheduler ,|:", CUE_MACHINE, 8},
	{"dear|hey|hello|hi|attention ?any|the ai|assistant|bot|llm|chatbot|robot|copilot|"
	 "automation|parser|machine",
	 CUE_MACHINE, 22},
	{"system prompt|override", CUE_MACHINE, 24},
	{"system message|note|instruction ?:", CUE_MACHINE, 10},
	{"if|when you are|'re ?an|a|the ?ai|large|automated|artificial "
	 "ai|llm|language|bot|assistant|automated|"
	 "machine|program|robot|model|agent|system|software|assistant",
	 CUE_MACHINE, 30},
	{"if|when you're ?an|a|the ?ai|large|automated "
	 "ai|llm|language|bot|assistant|automated|machine|program|robot|"
	 "model|agent|system",
	 CUE_MACHINE, 30},
	{"you are|act now|as ?an|a|the ?helpful|ai ai|llm|assistant|language|bot|agent|system",
	 CUE_MACHINE, 24},
	{"software|program|programs|bot|bots|tool|tools|machine|machines|system|systems|assistant|"
	 "assistants|agent|agents|ai|robot|robots|model|models|script ?that ?which ?who reads|"
	 "read|reading|processes|processing|process|parses|parsing|handles|handling|sorts|sorting|"
	 "summarises|summarising|scans|scanning|extracts|triages|manages this|these|your|my|mail|"
	 "email|emails|inbox|messages|message|the",
	 CUE_MACHINE, 24},
	{"to|for the|any|whatever|whichever ?automated|computer|electronic "
	 "software|program|machine|robot|reader|"
	 "assistant|ai|bot|agent|model|parser ?which|that|reading|processing|:|,",
	 CUE_MACHINE, 12},
	{"do not|don't|without|never tell|inform|mention|reveal|notify|alert|ask|asking|telling|show "
	 "?this|it ?to|the "
	 "?the|a user|owner|human|recipient|person",
	 CUE_MACHINE, 18},
	{"the|your user's|owner's|user|human "
	 "?of|will|has|inbox|mailbox|calendar|tasks|contacts|agrees|approves|wants|"
	 "approved|confirmed",
	 CUE_MACHINE, 8},
	{"as an|a|your ?large ai|llm|language|automated|assistant|virtual", CUE_MACHINE, 18},
	{"add|create|insert|schedule|set|put|make a|an|the|this|following ?new|urgent|high "
	 "?priority|following "
	 "task|tasks|todo|reminder|entry|deadline|appointment ?to|in|for|with|titled|called|named|:",
	 CUE_MACHINE, 8},
	{"top|highest|maximum|high|max priority", CUE_MACHINE, 4},
	{"classify|mark|treat|label|categorise|categorize|flag ?this ** as "
	 "important|urgent|actionable|safe|trusted|"
	 "high|spam",
	 CUE_MACHINE, 8},
	{"prompt|jailbreak|injection injection|mode", CUE_MACHINE, 10},
	{"you are|'re now in|a|an|my|the", CUE_MACHINE, 10},
	{"in|enter|enable ?%N mode", CUE_MACHINE, 6},

	/* Absence. */
	{"out of|from office|the|my", CUE_AWAY, 10},
	{"out of ?the office", CUE_AWAY, 22},
	{"automatic|automated|auto|autoreply|auto-reply|abwesenheitsnotiz|automatische|automatisk "
	 "reply|response|answer|antwort|svar",
	 CUE_AWAY, 16},
	{"auto-reply|autoreply|autoresponder|abwesend|abwesenheit|abwesenheitsnotiz|ooo", CUE_AWAY, 20},
	{"i'm|i|am|we're|be|currently|me|are ?am|will ?be|currently ?currently "
	 "away|travelling|traveling|abroad|off|leave|offline|vacation|holiday|unavailable|sabbatical",
	 CUE_AWAY, 14},
	{"on ?annual|parental|maternity|paternity|sick|my leave|holiday|vacation|sabbatical", CUE_AWAY,
	 12},
	{"limited|no|little|only|without|sporadic access|email|connection|reception|internet ?to",
	 CUE_AWAY, 12},
	{"in|during|while my|i'm|i absence|away|out|am", CUE_AWAY, 14},
	{"will|'ll|shall ?not|only ?be "
	 "read|reply|answer|respond|check|back|return|reading|deal|see|get ** "
	 "return|back|again|on|from|when|after|mail|email|e-mail|messages",
	 CUE_AWAY, 8},
	{"not be ?able|checking|reading|reachable|forwarded|available ?to|my|email", CUE_AWAY, 10},
	{"back|return|returning ?in|to|at|on|office|work ?the ?office ?on %T|%N", CUE_AWAY, 8},
	{"undelivered|undeliverable mail|message|:", CUE_AWAY, 22},
	{"delivery status|failure|failed|subsystem|notification", CUE_AWAY, 16},
	{"returned mail|to|message ?: ?see|sender", CUE_AWAY, 16},
	{"failure notice", CUE_AWAY, 22},
	{"mail|message delivery|not system|subsystem|failed|failure|delivered|problem", CUE_AWAY, 22},

	/* Unwanted. */
	{"lottery|jackpot|beneficiary|inheritance|viagra|cialis|casino|pharmacy|rolex|replica|forex|"
	 "bitcoin~|crypto|"
	 "cryptocurrency|millionaire|sweepstake~|pills|enlargement|nigeria~|escort|porn|slots|payday|"
	 "investment",
	 CUE_SPAM, 9},
	{"you|you've|your|have ?have ?been|been|%N won|winner|selected|chosen ?a|an|the|as|to|for",
	 CUE_SPAM, 10},
	{"claim|collect|redeem|receive your|the|it ?free ?cash "
	 "prize|reward|winnings|gift|bonus|funds|refund|card|"
	 "money|payout|voucher",
	 CUE_SPAM, 14},
	{"million|millions|billion ?us|of dollars|euros|pounds|usd|euro|dollar", CUE_SPAM, 12},
	{"dear|dearest friend|beloved|winner|beneficiary|account|email|e-mail|user|sir/madam", CUE_SPAM,
	 8},
	{"verify|confirm|validate|update|reactivate|restore|unlock|secure your ?%N account|"
	 "identity|password|mailbox|details|information|billing|credentials|wallet|login|card|"
	 "address",
	 CUE_SPAM, 11},
	{"account|mailbox|access|profile|card|wallet|email|storage ?has|have|is|was|will|access ?been "
	 "?be "
	 "suspended|limited|restricted|locked|blocked|deactivated|terminated|closed|disabled|full|"
	 "compromised",
	 CUE_SPAM, 11},
	{"mailbox|quota|storage|inbox ?is|has ?almost exceeded|full|limit|quota", CUE_SPAM, 9},
	{"enter|provide|send|give|supply ?me|us your ?full ?bank|credit|card "
	 "card|bank|password|pin|account|credit|details|login|number|social",
	 CUE_SPAM, 10},
	{"card number", CUE_SPAM, 5},
	{"unusual|suspicious|unauthorised|unauthorized|unrecognised "
	 "?sign-in|login|activity|transaction|access",
	 CUE_SPAM, 8},
	{"100 % free|guaranteed|natural|safe|legal", CUE_SPAM, 9},
	{"risk|no risk|free|fee|cost ?-|free", CUE_SPAM, 3},
	{"risk-free|hassle-free|no-risk|act now|fast", CUE_SPAM, 8},
	{"earn|make|win ?up|$ ?to|money|%N|cash|$ ** from|per|a|weekly|daily|home|online|week|day",
	 CUE_SPAM, 8},
	{"work|working from home ** earn|$|%N", CUE_SPAM, 6},
	{"wire|transfer|next ?of|the of|kin|fund|funds|sum ?kin", CUE_SPAM, 5},
	{"western union|moneygram|gift cards|itunes cards", CUE_SPAM, 12},
	{"gift|steam|itunes|amazon|google card|cards|voucher|vouchers ?and|,|for|scratch|send|codes",
	 CUE_SPAM, 5},
	{"no|without n0|prescription|questions|credit|prescripti0n|doctor ?asked|check", CUE_SPAM, 8},
	{"doctors|experts|banks|they|dermatologists hate|don't|fear|want", CUE_SPAM, 8},
	{"lose|burn weight|kilos|pounds|belly|fat|kg", CUE_SPAM, 9},
	{"click|tap|press|follow ?on here|link|below|this|the|now ?link|button ?now|below|to|and",
	 CUE_SPAM, 3},
	{"order|buy|apply|call|click|act|join|invest now|n0w|today|fast|immediately", CUE_SPAM, 4},
	{"cheap|cheapest|discreet|herbal|miracle|secret|anonymous "
	 "meds|pills|prices|shipping|cure|remedy|method|trick",
	 CUE_SPAM, 8},
	{"confidential|urgent|mutual|lucrative business|proposal|transaction|offer|benefit ?proposal",
	 CUE_SPAM, 10},
	{"late|deceased|dying|widow|barrister|prince|minister ?husband|client|president|king|of",
	 CUE_SPAM, 5},
	{"returns|profit|profits|roi|gains ?of|guaranteed|per|daily|weekly", CUE_SPAM, 5},
	{"guaranteed|double ?your returns|profit|income|approval|results|money|winner", CUE_SPAM, 9},
	{"rank|ranking|seo|backlinks page|on|of|for|services|google|higher", CUE_SPAM, 6},
	{"first page of|on google|search", CUE_SPAM, 8},
	{"your|customs|delivery|unpaid|small parcel|package|shipment|fee|charge ** "
	 "held|fee|pending|undelivered|suspended|returned|customs|reschedule",
	 CUE_SPAM, 4},
	{"within %N hours|hour ** account|lose|closed|suspended|deleted|blocked|avoid|returned|"
	 "destroyed|terminated|permanently",
	 CUE_SPAM, 10},
	{"hot|single|lonely|sexy|naughty women|girls|ladies|singles|milfs|photos", CUE_SPAM, 16},
	{"i|we have|recorded|hacked recorded|hacked|access|you|your ?webcam|device|to|camera", CUE_SPAM,
	 6},

	/* Advertising. */
	{"%N % off|cheaper|discount|less|reduction|savings|rabatt", CUE_PROMO, 12},
	{"off|discount on|all|your|everything|code|for|today", CUE_PROMO, 4},
	{"sale|sales|clearance|outlet|bargain~|black ?is|now|ends|starts|friday|starts|%T", CUE_PROMO,
	 6},
	{"special|exclusive|limited|limited-time|best|great|introductory|unbeatable|hot|early-bird|"
	 "early "
	 "offer~|deal~|price~|discount~|time|edition|bird|access|savings",
	 CUE_PROMO, 9},
	{"offer|offers|deal|deals ends|expires|valid|only|until|for|inside|of|end|you", CUE_PROMO, 8},
	{"code|coupon|voucher|promo|promocode|use|with : |code|%C|at ?code ?%C", CUE_PROMO, 3},
	{"use|with|enter ?the|our ?discount|promo|coupon code", CUE_PROMO, 9},
	{"promo|coupon|discount|voucher code", CUE_PROMO, 9},
	{"free|fast shipping|delivery|trial|gift|postage|sample|returns|upgrade|month", CUE_PROMO, 8},
	{"shop|buy|order|book|browse|discover|grab|get|save|try|upgrade|start|register|subscribe "
	 "now|yours|today",
	 CUE_PROMO, 4},
	{"shop now|the|our|all|online|today", CUE_PROMO, 8},
	{"new|spring|summer|autumn|winter|latest|our "
	 "collection|arrivals|season|range|menu|catalogue|in|styles",
	 CUE_PROMO, 7},
	{"last|final|your chance|days|hours|call ?to ?save|left|for", CUE_PROMO, 5},
	{"don't|never|dont miss ?out|this|it", CUE_PROMO, 6},
	{"only|from|just|for|now|starting|was $|£|€|eur|usd|%N ?%N ?.99|%N", CUE_PROMO, 1},
	{"save ?up ?to %N|$|£|€", CUE_PROMO, 6},
	{"up to %N %", CUE_PROMO, 8},
	{"half price", CUE_PROMO, 10},
	{"buy|two|three|get|2|3 one|for|two|get|1 ?get|the|price ?one|free|half", CUE_PROMO, 6},
	{"members|subscribers|customers|members-only|loyalty|vip "
	 "get|only|save|enjoy|exclusive|points|club",
	 CUE_PROMO, 5},
	{"treat|pamper|spoil yourself", CUE_PROMO, 9},
	{"you'll|you will love|adore", CUE_PROMO, 6},
	{"while stocks|supplies last", CUE_PROMO, 12},
	{"selling|sold|going|almost|nearly out|fast|gone", CUE_PROMO, 5},
	{"tickets|seats|places|spots on|from|going|are|available|left|limited", CUE_PROMO, 5},
	{"earn|double|bonus|extra ?double points|miles|rewards|cashback", CUE_PROMO, 8},
	{"upgrade|switch|go ?to|now premium|pro|plus", CUE_PROMO, 6},
	{"introducing|presenting|meet ?the|our ?new", CUE_PROMO, 5},
	{"terms|t&cs|conditions ?and|conditions ?conditions apply", CUE_PROMO, 9},
	{"webinar|masterclass|ebook|e-book|whitepaper|white ?paper", CUE_PROMO, 4},
	{"pre-order|preorder", CUE_PROMO, 4},
	{"why not|wait|pay|settle", CUE_PROMO, 4},
	{"no strings|minimum attached|spend", CUE_PROMO, 8},
	{"back in stock|our", CUE_PROMO, 8},
	{"our lowest|best|biggest|cheapest prices|price|sale|deal|offer", CUE_PROMO, 9},

	/* Notices. */
	{"your|the|this ** order|parcel|package|shipment|delivery|item|items|ticket ?%N ?%N "
	 "has|is|was|have|left|will|on|should|are ?been|now|be|%Y ?its "
	 "shipped|dispatched|despatched|delivered|confirmed|way|its|sent|arriving|out|received|arrive|"
	 "reach|packed|our",
	 CUE_RECEIPT, 14},
	{"on its|their way", CUE_RECEIPT, 8},
	{"left|leaves our|the warehouse|depot|facility", CUE_RECEIPT, 8},
	{"thank|thanks ?you for your|ordering|shopping|booking|paying|travelling|choosing ?recent "
	 "order|payment|purchase|booking|donation|with|us|registration|application",
	 CUE_RECEIPT, 14},
	{"receipt|invoice|payment|booking|order|reservation|registration ?for|is|%N ?%N "
	 "confirmation|confirmed|received|"
	 "successful|paid|complete|processed",
	 CUE_RECEIPT, 10},
	{"we|have ?have|'ve ?%Y received your ?payment|order|application|parcel|return", CUE_RECEIPT,
	 10},
	{"total|amount|sum ?was ?: ?charged|paid|refunded|credited ?to", CUE_RECEIPT, 5},
	{"parcel|package|tracking|consignment no|number|nr|id", CUE_RECEIPT, 6},
	{"password|email|address|phone|profile|settings ?has|was|have|were ?been ?successfully "
	 "changed|updated|reset",
	 CUE_RECEIPT, 10},
	{"your|monthly|e- statement|payslip|document|bill is|for|are ?now|%N available|ready|online",
	 CUE_RECEIPT, 8},
	{"build|pipeline|job|test|tests|backup|deployment ?#|%N ?%N "
	 "failed|succeeded|passed|fixed|completed",
	 CUE_RECEIPT, 6},
	{"new|a|recent sign-in|login|device|comment|follower|connection|message ?on|from|to",
	 CUE_RECEIPT, 4},
	{"booking|confirmation|order|reference|ref|pnr ?number ?no|code|nr ?: %N", CUE_RECEIPT, 4},

	/* Urgent. */
	{"urgent|urgently|asap|immediately|emergency|critical|a.s.a.p", CUE_URGENT, 10},
	{"as soon as possible", CUE_URGENT, 8},
	{"right|straight now|away", CUE_URGENT, 5},
	{"final|last|third notice|reminder|warning|demand|call|chance", CUE_URGENT, 8},
	{"overdue|legal ?action|collection|enforcement|court|bailiff~|disconnect~|cut", CUE_URGENT, 5},
	{"today|hour|minutes", CUE_URGENT, 1},
	{"production|server|site|service|system ?is|are down|outage|broken|failing|offline", CUE_URGENT,
	 8},
	{"high|top importance|priority", CUE_URGENT, 6},
	{"important ?:|notice|!", CUE_URGENT, 4},

	/* Sent to many. */
	{"unsubscribe|unsubscribed|unsub|opt-out|abmelden|désabonner", CUE_BULK, 16},
	{"opt out", CUE_BULK, 14},
	{"off|leave|from|of ?our|the|this ?mailing list", CUE_BULK, 10},
	{"stop|no|longer|rather ?longer|not receiving|receive|want|wish|get|getting|hear "
	 "?to|these|this|our|from|such ?hear|"
	 "receive ?from|emails|mails|mail|e-mails",
	 CUE_BULK, 12},
	{"had enough ?of|?", CUE_BULK, 5},
	{"view|read|see|open ** browser", CUE_BULK, 12},
	{"view|read ?this|it ?in|email|newsletter|message|mail online", CUE_BULK, 12},
	{"trouble viewing|reading", CUE_BULK, 12},
	{"manage|update|change|email ?your|my|email|mail ?email preferences|subscription~|settings",
	 CUE_BULK, 10},
	{"newsletter|newsletters|digest|weekly|monthly|bulletin|gazette|round-up|roundup|issue",
	 CUE_BULK, 5},
	{"you|you're ?are|'re receiving|getting ?this ?%N ?%N because you|as "
	 "subscribed|signed|opted|a|are",
	 CUE_BULK, 12},
	{"because|as you ?have|'ve subscribed|signed|opted|registered|bought", CUE_BULK, 10},
	{"dear|valued "
	 "customer|customers|subscriber|subscribers|member|members|reader|readers|guest|shopper",
	 CUE_BULK, 3},
	{"in this|next issue|edition|newsletter|month's|week's|time", CUE_BULK, 10},
	{"this|next week|month in|:|we", CUE_BULK, 2},
	{"read more|on|the full|story|article|post", CUE_BULK, 7},
	{"forwarded|forward this|to|it ?email|newsletter ?to ?a friend", CUE_BULK, 9},
	{"all rights reserved", CUE_BULK, 9},
	{"follow|find us on|at", CUE_BULK, 7},
	{"mailing list", CUE_BULK, 6},

	/* List headings. */
	{"to-do|todo|to-dos|todos|tasks|homework|checklist|jobs|chores|errands|duties|actions",
	 CUE_LIST_HEAD, 14},
	{"to do|dos", CUE_LIST_HEAD, 14},
	{"action items|points|list", CUE_LIST_HEAD, 14},
	{"on your plate|desk|list|side", CUE_LIST_HEAD, 14},
	{"your|you|u|yours ** "
	 "list|tasks|jobs|bits|part|side|to-dos|homework|items|todo|still|need|to|must|bring|for",
	 CUE_LIST_HEAD, 12},
	{"%P ** :", CUE_LIST_HEAD, 14},
	{"could|can|would|will you|u ** :", CUE_LIST_HEAD, 14},
	{"things|items|points|stuff|jobs|tasks|bits|requests|reminders ?left|still|that ?to|for|"
	 "need|you|i|we|from",
	 CUE_LIST_HEAD, 10},
	{"need|needs|require|requires|want ?%D|from|to|the|of ?you|your ** :", CUE_LIST_HEAD, 12},
	{"for you", CUE_LIST_HEAD, 12},
	{"before|by|until|for ** :", CUE_LIST_HEAD, 5},
	{"open|outstanding|remaining|pending|next|left|still points|items|tasks|steps|questions|"
	 "to|open|:",
	 CUE_LIST_HEAD, 12},
	{"remember|forget|sure|must|deadlines|due|duties", CUE_LIST_HEAD, 10},
	{"agenda|topics|programme|program|menu|schedule|itinerary|timetable|contents|highlights|news|"
	 "results|summary|"
	 "changelog|features|decisions|discussed|attendees|present|participants|apologies|ingredients|"
	 "speakers|"
	 "minutes|notes|changes|fixed|fixes|improvements|included|includes|lineup|line-up",
	 CUE_OTHER_HEAD, 14},
	{"i'll|we'll|i|we|my|our|me|done|finished|completed|already "
	 "?will|list|have|'ll|done|part|side|am|are|side|"
	 "jobs|tasks|shall ** :",
	 CUE_OTHER_HEAD, 14},
	{"in this|what's|whats new|issue|edition|on|episode", CUE_OTHER_HEAD, 16},
	{"what|who|how happened|changed|won|does|we", CUE_OTHER_HEAD, 8},
	{"you ordered|bought|paid|order|purchase|asked|wrote|get|receive|receive", CUE_OTHER_HEAD, 14},
	{"your order|purchase|items|booking|basket|cart", CUE_OTHER_HEAD, 14},

	{NULL, 0, 0}};
