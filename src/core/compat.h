/*
 * compat.h - what differs between PostgreSQL 15, 16, 17 and 18.
 *
 * The only place that asks for PG_VERSION_NUM. Included by server-side files after postgres.h.
 */
#ifndef SCHED_CORE_COMPAT_H
#define SCHED_CORE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "scheduler needs PostgreSQL 15 or later"
#endif

/* What takes a datum of variable length apart was in postgres.h before 16. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Functions that never return: the macro's name changed in 18. */
#if PG_VERSION_NUM < 180000
#define SCHED_NORETURN pg_attribute_noreturn()
#else
#define SCHED_NORETURN pg_noreturn
#endif

/*
 * Rights on objects became one family of functions in 16, which also lets who splits a name catch its errors. Users
 * include utils/acl.h, utils/regproc.h and the catalogs' headers themselves.
 */
#if PG_VERSION_NUM < 160000
#define SCHED_SPLIT_NAME(name) stringToQualifiedNameList(name)
#define SCHED_MAY_EXECUTE(function, role) \
	(pg_proc_aclcheck((function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#define SCHED_MAY_USE_SCHEMA(schema, role) \
	(pg_namespace_aclcheck((schema), (role), ACL_USAGE) == ACLCHECK_OK)
#define SCHED_OWNS_DATABASE(database, role) pg_database_ownercheck((database), (role))
#define SCHED_OWNS_EXTENSION(extension, role) pg_extension_ownercheck((extension), (role))
#else
#define SCHED_SPLIT_NAME(name) stringToQualifiedNameList((name), NULL)
#define SCHED_MAY_EXECUTE(function, role) \
	(object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE) == ACLCHECK_OK)
#define SCHED_MAY_USE_SCHEMA(schema, role) \
	(object_aclcheck(NamespaceRelationId, (schema), (role), ACL_USAGE) == ACLCHECK_OK)
#define SCHED_OWNS_DATABASE(database, role) \
	object_ownercheck(DatabaseRelationId, (database), (role))
#define SCHED_OWNS_EXTENSION(extension, role) \
	object_ownercheck(ExtensionRelationId, (extension), (role))
#endif

/* This process's index in the server's table of processes, and the number of its transaction, written or not. */
#if PG_VERSION_NUM < 170000
#define SCHED_MY_PROCNO (MyProc->pgprocno)
#define SCHED_MY_LXID (MyProc->lxid)
#else
#define SCHED_MY_PROCNO MyProcNumber
#define SCHED_MY_LXID (MyProc->vxid.lxid)
#endif

/* What a JSON text is read from; in memory of its own since 17 where none is given. */
#if PG_VERSION_NUM < 170000
#define SCHED_LEX_JSON(text, length) \
	makeJsonLexContextCstringLen(unconstify(char *, (text)), (length), PG_UTF8, true)
#else
#define SCHED_LEX_JSON(text, length) \
	makeJsonLexContextCstringLen(NULL, (text), (length), PG_UTF8, true)
#endif

/* 18 counts what a scan of an index does, where asked, and takes bytes for base64 as unsigned. */
#if PG_VERSION_NUM < 180000
#define SCHED_BEGIN_INDEX_SCAN(table, index, snapshot, keys) \
	index_beginscan((table), (index), (snapshot), (keys), 0)
#define SCHED_BASE64_BYTES(bytes) (bytes)
#define SCHED_BASE64_ROOM(bytes) (bytes)
#else
#define SCHED_BEGIN_INDEX_SCAN(table, index, snapshot, keys) \
	index_beginscan((table), (index), (snapshot), NULL, (keys), 0)
#define SCHED_BASE64_BYTES(bytes) ((const uint8 *) (bytes))
#define SCHED_BASE64_ROOM(bytes) ((uint8 *) (bytes))
#endif

#endif
