/*
 * data_key.c - users' data keys in a process: found, kept for moments, forgotten.
 *
 * Runs in backends and workers. Opening a user's file takes some forty microseconds (two files, their owners and
 * folders, one decryption), which is more than a call may pay for its secret; so opened keys are kept in one static area
 * outside every memory context: locked into memory where the system allows it, left out of core dumps, not given to
 * child processes. A key is kept
 * - in a backend until its transaction ends,
 * - in a worker for KEEP_MS, looked at whenever a transaction ends, so that an idle worker has none after its next poll,
 * - never longer than its file and the master key's: each use asks for the identity of both, so a key that was
 *   destroyed, replaced or taken away is not used once more, in no process.
 * It is wiped when it is pushed out, on error and on exit.
 */
#include "postgres.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/settings.h"
#include "identity/data_key.h"
#include "identity/secret.h"

/* More users than one batch of the worker has. */
#define KEPT_RINGS 128
#define KEEP_MS 10000
#define LOCK_WAIT_MS 60000
#define LOCK_STEP_MS 5

typedef struct KeptRing
{
	pg_uuid_t user_id;
	TimestampTz opened_at; /* 0: an empty place */
	uint64 used;
	struct stat master; /* the master key file when the ring was opened */
	SchedKeyRing ring;
} KeptRing;

static KeptRing *kept = NULL;
static int n_kept = 0;
static uint64 uses = 0;

/* The home of the server's OS user; asked for once, for it may cost a look into a directory service. */
static const char *
home_folder(void)
{
	static char home[MAXPGPATH];
	struct passwd *account;

	if (home[0] == '\0' && (account = getpwuid(geteuid())) != NULL)
		strlcpy(home, account->pw_dir, sizeof(home));
	return home;
}

/*
 * scheduler.master_key_file, else below the home of the server's OS user, in a folder of this cluster's own: two
 * clusters of one user must not share a key by accident.
 */
static const char *
master_file(void)
{
	static char path[MAXPGPATH];

	if (sched_master_key_file[0] != '\0')
		return sched_master_key_file;
	if (path[0] == '\0')
		snprintf(path, sizeof(path), "%s/.scheduler/" UINT64_FORMAT "/master.key", home_folder(),
				 GetSystemIdentifier());
	return path;
}

char *
sched_identity_find_key_file(void)
{
	return pstrdup(master_file());
}

SchedKeyPlace
sched_identity_key_place(void)
{
	static char folder[MAXPGPATH];
	SchedKeyPlace place = {.master_file = master_file(), .data_directory = DataDir};
	const char *slash = strrchr(place.master_file, '/');

	place.folder = sched_key_dir;
	if (sched_key_dir[0] == '\0')
	{
		snprintf(folder, sizeof(folder), "%.*s/users",
				 slash != NULL ? (int) (slash - place.master_file) : 0, place.master_file);
		place.folder = folder;
	}
	return place;
}

static void
forget_ring(KeptRing *ring)
{
	if (ring->opened_at != 0)
		n_kept--;
	sched_identity_wipe(ring, sizeof(*ring));
}

void
sched_identity_forget_keys(void)
{
	if (n_kept > 0)
		sched_identity_wipe(kept, sizeof(KeptRing) * KEPT_RINGS);
	n_kept = 0;
}

/* An idle backend holds no key; a worker goes from call to call and keeps them for moments. */
static void
forget_at_end(XactEvent event, void *arg)
{
	TimestampTz now;

	if (n_kept == 0 ||
		(event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	if (event != XACT_EVENT_COMMIT || MyBgworkerEntry == NULL)
	{
		sched_identity_forget_keys();
		return;
	}
	now = GetCurrentTimestamp();
	for (int i = 0; i < KEPT_RINGS; i++)
	{
		if (kept[i].opened_at != 0 && TimestampDifferenceExceeds(kept[i].opened_at, now, KEEP_MS))
			forget_ring(&kept[i]);
	}
}

static void
forget_at_exit(int code, Datum arg)
{
	sched_identity_forget_keys();
}

/*
 * Pages of their own, so that locking and leaving them out of dumps touches nothing else. That the system refuses
 * either (RLIMIT_MEMLOCK) is no reason not to work.
 */
static bool
make_area(void)
{
	Size size = sizeof(KeptRing) * KEPT_RINGS;
	void *area;

	if (kept != NULL)
		return true;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return false;
	(void) mlock(area, size);
#ifdef MADV_DONTDUMP
	(void) madvise(area, size, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
	(void) madvise(area, size, MADV_WIPEONFORK);
#endif
	kept = area;
	RegisterXactCallback(forget_at_end, NULL);
	on_proc_exit(forget_at_exit, 0);
	return true;
}

/* Whether the file that a ring was read from is still there, untouched. */
static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		   a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		   a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* A user's place in the area: his own, else an empty one, else the one not used for longest. */
static KeptRing *
choose_place(const pg_uuid_t *user_id)
{
	KeptRing *chosen = &kept[0];

	for (int i = 0; i < KEPT_RINGS; i++)
	{
		if (kept[i].opened_at != 0 && memcmp(&kept[i].user_id, user_id, UUID_LEN) == 0)
			return &kept[i];
		if (kept[i].used < chosen->used)
			chosen = &kept[i];
	}
	if (chosen->opened_at != 0)
		forget_ring(chosen);
	return chosen;
}

/* Whether a kept ring is what would be read now. */
static bool
is_current(const KeptRing *own, const char *path, const char *master_path)
{
	struct stat now;

	return own->opened_at != 0 && stat(path, &now) == 0 && is_same_file(&now, &own->ring.file) &&
		   stat(master_path, &now) == 0 && is_same_file(&now, &own->master);
}

/*
 * A user's keys as his file has them now. Two stat() are what a kept key costs; files are only ever replaced as a whole,
 * and destroyed by unlinking, so they tell every change.
 */
static SchedDataKeyStatus
open_ring(const pg_uuid_t *user_id, SchedKeyPlace *place, const SchedKeyRing **ring)
{
	char path[MAXPGPATH];
	KeptRing *own;
	SchedDataKeyStatus status;

	*ring = NULL;
	place->master = SCHED_KEY_FILE_OK;
	if (!make_area() || !sched_identity_data_key_path(place, user_id->data, path, sizeof(path)))
		return SCHED_DATA_KEY_REFUSED;
	own = choose_place(user_id);
	own->used = ++uses;
	if (!is_current(own, path, place->master_file))
	{
		if (own->opened_at != 0)
			forget_ring(own);
		/* Before the file is read: what is put in its place meanwhile shows the next time. */
		if (stat(place->master_file, &own->master) != 0)
			memset(&own->master, 0, sizeof(own->master));
		status = sched_identity_read_ring(place, user_id->data, &own->ring);
		if (status != SCHED_DATA_KEY_OK)
			return status;
		own->user_id = *user_id;
		own->opened_at = GetCurrentTimestamp();
		own->used = uses;
		n_kept++;
	}
	*ring = &own->ring;
	return SCHED_DATA_KEY_OK;
}

SchedDataKeyStatus
sched_identity_find_data_key(SchedKeyPlace *place, const pg_uuid_t *user_id, const char *key_id,
							 const SchedKey **key)
{
	const SchedKeyRing *ring;
	SchedDataKeyStatus status = open_ring(user_id, place, &ring);

	*key = NULL;
	if (status != SCHED_DATA_KEY_OK)
		return status;
	for (int i = 0; i < ring->n; i++)
	{
		if (strcmp(ring->keys[i].id, key_id) == 0)
		{
			*key = &ring->keys[i];
			return SCHED_DATA_KEY_OK;
		}
	}
	return SCHED_DATA_KEY_UNKNOWN;
}

void
sched_identity_throw_data_key(SchedDataKeyStatus status, const SchedKeyPlace *place)
{
	if (status == SCHED_DATA_KEY_NO_MASTER)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s", sched_identity_key_file_problem(place->master)),
						errdetail("File \"%s\".", place->master_file),
						errhint("%s", sched_identity_key_file_hint(place->master))));
	ereport(ERROR, (errcode(status == SCHED_DATA_KEY_NOT_WRITABLE
								? ERRCODE_IO_ERROR
								: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s", sched_identity_data_key_problem(status)),
					errdetail("Folder \"%s\".", place->folder),
					errhint("%s", sched_identity_data_key_hint(status))));
}

/* Short waits: whoever holds it writes one small file. */
int
sched_identity_await_key_lock(void)
{
	SchedKeyPlace place = sched_identity_key_place();

	for (int waited = 0;; waited += LOCK_STEP_MS)
	{
		int lock = sched_identity_lock_keys(&place);

		if (lock >= 0)
			return lock;
		if (sched_identity_is_in_directory(place.folder, DataDir))
			sched_identity_throw_data_key(SCHED_DATA_KEY_IN_DATA, &place);
		if (errno != EWOULDBLOCK && errno != EINTR)
			sched_identity_throw_data_key(SCHED_DATA_KEY_NOT_WRITABLE, &place);
		if (waited >= LOCK_WAIT_MS)
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
							errmsg("another process is writing data keys for too long"),
							errdetail("Folder \"%s\".", place.folder),
							errhint("Find out which process holds its lock (lslocks).")));
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_STEP_MS * 1000L);
	}
}

/*
 * The transaction has a number before the file is looked at: whoever retires a key (rotation_sql.c) waits for all transactions
 * that had one by then, so nothing is committed under a key that is gone.
 */
const SchedKey *
sched_identity_sealing_key(const pg_uuid_t *user_id)
{
	SchedKeyPlace place = sched_identity_key_place();
	const SchedKeyRing *ring;
	SchedDataKeyStatus status;
	SchedKeyRing made;
	int lock;

	/* What is sealed is to be inserted: a standby says so in the words of the server, before a file is made. */
	PreventCommandIfReadOnly("INSERT");
	(void) GetTopTransactionId();
	status = open_ring(user_id, &place, &ring);
	if (status == SCHED_DATA_KEY_NONE)
	{
		lock = sched_identity_await_key_lock();
		status = sched_identity_read_ring(&place, user_id->data, &made);
		if (status == SCHED_DATA_KEY_NONE)
			status = sched_identity_add_key(&place, user_id->data, &made);
		sched_identity_wipe(&made, sizeof(made));
		close(lock);
		if (status == SCHED_DATA_KEY_OK)
			status = open_ring(user_id, &place, &ring);
	}
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_throw_data_key(status, &place);
	return &ring->keys[0];
}

bool
sched_identity_drop_data_key(const pg_uuid_t *user_id)
{
	SchedKeyPlace place = sched_identity_key_place();
	SchedDataKeyStatus status;
	int lock = sched_identity_await_key_lock();

	status = sched_identity_destroy_ring(&place, user_id->data);
	close(lock);
	sched_identity_forget_keys();
	if (status != SCHED_DATA_KEY_OK && status != SCHED_DATA_KEY_NONE)
		sched_identity_throw_data_key(status, &place);
	return status == SCHED_DATA_KEY_OK;
}
