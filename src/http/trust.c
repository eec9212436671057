/*
 * trust.c - one store of trusted certificates for all connections of a policy.
 *
 * Pure: runs in the worker, in a setting's check hook and in unit tests; the store is malloc'ed by
 * OpenSSL and owned by whoever created it (a TLS context takes its own reference); nothing throws.
 *
 * libcurl would read the system's bundle again for every connection, and would keep trusting a
 * removed ca_file in its cache. So it is given no bundle of its own: without this store every
 * server is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "trust.h"

struct SchedTrust
{
	X509_STORE *store;
	char problem[320]; /* '' = none */
};

/*
 * Adds the certificates of a PEM file to the store (NULL: only counts them); -1 when it cannot be
 * opened.
 */
static int
add_certificates(X509_STORE *store, const char *path)
{
	FILE *file = fopen(path, "re");
	int n_certificates = 0;
	X509 *certificate;

	if (file == NULL)
		return -1;
	while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL)
	{
		n_certificates++;
		if (store != NULL)
			X509_STORE_add_cert(store, certificate);
		X509_free(certificate);
	}
	fclose(file);
	/*
	 * The end of the file is an "error" of the PEM reader, which must not surface in a handshake.
	 */
	ERR_clear_error();
	return n_certificates;
}

bool
sched_trust_check_file(const char *ca_file, char *problem, size_t problem_size)
{
	int n_certificates;

	if (ca_file == NULL || ca_file[0] == '\0')
		return true;
	n_certificates = add_certificates(NULL, ca_file);
	if (n_certificates > 0)
		return true;
	snprintf(problem, problem_size, "\"%.200s\": %s", ca_file,
			 n_certificates == 0 ? "no certificate in PEM form" : strerror(errno));
	return false;
}

/*
 * libcurl knows where its build expects the system's bundle; OpenSSL's own places are the second
 * choice.
 */
static void
add_system_certificates(X509_STORE *store)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	if (info->age >= CURLVERSION_SEVENTH && info->cainfo != NULL &&
		add_certificates(store, info->cainfo) > 0)
		return;
	X509_STORE_set_default_paths(store);
	ERR_clear_error();
}

/* A file that cannot be read is remembered, not fatal: public servers must stay reachable. */
SchedTrust *
sched_trust_create(const char *ca_file)
{
	SchedTrust *trust = calloc(1, sizeof(SchedTrust));

	if (trust == NULL)
		return NULL;
	trust->store = X509_STORE_new();
	if (trust->store == NULL)
	{
		free(trust);
		return NULL;
	}
	/* As libcurl does: a listed intermediate or server certificate is trusted without its root. */
	X509_STORE_set_flags(trust->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	add_system_certificates(trust->store);
	if (sched_trust_check_file(ca_file, trust->problem, sizeof(trust->problem)) && ca_file != NULL)
		add_certificates(trust->store, ca_file);
	return trust;
}

void
sched_trust_destroy(SchedTrust *trust)
{
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	free(trust);
}

const char *
sched_trust_problem(const SchedTrust *trust)
{
	return trust->problem[0] == '\0' ? NULL : trust->problem;
}

/* SSL_CTX_set_cert_store() takes a reference over; ours stays with the store. */
bool
sched_trust_apply(const SchedTrust *trust, void *ssl_context)
{
	if (X509_STORE_up_ref(trust->store) != 1)
		return false;
	SSL_CTX_set_cert_store((SSL_CTX *) ssl_context, trust->store);
	return true;
}
