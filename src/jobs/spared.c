/*
 * spared.c - remembers, across a crash of the server, whose jobs are not to blame for it.
 *
 * When a process dies the postmaster ends all others with SIGQUIT and throws shared memory away. Each
 * worker or runner that is ended so, or by a shutdown, adds its incarnation to a file of the data
 * directory, from where the duty that takes back dead leases reads it. An incarnation is a random number
 * that is never used twice, so old entries do no harm; a lost one costs a job an attempt.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jobs/spared.h"

/* Relative to the data directory, where every process of the server is. */
#define SPARED_FILE "scheduler.spared"
/* A file that has become longer begins anew: a thousand crashes of a server with a handful of processes. */
#define MAX_ENTRIES 8192

/* One small write at the end of the file: whole, whoever else writes. Only what a signal handler may call. */
void
sched_jobs_spare(uint64 incarnation)
{
	int file = open(SPARED_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
	ssize_t written;

	if (file < 0)
		return;
	written = write(file, &incarnation, sizeof(incarnation));
	/* Half an entry would spoil all that follow. */
	if (written > 0 && written < (ssize_t) sizeof(incarnation))
		unlink(SPARED_FILE);
	close(file);
}

/* None where there is no file or it cannot be read. */
int
sched_jobs_read_spared(uint64 **incarnations)
{
	int file = open(SPARED_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	*incarnations = palloc(MAX_ENTRIES * sizeof(uint64));
	if (file >= 0)
	{
		n = read(file, *incarnations, MAX_ENTRIES * sizeof(uint64));
		close(file);
	}
	return n > 0 ? (int) (n / (ssize_t) sizeof(uint64)) : 0;
}

/* Another database's worker may not have read them yet; its jobs then lose an attempt. */
void
sched_jobs_trim_spared(int n)
{
	if (n > MAX_ENTRIES / 2)
		unlink(SPARED_FILE);
}
