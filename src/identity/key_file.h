/*
 * key_file.h - the file that holds the master key, outside the data directory. Pure but for that file.
 */
#ifndef SCHED_IDENTITY_KEY_FILE_H
#define SCHED_IDENTITY_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "identity/seal.h"

typedef enum SchedKeyFileStatus
{
	SCHED_KEY_FILE_OK,
	SCHED_KEY_FILE_MISSING,
	SCHED_KEY_FILE_UNREADABLE,
	SCHED_KEY_FILE_WRONG_OWNER,
	SCHED_KEY_FILE_WRONG_MODE,
	SCHED_KEY_FILE_OPEN_FOLDER,
	SCHED_KEY_FILE_IN_DATA,
	SCHED_KEY_FILE_NOT_A_KEY,
	SCHED_KEY_FILE_NOT_WRITABLE
} SchedKeyFileStatus;

/* Does the file lie, or would it be made, in this directory or below it? */
extern bool sched_identity_is_in_directory(const char *path, const char *directory);

/* Reads and checks the file; the key is zeroed unless SCHED_KEY_FILE_OK. The caller wipes it after use. */
extern SchedKeyFileStatus sched_identity_read_key_file(const char *path, const char *data_directory,
													   SchedKey *key);

/* The same of any file as private as that; `identity` tells later whether it is still the same file. */
extern SchedKeyFileStatus sched_identity_read_private_file(const char *path,
														   const char *data_directory, char *text,
														   size_t size, size_t *length,
														   struct stat *identity);

/* The same of any file as private as that; `identity` tells later whether it is still the same file. */
extern SchedKeyFileStatus sched_identity_read_private_file(const char *path,
														   const char *data_directory, char *text,
														   size_t size, size_t *length,
														   struct stat *identity);

/* Where the file is missing: makes its folder (0700) and the file (0600) with a new key, then reads it. */
extern SchedKeyFileStatus sched_identity_create_key_file(const char *path,
														 const char *data_directory, bool *created);

/* A new file 0600 with this text in a folder made 0700 where missing; false with errno. */
extern bool sched_identity_write_private_file(const char *path, const char *text, size_t length);

/* The same by way of a draft of its own name; one that `replaces` may find a file there. */
extern bool sched_identity_place_file(const char *path, const char *draft, const char *text,
									  size_t length, bool replaces);

/* mkdir -p of what stands before the last slash, mode 0700; false with errno. */
extern bool sched_identity_make_folders(const char *path);

/* Makes names in the folder of this path last. */
extern bool sched_identity_sync_folder(const char *path);

/* What is wrong and what to do about it, in words: constant strings. */
extern const char *sched_identity_key_file_problem(SchedKeyFileStatus status);
extern const char *sched_identity_key_file_hint(SchedKeyFileStatus status);

#endif
