/*
 * http_multi.c - the limit of curl_multi alone: COUNT posts of BODY_FILE with FLIGHTS in the air, nothing stored.
 *
 *   http_multi URL COUNT FLIGHTS BODY_FILE        prints requests per second
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t
drop(char *data, size_t size, size_t n, void *user)
{
	return size * n;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	int count = argc == 5 ? atoi(argv[2]) : 0;
	int flights = argc == 5 ? atoi(argv[3]) : 0;
	int sent = 0, done = 0, bad = 0, running = 0, left;
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLM *multi = curl_multi_init();
	static char body[65536];
	FILE *file = fopen(argv[argc - 1], "r");
	long length = file ? (long) fread(body, 1, sizeof(body), file) : 0;
	double start = now();

	headers = curl_slist_append(headers, "Expect:");
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) flights);
	for (; sent < flights && sent < count; sent++)
	{
		CURL *easy = curl_easy_init();

		curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, length);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
		curl_multi_add_handle(multi, easy);
	}
	while (done < count)
	{
		CURLMsg *message;

		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
		{
			CURL *easy = message->easy_handle;
			long status = 0;

			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
			bad += message->data.result != CURLE_OK || status != 200;
			done++;
			curl_multi_remove_handle(multi, easy);
			if (sent < count)
			{
				sent++;
				curl_multi_add_handle(multi, easy);
			}
		}
		if (done < count)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	printf("%.0f\n", count / (now() - start));
	return bad != 0;
}
