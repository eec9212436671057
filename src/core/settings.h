/*
 * settings.h - every setting of the extension, one variable each.
 *
 * Defined once in _PG_init of each process by sched_core_define_settings() and, those with checks of their own, by
 * their room; changed by SIGHUP or SET like any other setting. A string is never NULL.
 */
#ifndef SCHED_CORE_SETTINGS_H
#define SCHED_CORE_SETTINGS_H

extern int sched_shared_memory; /* kB; fixed when the server starts */

/* jobs */
extern char *sched_databases;   /* '' = every database that has the extension */
extern int sched_workers;       /* per database */
extern int sched_runners;       /* per database, at most */
extern int sched_max_in_flight; /* HTTP calls at once, per worker */
extern int sched_poll_interval; /* milliseconds between two looks of an idle worker */
extern int sched_max_user_jobs;
extern char *sched_place_file; /* '' = beside the master key */

/* http */
extern char *sched_http_allowed_hosts;
extern char *sched_http_private_hosts;
extern bool sched_http_allow_private_networks;
extern char *sched_http_ca_file;
extern int sched_http_timeout;          /* milliseconds, where the request names none */
extern int sched_http_breaker_failures; /* in a row until a host is left alone; 0 = never */
extern int sched_http_max_answer_bytes; /* decoded body of one answer */

/* identity */
extern char *sched_master_key_file; /* '' = in the home of the server's OS user */
extern char *sched_key_dir;         /* '' = users, beside the master key */
extern char *sched_jwt_key_file;    /* '' = beside the master key */

/* mail */
typedef enum SchedEncryptBodies
{
	SCHED_ENCRYPT_AUTO, /* once there is a master key */
	SCHED_ENCRYPT_ON,
	SCHED_ENCRYPT_OFF
} SchedEncryptBodies;

extern int sched_max_mail_bytes;
extern int sched_encrypt_bodies;
extern int sched_look_back; /* seconds: how old mail a first sync still extracts */

/* llm */
extern bool sched_llm_fallback; /* the built-in rules where the chosen model stays unreachable */

extern void sched_core_define_settings(void);

#endif
