/*
 * signin.h - settings of signing up and in.
 */
#ifndef SCHED_IDENTITY_SIGNIN_H
#define SCHED_IDENTITY_SIGNIN_H

/* scheduler.signup, scheduler.trusted_proxies, scheduler.token_lifetime; from _PG_init. */
extern void sched_identity_define_signin_settings(void);

#endif
