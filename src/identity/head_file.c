/*
 * head_file.c - reads and replaces the file that holds the number and hash of the audit log's last seal.
 *
 * Pure but for that file; runs in backends and workers, also in the callback of a commit, where nothing may throw:
 * a failure is a return value with errno. The text is "<number> <64 hex digits>\n".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/head_file.h"

/* A number, a blank, the digits, a line feed and a NUL. */
#define HEAD_CHARS 128

SchedHeadStatus
sched_identity_read_head(const char *path, SchedAuditHead *head)
{
	char text[HEAD_CHARS];
	long long number;
	int start = 0;
	ssize_t length;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	memset(head, 0, sizeof(*head));
	if (descriptor < 0)
		return errno == ENOENT || errno == ENOTDIR ? SCHED_HEAD_ABSENT : SCHED_HEAD_BROKEN;
	length = read(descriptor, text, sizeof(text) - 1);
	close(descriptor);
	if (length <= 0)
		return SCHED_HEAD_BROKEN;
	text[length] = '\0';
	if (sscanf(text, "%lld %n", &number, &start) != 1 || start == 0 || number < 1 ||
		strlen(text + start) < 2 * SCHED_DIGEST_BYTES)
		return SCHED_HEAD_BROKEN;
	for (int i = 0; i < SCHED_DIGEST_BYTES; i++)
	{
		unsigned int byte;

		if (sscanf(text + start + 2 * i, "%2x", &byte) != 1)
			return SCHED_HEAD_BROKEN;
		head->hash[i] = (unsigned char) byte;
	}
	head->number = number;
	return SCHED_HEAD_OK;
}

/* The whole text, on disk before the name is given. */
static bool
write_file(const char *path, const char *text, size_t length)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	bool written;

	if (descriptor < 0)
		return false;
	written = write(descriptor, text, length) == (ssize_t) length && fsync(descriptor) == 0;
	return close(descriptor) == 0 && written;
}

bool
sched_identity_write_head(const char *path, const SchedAuditHead *head)
{
	char temporary[PATH_MAX];
	char text[HEAD_CHARS];
	int length = snprintf(text, sizeof(text), "%lld ", (long long) head->number);

	for (int i = 0; i < SCHED_DIGEST_BYTES; i++)
		length += snprintf(text + length, sizeof(text) - length, "%02x", head->hash[i]);
	text[length++] = '\n';
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int) sizeof(temporary))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	return write_file(temporary, text, (size_t) length) && rename(temporary, path) == 0;
}
