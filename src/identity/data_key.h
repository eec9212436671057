/*
 * data_key.h - the key that a user's secrets and mails are sealed under.
 *
 * Runs in backends and workers. A key that is handed out lies in memory of data_key.c and counts until the next call
 * of a function of this file or the end of the transaction, whichever is first; it is never copied.
 */
#ifndef SCHED_IDENTITY_DATA_KEY_H
#define SCHED_IDENTITY_DATA_KEY_H

#include "utils/uuid.h"

#include "core/compat.h"
#include "identity/data_key_file.h"
#include "identity/seal.h"

/* Where keys lie: strings of settings and static memory, for immediate use. */
extern SchedKeyPlace sched_identity_key_place(void);

/* The key of this id that opens what the user has sealed. Nothing throws, nothing is allocated. */
extern SchedDataKeyStatus sched_identity_find_data_key(SchedKeyPlace *place,
													   const pg_uuid_t *user_id, const char *key_id,
													   const SchedKey **key);

/* The key that seals what the user hands in; made where he has none. Throws where that cannot be. */
extern const SchedKey *sched_identity_sealing_key(const pg_uuid_t *user_id);

/* Destroys a user's keys for good: at once, whatever becomes of the transaction. Whether there were any. */
extern bool sched_identity_drop_data_key(const pg_uuid_t *user_id);

/* Takes the lock of the folder for a writer; throws where it cannot be had within a minute. */
extern int sched_identity_await_key_lock(void);

/* The error of a status, SQLSTATE 55000 or 58030; never returns. */
extern SCHED_NORETURN void sched_identity_throw_data_key(SchedDataKeyStatus status,
														 const SchedKeyPlace *place);

/* Wipes all keys of this process. */
extern void sched_identity_forget_keys(void);

#endif
