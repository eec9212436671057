/*
 * builtin_phrases.c - the phrases of requests, duties, courtesies and withdrawals, with their
 * weights.
 *
 * Data only; the phrases that tell what kind of mail it is stand in builtin_mail_phrases.c. None
 * names a sender, a product or a turn of one single mail.
 *
 * How to add a phrase: think of the construction, not of the sentence in front of you; give it
 * the weight of its neighbours; mark with < the word the description is to begin with; score
 * test/data/dev before and after. A phrase may be broad if its weight is low: below 10 it makes
 * no task alone, but tips one that a deadline or a second phrase speaks for. Elements with ? at
 * the end of a pattern decide nothing and only cost time. Requests have positive weights.
 * Courtesies, withdrawals and offers are negative ones; they take away from a request in the
 * same clause, so a mail may thank, offer and ask in one breath. Weights of one cue do not add
 * up, those of different cues do. Phrases of CUE_DUE, CUE_CHASE and CUE_TAKEUP make no task
 * either: they say that a date, a quoted mail or a forwarded one belongs to a deed told
 * elsewhere. CUE_MACHINE does add up, because an address to a program gives itself away by
 * several small signs.
 */
#include "builtin_internal.h"

/*
 * Weights are tenths; a sentence of 10 and more is a task. Within one cue only the largest counts,
 * the cues add up. The notation is described in builtin_match.c.
 */
const SchedPattern sched_llm_phrases[] = {
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
	{"would|'d|will ?%Y be ?%Y ?%Y great|cool|nice|lovely|good|helpful|handy|perfect|"
	 "brilliant|grand|useful to ?%Y <get|have|see|know",
	 CUE_ASK, 15},
	{"would|'d ?be ?%Y ?%Y obliged|grateful|glad|happy|pleased|delighted|appreciate to ?%Y "
	 "receive|have|get|see|hear",
	 CUE_ASK, 20},
	{"obliged|grateful|glad|pleased to receive", CUE_ASK, 18},
	{"if you|u ?%Y ?can|could|get|send|do|have|finish|manage|bring|let|return *** by|before|"
	 "until %T",
	 CUE_ASK, 13},
	{"i|we ?%Y ask|request|beg|plead ?you ?%Y for|that", CUE_ASK, 20},
	{"could|can|should|shall we ?%Y <try|do|make|get|have|change|use|add|remove|send|start|"
	 "swap|switch|finish|update|prepare|write|check|review|revise|rework",
	 CUE_ASK, 16},
	{"could|can|should|shall we ?%Y <order|book|ask|invite|call|buy|bring|print|include|test|"
	 "fix|cut",
	 CUE_ASK, 14},
	{"could|can|would|will|cld you|u ?%Y ?%Y <%U", CUE_ASK, 20},
	{"%P ?%Y <%U", CUE_ASK, 16},
	{"like|want|need|ask|asking|beg you ?%Y to ?%Y <%U", CUE_ASK, 18},
	{"^<%U me|us ?%N ?%N by|before|until|%T|asap", CUE_ASK, 18},
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
	{"due ?%Y ?back ?%Y by|on|before|at|in|back|for|no|%T", CUE_OBLIGE, 14},
	{"^due", CUE_OBLIGE, 13},
	{"^due ?date|on|by|: ?: %T|%N", CUE_OBLIGE, 14},
	{"payable ?in by|on|before|within|no|%T|upon|at", CUE_OBLIGE, 16},
	{"outstanding|unpaid|overdue ?%N invoice~|balance|amount|payment~|fee~|bill|rent|premium|"
	 "account|item~|tax|sum|book~|loan~|charge~|contribution~|subscription",
	 CUE_OBLIGE, 16},
	{"is|are|was|were|now|past|long|been|remains|remain|still overdue|outstanding|unpaid|"
	 "unsigned|unanswered|unsettled",
	 CUE_OBLIGE, 11},
	{"is|are|was|were|now|falls|fall due ?%Y by|on|at|in|before|for|%T|now|since|again|$",
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
	{"you've|you|u|you're ?have|were|are been|were|are|'re|being assigned|asked|requested|"
	 "nominated|allocated ?%Y",
	 CUE_OBLIGE, 18},
	{"you've been assigned|asked|requested|nominated|allocated|given|chosen to", CUE_OBLIGE, 20},
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
	{"need|needs|require|want ** asap|urgently|today|tonight|tomorrow|eod|immediately", CUE_WANT,
	 14},
	{"need|needs|required|wanted|needed ?%Y by|before|until|for|on|no %T|%N|%D|later|noon",
	 CUE_WANT, 12},
	{"i|we ?%Y ?still|only|just ?%Y need|require|lack|miss|missing", CUE_WANT, 3},
	{"i'm|we're|am|are|still ?still|only ?just missing|lacking|short", CUE_WANT, 10},
	{"wants|needs|want|need it|them|this|that|these ?back %T|by|on|tmrw|asap|at|before|until|"
	 "in",
	 CUE_WANT, 13},
	{"wants|needs|requires|require|requests ** your", CUE_WANT, 14},
	{"need|needs|want|require|like ** by|before|until then|that|latest", CUE_WANT, 12},
	{"needs|wants|requires|expects %D *** on|by|before %T", CUE_WANT, 13},

	/* Answers. */
	{"rsvp|r.s.v.p.|rsvps", CUE_REPLY, 26},
	{"let|lets me|us ?%P ?both ?all know", CUE_REPLY, 22},
	{"lmk", CUE_REPLY, 22},
	{"tell me|us|him|her", CUE_REPLY, 18},
	{"know by|before|if|whether|which|what|how|when|until|in ** you|your", CUE_REPLY, 6},
	{"like|want|wants|need|needs|be to|good ?to know|hear ?%Y ?from ?you if|whether|which|"
	 "what|how|when|by|before|your|from|the|for",
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
	{"i|we ?%Y should|must ?%Y hear|know ?%Y from|by|before|until|your", CUE_REPLY, 14},
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
	{"^enjoy|relax|congratulations|congrats|welcome|cheers", CUE_STOCK, -24},
	{"^see you|ya|u", CUE_STOCK, -24},
	{"^looking|look forward to hear|hearing|see|seeing|meet|meeting|working|the|our|welcoming|"
	 "welcome|having|another|next",
	 CUE_STOCK, -18},
	{"give|send|say|pass|sends ?on * love|regards|hello|wishes|hug|hugs|kiss|kisses|greetings",
	 CUE_STOCK, -26},
	{"my|our best to|wishes", CUE_STOCK, -20},
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
	{"rate|review our|us|your ?recent ?%N service|us|purchase|stay|experience|order|driver|"
	 "delivery|visit",
	 CUE_STOCK, -26},
	{"tell us|me how|about|what ?you ** did|thought|your|experience|think|doing|are", CUE_STOCK,
	 -14},
	{"^tell|ask|give|wish your|him|her|them|mum|mom|dad|the * i|we|from|hi|love|said|a|all "
	 "?kiss|hug|hello",
	 CUE_STOCK, -16},
	{"^contact|call|email|ask|ring|reach|consult|write the|our|your|us|to ?%N ?our support|"
	 "desk|team|helpdesk|hotline|service|department|customer|administrator|reception",
	 CUE_STOCK, -16},
	{"%P ?do ?also consider %G", CUE_STOCK, -26},
	{"how did we do", CUE_STOCK, -20},
	{"tell me you|that|it|he|she|they|all|again", CUE_STOCK, -18},

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
	{"don't|won't|doesn't|needn't|not|no|never ?%Y ?longer need|worry|bother", CUE_DONE, -34},
	{"don't|won't|doesn't|not|no ?longer have to", CUE_DONE, -34},
	{"won't ?%Y be needed|necessary|required", CUE_DONE, -34},
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
	{"do|don't|need|needn't ?not ?need|have ?to do anything", CUE_NO_ACTION, -20},
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
	{"^if|should|in ?case ** , ?then ?%Y ?%P <%V", CUE_OFFER, -16},
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
	{"<call|ping|text|ring|email|message|shout|write|contact|warn|ask|yell ?me|us|if if|"
	 "should|in",
	 CUE_OFFER, -14},

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
	{"i|we ?%Y don't|do|haven't|have ?not ?yet have|got|received|seen|had your", CUE_OBLIGE, 18},
	{"ready|available|waiting|held for ?you ?at collection|pick-up|pickup|you", CUE_OBLIGE, 13},
	{"can|may ?now be ?%Y collected|picked", CUE_OBLIGE, 13},
	{"it'll|it|will|has|have ?will ?to be|fall|is you|yours ?to", CUE_OBLIGE, 10},
	{"once|until|unless|if|only i|we ?only ?%Y ?once have|get|receive|hear|got your|from",
	 CUE_OBLIGE, 15},
	{"forward to receiving|getting|having your|the|it", CUE_OBLIGE, 12},
	{"you|u|everyone ?%Y need|have|ought ?%Y to ?%Y <%U", CUE_OBLIGE, 18},
	{"you|u|everyone must ?%Y <%U", CUE_OBLIGE, 18},
	{"are|is|be ?%Y ?kindly required|requested|asked|reminded|urged|obliged ?%Y to ?%Y <%V|%U",
	 CUE_OBLIGE, 20},
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
	{"ending|end|period|accepts|accept|accepted|takes|take ?it ?only|on|until|at ?until %T|%N",
	 CUE_DUE, 5},
	{"%T ?%N would|'d|will|is ?%Y be|also ?%Y ideal|great|good|perfect|fine|best|enough|"
	 "lovely|splendid|ok|latest",
	 CUE_DUE, 9},
	{"if it|they|this|these|everything|both|all ** by|before %T", CUE_DUE, 6},

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
	{"still|yet waiting|need|nothing|awaiting|outstanding|missing|open|haven't|not|pending|no",
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

	{NULL, 0, 0}};
