/*
 * body_sql.c - mails as they lie in email_bodies: sealed under their owner's data key, or plain.
 *
 * Runs in backends and in the worker. The whole mail is sealed as one value, with the table, its owner and its id bound
 * in; its text is not kept beside it but read out of it again where it is wanted. Clear bytes are palloc'ed and go with
 * their memory context: a mail is read by parsers and models anyway, so wiping one copy of it would be for show.
 */
#include "postgres.h"

#include <errno.h>
#include <unistd.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "core/compat.h"
#include "core/settings.h"
#include "identity/data_key.h"

PG_FUNCTION_INFO_V1(sched_sql_body_key);
PG_FUNCTION_INFO_V1(sched_sql_seal_body);
PG_FUNCTION_INFO_V1(sched_sql_open_body);
PG_FUNCTION_INFO_V1(sched_sql_reseal_body);

#define BODY_LABEL "email_bodies"

/* What a seal is bound to. */
typedef struct BoundMail
{
	char bytes[sizeof(BODY_LABEL) + 2 * UUID_LEN];
} BoundMail;

static BoundMail
bind_mail(const pg_uuid_t *user_id, const pg_uuid_t *email_id)
{
	BoundMail bound;

	memcpy(bound.bytes, BODY_LABEL, sizeof(BODY_LABEL));
	memcpy(bound.bytes + sizeof(BODY_LABEL), user_id->data, UUID_LEN);
	memcpy(bound.bytes + sizeof(BODY_LABEL) + UUID_LEN, email_id->data, UUID_LEN);
	return bound;
}

/*
 * With `auto`, mails are plain only where there has never been a key: neither the file of the master key nor the folder of
 * data keys. Where one of them is missing, storing fails, and the mail stays where it came from.
 */
static bool
seals_bodies(void)
{
	SchedKeyPlace place;

	if (sched_encrypt_bodies != SCHED_ENCRYPT_AUTO)
		return sched_encrypt_bodies == SCHED_ENCRYPT_ON;
	place = sched_identity_key_place();
	return access(place.master_file, F_OK) == 0 || access(place.folder, F_OK) == 0;
}

/* body_key(user_id) -> text: the key that this user's next mail is sealed under; NULL where mails are kept plain. */
Datum
sched_sql_body_key(PG_FUNCTION_ARGS)
{
	if (!seals_bodies())
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(sched_identity_sealing_key(PG_GETARG_UUID_P(0))->id));
}

/* The key of this id; throws where it is not to be had. */
static const SchedKey *
get_key(const pg_uuid_t *user_id, const char *key_id)
{
	SchedKeyPlace place = sched_identity_key_place();
	const SchedKey *key;
	SchedDataKeyStatus status = sched_identity_find_data_key(&place, user_id, key_id, &key);

	if (status != SCHED_DATA_KEY_OK)
		sched_identity_throw_data_key(status, &place);
	return key;
}

/* Sealed for its row; palloc'ed. */
static bytea *
seal_mail(const SchedKey *key, const BoundMail *bound, const char *raw, Size length)
{
	bytea *sealed = palloc(VARHDRSZ + length + SCHED_SEAL_OVERHEAD);

	if (!sched_identity_seal(key, bound->bytes, sizeof(bound->bytes), raw, length,
							 (unsigned char *) VARDATA(sealed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the mail could not be sealed")));
	SET_VARSIZE(sealed, VARHDRSZ + length + SCHED_SEAL_OVERHEAD);
	return sealed;
}

/* As it came, palloc'ed; NULL where the seal is not of this row and key. */
static bytea *
open_mail(const SchedKey *key, const BoundMail *bound, bytea *sealed)
{
	Size length = VARSIZE_ANY_EXHDR(sealed);
	bytea *raw = palloc(VARHDRSZ + length);

	if (length < SCHED_SEAL_OVERHEAD ||
		!sched_identity_unseal(key, bound->bytes, sizeof(bound->bytes),
							   (const unsigned char *) VARDATA_ANY(sealed), length,
							   (unsigned char *) VARDATA(raw)))
		return NULL;
	SET_VARSIZE(raw, VARHDRSZ + length - SCHED_SEAL_OVERHEAD);
	return raw;
}

/* seal_body(user_id, email_id, key_id, raw) -> bytea; raw itself where key_id is NULL. */
Datum
sched_sql_seal_body(PG_FUNCTION_ARGS)
{
	BoundMail bound;
	bytea *raw;
	const SchedKey *key;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2))
		PG_RETURN_DATUM(PG_GETARG_DATUM(3));
	bound = bind_mail(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1));
	raw = PG_GETARG_BYTEA_PP(3);
	key = get_key(PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_BYTEA_P(seal_mail(key, &bound, VARDATA_ANY(raw), VARSIZE_ANY_EXHDR(raw)));
}

/* open_body(user_id, email_id, key_id, raw) -> bytea: the mail as it came. */
Datum
sched_sql_open_body(PG_FUNCTION_ARGS)
{
	BoundMail bound;
	bytea *sealed;
	bytea *raw;
	const SchedKey *key;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2))
		PG_RETURN_DATUM(PG_GETARG_DATUM(3));
	bound = bind_mail(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1));
	sealed = PG_GETARG_BYTEA_PP(3);
	key = get_key(PG_GETARG_UUID_P(0), text_to_cstring(PG_GETARG_TEXT_PP(2)));
	raw = open_mail(key, &bound, sealed);
	if (raw == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("the sealed mail is damaged"),
						errdetail("It was changed, or moved here from another row."),
						errhint("Restore its row of email_bodies from a backup.")));
	PG_RETURN_BYTEA_P(raw);
}

/*
 * reseal_body(user_id, email_id, key_id, raw, new_key_id) -> bytea; NULL where no key or not this mail opens: that it
 * is lost is no reason for the others not to be sealed anew. Trouble that may pass throws.
 */
Datum
sched_sql_reseal_body(PG_FUNCTION_ARGS)
{
	SchedKeyPlace place = sched_identity_key_place();
	pg_uuid_t *user_id = PG_GETARG_UUID_P(0);
	BoundMail bound = bind_mail(user_id, PG_GETARG_UUID_P(1));
	const SchedKey *key;
	bytea *raw;
	SchedDataKeyStatus status =
		sched_identity_find_data_key(&place, user_id, text_to_cstring(PG_GETARG_TEXT_PP(2)), &key);

	if (status == SCHED_DATA_KEY_NONE || status == SCHED_DATA_KEY_UNKNOWN)
		PG_RETURN_NULL();
	if (status != SCHED_DATA_KEY_OK)
		sched_identity_throw_data_key(status, &place);
	raw = open_mail(key, &bound, PG_GETARG_BYTEA_PP(3));
	if (raw == NULL)
		PG_RETURN_NULL();
	key = get_key(user_id, text_to_cstring(PG_GETARG_TEXT_PP(4)));
	PG_RETURN_BYTEA_P(seal_mail(key, &bound, VARDATA_ANY(raw), VARSIZE_ANY_EXHDR(raw)));
}
