/*
 * head_file.h - the last seal of the audit log, noted outside the cluster. Pure but for that file.
 */
#ifndef SCHED_IDENTITY_HEAD_FILE_H
#define SCHED_IDENTITY_HEAD_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "identity/chain.h"

typedef struct SchedAuditHead
{
	int64_t number; /* of the seal; 0: there is none */
	unsigned char hash[SCHED_DIGEST_BYTES];
} SchedAuditHead;

typedef enum SchedHeadStatus
{
	SCHED_HEAD_OK,
	SCHED_HEAD_ABSENT,
	SCHED_HEAD_BROKEN
} SchedHeadStatus;

extern SchedHeadStatus sched_identity_read_head(const char *path, SchedAuditHead *head);

/* In place of the former one, at once and durably; false with errno. */
extern bool sched_identity_write_head(const char *path, const SchedAuditHead *head);

#endif
