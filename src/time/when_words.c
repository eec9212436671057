/*
 * when_words.c - the vocabulary of the date reader.
 *
 * Pure: no server, nothing thrown. One table in alphabetical order, searched by halving: a text of a
 * megabyte asks it two hundred thousand times. Where the words of each letter lie is found out at
 * the first question of a process, in static memory.
 *
 * A word means one thing here, and words with a second sense (may, second, sun) are told apart
 * where they are read. The value of a word depends on its kind: the number of a month, weekday (1
 * Monday), cardinal or ordinal; a SchedUnit or SchedDayPart; minutes east of UTC of a zone; days
 * from today; the sign of this, next and last.
 *
 * Besides the words of dates there are words that keep numbers from being dates: labels, behind
 * which a number is a name (page 3, version 1.2), and measures, before which it is a count (3
 * people, 5 miles).
 *
 * Zone abbreviations that are English words as well (cat, eat, art, pet) are left out. Where one
 * means several offsets it is the one that is most common in mail: IST is India's, CST is
 * Chicago's.
 */
#include "when_internal.h"

#include <string.h>

typedef struct Entry
{
	const char *text;
	SchedWord word;
	int value;
} Entry;

#define ZONE(hours, minutes) ((hours) *60 + (minutes))

/* Sorted by text; packed by hand, a line of its own for each word would be six hundred. */
/* clang-format off */
static const Entry entries[] = {
	{"'til", WORD_UNTIL, 0}, {"a", WORD_A, 0}, {"about", WORD_ABOUT, 0},
	{"acdt", WORD_ZONE, ZONE(10, 30)}, {"acst", WORD_ZONE, ZONE(9, 30)},
	{"adt", WORD_ZONE, ZONE(-3, 0)}, {"adult", WORD_MEASURE, 0}, {"adults", WORD_MEASURE, 0},
	{"aedt", WORD_ZONE, ZONE(11, 0)}, {"aest", WORD_ZONE, ZONE(10, 0)}, {"after", WORD_AFTER, 0},
	{"afternoon", WORD_DAYPART, PART_AFTERNOON}, {"afternoons", WORD_DAYPART, PART_AFTERNOON},
	{"ago", WORD_AGO, 0}, {"akdt", WORD_ZONE, ZONE(-8, 0)}, {"akst", WORD_ZONE, ZONE(-9, 0)},
	{"akt", WORD_REGION, 4}, {"alaska", WORD_REGION, 4}, {"almost", WORD_ABOUT, 0},
	{"alternate", WORD_OTHER, 0}, {"am", WORD_MERIDIEM, 0}, {"an", WORD_A, 0},
	{"and", WORD_AND, 0}, {"annually", WORD_OFTEN, UNIT_YEAR}, {"appendix", WORD_LABEL, 0},
	{"approx", WORD_ABOUT, 0}, {"approximately", WORD_ABOUT, 0}, {"apr", WORD_MONTH, 4},
	{"april", WORD_MONTH, 4}, {"apt", WORD_LABEL, 0}, {"are", WORD_BE, 0},
	{"around", WORD_ABOUT, 0}, {"article", WORD_LABEL, 0}, {"arvo", WORD_DAYPART, PART_AFTERNOON},
	{"ast", WORD_ZONE, ZONE(-4, 0)}, {"at", WORD_AT, 0}, {"aug", WORD_MONTH, 8},
	{"august", WORD_MONTH, 8}, {"awst", WORD_ZONE, ZONE(8, 0)}, {"be", WORD_BE, 0},
	{"because", WORD_CONNECT, 0}, {"before", WORD_BEFORE, 0}, {"beginning", WORD_START, 0},
	{"being", WORD_BE, 0}, {"between", WORD_BETWEEN, 0}, {"biweekly", WORD_OFTEN, UNIT_FORTNIGHT},
	{"black", WORD_HOLIDAY, 6}, {"booth", WORD_LABEL, 0}, {"boxes", WORD_MEASURE, 0},
	{"boxing", WORD_HOLIDAY, 4}, {"brt", WORD_ZONE, ZONE(-3, 0)}, {"bst", WORD_ZONE, ZONE(1, 0)},
	{"bug", WORD_LABEL, 0}, {"build", WORD_LABEL, 0}, {"building", WORD_LABEL, 0},
	{"bus", WORD_LABEL, 0}, {"business", WORD_BUSINESS, 0}, {"but", WORD_CONNECT, 0},
	{"by", WORD_BY, 0}, {"ca", WORD_ABOUT, 0}, {"calls", WORD_MEASURE, 0},
	{"can", WORD_PRONOUN, 0}, {"case", WORD_LABEL, 0}, {"cdt", WORD_ZONE, ZONE(-5, 0)},
	{"central", WORD_REGION, 1}, {"cest", WORD_ZONE, ZONE(2, 0)}, {"cet", WORD_ZONE, ZONE(1, 0)},
	{"chapter", WORD_LABEL, 0}, {"chf", WORD_MEASURE, 0}, {"children", WORD_MEASURE, 0},
	{"christmas", WORD_HOLIDAY, 0}, {"circa", WORD_ABOUT, 0}, {"clause", WORD_LABEL, 0},
	{"close", WORD_CLOSE, 0}, {"clt", WORD_ZONE, ZONE(-4, 0)}, {"cob", WORD_COB, 0},
	{"code", WORD_LABEL, 0}, {"column", WORD_LABEL, 0}, {"coming", WORD_THIS, 1},
	{"copies", WORD_MEASURE, 0}, {"could", WORD_PRONOUN, 0}, {"couple", WORD_COUPLE, 0},
	{"cst", WORD_ZONE, ZONE(-6, 0)}, {"ct", WORD_REGION, 1}, {"cup", WORD_MEASURE, 0},
	{"cups", WORD_MEASURE, 0}, {"current", WORD_THIS, 0}, {"cutoff", WORD_DEADLINE, 0},
	{"daily", WORD_OFTEN, UNIT_DAY}, {"date", WORD_DATE, 0}, {"dates", WORD_DATE, 0},
	{"day", WORD_UNIT, UNIT_DAY}, {"days", WORD_UNIT, UNIT_DAY}, {"deadline", WORD_DEADLINE, 0},
	{"deadlines", WORD_DEADLINE, 0}, {"dec", WORD_MONTH, 12}, {"decade", WORD_UNIT, UNIT_DECADE},
	{"decades", WORD_UNIT, UNIT_DECADE}, {"december", WORD_MONTH, 12},
	{"degrees", WORD_MEASURE, 0}, {"dkk", WORD_MEASURE, 0}, {"dollars", WORD_MEASURE, 0},
	{"don't", WORD_PRONOUN, 0}, {"dont", WORD_PRONOUN, 0}, {"due", WORD_DUE, 0},
	{"during", WORD_DURING, 0}, {"each", WORD_EVERY, 0}, {"earlier", WORD_AGO, 0},
	{"early", WORD_EARLY, 0}, {"easter", WORD_HOLIDAY, 3}, {"eastern", WORD_REGION, 0},
	{"edt", WORD_ZONE, ZONE(-4, 0)}, {"eest", WORD_ZONE, ZONE(3, 0)},
	{"eet", WORD_ZONE, ZONE(2, 0)}, {"eight", WORD_CARDINAL, 8}, {"eighteen", WORD_CARDINAL, 18},
	{"eighteenth", WORD_ORDINAL, 18}, {"eighth", WORD_ORDINAL, 8}, {"eighty", WORD_CARDINAL, 80},
	{"eleven", WORD_CARDINAL, 11}, {"eleventh", WORD_ORDINAL, 11}, {"emails", WORD_MEASURE, 0},
	{"end", WORD_END, 0}, {"eob", WORD_COB, 0}, {"eod", WORD_END_OF, UNIT_DAY},
	{"eom", WORD_END_OF, UNIT_MONTH}, {"eoq", WORD_END_OF, UNIT_QUARTER},
	{"eow", WORD_END_OF, UNIT_WEEK}, {"eoy", WORD_END_OF, UNIT_YEAR}, {"episode", WORD_LABEL, 0},
	{"est", WORD_ZONE, ZONE(-5, 0)}, {"et", WORD_REGION, 0}, {"eur", WORD_MEASURE, 0},
	{"euros", WORD_MEASURE, 0}, {"eve", WORD_EVE, 0}, {"evening", WORD_DAYPART, PART_EVENING},
	{"evenings", WORD_DAYPART, PART_EVENING}, {"every", WORD_EVERY, 0},
	{"exactly", WORD_ABOUT, 0}, {"exhibit", WORD_LABEL, 0}, {"ext", WORD_LABEL, 0},
	{"extension", WORD_LABEL, 0}, {"fax", WORD_LABEL, 0}, {"feb", WORD_MONTH, 2},
	{"february", WORD_MONTH, 2}, {"feet", WORD_MEASURE, 0}, {"few", WORD_FEW, 3},
	{"fifteen", WORD_CARDINAL, 15}, {"fifteenth", WORD_ORDINAL, 15}, {"fifth", WORD_ORDINAL, 5},
	{"fifty", WORD_CARDINAL, 50}, {"fig", WORD_LABEL, 0}, {"figure", WORD_LABEL, 0},
	{"files", WORD_MEASURE, 0}, {"first", WORD_ORDINAL, 1}, {"five", WORD_CARDINAL, 5},
	{"flat", WORD_LABEL, 0}, {"flight", WORD_LABEL, 0}, {"floor", WORD_LABEL, 0},
	{"following", WORD_NEXT, 1}, {"for", WORD_FOR, 0}, {"fortnight", WORD_UNIT, UNIT_FORTNIGHT},
	{"fortnightly", WORD_OFTEN, UNIT_FORTNIGHT}, {"fortnights", WORD_UNIT, UNIT_FORTNIGHT},
	{"forty", WORD_CARDINAL, 40}, {"four", WORD_CARDINAL, 4}, {"fourteen", WORD_CARDINAL, 14},
	{"fourteenth", WORD_ORDINAL, 14}, {"fourth", WORD_ORDINAL, 4}, {"fri", WORD_WEEKDAY, 5},
	{"friday", WORD_WEEKDAY, 5}, {"fridays", WORD_WEEKDAYS, 5}, {"from", WORD_FROM, 0},
	{"gate", WORD_LABEL, 0}, {"gb", WORD_MEASURE, 0}, {"gbp", WORD_MEASURE, 0},
	{"gmt", WORD_ZONE, ZONE(0, 0)}, {"good", WORD_HOLIDAY, 7}, {"grade", WORD_LABEL, 0},
	{"gst", WORD_ZONE, ZONE(4, 0)}, {"guests", WORD_MEASURE, 0}, {"half", WORD_HALF, 0},
	{"halloween", WORD_HOLIDAY, 1}, {"he", WORD_PRONOUN, 0}, {"hence", WORD_HENCE, 0},
	{"her", WORD_PRONOUN, 0}, {"highway", WORD_LABEL, 0}, {"him", WORD_PRONOUN, 0},
	{"hkt", WORD_ZONE, ZONE(8, 0)}, {"hour", WORD_UNIT, UNIT_HOUR},
	{"hourly", WORD_OFTEN, UNIT_HOUR}, {"hours", WORD_UNIT, UNIT_HOUR},
	{"hr", WORD_UNIT, UNIT_HOUR}, {"hrs", WORD_UNIT, UNIT_HOUR}, {"hst", WORD_ZONE, ZONE(-10, 0)},
	{"i", WORD_PRONOUN, 0}, {"ict", WORD_ZONE, ZONE(7, 0)}, {"id", WORD_LABEL, 0},
	{"if", WORD_CONNECT, 0}, {"in", WORD_IN, 0}, {"inch", WORD_MEASURE, 0},
	{"inches", WORD_MEASURE, 0}, {"invoice", WORD_LABEL, 0}, {"ipv4", WORD_LABEL, 0},
	{"is", WORD_BE, 0}, {"iso", WORD_LABEL, 0}, {"issue", WORD_LABEL, 0},
	{"ist", WORD_ZONE, ZONE(5, 30)}, {"it", WORD_PRONOUN, 0}, {"item", WORD_LABEL, 0},
	{"items", WORD_LABEL, 0}, {"jan", WORD_MONTH, 1}, {"january", WORD_MONTH, 1},
	{"java", WORD_LABEL, 0}, {"jst", WORD_ZONE, ZONE(9, 0)}, {"jul", WORD_MONTH, 7},
	{"july", WORD_MONTH, 7}, {"jun", WORD_MONTH, 6}, {"june", WORD_MONTH, 6},
	{"just", WORD_ABOUT, 0}, {"kb", WORD_MEASURE, 0}, {"kg", WORD_MEASURE, 0},
	{"kids", WORD_MEASURE, 0}, {"kilometers", WORD_MEASURE, 0}, {"kilometres", WORD_MEASURE, 0},
	{"km", WORD_MEASURE, 0}, {"kst", WORD_ZONE, ZONE(9, 0)}, {"last", WORD_LAST, -1},
	{"late", WORD_LATE, 0}, {"later", WORD_LATER, 0}, {"latest", WORD_LATEST, 0},
	{"lbs", WORD_MEASURE, 0}, {"lesson", WORD_LABEL, 0}, {"level", WORD_LABEL, 0},
	{"line", WORD_LABEL, 0}, {"lines", WORD_LABEL, 0}, {"local", WORD_SHARP, 0},
	{"lunch", WORD_DAYPART, PART_LUNCH}, {"lunchtime", WORD_DAYPART, PART_LUNCH},
	{"mar", WORD_MONTH, 3}, {"march", WORD_MONTH, 3}, {"may", WORD_MONTH, 5},
	{"mb", WORD_MEASURE, 0}, {"mdt", WORD_ZONE, ZONE(-6, 0)}, {"me", WORD_PRONOUN, 0},
	{"meters", WORD_MEASURE, 0}, {"metres", WORD_MEASURE, 0}, {"mid", WORD_MID, 0},
	{"midday", WORD_CLOCK_NAME, 12}, {"middle", WORD_MID, 0}, {"midnight", WORD_CLOCK_NAME, 0},
	{"might", WORD_PRONOUN, 0}, {"mile", WORD_MEASURE, 0}, {"miles", WORD_MEASURE, 0},
	{"min", WORD_UNIT, UNIT_MINUTE}, {"mins", WORD_UNIT, UNIT_MINUTE},
	{"minute", WORD_UNIT, UNIT_MINUTE}, {"minutes", WORD_UNIT, UNIT_MINUTE},
	{"mo", WORD_UNIT, UNIT_MONTH}, {"mobile", WORD_LABEL, 0}, {"model", WORD_LABEL, 0},
	{"mon", WORD_WEEKDAY, 1}, {"monday", WORD_WEEKDAY, 1}, {"mondays", WORD_WEEKDAYS, 1},
	{"month", WORD_UNIT, UNIT_MONTH}, {"monthly", WORD_OFTEN, UNIT_MONTH},
	{"months", WORD_UNIT, UNIT_MONTH}, {"more", WORD_MEASURE, 0},
	{"morning", WORD_DAYPART, PART_MORNING}, {"mornings", WORD_DAYPART, PART_MORNING},
	{"mos", WORD_UNIT, UNIT_MONTH}, {"mountain", WORD_REGION, 2}, {"msk", WORD_ZONE, ZONE(3, 0)},
	{"mst", WORD_ZONE, ZONE(-7, 0)}, {"mt", WORD_REGION, 2}, {"mth", WORD_UNIT, UNIT_MONTH},
	{"mths", WORD_UNIT, UNIT_MONTH}, {"must", WORD_PRONOUN, 0}, {"nd", WORD_SUFFIX, 0},
	{"nearly", WORD_ABOUT, 0}, {"new", WORD_NEW, 0}, {"next", WORD_NEXT, 1},
	{"night", WORD_DAYPART, PART_NIGHT}, {"nights", WORD_DAYPART, PART_NIGHT},
	{"nine", WORD_CARDINAL, 9}, {"nineteen", WORD_CARDINAL, 19}, {"nineteenth", WORD_ORDINAL, 19},
	{"ninety", WORD_CARDINAL, 90}, {"ninth", WORD_ORDINAL, 9}, {"no", WORD_NO, 0},
	{"nok", WORD_MEASURE, 0}, {"noon", WORD_CLOCK_NAME, 12}, {"noontime", WORD_CLOCK_NAME, 12},
	{"not", WORD_NO, 0}, {"nov", WORD_MONTH, 11}, {"november", WORD_MONTH, 11},
	{"now", WORD_NOW, 0}, {"npt", WORD_ZONE, ZONE(5, 45)}, {"nr", WORD_LABEL, 0},
	{"nst", WORD_ZONE, ZONE(-3, -30)}, {"number", WORD_LABEL, 0},
	{"nzdt", WORD_ZONE, ZONE(13, 0)}, {"nzst", WORD_ZONE, ZONE(12, 0)},
	{"o'clock", WORD_OCLOCK, 0}, {"oclock", WORD_OCLOCK, 0}, {"oct", WORD_MONTH, 10},
	{"october", WORD_MONTH, 10}, {"of", WORD_OF, 0}, {"on", WORD_ON, 0}, {"once", WORD_TIMES, 0},
	{"one", WORD_CARDINAL, 1}, {"only", WORD_ABOUT, 0}, {"or", WORD_OR, 0},
	{"order", WORD_LABEL, 0}, {"other", WORD_OTHER, 0}, {"others", WORD_MEASURE, 0},
	{"out", WORD_HENCE, 0}, {"pacific", WORD_REGION, 3}, {"page", WORD_LABEL, 0},
	{"pages", WORD_LABEL, 0}, {"paragraph", WORD_LABEL, 0}, {"part", WORD_LABEL, 0},
	{"participants", WORD_MEASURE, 0}, {"parts", WORD_LABEL, 0}, {"past", WORD_PAST, 0},
	{"pct", WORD_MEASURE, 0}, {"pdt", WORD_ZONE, ZONE(-7, 0)}, {"people", WORD_MEASURE, 0},
	{"percent", WORD_MEASURE, 0}, {"person", WORD_MEASURE, 0}, {"persons", WORD_MEASURE, 0},
	{"phase", WORD_LABEL, 0}, {"phone", WORD_LABEL, 0}, {"pht", WORD_ZONE, ZONE(8, 0)},
	{"pieces", WORD_MEASURE, 0}, {"pin", WORD_LABEL, 0}, {"pkt", WORD_ZONE, ZONE(5, 0)},
	{"platform", WORD_LABEL, 0}, {"please", WORD_CONNECT, 0}, {"pm", WORD_MERIDIEM, 1},
	{"po", WORD_LABEL, 0}, {"points", WORD_MEASURE, 0}, {"postgres", WORD_LABEL, 0},
	{"postgresql", WORD_LABEL, 0}, {"pounds", WORD_MEASURE, 0}, {"pp", WORD_LABEL, 0},
	{"previous", WORD_LAST, -1}, {"prompt", WORD_SHARP, 0}, {"promptly", WORD_SHARP, 0},
	{"psalm", WORD_LABEL, 0}, {"pst", WORD_ZONE, ZONE(-8, 0)}, {"pt", WORD_REGION, 3},
	{"python", WORD_LABEL, 0}, {"qtr", WORD_UNIT, UNIT_QUARTER},
	{"quarter", WORD_UNIT, UNIT_QUARTER}, {"quarterly", WORD_OFTEN, UNIT_QUARTER},
	{"quarters", WORD_UNIT, UNIT_QUARTER}, {"question", WORD_LABEL, 0}, {"rd", WORD_SUFFIX, 0},
	{"reasons", WORD_MEASURE, 0}, {"ref", WORD_LABEL, 0}, {"release", WORD_LABEL, 0},
	{"remains", WORD_BE, 0}, {"rev", WORD_LABEL, 0}, {"rfc", WORD_LABEL, 0},
	{"room", WORD_LABEL, 0}, {"roughly", WORD_ABOUT, 0}, {"route", WORD_LABEL, 0},
	{"row", WORD_LABEL, 0}, {"sast", WORD_ZONE, ZONE(2, 0)}, {"sat", WORD_WEEKDAY, 6},
	{"saturday", WORD_WEEKDAY, 6}, {"saturdays", WORD_WEEKDAYS, 6}, {"score", WORD_LABEL, 0},
	{"season", WORD_LABEL, 0}, {"seat", WORD_LABEL, 0}, {"sec", WORD_UNIT, UNIT_SECOND},
	{"second", WORD_ORDINAL, 2}, {"seconds", WORD_UNIT, UNIT_SECOND},
	{"secs", WORD_UNIT, UNIT_SECOND}, {"section", WORD_LABEL, 0}, {"sections", WORD_LABEL, 0},
	{"sek", WORD_MEASURE, 0}, {"sep", WORD_MONTH, 9}, {"sept", WORD_MONTH, 9},
	{"september", WORD_MONTH, 9}, {"seven", WORD_CARDINAL, 7}, {"seventeen", WORD_CARDINAL, 17},
	{"seventeenth", WORD_ORDINAL, 17}, {"seventh", WORD_ORDINAL, 7},
	{"seventy", WORD_CARDINAL, 70}, {"several", WORD_FEW, 7}, {"sgt", WORD_ZONE, ZONE(8, 0)},
	{"shall", WORD_PRONOUN, 0}, {"sharp", WORD_SHARP, 0}, {"she", WORD_PRONOUN, 0},
	{"should", WORD_PRONOUN, 0}, {"since", WORD_DURING, 0}, {"six", WORD_CARDINAL, 6},
	{"sixteen", WORD_CARDINAL, 16}, {"sixteenth", WORD_ORDINAL, 16}, {"sixth", WORD_ORDINAL, 6},
	{"sixty", WORD_CARDINAL, 60}, {"size", WORD_LABEL, 0}, {"sku", WORD_LABEL, 0},
	{"slide", WORD_LABEL, 0}, {"so", WORD_CONNECT, 0}, {"st", WORD_SUFFIX, 0},
	{"stage", WORD_LABEL, 0}, {"stars", WORD_MEASURE, 0}, {"start", WORD_START, 0},
	{"starting", WORD_FROM, 0}, {"step", WORD_LABEL, 0}, {"steps", WORD_LABEL, 0},
	{"suite", WORD_LABEL, 0}, {"sun", WORD_WEEKDAY, 7}, {"sunday", WORD_WEEKDAY, 7},
	{"sundays", WORD_WEEKDAYS, 7}, {"table", WORD_LABEL, 0}, {"tb", WORD_MEASURE, 0},
	{"tel", WORD_LABEL, 0}, {"ten", WORD_CARDINAL, 10}, {"tenth", WORD_ORDINAL, 10},
	{"terminal", WORD_LABEL, 0}, {"th", WORD_SUFFIX, 0}, {"than", WORD_THAN, 0},
	{"thanksgiving", WORD_HOLIDAY, 2}, {"that", WORD_CONNECT, 0}, {"the", WORD_THE, 0},
	{"them", WORD_PRONOUN, 0}, {"then", WORD_CONNECT, 0}, {"they", WORD_PRONOUN, 0},
	{"they've", WORD_PRONOUN, 0}, {"things", WORD_MEASURE, 0}, {"third", WORD_ORDINAL, 3},
	{"thirteen", WORD_CARDINAL, 13}, {"thirteenth", WORD_ORDINAL, 13},
	{"thirtieth", WORD_ORDINAL, 30}, {"thirty", WORD_CARDINAL, 30}, {"this", WORD_THIS, 0},
	{"three", WORD_CARDINAL, 3}, {"through", WORD_THROUGH, 0}, {"thru", WORD_THROUGH, 0},
	{"thu", WORD_WEEKDAY, 4}, {"thur", WORD_WEEKDAY, 4}, {"thurs", WORD_WEEKDAY, 4},
	{"thursday", WORD_WEEKDAY, 4}, {"thursdays", WORD_WEEKDAYS, 4}, {"ticket", WORD_LABEL, 0},
	{"til", WORD_UNTIL, 0}, {"till", WORD_UNTIL, 0}, {"time", WORD_DATE, 0},
	{"times", WORD_TIMES, 0}, {"tmr", WORD_TODAY, 1}, {"tmrw", WORD_TODAY, 1}, {"to", WORD_TO, 0},
	{"today", WORD_TODAY, 0}, {"todays", WORD_TODAY, 0}, {"tommorow", WORD_TODAY, 1},
	{"tommorrow", WORD_TODAY, 1}, {"tomorow", WORD_TODAY, 1}, {"tomorrow", WORD_TODAY, 1},
	{"tomorrows", WORD_TODAY, 1}, {"tonight", WORD_TONIGHT, 0}, {"tonite", WORD_TONIGHT, 0},
	{"track", WORD_LABEL, 0}, {"trt", WORD_ZONE, ZONE(3, 0)}, {"tue", WORD_WEEKDAY, 2},
	{"tues", WORD_WEEKDAY, 2}, {"tuesday", WORD_WEEKDAY, 2}, {"tuesdays", WORD_WEEKDAYS, 2},
	{"twelfth", WORD_ORDINAL, 12}, {"twelve", WORD_CARDINAL, 12}, {"twentieth", WORD_ORDINAL, 20},
	{"twenty", WORD_CARDINAL, 20}, {"twice", WORD_TIMES, 0}, {"two", WORD_CARDINAL, 2},
	{"unit", WORD_LABEL, 0}, {"unless", WORD_CONNECT, 0}, {"until", WORD_UNTIL, 0},
	{"untill", WORD_UNTIL, 0}, {"upcoming", WORD_THIS, 1}, {"us", WORD_PRONOUN, 0},
	{"usd", WORD_MEASURE, 0}, {"users", WORD_MEASURE, 0}, {"utc", WORD_ZONE, ZONE(0, 0)},
	{"v", WORD_LABEL, 0}, {"valentine", WORD_HOLIDAY, 5}, {"ver", WORD_LABEL, 0},
	{"verse", WORD_LABEL, 0}, {"version", WORD_LABEL, 0}, {"via", WORD_CONNECT, 0},
	{"vol", WORD_LABEL, 0}, {"volume", WORD_LABEL, 0}, {"votes", WORD_MEASURE, 0},
	{"w", WORD_CONNECT, 0}, {"was", WORD_BE, -1}, {"wat", WORD_ZONE, ZONE(1, 0)},
	{"ways", WORD_MEASURE, 0}, {"we", WORD_PRONOUN, 0}, {"wed", WORD_WEEKDAY, 3},
	{"wednesday", WORD_WEEKDAY, 3}, {"wednesdays", WORD_WEEKDAYS, 3}, {"weds", WORD_WEEKDAY, 3},
	{"week", WORD_UNIT, UNIT_WEEK}, {"weekday", WORD_WORKDAY, 0}, {"weekdays", WORD_WORKDAY, 0},
	{"weekend", WORD_WEEKEND, 0}, {"weekends", WORD_WEEKEND, 0},
	{"weekly", WORD_OFTEN, UNIT_WEEK}, {"weeks", WORD_UNIT, UNIT_WEEK}, {"were", WORD_BE, -1},
	{"west", WORD_ZONE, ZONE(1, 0)}, {"wet", WORD_ZONE, ZONE(0, 0)}, {"when", WORD_CONNECT, 0},
	{"where", WORD_CONNECT, 0}, {"which", WORD_CONNECT, 0}, {"while", WORD_CONNECT, 0},
	{"who", WORD_PRONOUN, 0}, {"wib", WORD_ZONE, ZONE(7, 0)}, {"will", WORD_PRONOUN, 0},
	{"windows", WORD_LABEL, 0}, {"with", WORD_CONNECT, 0}, {"within", WORD_WITHIN, 0},
	{"wk", WORD_UNIT, UNIT_WEEK}, {"wks", WORD_UNIT, UNIT_WEEK}, {"work", WORD_BUSINESS, 0},
	{"workday", WORD_WORKDAY, 0}, {"workdays", WORD_WORKDAY, 0}, {"working", WORD_BUSINESS, 0},
	{"would", WORD_PRONOUN, 0}, {"xmas", WORD_HOLIDAY, 0}, {"year", WORD_UNIT, UNIT_YEAR},
	{"yearly", WORD_OFTEN, UNIT_YEAR}, {"years", WORD_UNIT, UNIT_YEAR},
	{"yesterday", WORD_TODAY, -1}, {"you", WORD_PRONOUN, 0}, {"yr", WORD_UNIT, UNIT_YEAR},
	{"yrs", WORD_UNIT, UNIT_YEAR}, {"zero", WORD_CARDINAL, 0}, {"zip", WORD_LABEL, 0},
};
/* clang-format on */

/* Zones by which people mean a region, summer time included. */
static const char *const regions[] = {"America/New_York",    "America/Chicago",   "America/Denver",
									  "America/Los_Angeles", "America/Anchorage", "Europe/London",
									  "Europe/Berlin",       "Australia/Sydney",  "America/Halifax",
									  "Pacific/Honolulu"};

#define ENTRY_COUNT ((int) (sizeof(entries) / sizeof(entries[0])))

/* The longest word worth looking up, with room for its end. */
#define WORD_ROOM 16

/* The words that begin with one letter. */
typedef struct Range
{
	int first;
	int end;
	uint32_t lengths; /* a bit for each length that occurs */
} Range;

static Range ranges[128];
static bool ranges_known = false;

/* Most words of a text are none of ours: first letter and length tell that of nearly all of them. */
static void
learn_ranges(void)
{
	for (int i = 0; i < ENTRY_COUNT; i++)
	{
		Range *range = &ranges[(unsigned char) entries[i].text[0]];

		if (range->lengths == 0)
			range->first = i;
		range->end = i + 1;
		range->lengths |= UINT32_C(1) << strlen(entries[i].text);
	}
	ranges_known = true;
}

/*
 * The meaning of a word in lower case, WORD_NONE for one that has nothing to do with time.
 */
SchedWord
sched_time_find_word(const char *word, size_t length, int *value)
{
	char key[WORD_ROOM];
	const Range *range;
	int low;
	int high;

	*value = 0;
	if (length == 0 || length >= WORD_ROOM || (unsigned char) word[0] >= 128)
		return WORD_NONE;
	if (!ranges_known)
		learn_ranges();
	range = &ranges[(unsigned char) word[0]];
	if ((range->lengths & (UINT32_C(1) << length)) == 0)
		return WORD_NONE;
	low = range->first;
	high = range->end - 1;
	memcpy(key, word, length);
	key[length] = '\0';
	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(key, entries[middle].text);

		if (order == 0)
		{
			*value = entries[middle].value;
			return entries[middle].word;
		}
		if (order < 0)
			high = middle - 1;
		else
			low = middle + 1;
	}
	return WORD_NONE;
}

/* Does a word tell a time, rather than how two of them belong together? */
bool
sched_time_tells(SchedWord word)
{
	switch (word)
	{
		case WORD_MONTH:
		case WORD_WEEKDAY:
		case WORD_WEEKDAYS:
		case WORD_UNIT:
		case WORD_CARDINAL:
		case WORD_ORDINAL:
		case WORD_DAYPART:
		case WORD_CLOCK_NAME:
		case WORD_TODAY:
		case WORD_TONIGHT:
		case WORD_NOW:
		case WORD_END_OF:
		case WORD_CLOSE:
		case WORD_COB:
		case WORD_BUSINESS:
		case WORD_WORKDAY:
		case WORD_OFTEN:
		case WORD_HOLIDAY:
		case WORD_WEEKEND:
			return true;
		default:
			return false;
	}
}

/* The words that tell a time, one after the other; see when.h. */
const char *
sched_time_next_word(int *place)
{
	while (*place < ENTRY_COUNT)
	{
		const char *text = entries[*place].text;

		if (sched_time_tells(entries[(*place)++].word))
			return text;
	}
	return NULL;
}

/* The IANA name of a region that a word stands for. */
const char *
sched_time_name_region(int index)
{
	return regions[index];
}
