/*
 * identity_test.c - sealing, the key file, host bindings and password hashes, without a server.
 */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity/binding.h"
#include "identity/chain.h"
#include "identity/head_file.h"
#include "identity/key_file.h"
#include "identity/password.h"
#include "identity/seal.h"
#include "tap.h"

static const char secret[] = "sk-canary-4711-do-not-print";

static bool
is_zero(const void *memory, size_t length)
{
	const unsigned char *bytes = memory;

	for (size_t i = 0; i < length; i++)
	{
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static bool
contains(const void *memory, size_t length, const char *text)
{
	return memmem(memory, length, text, strlen(text)) != NULL;
}

static void
test_keys(SchedKey *key)
{
	char text[SCHED_KEY_FILE_CHARS + 1];
	char other[SCHED_KEY_FILE_CHARS + 1];
	SchedKey again;

	ok(sched_identity_make_key(text), "a key is made");
	ok(strlen(text) == 65 && text[64] == '\n', "its text is 64 hex digits and a line feed");
	ok(sched_identity_make_key(other) && strcmp(text, other) != 0, "the next one is another");
	ok(sched_identity_parse_key(text, strlen(text), key), "it is read back");
	ok(strlen(key->id) == SCHED_KEY_ID_CHARS, "and has an id");
	text[0] = text[0] == 'a' ? 'b' : 'a';
	ok(sched_identity_parse_key(text, strlen(text), &again) && strcmp(again.id, key->id) != 0,
	   "another key has another id");
	memset(&again, 0xAA, sizeof(again));
	ok(!sched_identity_parse_key(text, 63, &again), "63 digits are refused");
	ok(is_zero(&again, sizeof(again)), "and leave nothing of a key");
	text[10] = 'g';
	ok(!sched_identity_parse_key(text, strlen(text), &again),
	   "a letter that is no digit is refused");
	ok(is_zero(&again, sizeof(again)), "and leaves nothing of the digits before it");
	ok(!sched_identity_parse_key("", 0, &again), "an empty file is refused");
}

static void
test_sealing(const SchedKey *key)
{
	unsigned char sealed[sizeof(secret) + SCHED_SEAL_OVERHEAD];
	unsigned char twice[sizeof(secret) + SCHED_SEAL_OVERHEAD];
	unsigned char plain[sizeof(secret)];
	SchedKey other = *key;

	ok(sched_identity_seal(key, "me", 2, secret, sizeof(secret), sealed), "a secret is sealed");
	ok(!contains(sealed, sizeof(sealed), "canary"), "the sealed bytes do not show it");
	ok(sched_identity_seal(key, "me", 2, secret, sizeof(secret), twice) &&
		   memcmp(sealed, twice, sizeof(sealed)) != 0,
	   "sealed twice: different bytes");
	ok(sched_identity_unseal(key, "me", 2, sealed, sizeof(sealed), plain) &&
		   memcmp(plain, secret, sizeof(secret)) == 0,
	   "it opens again");
	memset(plain, 0xAA, sizeof(plain));
	ok(!sched_identity_unseal(key, "you", 3, sealed, sizeof(sealed), plain),
	   "not for another owner");
	ok(is_zero(plain, sizeof(plain)), "and the buffer is zeroed");
	other.bytes[31] ^= 1;
	ok(!sched_identity_unseal(&other, "me", 2, sealed, sizeof(sealed), plain),
	   "not with another key");
	for (size_t i = 0; i < sizeof(sealed); i += 7)
	{
		sealed[i] ^= 4;
		memset(plain, 0xAA, sizeof(plain));
		ok(!sched_identity_unseal(key, "me", 2, sealed, sizeof(sealed), plain) &&
			   (i == 0 || is_zero(plain, sizeof(plain))),
		   "not with byte %zu changed", i);
		sealed[i] ^= 4;
	}
	ok(!sched_identity_unseal(key, "me", 2, sealed, SCHED_SEAL_OVERHEAD - 1, plain),
	   "not when cut");
	ok(sched_identity_unseal(key, "me", 2, sealed, sizeof(sealed), plain),
	   "unchanged it still opens");
	ok(contains(plain, sizeof(plain), "canary"), "the buffer holds the clear text");
	sched_identity_wipe(plain, sizeof(plain));
	ok(is_zero(plain, sizeof(plain)), "and after wiping nothing");
}

static void
write_text(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	if (file != NULL)
	{
		fputs(text, file);
		fclose(file);
	}
	chmod(path, mode);
}

static void
test_key_file(void)
{
	char folder[] = "/tmp/identity_test_XXXXXX";
	char path[200];
	char data[200];
	char inside[300];
	struct stat status;
	SchedKey key;
	bool created = false;

	ok(mkdtemp(folder) != NULL, "a folder to work in");
	snprintf(data, sizeof(data), "%s/data", folder);
	mkdir(data, 0700);
	snprintf(path, sizeof(path), "%s/a/b/master.key", folder);
	ok(sched_identity_read_key_file(path, data, &key) == SCHED_KEY_FILE_MISSING, "missing");
	ok(sched_identity_create_key_file(path, data, &created) == SCHED_KEY_FILE_OK && created,
	   "created with its folders");
	ok(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "mode 0600");
	ok(sched_identity_read_key_file(path, data, &key) == SCHED_KEY_FILE_OK, "read");
	ok(sched_identity_create_key_file(path, data, &created) == SCHED_KEY_FILE_OK && !created,
	   "a second time: left as it is");
	chmod(path, 0644);
	ok(sched_identity_read_key_file(path, data, &key) == SCHED_KEY_FILE_WRONG_MODE &&
		   is_zero(&key, sizeof(key)),
	   "refused when others may read it");
	chmod(path, 0600);
	snprintf(inside, sizeof(inside), "%s/a/b", folder);
	chmod(inside, 0777);
	ok(sched_identity_read_key_file(path, data, &key) == SCHED_KEY_FILE_OPEN_FOLDER,
	   "refused in a folder that others may write");
	chmod(inside, 0700);
	write_text(path, "not a key\n", 0600);
	ok(sched_identity_read_key_file(path, data, &key) == SCHED_KEY_FILE_NOT_A_KEY,
	   "refused without a key in it");
	snprintf(inside, sizeof(inside), "%s/master.key", data);
	ok(sched_identity_create_key_file(inside, data, &created) == SCHED_KEY_FILE_IN_DATA && !created,
	   "not made inside the data directory");
	ok(access(inside, F_OK) != 0, "and nothing left there");
	if (symlink(path, inside) == 0)
		ok(sched_identity_read_key_file(inside, folder, &key) == SCHED_KEY_FILE_IN_DATA,
		   "links are followed before the place is judged");
	unlink(inside);
	for (int status_code = SCHED_KEY_FILE_OK; status_code <= SCHED_KEY_FILE_NOT_WRITABLE;
		 status_code++)
		ok(sched_identity_key_file_problem(status_code)[0] != '\0' &&
			   (status_code == SCHED_KEY_FILE_OK ||
				sched_identity_key_file_hint(status_code)[0] != '\0'),
		   "status %d has words and a hint", status_code);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a/b", folder);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", folder);
	rmdir(path);
	rmdir(data);
	rmdir(folder);
}

static void
test_bindings(void)
{
	static const struct
	{
		const char *bindings;
		const char *host;
		int port;
		bool allowed;
	} cases[] = {
		{"api.openai.com", "api.openai.com", 443, true},
		{"api.openai.com", "API.OpenAI.com.", 443, true},
		{"api.openai.com", "api.openai.com", 80, false},
		{"api.openai.com", "api.openai.com.evil.example", 443, false},
		{"api.openai.com", "evil-api.openai.com", 443, false},
		{"localhost:11434", "localhost", 11434, true},
		{"localhost:11434", "localhost", 443, false},
		{"*.example.org", "a.example.org", 443, true},
		{"*.example.org", "a.b.example.org", 443, true},
		{"*.example.org", "example.org", 443, false},
		{"*.example.org", "badexample.org", 443, false},
		{"*.example.org:8443", "a.example.org", 8443, true},
		{"[::1]:8080", "[::1]", 8080, true},
		{"[::1]", "[::1]", 443, true},
		{"a.example b.example:81", "b.example", 81, true},
		{"a.example b.example:81", "c.example", 81, false},
		{"", "a.example", 443, false},
		{"*.", "a.example", 443, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(sched_identity_bindings_allow(cases[i].bindings, cases[i].host, cases[i].port) ==
			   cases[i].allowed,
		   "'%s' %s %s:%d", cases[i].bindings, cases[i].allowed ? "allows" : "refuses",
		   cases[i].host, cases[i].port);
}

static void
test_passwords(void)
{
	char hash[SCHED_PASSWORD_HASH_BYTES];
	char again[SCHED_PASSWORD_HASH_BYTES];
	struct crypt_data work = {0};
	const char *verified;

	ok(sched_identity_hash_password("correct horse", hash) && strncmp(hash, "$2b$12$", 7) == 0,
	   "bcrypt with cost 12");
	ok(sched_identity_hash_password("correct horse", again) && strcmp(hash, again) != 0,
	   "a fresh salt each time");
	verified = crypt_r("correct horse", hash, &work);
	ok(verified != NULL && strcmp(verified, hash) == 0, "the password verifies");
	verified = crypt_r("wrong horse", hash, &work);
	ok(verified != NULL && strcmp(verified, hash) != 0, "another one does not");
}

/* A row's digest depends on every column, where it ends, and whether it is there. */
static void
test_digests(void)
{
	SchedChainField one[2] = {{"ab", 2}, {"c", 1}};
	SchedChainField other[2] = {{"a", 1}, {"bc", 2}};
	SchedChainField empty[2] = {{"abc", 3}, {"", 0}};
	SchedChainField null[2] = {{"abc", 3}, {NULL, 0}};
	unsigned char digests[4][SCHED_DIGEST_BYTES];
	unsigned char again[SCHED_DIGEST_BYTES];

	ok(sched_identity_digest_row(one, 2, digests[0]) &&
		   sched_identity_digest_row(other, 2, digests[1]) &&
		   sched_identity_digest_row(empty, 2, digests[2]) &&
		   sched_identity_digest_row(null, 2, digests[3]),
	   "rows have digests");
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			ok(!sched_identity_same_digest(digests[i], digests[j]), "of their own (%d, %d)", i, j);
	ok(sched_identity_digest_row(one, 2, again) && sched_identity_same_digest(again, digests[0]),
	   "and always the same");
	ok(sched_identity_digest_row(one, 1, again) && !sched_identity_same_digest(again, digests[0]),
	   "a column less is another row");
}

/* Every part of a seal is in its hash; the signature needs the key. */
static void
test_seals(const SchedKey *key)
{
	unsigned char zero[SCHED_DIGEST_BYTES] = {0};
	unsigned char digests[2 * SCHED_DIGEST_BYTES] = {1, 2, 3};
	unsigned char changed[2 * SCHED_DIGEST_BYTES] = {1, 2, 4};
	SchedChainSeal seal = {7, 11, 12, 1000000, zero, digests};
	SchedChainSeal variants[6];
	SchedKey other = *key;
	unsigned char hash[SCHED_DIGEST_BYTES];
	unsigned char another[SCHED_DIGEST_BYTES];
	unsigned char signature[SCHED_DIGEST_BYTES];

	ok(sched_identity_hash_seal(&seal, hash), "a seal has a hash");
	for (int i = 0; i < 6; i++)
		variants[i] = seal;
	variants[0].number++;
	variants[1].first = 10;
	variants[1].last = 11;
	variants[2].last = 11;
	variants[3].sealed_at++;
	variants[4].previous = digests;
	variants[5].digests = changed;
	for (int i = 0; i < 6; i++)
		ok(sched_identity_hash_seal(&variants[i], another) &&
			   !sched_identity_same_digest(hash, another),
		   "which changes with part %d", i);
	ok(sched_identity_sign_seal(key, hash, signature), "and a signature");
	other.bytes[31] ^= 1;
	ok(sched_identity_sign_seal(&other, hash, another) &&
		   !sched_identity_same_digest(signature, another),
	   "which another key does not make");
	ok(!contains(signature, SCHED_DIGEST_BYTES, (const char *) hash), "nor is it the hash");
}

static void
test_head_file(void)
{
	char folder[] = "/tmp/identity_test_XXXXXX";
	char path[256];
	SchedAuditHead head = {42, {1, 2, 255}};
	SchedAuditHead found;
	FILE *file;

	ok(mkdtemp(folder) != NULL, "a folder for the head of the audit log");
	snprintf(path, sizeof(path), "%s/audit_head", folder);
	ok(sched_identity_read_head(path, &found) == SCHED_HEAD_ABSENT, "there is no head yet");
	ok(sched_identity_write_head(path, &head), "it is noted");
	ok(sched_identity_read_head(path, &found) == SCHED_HEAD_OK && found.number == 42 &&
		   sched_identity_same_digest(found.hash, head.hash),
	   "and read back");
	head.number++;
	ok(sched_identity_write_head(path, &head) &&
		   sched_identity_read_head(path, &found) == SCHED_HEAD_OK && found.number == 43,
	   "and replaced");
	file = fopen(path, "w");
	fputs("43 zz", file);
	fclose(file);
	ok(sched_identity_read_head(path, &found) == SCHED_HEAD_BROKEN && found.number == 0,
	   "half a head is none");
	unlink(path);
	rmdir(folder);
	head.number = 1;
	ok(!sched_identity_write_head("/nowhere/at/all", &head), "where there is no folder it fails");
}

int
main(void)
{
	SchedKey key;

	test_keys(&key);
	test_sealing(&key);
	test_key_file();
	test_bindings();
	test_passwords();
	test_digests();
	test_seals(&key);
	test_head_file();
	return done_testing();
}
