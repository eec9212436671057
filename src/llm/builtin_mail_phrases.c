/*
 * builtin_mail_phrases.c - the phrases that tell what kind of mail it is, and what heads a list,
 * with their weights.
 *
 * Data only. Notation and weights as in builtin_phrases.c; except for absence notes and headings
 * the weights add up over a mail, so that no single word makes an advertisement of it.
 *
 * Advertisers and cheats vary the words but not the moves: a price, a hurry, a button, a way to
 * unsubscribe. Each move has a small weight, and only several of them reach the limits in
 * builtin_class.c. Words that honest mail uses as well (offer, order, free) stay below 10.
 * Headings decide whether the points below them are deeds (CUE_LIST_HEAD) or news
 * (CUE_OTHER_HEAD); the larger weight wins.
 */
#include "builtin_internal.h"

const SchedPattern sched_llm_mail_phrases[] = {
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
	{"bonus|profits|winnings|jackpot|spins|payout", CUE_SPAM, 5},
	{"withdraw|deposit|invest only|just|now|guaranteed|minimum|your|daily|%N", CUE_SPAM, 5},
	{"your trading|investment|crypto|forex account|wallet", CUE_SPAM, 9},
	{"winning|profitable trades|numbers|ticket|signals|strategy|system", CUE_SPAM, 8},
	{"bonus|money|reward|prize|gift|funds|payment|cash is|are waiting|ready|yours|pending",
	 CUE_SPAM, 8},
	{"activate|claim|confirm|click|respond|reply it|now|today ?within %N hours", CUE_SPAM, 6},

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
	{"tickets|seats|places|spots|spaces on|from|going|are|available|left|limited", CUE_PROMO, 5},
	{"seats|places|spots|spaces|availability|stock|quantities ** limited", CUE_PROMO, 6},
	{"earn|double|bonus|extra ?double points|miles|rewards|cashback", CUE_PROMO, 8},
	{"upgrade|switch|go ?to|now premium|pro|plus", CUE_PROMO, 6},
	{"introducing|presenting|meet ?the|our ?new", CUE_PROMO, 5},
	{"terms|t&cs|conditions ?and|conditions ?conditions apply", CUE_PROMO, 9},
	{"webinar|masterclass|ebook|e-book|whitepaper|bootcamp", CUE_PROMO, 5},
	{"pre-order|preorder", CUE_PROMO, 4},
	{"why not|wait|pay|settle", CUE_PROMO, 4},
	{"no strings|minimum attached|spend", CUE_PROMO, 8},
	{"back in stock|our", CUE_PROMO, 8},
	{"our lowest|best|biggest|cheapest prices|price|sale|deal|offer", CUE_PROMO, 9},
	{"from|only|just|under %N €|eur|euro|euros|usd|gbp|£", CUE_PROMO, 7},
	{"from|only|just|under $|£|€ %N", CUE_PROMO, 5},
	{"at this|these|unbeatable|such price|prices|rates", CUE_PROMO, 5},
	{"be quick|fast", CUE_PROMO, 5},
	{"hurry", CUE_PROMO, 6},
	{"shop|book|buy|order|register|join now", CUE_PROMO, 6},
	{"save|reserve|secure|claim|grab your ?free seat|spot|place|copy|ticket", CUE_PROMO, 9},
	{"join our|us ?for ?a ?%N ?%N webinar|masterclass|event|workshop|community|live", CUE_PROMO, 8},
	{"learn|discover|see|find ?out how|why|what", CUE_PROMO, 3},
	{"spring|summer|autumn|winter|weekend|city|holiday escapes|breaks|getaways|deals|offers|"
	 "specials",
	 CUE_PROMO, 8},
	{"we miss|missed you", CUE_PROMO, 8},
	{"is|are|it's on us|the house", CUE_PROMO, 6},
	{"your next|first month|order|visit|purchase|box|delivery", CUE_PROMO, 4},

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
	{"manage subscription|subscriptions|preferences", CUE_BULK, 12},
	{"one click|unsubscribe and|to you're|unsubscribe|leave", CUE_BULK, 8},

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
