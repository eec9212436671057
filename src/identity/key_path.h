/*
 * key_path.h - where the files outside the data directory lie. Results are palloc'ed.
 */
#ifndef SCHED_IDENTITY_KEY_PATH_H
#define SCHED_IDENTITY_KEY_PATH_H

/* scheduler.master_key_file, else .scheduler/<system identifier>/master.key in the OS user's home. */
extern char *sched_identity_key_path(void);

/* scheduler.place_file, else "place" beside the master key. */
extern char *sched_identity_place_path(void);

#endif
