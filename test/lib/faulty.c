/*
 * faulty.c - preloaded into a server under test: names that never resolve, disks that are full, memory and descriptors
 * that are not to be had, each as long as a test wants it.
 *
 * The test maps the file $FAULTY_CONTROL too and writes its first words; the shim counts in those behind what it refused.
 * A word that is 0 refuses nothing and costs nothing. Only growth of files is refused, as a full disk does it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef struct Control
{
	volatile int32_t names_hang;    /* those that begin with "hang" */
	volatile int32_t disk_full;     /* 1: for files of tables; 2: for the write-ahead log */
	volatile int32_t memory_pid;    /* the process that finds no memory .. */
	volatile int32_t memory_one_in; /* .. once in so many requests */
	volatile int32_t no_accept;     /* no descriptor for a new connection */
	int32_t hung;
	int32_t writes;
	int32_t requests;
	int32_t accepts;
} Control;

static Control nothing;
static Control *control = &nothing;

__attribute__((constructor)) static void
map_control(void)
{
	const char *name = getenv("FAULTY_CONTROL");
	int fd = name != NULL ? open(name, O_RDWR) : -1;
	void *area;

	if (fd < 0)
		return;
	area = mmap(NULL, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area != MAP_FAILED)
		control = area;
	close(fd);
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (real == NULL)
		real = (__typeof__(real)) dlsym(RTLD_NEXT, "getaddrinfo");
	if (node != NULL && strncmp(node, "hang", 4) == 0)
	{
		__sync_fetch_and_add(&control->hung, 1);
		while (control->names_hang)
			usleep(50000);
		return EAI_NONAME;
	}
	return real(node, service, hints, found);
}

/* Would this write let a file of the server grow? */
static bool
is_refused(int fd, off_t end)
{
	char link[32];
	char path[1024];
	struct stat status;
	ssize_t length;
	bool wal;

	if (control->disk_full == 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	path[length] = '\0';
	wal = strstr(path, "/pg_wal/") != NULL;
	if (control->disk_full != (wal ? 2 : 1) || (!wal && strstr(path, "/base/") == NULL) ||
		end <= status.st_size)
		return false;
	__sync_fetch_and_add(&control->writes, 1);
	errno = ENOSPC;
	return true;
}

ssize_t
pwrite(int fd, const void *data, size_t length, off_t offset)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (real == NULL)
		real = (__typeof__(real)) dlsym(RTLD_NEXT, "pwrite");
	return is_refused(fd, offset + (off_t) length) ? -1 : real(fd, data, length, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t length, off_t offset)
{
	return pwrite(fd, data, length, offset);
}

ssize_t
pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t);

	if (real == NULL)
		real = (__typeof__(real)) dlsym(RTLD_NEXT, "pwritev");
	return is_refused(fd, offset + 1) ? -1 : real(fd, pieces, count, offset);
}

ssize_t
pwritev64(int fd, const struct iovec *pieces, int count, off_t offset)
{
	return pwritev(fd, pieces, count, offset);
}

int
accept(int listener, struct sockaddr *address, socklen_t *length)
{
	static int (*real)(int, struct sockaddr *, socklen_t *);

	if (real == NULL)
		real = (__typeof__(real)) dlsym(RTLD_NEXT, "accept");
	if (control->no_accept)
	{
		__sync_fetch_and_add(&control->accepts, 1);
		errno = EMFILE;
		return -1;
	}
	return real(listener, address, length);
}

/* glibc's own names for its allocator. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool
is_out_of_memory(void)
{
	static unsigned int n = 0;

	if (control->memory_pid == 0 || control->memory_pid != getpid() ||
		control->memory_one_in <= 0 ||
		__sync_add_and_fetch(&n, 1) % (unsigned int) control->memory_one_in != 0)
		return false;
	__sync_fetch_and_add(&control->requests, 1);
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return is_out_of_memory() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return is_out_of_memory() ? NULL : __libc_realloc(old, size);
}
