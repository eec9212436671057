/*
 * data_key_file.c - users' data keys on disk: read, made, sealed anew under another master key, destroyed.
 *
 * Runs in backends, workers and unit tests; plain system calls and libcrypto, no server, nothing throws. Every key and
 * every text with one is wiped before a function returns; a ring that is handed out belongs to the caller.
 *
 * A file is one line: the id of the master key, a blank, and in hex the seal over the keys, the user's id bound in. It
 * is only ever replaced by a whole new one (key_file.c), under the lock of the folder, so readers take no lock.
 *
 * The master key changes like this: `<file>.next` is made; each user's file is sealed under it; then it is renamed
 * over `<file>`. A crash at any point leaves both or the new one, and every file is sealed under one that is there;
 * whoever says it again goes on where it ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "identity/data_key_file.h"

#define UUID_CHARS 36
#define FILE_END ".key"
#define DRAFT_END ".new"
#define MAX_PLAIN (SCHED_MAX_RING_KEYS * SCHED_KEY_BYTES)
#define MAX_SEALED (MAX_PLAIN + SCHED_SEAL_OVERHEAD)
#define MAX_LINE (SCHED_KEY_ID_CHARS + 1 + 2 * MAX_SEALED + 1)

/* Bound in before the user's id, so that no other seal under the master key passes for a file of keys. */
static const char ring_label[] = "scheduler data keys";

typedef struct BoundOwner
{
	unsigned char bytes[sizeof(ring_label) + SCHED_OWNER_BYTES];
} BoundOwner;

static BoundOwner
bind_owner(const unsigned char *owner)
{
	BoundOwner bound;

	memcpy(bound.bytes, ring_label, sizeof(ring_label));
	memcpy(bound.bytes + sizeof(ring_label), owner, SCHED_OWNER_BYTES);
	return bound;
}

/* folder/01234567-89ab-cdef-0123-456789abcdef.key */
static bool
write_path(const SchedKeyPlace *place, const unsigned char *owner, const char *end, char *path,
		   size_t size)
{
	char hex[2 * SCHED_OWNER_BYTES];
	int length;

	sched_identity_write_hex(owner, SCHED_OWNER_BYTES, hex);
	length = snprintf(path, size, "%s/%.8s-%.4s-%.4s-%.4s-%.12s%s", place->folder, hex, hex + 8,
					  hex + 12, hex + 16, hex + 20, end);
	return length > 0 && (size_t) length < size;
}

bool
sched_identity_data_key_path(const SchedKeyPlace *place, const unsigned char *owner, char *path,
							 size_t size)
{
	return write_path(place, owner, FILE_END, path, size);
}

bool
sched_identity_read_owner(const char *name, unsigned char *owner)
{
	char hex[2 * SCHED_OWNER_BYTES];
	int n = 0;

	if (strlen(name) != UUID_CHARS + sizeof(FILE_END) - 1 ||
		strcmp(name + UUID_CHARS, FILE_END) != 0)
		return false;
	for (int i = 0; i < UUID_CHARS; i++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (name[i] == '-'))
			return false;
		if (!dash)
			hex[n++] = name[i];
	}
	return sched_identity_read_hex(hex, sizeof(hex), owner);
}

/* `<master key file>.next` */
static bool
write_next_path(const SchedKeyPlace *place, char *path, size_t size)
{
	return (size_t) snprintf(path, size, "%s.next", place->master_file) < size;
}

bool
sched_identity_has_next_master(const SchedKeyPlace *place)
{
	char path[PATH_MAX];

	return write_next_path(place, path, sizeof(path)) && access(path, F_OK) == 0;
}

/* The next master key, if there is one. */
static bool
read_next_master(const SchedKeyPlace *place, SchedKey *key)
{
	char path[PATH_MAX];

	return write_next_path(place, path, sizeof(path)) &&
		   sched_identity_read_key_file(path, place->data_directory, key) == SCHED_KEY_FILE_OK;
}

/* The master key of this id: the one in use or the one to come. */
static SchedDataKeyStatus
find_master(SchedKeyPlace *place, const char *id, SchedKey *key)
{
	place->master = sched_identity_read_key_file(place->master_file, place->data_directory, key);
	if (place->master == SCHED_KEY_FILE_OK && strcmp(key->id, id) == 0)
		return SCHED_DATA_KEY_OK;
	if (read_next_master(place, key) && strcmp(key->id, id) == 0)
	{
		place->master = SCHED_KEY_FILE_OK;
		return SCHED_DATA_KEY_OK;
	}
	sched_identity_wipe(key, sizeof(*key));
	return place->master == SCHED_KEY_FILE_OK ? SCHED_DATA_KEY_OTHER_MASTER
											  : SCHED_DATA_KEY_NO_MASTER;
}

/* What new files are sealed with: the master key to come, where its time has begun. */
static SchedDataKeyStatus
choose_master(SchedKeyPlace *place, SchedKey *key)
{
	if (read_next_master(place, key))
		return SCHED_DATA_KEY_OK;
	place->master = sched_identity_read_key_file(place->master_file, place->data_directory, key);
	return place->master == SCHED_KEY_FILE_OK ? SCHED_DATA_KEY_OK : SCHED_DATA_KEY_NO_MASTER;
}

/* The keys out of a line of known shape. */
static SchedDataKeyStatus
open_line(const SchedKey *master, const unsigned char *owner, const char *line, size_t length,
		  SchedKeyRing *ring)
{
	unsigned char sealed[MAX_SEALED];
	unsigned char plain[MAX_PLAIN];
	BoundOwner bound = bind_owner(owner);
	size_t sealed_length = length / 2;
	bool opened = sealed_length > SCHED_SEAL_OVERHEAD && sealed_length <= sizeof(sealed) &&
				  (sealed_length - SCHED_SEAL_OVERHEAD) % SCHED_KEY_BYTES == 0 &&
				  sched_identity_read_hex(line, length, sealed) &&
				  sched_identity_unseal(master, bound.bytes, sizeof(bound.bytes), sealed,
										sealed_length, plain);

	if (opened)
	{
		ring->n = (int) ((sealed_length - SCHED_SEAL_OVERHEAD) / SCHED_KEY_BYTES);
		for (int i = 0; i < ring->n; i++)
			sched_identity_set_key(&ring->keys[i], plain + i * SCHED_KEY_BYTES);
	}
	sched_identity_wipe(plain, sizeof(plain));
	return opened ? SCHED_DATA_KEY_OK : SCHED_DATA_KEY_DAMAGED;
}

/* What stands in a user's file, still sealed. */
static SchedDataKeyStatus
read_line(const SchedKeyPlace *place, const unsigned char *owner, char line[MAX_LINE + 1],
		  size_t *length, SchedKeyRing *ring)
{
	char path[PATH_MAX];

	if (!write_path(place, owner, FILE_END, path, sizeof(path)))
		return SCHED_DATA_KEY_REFUSED;
	switch (sched_identity_read_private_file(path, place->data_directory, line, MAX_LINE + 1,
											 length, &ring->file))
	{
		case SCHED_KEY_FILE_OK:
			break;
		case SCHED_KEY_FILE_MISSING:
			return SCHED_DATA_KEY_NONE;
		case SCHED_KEY_FILE_IN_DATA:
			return SCHED_DATA_KEY_IN_DATA;
		case SCHED_KEY_FILE_NOT_A_KEY:
			return SCHED_DATA_KEY_DAMAGED;
		default:
			return SCHED_DATA_KEY_REFUSED;
	}
	if (*length < SCHED_KEY_ID_CHARS + 2 || line[SCHED_KEY_ID_CHARS] != ' ' ||
		line[*length - 1] != '\n')
		return SCHED_DATA_KEY_DAMAGED;
	memcpy(ring->master_id, line, SCHED_KEY_ID_CHARS);
	ring->master_id[SCHED_KEY_ID_CHARS] = '\0';
	return SCHED_DATA_KEY_OK;
}

/*
 * Between the look at the user's file and at the master key's the latter may change its name: then the second look
 * finds it.
 */
SchedDataKeyStatus
sched_identity_read_ring(SchedKeyPlace *place, const unsigned char *owner, SchedKeyRing *ring)
{
	char line[MAX_LINE + 1];
	size_t length;
	SchedKey master;
	SchedDataKeyStatus status = SCHED_DATA_KEY_NONE;

	for (int look = 0; look < 3; look++)
	{
		memset(ring, 0, sizeof(*ring));
		place->master = SCHED_KEY_FILE_OK;
		status = read_line(place, owner, line, &length, ring);
		if (status == SCHED_DATA_KEY_OK)
			status = find_master(place, ring->master_id, &master);
		if (status != SCHED_DATA_KEY_OTHER_MASTER)
			break;
	}
	if (status == SCHED_DATA_KEY_OK)
		status = open_line(&master, owner, line + SCHED_KEY_ID_CHARS + 1,
						   length - SCHED_KEY_ID_CHARS - 2, ring);
	sched_identity_wipe(&master, sizeof(master));
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_wipe(ring, sizeof(*ring));
	return status;
}

/* The line of a file: id of the master key, a blank, the seal in hex, a line feed. */
static size_t
write_line(const SchedKey *master, const unsigned char *owner, const SchedKeyRing *ring,
		   char line[MAX_LINE])
{
	unsigned char plain[MAX_PLAIN];
	unsigned char sealed[MAX_SEALED];
	BoundOwner bound = bind_owner(owner);
	size_t plain_length = (size_t) ring->n * SCHED_KEY_BYTES;
	size_t length = SCHED_KEY_ID_CHARS + 2 + 2 * (plain_length + SCHED_SEAL_OVERHEAD);
	bool done;

	for (int i = 0; i < ring->n; i++)
		memcpy(plain + i * SCHED_KEY_BYTES, ring->keys[i].bytes, SCHED_KEY_BYTES);
	done =
		sched_identity_seal(master, bound.bytes, sizeof(bound.bytes), plain, plain_length, sealed);
	sched_identity_wipe(plain, sizeof(plain));
	if (!done)
		return 0;
	memcpy(line, master->id, SCHED_KEY_ID_CHARS);
	line[SCHED_KEY_ID_CHARS] = ' ';
	sched_identity_write_hex(sealed, plain_length + SCHED_SEAL_OVERHEAD,
							 line + SCHED_KEY_ID_CHARS + 1);
	line[length - 1] = '\n';
	return length;
}

/* A whole new file in the place of the old one. */
static SchedDataKeyStatus
write_ring(SchedKeyPlace *place, const unsigned char *owner, SchedKeyRing *ring, bool replaces)
{
	char path[PATH_MAX];
	char draft[PATH_MAX];
	char line[MAX_LINE];
	SchedKey master;
	size_t length;
	SchedDataKeyStatus status = choose_master(place, &master);

	if (status != SCHED_DATA_KEY_OK)
		return status;
	length = write_line(&master, owner, ring, line);
	memcpy(ring->master_id, master.id, sizeof(ring->master_id));
	sched_identity_wipe(&master, sizeof(master));
	if (length == 0 || !write_path(place, owner, FILE_END, path, sizeof(path)) ||
		!write_path(place, owner, DRAFT_END, draft, sizeof(draft)) ||
		!sched_identity_place_file(path, draft, line, length, replaces) ||
		stat(path, &ring->file) != 0)
		return SCHED_DATA_KEY_NOT_WRITABLE;
	return SCHED_DATA_KEY_OK;
}

/*
 * The lock is of the folder as a whole: writes are rare and short. It goes with the descriptor, so a process that
 * dies leaves none.
 */
int
sched_identity_lock_keys(const SchedKeyPlace *place)
{
	char path[PATH_MAX];
	int descriptor;

	if (sched_identity_is_in_directory(place->folder, place->data_directory) ||
		(size_t) snprintf(path, sizeof(path), "%s/", place->folder) >= sizeof(path))
	{
		errno = EINVAL;
		return -1;
	}
	descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0 && errno == ENOENT && sched_identity_make_folders(path))
		descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) != 0)
	{
		int saved = errno;

		close(descriptor);
		descriptor = -1;
		errno = saved;
	}
	return descriptor;
}

/*
 * Where two processes make a user's first key, the lock makes one of them second, and it finds the file; the file is
 * linked into its place besides, which fails where one lies there.
 */
SchedDataKeyStatus
sched_identity_add_key(SchedKeyPlace *place, const unsigned char *owner, SchedKeyRing *ring)
{
	char text[SCHED_KEY_FILE_CHARS + 1];
	SchedDataKeyStatus status = sched_identity_read_ring(place, owner, ring);
	bool fresh = status == SCHED_DATA_KEY_NONE;

	if (status != SCHED_DATA_KEY_OK && !fresh)
		return status;
	if (ring->n == SCHED_MAX_RING_KEYS)
		status = SCHED_DATA_KEY_FULL;
	else
	{
		memmove(&ring->keys[1], &ring->keys[0], sizeof(SchedKey) * (size_t) ring->n);
		ring->n++;
		status = sched_identity_make_key(text) &&
						 sched_identity_parse_key(text, SCHED_KEY_FILE_CHARS, &ring->keys[0])
					 ? write_ring(place, owner, ring, !fresh)
					 : SCHED_DATA_KEY_NOT_WRITABLE;
		sched_identity_wipe(text, sizeof(text));
	}
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_wipe(ring, sizeof(*ring));
	return status;
}

SchedDataKeyStatus
sched_identity_prune_ring(SchedKeyPlace *place, const unsigned char *owner, const char *first_id)
{
	SchedKeyRing ring;
	SchedDataKeyStatus status = sched_identity_read_ring(place, owner, &ring);

	if (status == SCHED_DATA_KEY_OK && strcmp(ring.keys[0].id, first_id) != 0)
		status = SCHED_DATA_KEY_UNKNOWN;
	else if (status == SCHED_DATA_KEY_OK && ring.n > 1)
	{
		ring.n = 1;
		status = write_ring(place, owner, &ring, true);
	}
	sched_identity_wipe(&ring, sizeof(ring));
	return status;
}

/* Random bytes over what was there, then the name goes. A file system that never overwrites keeps blocks all the same. */
static bool
shred_file(const char *path, bool *existed)
{
	char noise[MAX_LINE];
	struct stat status;
	int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	bool done = false;

	if (descriptor < 0)
		return errno == ENOENT;
	*existed = true;
	if (fstat(descriptor, &status) == 0 && sched_identity_fill_random(noise, sizeof(noise)))
	{
		done = true;
		for (off_t at = 0; done && at < status.st_size; at += (off_t) sizeof(noise))
		{
			size_t part = status.st_size - at < (off_t) sizeof(noise)
							  ? (size_t) (status.st_size - at)
							  : sizeof(noise);

			done = pwrite(descriptor, noise, part, at) == (ssize_t) part;
		}
		done = done && fsync(descriptor) == 0;
	}
	close(descriptor);
	/* A name that stays would be worse than bytes that stay behind it. */
	return unlink(path) == 0 && done;
}

/* The draft too: a process that died may have left one, and it holds the same keys. */
SchedDataKeyStatus
sched_identity_destroy_ring(const SchedKeyPlace *place, const unsigned char *owner)
{
	static const char *const ends[] = {DRAFT_END, FILE_END};
	char path[PATH_MAX];
	bool existed = false;
	bool done = true;

	for (int i = 0; i < 2; i++)
	{
		if (!write_path(place, owner, ends[i], path, sizeof(path)) || !shred_file(path, &existed))
			done = false;
	}
	if (existed && !sched_identity_sync_folder(path))
		done = false;
	if (!done)
		return SCHED_DATA_KEY_NOT_WRITABLE;
	return existed ? SCHED_DATA_KEY_OK : SCHED_DATA_KEY_NONE;
}

/* Only beside a master key that works: a change of one that is missing would hide that it is missing. */
SchedKeyFileStatus
sched_identity_make_next_master(const SchedKeyPlace *place)
{
	char path[PATH_MAX];
	SchedKey key;
	bool created;
	SchedKeyFileStatus status =
		sched_identity_read_key_file(place->master_file, place->data_directory, &key);

	sched_identity_wipe(&key, sizeof(key));
	if (status != SCHED_KEY_FILE_OK)
		return status;
	if (!write_next_path(place, path, sizeof(path)))
		return SCHED_KEY_FILE_NOT_WRITABLE;
	return sched_identity_create_key_file(path, place->data_directory, &created);
}

SchedDataKeyStatus
sched_identity_rewrap_ring(SchedKeyPlace *place, const unsigned char *owner)
{
	SchedKeyRing ring;
	SchedKey next;
	SchedDataKeyStatus status = sched_identity_read_ring(place, owner, &ring);

	if (status == SCHED_DATA_KEY_OK && !read_next_master(place, &next))
	{
		/* None any more: somebody else has ended the change. */
		if (sched_identity_has_next_master(place))
			status = SCHED_DATA_KEY_NO_MASTER;
	}
	else if (status == SCHED_DATA_KEY_OK && strcmp(ring.master_id, next.id) != 0)
		status = write_ring(place, owner, &ring, true);
	sched_identity_wipe(&next, sizeof(next));
	sched_identity_wipe(&ring, sizeof(ring));
	return status;
}

/* The old key's bytes are overwritten through a descriptor that was opened while the file had its name. */
bool
sched_identity_switch_master(const SchedKeyPlace *place)
{
	char path[PATH_MAX];
	char noise[SCHED_KEY_FILE_CHARS];
	int old = open(place->master_file, O_WRONLY | O_CLOEXEC);
	bool done = write_next_path(place, path, sizeof(path)) &&
				rename(path, place->master_file) == 0 &&
				sched_identity_sync_folder(place->master_file);

	if (old >= 0)
	{
		if (done)
			done = sched_identity_fill_random(noise, sizeof(noise)) &&
				   pwrite(old, noise, sizeof(noise), 0) == (ssize_t) sizeof(noise) &&
				   fsync(old) == 0;
		close(old);
	}
	return done;
}

const char *
sched_identity_data_key_problem(SchedDataKeyStatus status)
{
	switch (status)
	{
		case SCHED_DATA_KEY_OK:
			return "the data key is in order";
		case SCHED_DATA_KEY_NO_MASTER:
			return "the master key file is missing or refused";
		case SCHED_DATA_KEY_NONE:
			return "the user's data key is missing";
		case SCHED_DATA_KEY_REFUSED:
			return "the user's data key cannot be read or is open to others";
		case SCHED_DATA_KEY_IN_DATA:
			return "the folder of data keys lies in the data directory";
		case SCHED_DATA_KEY_OTHER_MASTER:
			return "the user's data key was sealed with another master key";
		case SCHED_DATA_KEY_DAMAGED:
			return "the file of the user's data key is damaged";
		case SCHED_DATA_KEY_UNKNOWN:
			return "the user's file has no such data key any more";
		case SCHED_DATA_KEY_FULL:
			return "the user has too many data keys that are still in use";
		case SCHED_DATA_KEY_NOT_WRITABLE:
			return "the folder of data keys cannot be written";
	}
	return "the data key has an unknown problem";
}

const char *
sched_identity_data_key_hint(SchedDataKeyStatus status)
{
	switch (status)
	{
		case SCHED_DATA_KEY_OK:
			return "";
		case SCHED_DATA_KEY_NO_MASTER:
			return "scheduler.doctor() says what is wrong with it.";
		case SCHED_DATA_KEY_NONE:
		case SCHED_DATA_KEY_UNKNOWN:
			return "Bring the file back from the copy of scheduler.key_dir; what a destroyed key "
				   "sealed cannot be read any more.";
		case SCHED_DATA_KEY_REFUSED:
			return "chmod 600 the file, 700 the folder, and give both to the server's operating "
				   "system user.";
		case SCHED_DATA_KEY_IN_DATA:
			return "Name another place in scheduler.key_dir: backups carry the data directory.";
		case SCHED_DATA_KEY_OTHER_MASTER:
			return "Bring back the master key file that belongs to scheduler.key_dir.";
		case SCHED_DATA_KEY_DAMAGED:
			return "Bring the file back from the copy of scheduler.key_dir.";
		case SCHED_DATA_KEY_FULL:
			return "Let scheduler.rotate_data_keys() finish in every database of this server.";
		case SCHED_DATA_KEY_NOT_WRITABLE:
			return "Let the server's operating system user write in scheduler.key_dir.";
	}
	return "";
}
