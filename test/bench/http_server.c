/*
 * http_server.c - answers every POST with the same body after a fixed delay, HTTP/1.1 with keep-alive on 127.0.0.1.
 *
 *   http_server PORT DELAY_MS BODY_FILE
 *
 * One thread on epoll. Answers that wait stand in one line, as the delay is the same for all. Only what the benchmarks
 * send is understood: a head, and a body of Content-Length.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 8192
#define BUFFER 131072
#define LINE 65536

typedef struct Client
{
	char *data;
	size_t used;
} Client;

typedef struct Due
{
	int fd;
	double at;
} Due;

static Client clients[MAX_FD];
static Due line[LINE];
static unsigned head, tail;
static char *answer;
static size_t answer_length;
static double delay;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void
send_answer(int fd)
{
	size_t sent = 0;

	while (sent < answer_length)
	{
		ssize_t n = send(fd, answer + sent, answer_length - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		sent += n;
	}
}

/* The length of the whole request at the buffer's start, or 0 where some of it is missing. */
static size_t
request_length(Client *client)
{
	char *end;
	char *length;

	client->data[client->used] = '\0';
	end = strstr(client->data, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strcasestr(client->data, "\r\nContent-Length:");
	{
		size_t total = end + 4 - client->data;

		if (length != NULL && length < end)
			total += strtoul(length + 17, NULL, 10);
		return total <= client->used ? total : 0;
	}
}

static void
receive(int fd)
{
	Client *client = &clients[fd];
	ssize_t n = recv(fd, client->data + client->used, BUFFER - 1 - client->used, 0);
	size_t length;

	if (n <= 0)
	{
		close(fd);
		free(client->data);
		client->data = NULL;
		return;
	}
	client->used += n;
	while ((length = request_length(client)) > 0)
	{
		memmove(client->data, client->data + length, client->used - length);
		client->used -= length;
		if (delay == 0)
			send_answer(fd);
		else
			line[tail++ % LINE] = (Due){fd, now() + delay};
	}
}

static void
load_answer(const char *path)
{
	FILE *file = fopen(path, "r");
	char *body = malloc(1 << 20);
	size_t n = file ? fread(body, 1, 1 << 20, file) : 0;

	answer = malloc(n + 256);
	answer_length = snprintf(
		answer, 256,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", n);
	memcpy(answer + answer_length, body, n);
	answer_length += n;
	free(body);
}

static void
serve_line(void)
{
	while (head != tail && line[head % LINE].at <= now())
	{
		int fd = line[head++ % LINE].fd;

		if (clients[fd].data != NULL)
			send_answer(fd);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct epoll_event events[256];
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int epoll = epoll_create1(0);
	int one = 1;

	if (argc != 4)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	address.sin_port = htons(atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	delay = atof(argv[2]);
	load_answer(argv[3]);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		listen(listener, 4096) != 0)
		return 1;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener,
			  &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
	for (;;)
	{
		double wait = head == tail ? 1000 : line[head % LINE].at - now();
		int n = epoll_wait(epoll, events, 256, wait <= 0 ? 0 : (int) wait + 1);

		for (int i = 0; i < n; i++)
		{
			int fd = events[i].data.fd;

			if (fd != listener)
				receive(fd);
			else if ((fd = accept(listener, NULL, NULL)) >= MAX_FD)
				close(fd);
			else if (fd >= 0)
			{
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				clients[fd] = (Client){malloc(BUFFER), 0};
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd,
						  &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
			}
		}
		serve_line();
	}
}
