/*
 * plain_select.c - preloaded before libfaketime: select() without libfaketime's own around it.
 *
 * The postmaster of PostgreSQL 15 forks its workers in a signal handler while it waits in select(). libfaketime
 * switches itself off for the length of its select(), and in a child forked there it would stay off for good.
 */
#define _GNU_SOURCE
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
select(int count, fd_set *readable, fd_set *writable, fd_set *broken, struct timeval *limit)
{
	struct timespec wait;

	if (limit != NULL)
	{
		wait.tv_sec = limit->tv_sec;
		wait.tv_nsec = limit->tv_usec * 1000;
	}
	return (int) syscall(SYS_pselect6, count, readable, writable, broken,
						 limit != NULL ? &wait : NULL, NULL);
}
