/*
 * answer_fuzz.c - an HTTP answer as libcurl hands it over, line by line and piece by piece, with limits;
 * then what we read out of its headers: Retry-After and Location.
 */
#include "fuzz.h"
#include "http/answer.h"
#include "http/retry_after.h"
#include "http/target.h"

#define MAX_BODY 5000

static void
read_headers(const SchedHttpAnswer *answer)
{
	const char *location = sched_answer_header(answer, "location");
	int64_t pause =
		sched_retry_after_ms(sched_answer_header(answer, "retry-after-ms"),
							 sched_answer_header(answer, "retry-after"), INT64_C(1772528340));
	SchedTarget target;

	CHECK(pause >= -1 && pause <= SCHED_RETRY_AFTER_MAX_MS);
	if (location == NULL)
		return;
	if (sched_target_parse(&target, "https://api.example.org/v1/x?y", location) == NULL)
		CHECK(target.host != NULL && target.host[0] != '\0' && target.port > 0);
	else
		CHECK(target.url == NULL);
	sched_target_clear(&target);
}

/* Header lines up to an empty one, as libcurl gives them; where a NUL stands it gives none. */
static void
take_answer(SchedReceiver *receiver, const uint8_t *data, size_t size)
{
	while (size > 0)
	{
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end != NULL ? (size_t) (end - data) + 1 : size;
		char *line = copy_bytes(data, length);
		bool empty = length <= 2 && (line[0] == '\r' || line[0] == '\n');
		bool more =
			memchr(line, '\0', length) == NULL && sched_answer_take_header(receiver, line, length);

		free(line);
		if (!more)
			return;
		data += length;
		size -= length;
		if (empty)
			break;
	}
	while (size > 0)
	{
		size_t length = 1 + (size_t) data[0] * 8;
		char *piece;
		bool more;

		if (length > size)
			length = size;
		piece = copy_bytes(data, length);
		more = sched_answer_take_body(receiver, piece, length);
		free(piece);
		if (!more)
			return;
		data += length;
		size -= length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedHttpAnswer *answer = calloc(1, sizeof(*answer));
	size_t total = 0;
	SchedReceiver receiver = {
		.answer = answer, .max_body = MAX_BODY, .total_room = &total, .max_total = 16384};

	CHECK(answer != NULL);
	take_answer(&receiver, data, size);
	CHECK(answer->body_length <= MAX_BODY && answer->n_headers <= SCHED_ANSWER_MAX_HEADERS);
	CHECK(total == receiver.body_room);
	if (answer->body != NULL)
		CHECK(answer->body[answer->body_length] == '\0');
	read_headers(answer);
	/* The words of a failure may come from anywhere. */
	if (receiver.stop != SCHED_ANSWER_GOES_ON && answer->n_headers > 0)
	{
		char *words = copy_string(data, size);

		sched_answer_release(&receiver);
		sched_answer_fail(answer, SCHED_HTTP_TOO_LARGE, words);
		check_text(answer->error);
		free(words);
	}
	else
		sched_answer_release(&receiver);
	CHECK(total == 0);
	sched_http_free_answer(answer);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}
