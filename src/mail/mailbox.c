/*
 * mailbox.c - reads mailboxes as streams.
 *
 * Pure but for the file system; runs in a backend (import_mailbox) and in the worker (mail.import,
 * mail.poll). One malloc'ed buffer holds one mail and is reused; a directory's names are held as
 * one sorted array. Nothing throws; failures are errno values in the mailbox. Files are opened
 * non-blocking and must be regular, so that a FIFO in a folder holds nobody up.
 *
 * mbox: a mail begins at a line "From " behind an empty line (or at the start). Unless the first
 * such line of the file itself lacks one, it must carry a time of day and a year, because old
 * writers did not escape body lines. ">From " loses one ">" (mboxrd).
 *
 * Positions: an mbox is resumed at a byte (the next From_ line, or somewhere inside a mail that is
 * being skipped), a directory behind a key in bytewise order. Maildir names begin with the time of
 * delivery, so what arrives during an import sorts behind; what does not is found by the next one,
 * because storing a mail twice changes nothing.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "mailbox.h"

#define CHUNK 131072
#define MAX_HEAD 262144 /* what is kept of a mail over the limit */

typedef struct FileEntry
{
	char *path; /* "cur/name" or "name", relative to the mailbox */
	size_t key; /* where the key begins in path */
	size_t key_length;
} FileEntry;

struct SchedMailbox
{
	SchedMailboxKind kind;
	char *path;
	size_t max_bytes;
	size_t reserved;
	int error;
	char *error_path;
	SchedMailBuffer mail; /* reserved bytes, then the current mail */

	/* mbox */
	int file;
	int64_t size;
	int64_t offset; /* of chunk[chunk_at] */
	char *chunk;
	size_t chunk_at;
	size_t chunk_end;
	bool at_eof;
	bool strict;   /* From_ lines carry dates in this file */
	bool bare;     /* the file does not begin with a From_ line: it is one mail */
	bool skipping; /* inside a mail that was too large */
	bool in_mail;  /* bytes of the current mail were read */
	bool blank;    /* the line before was empty */
	bool mid_line; /* the line before was the beginning of a very long one */
	bool over;     /* the current mail is over the limit */

	/* directories */
	FileEntry *files;
	size_t n_files;
	size_t next_file;
	char last_key[256];
};

/* The first error stays: what follows it is mostly its consequence. */
static void
set_error(SchedMailbox *box, int error, const char *path)
{
	if (box->error)
		return;
	box->error = error;
	box->error_path = strdup(path);
}

/*
 * Opens a regular file; -1 with errno. Looked at after opening, not before: in between somebody
 * could put a FIFO or a device in its place, and opening without blocking does no harm to either.
 */
static int
open_regular(const char *path, int64_t *size)
{
	struct stat status;
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (file < 0)
		return -1;
	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
	{
		*size = status.st_size;
		return file;
	}
	close(file);
	errno = EINVAL;
	return -1;
}

/* ---- mbox ---- */

/*
 * Makes at least one whole line, or CHUNK bytes of a longer one, available at chunk_at. false at
 * the end of the file and on errors, which are told apart by box->error.
 */
static bool
fill_chunk(SchedMailbox *box)
{
	size_t have = box->chunk_end - box->chunk_at;

	if (box->at_eof || memchr(box->chunk + box->chunk_at, '\n', have) || have >= CHUNK)
		return have > 0;
	memmove(box->chunk, box->chunk + box->chunk_at, have);
	box->chunk_at = 0;
	box->chunk_end = have;
	while (box->chunk_end < 2 * CHUNK && !box->at_eof)
	{
		ssize_t got = read(box->file, box->chunk + box->chunk_end, 2 * CHUNK - box->chunk_end);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			set_error(box, errno, box->path);
			return false;
		}
		if (got == 0)
			box->at_eof = true;
		box->chunk_end += (size_t) got;
	}
	return box->chunk_end > 0;
}

/* A time of day and a year of four digits, as writers of From_ lines put there. */
static bool
has_date(const char *line, size_t length)
{
	bool time = false;
	bool year = false;

	for (size_t i = 5; i + 4 < length && i < 200; i++)
	{
		const char *p = line + i;

		time |= isdigit((unsigned char) p[0]) && isdigit((unsigned char) p[1]) && p[2] == ':' &&
				isdigit((unsigned char) p[3]);
		year |= p[-1] == ' ' && (p[0] == '1' || p[0] == '2') && isdigit((unsigned char) p[1]) &&
				isdigit((unsigned char) p[2]) && isdigit((unsigned char) p[3]) &&
				!isdigit((unsigned char) p[4]);
	}
	return time && year;
}

/* Does a mail begin here? The caller has made sure that the line before was empty. */
static bool
is_from_line(const SchedMailbox *box, const char *line, size_t length)
{
	return length > 5 && memcmp(line, "From ", 5) == 0 && (!box->strict || has_date(line, length));
}

/* ">From " and ">>From " of mboxrd. */
static bool
is_escaped_from(const char *line, size_t length)
{
	size_t n = 0;

	while (n < length && line[n] == '>')
		n++;
	return n > 0 && length - n >= 5 && memcmp(line + n, "From ", 5) == 0;
}

/*
 * A mail over the limit: its head stays, up to the empty line. What is kept is again a mail, one
 * without a body, so nobody downstream needs to know.
 */
static void
drop_body(SchedMailbox *box)
{
	char *start = box->mail.data + box->reserved;
	size_t length = box->mail.length - box->reserved;
	size_t keep = length < MAX_HEAD ? length : MAX_HEAD;
	char *end = memmem(start, keep, "\n\n", 2);
	char *end_crlf = memmem(start, keep, "\n\r\n", 3);

	if (end_crlf && (end == NULL || end_crlf < end))
		keep = (size_t) (end_crlf - start) + 3;
	else if (end)
		keep = (size_t) (end - start) + 2;
	box->mail.length = box->reserved + keep;
}

/* Forgets the mail before and leaves the reserved bytes free. */
static void
begin_mail(SchedMailbox *box)
{
	box->mail.length = 0;
	for (size_t i = 0; i < box->reserved; i++)
		sched_mail_buffer_char(&box->mail, '\0');
	box->in_mail = true;
	box->over = false;
	box->blank = false;
}

/*
 * Hands out what is in the buffer. The bytes must not depend on where in the mailbox the mail
 * stands, because mails without a Message-ID are recognised by their hash.
 */
static SchedMailboxResult
finish_mail(SchedMailbox *box, SchedMailboxItem *item)
{
	memset(item, 0, sizeof(*item));
	item->too_large = box->over;
	if (box->over)
		drop_body(box);
	/* the empty line before the next From_ line is the mailbox's */
	else if (!box->bare && box->mail.length > box->reserved + 1 &&
			 box->mail.data[box->mail.length - 1] == '\n')
	{
		if (box->mail.data[box->mail.length - 2] == '\n')
			box->mail.length--;
		else if (box->mail.length > box->reserved + 2 &&
				 box->mail.data[box->mail.length - 2] == '\r' &&
				 box->mail.data[box->mail.length - 3] == '\n')
			box->mail.length -= 2;
	}
	item->data = box->mail.data;
	item->length = box->mail.length - box->reserved;
	box->in_mail = false;
	return SCHED_MAILBOX_MAIL;
}

/*
 * One line into the current mail; false where it now is over the limit. The limit is looked at
 * before anything is copied, so the buffer never holds more than one mail of the largest size
 * allowed.
 */
static bool
take_line(SchedMailbox *box, const char *line, size_t length)
{
	if (!box->bare && !box->mid_line && is_escaped_from(line, length))
	{
		line++;
		length--;
	}
	if (box->mail.length - box->reserved + length > box->max_bytes)
	{
		box->over = true;
		return false;
	}
	sched_mail_buffer_append(&box->mail, line, length);
	return true;
}

/*
 * Line by line. A mail is handed out when the next one begins, at the end of the file, or as soon
 * as it is over the limit; `skipping` then goes past the rest of it in the calls that follow.
 */
static SchedMailboxResult
next_from_mbox(SchedMailbox *box, size_t budget, SchedMailboxItem *item)
{
	size_t used = 0;

	while (fill_chunk(box))
	{
		const char *line = box->chunk + box->chunk_at;
		size_t have = box->chunk_end - box->chunk_at;
		const char *eol = memchr(line, '\n', have);
		size_t length = eol ? (size_t) (eol - line) + 1 : have;
		bool from = !box->bare && box->blank && !box->mid_line && is_from_line(box, line, length);

		if (from && box->in_mail)
			return finish_mail(box, item);
		/* a mail within the limit is read in one go: only then does every pause make progress */
		if (used > budget && !box->in_mail)
			return SCHED_MAILBOX_MORE;
		used += length;
		if (from)
			box->skipping = false;
		if (from || (box->bare && !box->in_mail && !box->skipping))
			begin_mail(box);
		if (!from && box->in_mail && !take_line(box, line, length))
		{
			/* handed out at once, so that a mail of gigabytes can be skipped in steps */
			box->skipping = true;
			return finish_mail(box, item);
		}
		if (box->mail.failed)
		{
			set_error(box, ENOMEM, box->path);
			return SCHED_MAILBOX_ERROR;
		}
		box->blank = !box->mid_line &&
					 (length == 1 ? line[0] == '\n' : length == 2 && memcmp(line, "\r\n", 2) == 0);
		box->mid_line = eol == NULL;
		box->chunk_at += length;
		box->offset += (int64_t) length;
	}
	if (box->error)
		return SCHED_MAILBOX_ERROR;
	return box->in_mail ? finish_mail(box, item) : SCHED_MAILBOX_END;
}

/* The first line with its line end. */
static size_t
measure_first_line(const SchedMailbox *box)
{
	const char *eol = memchr(box->chunk, '\n', box->chunk_end);

	return eol ? (size_t) (eol - box->chunk) + 1 : box->chunk_end;
}

/*
 * What the line before an offset was like stands in the file, so a position need not say it: a
 * reader may stop in front of any line, or inside a very long one.
 */
static void
look_back(SchedMailbox *box)
{
	char before[3];
	size_t wanted = box->offset < 3 ? (size_t) box->offset : 3;
	ssize_t n = pread(box->file, before, wanted, box->offset - (int64_t) wanted);

	if (n < 0)
		set_error(box, errno, box->path);
	if (n <= 0)
		return;
	box->mid_line = before[n - 1] != '\n';
	n--;
	if (n > 0 && before[n - 1] == '\r')
		n--;
	box->blank = !box->mid_line && (n > 0 ? before[n - 1] == '\n' : box->offset < 3);
}

/*
 * The first line decides how the file is read, also when reading goes on in its middle: so two
 * readers of one file always agree on where its mails begin.
 */
static void
open_mbox(SchedMailbox *box, const SchedMailboxPosition *from)
{
	box->kind = SCHED_MAILBOX_MBOX;
	box->file = open_regular(box->path, &box->size);
	box->chunk = malloc(2 * CHUNK);
	if (box->file < 0 || box->chunk == NULL)
	{
		set_error(box, box->file < 0 ? errno : ENOMEM, box->path);
		return;
	}
	if (!fill_chunk(box))
		return;
	/* what the first line looks like decides for the file */
	box->bare = box->chunk_end < 5 || memcmp(box->chunk, "From ", 5) != 0;
	box->strict = !box->bare && has_date(box->chunk, measure_first_line(box));
	box->blank = true;
	if (from->offset == 0 && !from->skipping)
		return;
	if (lseek(box->file, from->offset, SEEK_SET) < 0)
		set_error(box, errno, box->path);
	box->offset = from->offset;
	box->skipping = from->skipping;
	look_back(box);
	box->chunk_at = box->chunk_end = 0;
	box->at_eof = false;
}

/* ---- directories ---- */

/* By key, bytewise: the same order in every locale, because a stored position depends on it. */
static int
compare_entries(const void *a, const void *b)
{
	const FileEntry *x = a;
	const FileEntry *y = b;
	size_t n = x->key_length < y->key_length ? x->key_length : y->key_length;
	int order = memcmp(x->path + x->key, y->path + y->key, n);

	if (order != 0)
		return order;
	return x->key_length < y->key_length ? -1 : x->key_length > y->key_length;
}

/* The key of a file name: without the flags that a reader appends. */
static size_t
measure_key(const SchedMailbox *box, const char *name)
{
	const char *info = box->kind == SCHED_MAILBOX_MAILDIR ? strstr(name, ":2,") : NULL;

	return info ? (size_t) (info - name) : strlen(name);
}

/* Remembers one name; the array doubles. */
static void
add_file(SchedMailbox *box, const char *folder, const char *name, size_t *capacity)
{
	size_t folder_length = strlen(folder);
	FileEntry *entry;

	if (box->n_files == *capacity)
	{
		size_t wanted = *capacity ? *capacity * 2 : 256;
		FileEntry *files = realloc(box->files, wanted * sizeof(FileEntry));

		if (files == NULL)
		{
			set_error(box, ENOMEM, box->path);
			return;
		}
		box->files = files;
		*capacity = wanted;
	}
	entry = &box->files[box->n_files];
	entry->path = malloc(folder_length + strlen(name) + 1);
	if (entry->path == NULL)
	{
		set_error(box, ENOMEM, box->path);
		return;
	}
	memcpy(entry->path, folder, folder_length);
	memcpy(entry->path + folder_length, name, strlen(name) + 1);
	entry->key = folder_length;
	entry->key_length = measure_key(box, name);
	box->n_files++;
}

/* Hidden files are no mails, nor are names that a position could not hold. */
static bool
is_wanted_name(const SchedMailbox *box, const char *name)
{
	size_t n = strlen(name);

	if (name[0] == '.' || measure_key(box, name) >= sizeof(box->last_key))
		return false;
	return box->kind == SCHED_MAILBOX_MAILDIR || (n > 4 && strcasecmp(name + n - 4, ".eml") == 0);
}

/* "folder" is "", "new/" or "cur/". */
static void
scan_folder(SchedMailbox *box, const char *folder, bool required, size_t *capacity)
{
	char *path;
	DIR *dir;
	struct dirent *entry;

	if (asprintf(&path, "%s/%s", box->path, folder) < 0)
	{
		set_error(box, ENOMEM, box->path);
		return;
	}
	dir = opendir(path);
	if (dir == NULL && (required || errno != ENOENT))
		set_error(box, errno, path);
	while (dir && box->error == 0 && (entry = readdir(dir)) != NULL)
		if (is_wanted_name(box, entry->d_name))
			add_file(box, folder, entry->d_name, capacity);
	if (dir)
		closedir(dir);
	free(path);
}

/* Tells a Maildir from a folder of files. */
static bool
has_folder(const SchedMailbox *box, const char *name)
{
	struct stat status;
	char *path;
	bool found;

	if (asprintf(&path, "%s/%s", box->path, name) < 0)
		return false;
	/* one that may not be looked into is there too: opening it will say why not */
	found = stat(path, &status) == 0 ? S_ISDIR(status.st_mode) : errno == EACCES;
	free(path);
	return found;
}

/* Lists everything, sorts it and goes behind the last key of an earlier reader. */
static void
open_directory(SchedMailbox *box, const SchedMailboxPosition *from)
{
	size_t capacity = 0;

	box->kind = has_folder(box, "cur") || has_folder(box, "new") ? SCHED_MAILBOX_MAILDIR
																 : SCHED_MAILBOX_FOLDER;
	if (box->kind == SCHED_MAILBOX_MAILDIR)
	{
		scan_folder(box, "new/", false, &capacity);
		scan_folder(box, "cur/", false, &capacity);
	}
	else
		scan_folder(box, "", true, &capacity);
	if (box->n_files > 1)
		qsort(box->files, box->n_files, sizeof(FileEntry), compare_entries);
	memcpy(box->last_key, from->name, sizeof(box->last_key));
	box->last_key[sizeof(box->last_key) - 1] = '\0';
	while (from->name[0] && box->next_file < box->n_files)
	{
		FileEntry *entry = &box->files[box->next_file];
		FileEntry last = {.path = box->last_key, .key = 0, .key_length = strlen(box->last_key)};

		if (compare_entries(entry, &last) > 0)
			break;
		box->next_file++;
	}
}

/* A file that a mail program moved from new/ to cur/ meanwhile is looked for under its key. */
static int
open_entry(SchedMailbox *box, const FileEntry *entry, int64_t *size)
{
	char *path;
	int file;

	if (asprintf(&path, "%s/%s", box->path, entry->path) < 0)
		return -1;
	file = open_regular(path, size);
	free(path);
	if (file < 0 && errno == ENOENT && strncmp(entry->path, "new/", 4) == 0)
	{
		if (asprintf(&path, "%s/cur/%.*s:2,", box->path, (int) entry->key_length,
					 entry->path + entry->key) < 0)
			return -1;
		file = open_regular(path, size);
		free(path);
	}
	return file;
}

/*
 * Reads the file into the buffer; over the limit only its head. false with errno. The size may have
 * changed since it was opened: what counts is what is read.
 */
static bool
read_file(SchedMailbox *box, int file, bool over)
{
	size_t limit = over ? MAX_HEAD : box->max_bytes;

	while (box->mail.length - box->reserved < limit)
	{
		size_t left = limit - (box->mail.length - box->reserved);
		size_t n = left < CHUNK ? left : CHUNK;
		char *room = sched_mail_buffer_reserve(&box->mail, n);
		ssize_t got;

		if (room == NULL)
		{
			errno = ENOMEM;
			return false;
		}
		got = read(file, room, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		box->mail.length += (size_t) got;
	}
	return true;
}

/* The letters behind ":2,": S seen, F flagged, R replied, T trashed, D draft, P passed. */
static void
copy_flags(const FileEntry *entry, SchedMailboxItem *item)
{
	const char *info = entry->path + entry->key + entry->key_length;
	size_t n = 0;

	if (strncmp(info, ":2,", 3) != 0)
		return;
	for (info += 3; *info && n < sizeof(item->flags) - 1; info++)
		if (isalpha((unsigned char) *info))
			item->flags[n++] = *info;
}

/* The next file, or why it could not be read: one bad file is no reason to stop. */
static SchedMailboxResult
next_from_directory(SchedMailbox *box, SchedMailboxItem *item)
{
	const FileEntry *entry;
	int64_t size = 0;
	int file;

	if (box->next_file >= box->n_files)
		return SCHED_MAILBOX_END;
	entry = &box->files[box->next_file];
	memset(item, 0, sizeof(*item));
	memcpy(item->key, entry->path + entry->key, entry->key_length);
	copy_flags(entry, item);
	begin_mail(box);
	file = open_entry(box, entry, &size);
	box->over = size > 0 && (uint64_t) size > box->max_bytes;
	if (file < 0 || !read_file(box, file, box->over))
		snprintf(item->error, sizeof(item->error), "%s: %s", entry->path, strerror(errno));
	else
	{
		item->too_large = box->over;
		if (box->over)
			drop_body(box);
		item->data = box->mail.data;
		item->length = box->mail.length - box->reserved;
	}
	if (file >= 0)
		close(file);
	sched_mailbox_skip(box);
	return SCHED_MAILBOX_MAIL;
}

/* ---- both ---- */

/* What the path is decides: a file is an mbox, a folder with cur or new a Maildir. */
SchedMailbox *
sched_mailbox_open(const char *path, const SchedMailboxPosition *from, size_t max_bytes,
				   size_t reserved)
{
	SchedMailbox *box = calloc(1, sizeof(SchedMailbox));
	struct stat status;

	if (box == NULL)
		return NULL;
	box->file = -1;
	box->max_bytes = max_bytes;
	box->reserved = reserved;
	box->path = strdup(path);
	if (box->path == NULL)
	{
		free(box);
		return NULL;
	}
	sched_mail_buffer_init(&box->mail, max_bytes + reserved + 2 * CHUNK);
	if (stat(path, &status) != 0)
		set_error(box, errno, path);
	else if (S_ISDIR(status.st_mode))
		open_directory(box, from);
	else
		open_mbox(box, from);
	return box;
}

/* An error of the mailbox itself ends it; the position before it stays valid. */
SchedMailboxResult
sched_mailbox_next(SchedMailbox *box, size_t budget, SchedMailboxItem *item)
{
	if (box->error)
		return SCHED_MAILBOX_ERROR;
	if (box->kind == SCHED_MAILBOX_MBOX)
		return next_from_mbox(box, budget, item);
	return next_from_directory(box, item);
}

/* Names that are known already need not be opened: mail.poll asks before it reads. */
const char *
sched_mailbox_peek(const SchedMailbox *box)
{
	const FileEntry *entry;

	if (box->kind == SCHED_MAILBOX_MBOX || box->next_file >= box->n_files)
		return NULL;
	entry = &box->files[box->next_file];
	return entry->path + entry->key;
}

/* Goes past the next file and lets the position follow. */
void
sched_mailbox_skip(SchedMailbox *box)
{
	FileEntry *entry;

	if (box->next_file >= box->n_files)
		return;
	entry = &box->files[box->next_file++];
	memcpy(box->last_key, entry->path + entry->key, entry->key_length);
	box->last_key[entry->key_length] = '\0';
}

/*
 * Valid after every result but SCHED_MAILBOX_ERROR. The struct is zeroed first, so that equal
 * positions are equal bytes.
 */
void
sched_mailbox_position(const SchedMailbox *box, SchedMailboxPosition *position)
{
	memset(position, 0, sizeof(*position));
	position->offset = box->offset;
	position->skipping = box->skipping;
	memcpy(position->name, box->last_key, sizeof(position->name));
}

/* Known from opening on. */
SchedMailboxKind
sched_mailbox_kind(const SchedMailbox *box)
{
	return box->kind;
}

/* For progress: the file may grow while it is read. */
int64_t
sched_mailbox_total(const SchedMailbox *box)
{
	return box->kind == SCHED_MAILBOX_MBOX ? box->size : (int64_t) box->n_files;
}

/* In the unit of sched_mailbox_total(). */
int64_t
sched_mailbox_done(const SchedMailbox *box)
{
	return box->kind == SCHED_MAILBOX_MBOX ? box->offset : (int64_t) box->next_file;
}

/* The path is the mailbox's own, or the folder in it that could not be listed. */
int
sched_mailbox_error(const SchedMailbox *box, const char **path)
{
	if (path)
		*path = box->error_path ? box->error_path : box->path;
	return box->error;
}

/* NULL is allowed; an item handed out before is gone with the mailbox. */
void
sched_mailbox_close(SchedMailbox *box)
{
	if (box == NULL)
		return;
	for (size_t i = 0; i < box->n_files; i++)
		free(box->files[i].path);
	free(box->files);
	sched_mail_buffer_free(&box->mail);
	free(box->chunk);
	free(box->error_path);
	free(box->path);
	if (box->file >= 0)
		close(box->file);
	free(box);
}
