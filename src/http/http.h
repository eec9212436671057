/*
 * http.h - what _PG_init needs of the HTTP room.
 */
#ifndef SCHED_HTTP_HTTP_H
#define SCHED_HTTP_HTTP_H

/* Defines the http_ settings; before the prefix is reserved. */
extern void sched_http_define_settings(void);

/* Shared memory for the statistics of hosts; only while the postmaster loads the library. */
extern void sched_http_install_statistics(void);

#endif
