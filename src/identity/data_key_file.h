/*
 * data_key_file.h - the files with users' data keys, and the change of the master key. Pure but for these files.
 *
 * A user's file holds his keys, sealed together under the master key with his id bound in. The first key seals,
 * the others only open what was sealed before it came. Whoever writes holds the lock of the folder.
 */
#ifndef SCHED_IDENTITY_DATA_KEY_FILE_H
#define SCHED_IDENTITY_DATA_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "identity/key_file.h"
#include "identity/seal.h"

#define SCHED_MAX_RING_KEYS 8
#define SCHED_OWNER_BYTES 16 /* a user's id */

typedef enum SchedDataKeyStatus
{
	SCHED_DATA_KEY_OK,
	SCHED_DATA_KEY_NO_MASTER, /* the master key file has a problem: `master` of the place says which */
	SCHED_DATA_KEY_NONE,      /* the user has no file: never made, or destroyed */
	SCHED_DATA_KEY_REFUSED,      /* unreadable, of another owner, open to others */
	SCHED_DATA_KEY_IN_DATA,      /* the folder lies in the data directory */
	SCHED_DATA_KEY_OTHER_MASTER, /* sealed with a master key that is not here */
	SCHED_DATA_KEY_DAMAGED,
	SCHED_DATA_KEY_UNKNOWN, /* the file has no key of this id any more */
	SCHED_DATA_KEY_FULL,    /* too many keys that still open something */
	SCHED_DATA_KEY_NOT_WRITABLE
} SchedDataKeyStatus;

/* Where keys lie. `master` is an answer: what was wrong with the master key file. */
typedef struct SchedKeyPlace
{
	const char *master_file;
	const char *folder;
	const char *data_directory;
	SchedKeyFileStatus master;
} SchedKeyPlace;

typedef struct SchedKeyRing
{
	char master_id[SCHED_KEY_ID_CHARS + 1]; /* the master key that the file is sealed with */
	int n;
	SchedKey keys[SCHED_MAX_RING_KEYS]; /* the first one seals */
	struct stat file;                   /* which file this was read from */
} SchedKeyRing;

/* The path of a user's file. */
extern bool sched_identity_data_key_path(const SchedKeyPlace *place, const unsigned char *owner,
										 char *path, size_t size);

/* All keys of a user; the ring is zeroed unless SCHED_DATA_KEY_OK, and the caller wipes it. */
extern SchedDataKeyStatus sched_identity_read_ring(SchedKeyPlace *place, const unsigned char *owner,
												   SchedKeyRing *ring);

/* Makes the folder where missing and takes its lock, without waiting; a descriptor to close, or -1 with errno. */
extern int sched_identity_lock_keys(const SchedKeyPlace *place);

/* With the lock: a new first key, in a new file where there was none. */
extern SchedDataKeyStatus sched_identity_add_key(SchedKeyPlace *place, const unsigned char *owner,
												 SchedKeyRing *ring);

/* With the lock: all keys but the first one go, unless another was made first meanwhile. */
extern SchedDataKeyStatus
sched_identity_prune_ring(SchedKeyPlace *place, const unsigned char *owner, const char *first_id);

/* With the lock: overwrites and unlinks all that there is of a user's keys; whether there was anything. */
extern SchedDataKeyStatus sched_identity_destroy_ring(const SchedKeyPlace *place,
													  const unsigned char *owner);

/* With the lock: the next master key, made where it is missing. */
extern SchedKeyFileStatus sched_identity_make_next_master(const SchedKeyPlace *place);

/* Whether a change of the master key was begun and not ended. */
extern bool sched_identity_has_next_master(const SchedKeyPlace *place);

/* With the lock: seals a user's file under the next master key, if it is not yet. */
extern SchedDataKeyStatus sched_identity_rewrap_ring(SchedKeyPlace *place,
													 const unsigned char *owner);

/* With the lock, once no file needs the old one: the next master key takes its place, and the old one is destroyed. */
extern bool sched_identity_switch_master(const SchedKeyPlace *place);

/* The owner that a file's name in the folder stands for; false where it is no such name. */
extern bool sched_identity_read_owner(const char *name, unsigned char *owner);

extern const char *sched_identity_data_key_problem(SchedDataKeyStatus status);
extern const char *sched_identity_data_key_hint(SchedDataKeyStatus status);

#endif
