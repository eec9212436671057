/*
 * secrets_test.c - users' data keys on disk, the change of the master key killed at every step, what is left in memory, and
 * what is blanked in the log; without a server.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "identity/data_key_file.h"
#include "identity/mask.h"
#include "tap.h"

static const char canary[] = "sk-canary-4711-never-in-memory";
static const unsigned char anna[SCHED_OWNER_BYTES] = {1, 2, 3, 0xab};
static const unsigned char ben[SCHED_OWNER_BYTES] = {9, 8, 7};
static char root[] = "/tmp/secrets_test_XXXXXX";
static char master_file[200];
static char key_folder[200];
static char data[200];

static SchedKeyPlace
place_of_test(void)
{
	return (SchedKeyPlace){
		.master_file = master_file, .folder = key_folder, .data_directory = data};
}

/* ---- memory: what libcrypto frees, and the stack that ours ran on ---- */

#define N_NEEDLES 8

static struct
{
	unsigned char bytes[2 * SCHED_KEY_BYTES];
	size_t length;
	const char *name;
} needles[N_NEEDLES];
static int n_needles = 0;
static long freed = 0;
static long found_in_freed = 0;

static void
add_needle(const char *name, const void *bytes, size_t length)
{
	memcpy(needles[n_needles].bytes, bytes, length);
	needles[n_needles].length = length;
	needles[n_needles++].name = name;
}

/* Which of the needles lies there; NULL where none does. */
static const char *
find_needle(const void *memory, size_t length)
{
	for (int i = 0; i < n_needles; i++)
	{
		if (needles[i].length > 0 &&
			memmem(memory, length, needles[i].bytes, needles[i].length) != NULL)
			return needles[i].name;
	}
	return NULL;
}

static void *
take_block(size_t length, const char *file, int line)
{
	size_t *block = malloc(length + 16);

	if (block == NULL)
		return NULL;
	*block = length;
	return (char *) block + 16;
}

static void
free_block(void *memory, const char *file, int line)
{
	size_t *block;

	if (memory == NULL)
		return;
	block = (size_t *) ((char *) memory - 16);
	freed++;
	if (find_needle(memory, *block) != NULL)
		found_in_freed++;
	free(block);
}

static void *
grow_block(void *memory, size_t length, const char *file, int line)
{
	void *grown = take_block(length, file, line);
	size_t old = memory != NULL ? *(size_t *) ((char *) memory - 16) : 0;

	if (grown != NULL && memory != NULL)
	{
		memcpy(grown, memory, old < length ? old : length);
		free_block(memory, file, line);
	}
	return grown;
}

/* ---- files ---- */

static int
lock_of(SchedKeyPlace *place)
{
	int lock = sched_identity_lock_keys(place);

	if (lock < 0)
		ok(false, "the lock is had");
	return lock;
}

static SchedDataKeyStatus
add_key(const unsigned char *owner, SchedKeyRing *ring)
{
	SchedKeyPlace place = place_of_test();
	int lock = lock_of(&place);
	SchedDataKeyStatus status = sched_identity_add_key(&place, owner, ring);

	close(lock);
	return status;
}

static SchedDataKeyStatus
read_ring(const unsigned char *owner, SchedKeyRing *ring)
{
	SchedKeyPlace place = place_of_test();

	return sched_identity_read_ring(&place, owner, ring);
}

static void
path_of(const unsigned char *owner, char *path, size_t size)
{
	SchedKeyPlace place = place_of_test();

	sched_identity_data_key_path(&place, owner, path, size);
}

static void
test_files(void)
{
	SchedKeyPlace place = place_of_test();
	SchedKeyRing ring;
	SchedKeyRing again;
	struct stat status;
	char path[300];
	unsigned char owner[SCHED_OWNER_BYTES];
	int lock;
	bool created;

	ok(read_ring(anna, &ring) == SCHED_DATA_KEY_NONE, "no file, no key");
	ok(add_key(anna, &ring) == SCHED_DATA_KEY_NO_MASTER, "none is made without a master key");
	ok(sched_identity_create_key_file(master_file, data, &created) == SCHED_KEY_FILE_OK && created,
	   "a master key is made");
	ok(add_key(anna, &ring) == SCHED_DATA_KEY_OK && ring.n == 1, "the first key is made");
	path_of(anna, path, sizeof(path));
	ok(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "its file has mode 0600");
	ok(stat(key_folder, &status) == 0 && (status.st_mode & 0777) == 0700, "its folder 0700");
	ok(sched_identity_read_owner(strrchr(path, '/') + 1, owner) &&
		   memcmp(owner, anna, sizeof(owner)) == 0,
	   "its name tells whose it is");
	ok(!sched_identity_read_owner("master.key", owner), "no other name does");
	ok(read_ring(anna, &again) == SCHED_DATA_KEY_OK &&
		   memcmp(again.keys[0].bytes, ring.keys[0].bytes, SCHED_KEY_BYTES) == 0,
	   "it is read back");
	ok(add_key(anna, &again) == SCHED_DATA_KEY_OK && again.n == 2 &&
		   strcmp(again.keys[1].id, ring.keys[0].id) == 0 &&
		   strcmp(again.keys[0].id, ring.keys[0].id) != 0,
	   "a second key comes first, the first one stays");
	lock = lock_of(&place);
	ok(sched_identity_lock_keys(&place) < 0, "a second writer does not get the lock");
	ok(sched_identity_prune_ring(&place, anna, ring.keys[0].id) == SCHED_DATA_KEY_UNKNOWN,
	   "an old key cannot be made the only one");
	ok(sched_identity_prune_ring(&place, anna, again.keys[0].id) == SCHED_DATA_KEY_OK,
	   "the newest can");
	close(lock);
	ok(read_ring(anna, &ring) == SCHED_DATA_KEY_OK && ring.n == 1 &&
		   strcmp(ring.keys[0].id, again.keys[0].id) == 0,
	   "then it is alone");
	for (int i = 1; i < SCHED_MAX_RING_KEYS; i++)
		add_key(anna, &ring);
	ok(ring.n == SCHED_MAX_RING_KEYS && add_key(anna, &ring) == SCHED_DATA_KEY_FULL,
	   "%d keys and no more", SCHED_MAX_RING_KEYS);
}

static void
test_refusals(void)
{
	SchedKeyPlace place = place_of_test();
	SchedKeyRing ring;
	char path[300];
	char other[300];
	char line[2000];
	size_t length;
	FILE *file;

	ok(add_key(ben, &ring) == SCHED_DATA_KEY_OK, "another user's key");
	path_of(ben, path, sizeof(path));
	path_of(anna, other, sizeof(other));
	chmod(path, 0640);
	ok(read_ring(ben, &ring) == SCHED_DATA_KEY_REFUSED && ring.n == 0,
	   "not where others may read it");
	chmod(path, 0600);
	/* One user's file in the place of another's. */
	file = fopen(other, "r");
	length = fread(line, 1, sizeof(line), file);
	fclose(file);
	unlink(path);
	ok(sched_identity_write_private_file(path, line, length), "a file is copied to another user");
	ok(read_ring(ben, &ring) == SCHED_DATA_KEY_DAMAGED, "it does not open");
	unlink(path);
	line[30] = line[30] == 'a' ? 'b' : 'a';
	sched_identity_write_private_file(path, line, length);
	ok(read_ring(ben, &ring) == SCHED_DATA_KEY_DAMAGED, "nor one that was changed");
	unlink(path);
	sched_identity_write_private_file(path, "", 0);
	ok(read_ring(ben, &ring) == SCHED_DATA_KEY_DAMAGED, "nor an empty one");
	unlink(path);
	place.folder = data;
	ok(sched_identity_lock_keys(&place) < 0, "nothing is made in the data directory");
	ok(sched_identity_read_ring(&place, ben, &ring) == SCHED_DATA_KEY_IN_DATA, "nor read there");
	for (int status = SCHED_DATA_KEY_OK; status <= SCHED_DATA_KEY_NOT_WRITABLE; status++)
		ok(sched_identity_data_key_problem(status)[0] != '\0' &&
			   (status == SCHED_DATA_KEY_OK || sched_identity_data_key_hint(status)[0] != '\0'),
		   "status %d has words and a hint", status);
}

/* Children that race for a user's first key: one is made, and all have it. */
static void
test_race(void)
{
	char ids[8][SCHED_KEY_ID_CHARS + 1];
	int pipes[2];
	int same = 0;

	ok(pipe(pipes) == 0, "a pipe");
	for (int i = 0; i < 8; i++)
	{
		fflush(stdout);
		if (fork() == 0)
		{
			SchedKeyPlace place = place_of_test();
			SchedKeyRing ring;
			int lock;

			while ((lock = sched_identity_lock_keys(&place)) < 0)
				usleep(100);
			if (sched_identity_read_ring(&place, ben, &ring) == SCHED_DATA_KEY_NONE)
				sched_identity_add_key(&place, ben, &ring);
			if (write(pipes[1], ring.keys[0].id, sizeof(ids[0])) < 0)
				_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
	{
		if (read(pipes[0], ids[i], sizeof(ids[i])) == sizeof(ids[i]) && strcmp(ids[i], ids[0]) == 0)
			same++;
	}
	while (wait(NULL) > 0)
		;
	ok(same == 8, "eight processes make one key");
}

static void
test_destroying(void)
{
	SchedKeyPlace place = place_of_test();
	SchedKeyRing ring;
	char path[300];
	char draft[300];
	char bytes[200] = {0};
	int descriptor;
	int lock = lock_of(&place);

	path_of(ben, path, sizeof(path));
	snprintf(draft, sizeof(draft), "%.*s.new", (int) strlen(path) - 4, path);
	ok(link(path, draft) == 0, "a draft that a process left");
	descriptor = open(path, O_RDONLY);
	ok(sched_identity_destroy_ring(&place, ben) == SCHED_DATA_KEY_OK,
	   "a user's keys are destroyed");
	ok(access(path, F_OK) != 0 && access(draft, F_OK) != 0, "file and draft are gone");
	ok(pread(descriptor, bytes, sizeof(bytes) - 1, 0) > 100 &&
		   strspn(bytes, "0123456789abcdef ") < 20,
	   "and overwritten before");
	close(descriptor);
	ok(sched_identity_destroy_ring(&place, ben) == SCHED_DATA_KEY_NONE,
	   "a second time there is nothing");
	ok(read_ring(ben, &ring) == SCHED_DATA_KEY_NONE, "nor anything to read");
	close(lock);
}

/* One way through the change of the master key, which dies after `steps`; true where it came to its end. */
static bool
change_master(int steps)
{
	SchedKeyPlace place = place_of_test();
	const unsigned char *owners[] = {anna, ben};
	int status;

	fflush(stdout);
	if (fork() == 0)
	{
		int lock = sched_identity_lock_keys(&place);

		if (steps-- == 0)
			_exit(1);
		if (sched_identity_make_next_master(&place) != SCHED_KEY_FILE_OK)
			_exit(2);
		for (int i = 0; i < 2; i++)
		{
			if (steps-- == 0)
				_exit(1);
			if (sched_identity_rewrap_ring(&place, owners[i]) != SCHED_DATA_KEY_OK)
				_exit(2);
		}
		if (steps-- == 0)
			_exit(1);
		if (!sched_identity_switch_master(&place))
			_exit(2);
		close(lock);
		_exit(0);
	}
	wait(&status);
	ok(WIFEXITED(status) && WEXITSTATUS(status) != 2, "no step fails");
	return WEXITSTATUS(status) == 0;
}

static void
test_change(void)
{
	SchedKeyRing before[2];
	SchedKeyRing now;
	SchedKey old;
	SchedKey new;
	char next[300];
	bool same;

	snprintf(next, sizeof(next), "%s.next", master_file);
	add_key(ben, &before[1]);
	read_ring(anna, &before[0]);
	for (int steps = 0; steps < 6; steps++)
	{
		bool done;

		sched_identity_read_key_file(master_file, data, &old);
		done = change_master(steps);
		sched_identity_read_key_file(master_file, data, &new);
		same = read_ring(anna, &now) == SCHED_DATA_KEY_OK && now.n == before[0].n &&
			   strcmp(now.keys[0].id, before[0].keys[0].id) == 0;
		same = same && read_ring(ben, &now) == SCHED_DATA_KEY_OK &&
			   strcmp(now.keys[0].id, before[1].keys[0].id) == 0;
		ok(same, "ended after %d steps: every file opens, and holds what it held", steps);
		ok(done == (steps >= 4) && done == (strcmp(old.id, new.id) != 0) &&
			   (!done || access(next, F_OK) != 0),
		   "... and the master key is %s", done ? "another" : "the same");
	}
}

/* ---- what is left in memory ---- */

#define STACK_BYTES (512 * 1024)

static const char *const uses[] = {"reading the master key",
								   "reading keys",
								   "sealing",
								   "opening",
								   "opening in vain",
								   "pruning",
								   "a next master",
								   "sealing keys anew",
								   "making a key"};

/* One use of keys, whose caller wipes what it was given. */
static void *
use_keys(void *argument)
{
	static SchedKeyRing ring;
	static SchedKey key;
	static unsigned char sealed[sizeof(canary) + SCHED_SEAL_OVERHEAD];
	static unsigned char plain[sizeof(canary)];
	static char text[SCHED_KEY_FILE_CHARS + 1];
	SchedKeyPlace place = place_of_test();

	switch (*(int *) argument)
	{
		case 0:
			sched_identity_read_key_file(master_file, data, &key);
			break;
		case 1:
			sched_identity_read_ring(&place, anna, &ring);
			break;
		case 2:
			sched_identity_seal(&ring.keys[0], "me", 2, canary, sizeof(canary), sealed);
			break;
		case 3:
			sched_identity_unseal(&ring.keys[0], "me", 2, sealed, sizeof(sealed), plain);
			break;
		case 4:
			sched_identity_unseal(&ring.keys[0], "you", 3, sealed, sizeof(sealed), plain);
			break;
		case 5:
			sched_identity_prune_ring(&place, anna, ring.keys[0].id);
			break;
		case 6:
			sched_identity_make_next_master(&place);
			break;
		case 7:
			sched_identity_rewrap_ring(&place, anna);
			break;
		default:
			sched_identity_make_key(text);
	}
	return NULL;
}

static void
test_memory(void)
{
	unsigned char *stack = NULL;
	char text[100] = {0};
	SchedKey master;
	SchedKeyRing ring;
	pthread_attr_t attributes;
	pthread_t thread;
	FILE *file;
	const char *left;

	read_ring(anna, &ring);
	sched_identity_read_key_file(master_file, data, &master);
	add_needle("the value", canary, strlen(canary));
	add_needle("a data key", ring.keys[0].bytes, SCHED_KEY_BYTES);
	add_needle("an old data key", ring.keys[1].bytes, SCHED_KEY_BYTES);
	add_needle("the master key", master.bytes, SCHED_KEY_BYTES);
	file = fopen(master_file, "r");
	if (fread(text, 1, 64, file) == 64)
		add_needle("the master key's text", text, 64);
	fclose(file);
	for (int use = 0; use < (int) (sizeof(uses) / sizeof(uses[0])); use++)
	{
		free(stack);
		stack = aligned_alloc(4096, STACK_BYTES);
		memset(stack, 0, STACK_BYTES);
		pthread_attr_init(&attributes);
		pthread_attr_setstack(&attributes, stack, STACK_BYTES);
		if (pthread_create(&thread, &attributes, use_keys, &use) != 0)
			ok(false, "a stack of its own");
		pthread_join(thread, NULL);
		pthread_attr_destroy(&attributes);
		left = find_needle(stack, STACK_BYTES);
		ok(left == NULL, "%s leaves nothing on the stack: %s", uses[use],
		   left != NULL ? left : "nothing");
	}
	ok(freed > 50 && found_in_freed == 0,
	   "nor in what libcrypto has freed (%ld blocks, %ld with a key)", freed, found_in_freed);
	free(stack);
	/* That the search finds what is there. */
	stack = calloc(1, STACK_BYTES);
	memcpy(stack + 1000, canary, sizeof(canary));
	ok(find_needle(stack, STACK_BYTES) != NULL, "the search would find it");
	free(stack);
}

/* ---- the log ---- */

static void
test_words(void)
{
	static const struct
	{
		const char *text;
		bool named;
	} cases[] = {
		{"SELECT scheduler.set_secret('a', 'b', '{c}')", true},
		{"select SET_SECRET_FROM_FILE('a')", true},
		{"COPY  scheduler.secret_input ( name, hosts, value ) FROM STDIN ", true},
		{"SELECT * FROM \"scheduler\".\"login\" (\"email\" := $1)", true},
		{"SELECT scheduler.login\t('a', 'b')", true},
		{"SELECT last_login_at FROM scheduler.users", false},
		{"CREATE ROLE a LOGIN", false},
		{"SELECT is_login('a')", false},
		{"REFRESH MATERIALIZED VIEW x", false},
		{"SELECT scheduler.refresh('t')", true},
		{"SELECT name FROM scheduler.secrets", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(sched_identity_names_secret(cases[i].text) == cases[i].named, "%s: %s",
		   cases[i].named ? "takes a secret" : "takes none", cases[i].text);
}

static void
test_literals(void)
{
	static const char *const cases[][2] = {
		{"SELECT f('abc', 'd')", "SELECT f('***', '*')"},
		{"f('it''s', x)", "f('*****', x)"},
		{"f(E'a\\'b', 'c')", "f(E'****', '*')"},
		{"f('a\\', 'b')", "f('**', '*')"},
		{"f($$abc$$, $t$a$$b$t$, $1)", "f($$***$$, $t$****$t$, $1)"},
		{"f('never closed", "f('************"},
		{"f($x$never", "f($x$*****"},
		{"\"scheduler\".\"f\"(\"sk-4\")", "\"scheduler\".\"f\"(\"****\")"},
		{"f('a') -- it's", "f('*') *******"},
		{"/* don't */ f('a')", "*********** f('*')"},
		{"x'00'", "x'**'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[100];

		strcpy(text, cases[i][0]);
		sched_identity_mask_literals(text);
		ok(strcmp(text, cases[i][1]) == 0, "%s -> %s", cases[i][0], text);
	}
	ok(!sched_identity_has_literals("SELECT \"set_secret\"($1, $2)") &&
		   sched_identity_has_literals("SELECT f('')"),
	   "whether there are any is told");
}

static void
test_messages(void)
{
	static const char statement[] = "SELECT scheduler.set_secret('openai', 'sk-canary-4711', "
									"\"Sk-Other\", $$gr\xc3\xbc\xc3\x9f$$)";
	static const char *const cases[][2] = {
		{"column \"Sk-Other\" does not exist", "column \"********\" does not exist"},
		{"Spalte \xc2\xbbSk-Other\xc2\xab fehlt", "Spalte \xc2\xbb********\xc2\xab fehlt"},
		{"bad value sk-canary-47", "bad value ************"},
		{"near canary", "near ******"},
		{"something else", "something else"},
		{"no such secret, see set_secret", "no such secret, see set_secret"},
		{"is openai", "is ******"},
		{"is open", "is open"},
		{"gr\xc3\xbc\xc3\x9f!", "******!"},
	};
	char *long_statement = malloc(600000);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[100];

		strcpy(text, cases[i][0]);
		sched_identity_mask_quoted(text, statement);
		ok(strcmp(text, cases[i][1]) == 0, "%s -> %s", cases[i][0], text);
	}
	memset(long_statement, 'x', 599999);
	long_statement[599999] = '\0';
	long_statement[0] = '\'';
	{
		char text[] = "any message";

		sched_identity_mask_quoted(text, long_statement);
		ok(strspn(text, "*") == strlen(text),
		   "of a statement too long to look through nothing is told");
	}
	long_statement[200000] = '\0';
	{
		char *text = malloc(150001);

		memset(text, 'x', 150000);
		text[150000] = '\0';
		sched_identity_mask_quoted(text, long_statement);
		ok(strspn(text, "*") == 150000, "a long piece is found in no time");
		free(text);
	}
	free(long_statement);
}

static void
remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char file[800];

	while (folder != NULL && (entry = readdir(folder)) != NULL)
	{
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(file);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(path);
}

int
main(void)
{
	char folder[100];

	ok(CRYPTO_set_mem_functions(take_block, grow_block, free_block) == 1,
	   "libcrypto's memory is ours");
	ok(mkdtemp(root) != NULL, "a folder to work in");
	snprintf(folder, sizeof(folder), "%s/keys", root);
	snprintf(master_file, sizeof(master_file), "%s/keys/master.key", root);
	snprintf(key_folder, sizeof(key_folder), "%s/keys/users", root);
	snprintf(data, sizeof(data), "%s/data", root);
	mkdir(data, 0700);
	test_files();
	test_refusals();
	test_race();
	test_destroying();
	test_change();
	test_memory();
	test_words();
	test_literals();
	test_messages();
	remove_folder(key_folder);
	remove_folder(folder);
	remove_folder(data);
	rmdir(root);
	return done_testing();
}
