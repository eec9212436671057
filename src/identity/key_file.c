/*
 * key_file.c - reading, checking and creating the master key file.
 *
 * Runs in backends, workers and unit tests; plain system calls, no server, no memory kept, nothing throws. The
 * rule for owner and mode is the server's own one for its TLS key: ours and nobody else's, or root's and
 * readable by a group (a mounted secret).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/key_file.h"

/* The folder of a path, into a caller's buffer; false where it does not fit. */
static bool
copy_folder(const char *path, char *folder, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t) (slash - path);

	if (slash == NULL || length >= size)
		return false;
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (length == 0)
		strncpy(folder, "/", size);
	return true;
}

/*
 * Links are resolved. What does not exist yet is judged by the nearest folder above it that does; a relative path
 * starts where the server runs, which is its data directory.
 */
bool
sched_identity_is_in_directory(const char *path, const char *directory)
{
	char place[PATH_MAX];
	char real_place[PATH_MAX];
	char real_directory[PATH_MAX];
	size_t length;

	if (strlen(path) >= sizeof(place) || realpath(directory, real_directory) == NULL)
		return false;
	memcpy(place, path, strlen(path) + 1);
	while (realpath(place, real_place) == NULL)
	{
		char *slash = strrchr(place, '/');

		if (strcmp(place, ".") == 0 || strcmp(place, "/") == 0)
			return false;
		if (slash == NULL)
			memcpy(place, ".", sizeof("."));
		else if (slash == place)
			place[1] = '\0';
		else
			*slash = '\0';
	}
	length = strlen(real_directory);
	return strncmp(real_place, real_directory, length) == 0 &&
		   (real_place[length] == '/' || real_place[length] == '\0');
}

/*
 * By the open descriptor, so that what was checked is what is read. Ours and nobody else's, or root's
 * and readable by a group: how containers mount secrets.
 */
static SchedKeyFileStatus
check_file(int descriptor)
{
	struct stat file;

	if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode))
		return SCHED_KEY_FILE_UNREADABLE;
	if (file.st_uid != geteuid() && file.st_uid != 0)
		return SCHED_KEY_FILE_WRONG_OWNER;
	if (file.st_mode & (file.st_uid == geteuid() ? S_IRWXG | S_IRWXO : S_IWGRP | S_IXGRP | S_IRWXO))
		return SCHED_KEY_FILE_WRONG_MODE;
	return SCHED_KEY_FILE_OK;
}

/* Whoever may write the folder may put another file in its place. */
static SchedKeyFileStatus
check_folder(const char *path)
{
	char folder[PATH_MAX];
	struct stat status;

	if (!copy_folder(path, folder, sizeof(folder)) || stat(folder, &status) != 0)
		return SCHED_KEY_FILE_UNREADABLE;
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX))
		return SCHED_KEY_FILE_OPEN_FOLDER;
	return SCHED_KEY_FILE_OK;
}

/*
 * Refusals first, the content last: nothing of a file that others could have written is looked at.
 * O_NONBLOCK, because opening a FIFO in its place would wait for ever. What is longer than the buffer is not cut but
 * refused.
 */
SchedKeyFileStatus
sched_identity_read_private_file(const char *path, const char *data_directory, char *text,
								 size_t size, size_t *length, struct stat *identity)
{
	SchedKeyFileStatus status;
	ssize_t got = 0;
	int descriptor;

	*length = 0;
	/* A base backup would carry the key away with what it seals. */
	if (sched_identity_is_in_directory(path, data_directory))
		return SCHED_KEY_FILE_IN_DATA;
	descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (descriptor < 0)
		return errno == ENOENT || errno == ENOTDIR ? SCHED_KEY_FILE_MISSING
												   : SCHED_KEY_FILE_UNREADABLE;
	status = check_file(descriptor);
	if (status == SCHED_KEY_FILE_OK)
		status = check_folder(path);
	if (status == SCHED_KEY_FILE_OK)
	{
		got = read(descriptor, text, size);
		if (got < 0 || fstat(descriptor, identity) != 0)
			status = SCHED_KEY_FILE_UNREADABLE;
		else if ((size_t) got == size)
			status = SCHED_KEY_FILE_NOT_A_KEY;
	}
	close(descriptor);
	*length = got > 0 ? (size_t) got : 0;
	return status;
}

/* The text is wiped whatever it was. */
SchedKeyFileStatus
sched_identity_read_key_file(const char *path, const char *data_directory, SchedKey *key)
{
	char text[4 * SCHED_KEY_FILE_CHARS];
	size_t length;
	struct stat identity;
	SchedKeyFileStatus status;

	sched_identity_wipe(key, sizeof(*key));
	status = sched_identity_read_private_file(path, data_directory, text, sizeof(text), &length,
											  &identity);
	if (status == SCHED_KEY_FILE_OK && !sched_identity_parse_key(text, length, key))
		status = SCHED_KEY_FILE_NOT_A_KEY;
	sched_identity_wipe(text, sizeof(text));
	return status;
}

/* mkdir -p with mode 0700 for what is made here; false with errno. */
bool
sched_identity_make_folders(const char *path)
{
	char folder[PATH_MAX];

	if (!copy_folder(path, folder, sizeof(folder)))
	{
		errno = EINVAL;
		return false;
	}
	for (char *slash = strchr(folder + 1, '/');; slash = strchr(slash + 1, '/'))
	{
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST)
			return false;
		if (slash == NULL)
			return true;
		*slash = '/';
	}
}

/* What a folder holds is safe from a power failure only once the folder itself is; false with errno. */
bool
sched_identity_sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int descriptor;
	bool synced;

	if (!copy_folder(path, folder, sizeof(folder)))
		return false;
	descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return false;
	synced = fsync(descriptor) == 0;
	close(descriptor);
	return synced;
}

/* A file that could not be written to its end is taken away again; false with errno. */
static bool
write_file(const char *path, const char *text, size_t length)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int saved;
	bool written;

	if (descriptor < 0)
		return false;
	written = write(descriptor, text, length) == (ssize_t) length && fsync(descriptor) == 0;
	saved = errno;
	if (close(descriptor) != 0 || !written)
	{
		unlink(path);
		errno = saved;
		return false;
	}
	return true;
}

/*
 * Written and synced under the name `draft`, then put in place at once: nobody ever sees half a file, whatever dies
 * when. Unless it replaces, whoever is second, or finds a link lying there, fails (EEXIST). A draft of a
 * process that died is in nobody's way: the caller sees to it that its name is nobody else's.
 */
bool
sched_identity_place_file(const char *path, const char *draft, const char *text, size_t length,
						  bool replaces)
{
	int saved;
	bool placed;

	if (!sched_identity_make_folders(path))
		return false;
	if (unlink(draft) != 0 && errno != ENOENT)
		return false;
	if (!write_file(draft, text, length))
		return false;
	placed = replaces ? rename(draft, path) == 0 : link(draft, path) == 0;
	saved = errno;
	if (!placed || !replaces)
		unlink(draft);
	placed = placed && sched_identity_sync_folder(path);
	errno = saved;
	return placed;
}

bool
sched_identity_write_private_file(const char *path, const char *text, size_t length)
{
	char draft[PATH_MAX];

	if ((size_t) snprintf(draft, sizeof(draft), "%s.%ld", path, (long) getpid()) >= sizeof(draft))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	return sched_identity_place_file(path, draft, text, length, false);
}

/*
 * An existing file is never touched, whatever is wrong with it: the secrets sealed with it would be lost.
 * What was written is read back, so that `created` means a key that works.
 */
SchedKeyFileStatus
sched_identity_create_key_file(const char *path, const char *data_directory, bool *created)
{
	SchedKey key;
	SchedKeyFileStatus status = sched_identity_read_key_file(path, data_directory, &key);
	char text[SCHED_KEY_FILE_CHARS + 1];

	*created = false;
	if (status == SCHED_KEY_FILE_MISSING)
	{
		if (sched_identity_make_key(text) &&
			sched_identity_write_private_file(path, text, SCHED_KEY_FILE_CHARS))
		{
			*created = true;
			status = sched_identity_read_key_file(path, data_directory, &key);
		}
		else
			status = SCHED_KEY_FILE_NOT_WRITABLE;
		sched_identity_wipe(text, sizeof(text));
	}
	sched_identity_wipe(&key, sizeof(key));
	return status;
}

/*
 * Starts the DETAIL of errors and the detail of doctor(). No default case: the compiler names a status that
 * was forgotten.
 */
const char *
sched_identity_key_file_problem(SchedKeyFileStatus status)
{
	switch (status)
	{
		case SCHED_KEY_FILE_OK:
			return "the master key file is in order";
		case SCHED_KEY_FILE_MISSING:
			return "the master key file is missing";
		case SCHED_KEY_FILE_UNREADABLE:
			return "the master key file cannot be read";
		case SCHED_KEY_FILE_WRONG_OWNER:
			return "the master key file belongs to another user";
		case SCHED_KEY_FILE_WRONG_MODE:
			return "the master key file is open to others";
		case SCHED_KEY_FILE_OPEN_FOLDER:
			return "the folder of the master key file is writable by others";
		case SCHED_KEY_FILE_IN_DATA:
			return "the master key file lies in the data directory";
		case SCHED_KEY_FILE_NOT_A_KEY:
			return "the master key file does not hold 64 hex digits";
		case SCHED_KEY_FILE_NOT_WRITABLE:
			return "the master key file cannot be created";
	}
	return "the master key file has an unknown problem";
}

/*
 * The line that helps, for each status.
 */
const char *
sched_identity_key_file_hint(SchedKeyFileStatus status)
{
	switch (status)
	{
		case SCHED_KEY_FILE_OK:
			return "";
		case SCHED_KEY_FILE_MISSING:
			return "scheduler.setup() creates it; after a move to another machine copy the old "
				   "one.";
		case SCHED_KEY_FILE_UNREADABLE:
			return "Make it a plain file that the server's operating system user can read.";
		case SCHED_KEY_FILE_WRONG_OWNER:
			return "Give it to the server's operating system user.";
		case SCHED_KEY_FILE_WRONG_MODE:
			return "chmod 600";
		case SCHED_KEY_FILE_OPEN_FOLDER:
			return "chmod 700 the folder.";
		case SCHED_KEY_FILE_IN_DATA:
			return "Name another place in scheduler.master_key_file: backups carry the data "
				   "directory.";
		case SCHED_KEY_FILE_NOT_A_KEY:
			return "Restore it from its copy; secrets sealed with a lost key have to be set again.";
		case SCHED_KEY_FILE_NOT_WRITABLE:
			return "Name a folder that the server's operating system user can write in "
				   "scheduler.master_key_file.";
	}
	return "";
}
