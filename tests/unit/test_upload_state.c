#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "registry/upload_state.h"

#define PLACE "https://r.example/v2/a/blobs/uploads/1?_state=x"

static const struct upload_key key = {
	.registry = "https://r.example",
	.repository = "a",
	.digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e7304"
		  "3362938b9824",
};

/* Each test stands in a new directory that is removed afterwards. */
static int set_up(void **state)
{
	char *dir = mem_strdup("/tmp/dws-csm-test-XXXXXX");

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int drop_one(const char *path, const struct stat *st, int type,
		    struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int tear_down(void **state)
{
	int result = chdir("/") < 0 ?
			     -1 :
			     nftw(*state, drop_one, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return result;
}

static int open_dir(void)
{
	struct err err = ERR_INIT;
	int dirfd = upload_state_dir(".", &err);

	assert_done(dirfd >= 0, &err);
	return dirfd;
}

/* What ends so in the directory; its number. */
static size_t files(const char *suffix, char *name, size_t size)
{
	DIR *dir = opendir("uploads");
	const struct dirent *entry;
	size_t nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (str_ends(entry->d_name, suffix)) {
			snprintf(name, size, "uploads/%s", entry->d_name);
			nr++;
		}
	closedir(dir);
	return nr;
}

static void leave_one(int dirfd)
{
	char *location;
	struct upload_state *state = upload_state_claim(dirfd, &key, &location);

	assert_non_null(state);
	assert_null(location);
	upload_state_save(state, PLACE);
	upload_state_close(state, true);
}

static void assert_claims(int dirfd, const char *wanted)
{
	char *location;
	struct upload_state *state = upload_state_claim(dirfd, &key, &location);

	assert_non_null(state);
	if (wanted)
		assert_string_equal(location, wanted);
	else
		assert_null(location);
	free(location);
	upload_state_close(state, true);
}

static void upload_state_gives_back_what_was_kept(void **state)
{
	autoclose int dirfd = open_dir();
	char name[300];
	struct stat st;

	(void)state;
	leave_one(dirfd);
	assert_int_equal(files(".json", name, sizeof(name)), 1);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(files(".lock", name, sizeof(name)), 0);
	assert_claims(dirfd, PLACE);
}

static void upload_state_forgets_what_has_ended(void **state)
{
	autoclose int dirfd = open_dir();
	char *location, name[300];
	struct upload_state *claimed;

	(void)state;
	leave_one(dirfd);
	claimed = upload_state_claim(dirfd, &key, &location);
	assert_non_null(claimed);
	free(location);
	upload_state_close(claimed, false);
	assert_int_equal(files("", name, sizeof(name)), 2); /* . and .. */
	assert_claims(dirfd, NULL);
}

static void upload_state_belongs_to_one_at_a_time(void **state)
{
	autoclose int dirfd = open_dir();
	struct upload_key other = key;
	char *location;
	struct upload_state *first, *second;

	(void)state;
	first = upload_state_claim(dirfd, &key, &location);
	assert_non_null(first);
	assert_null(upload_state_claim(dirfd, &key, &location));
	other.repository = "b";
	second = upload_state_claim(dirfd, &other, &location);
	assert_non_null(second);
	upload_state_close(second, false);
	upload_state_close(first, false);
	assert_claims(dirfd, NULL);
}

static void upload_state_believes_only_its_own(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"registry\":\"https://r.example\",\"repository\":\"b\"}",
	};
	autoclose int dirfd = open_dir();
	struct err err = ERR_INIT;
	char name[300];

	(void)state;
	leave_one(dirfd);
	assert_int_equal(files(".json", name, sizeof(name)), 1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_done(file_replace(AT_FDCWD, name, 0600, texts[i],
					 strlen(texts[i]), &err) == 0,
			    &err);
		assert_claims(dirfd, NULL);
	}
}

static void upload_state_ends_after_a_day(void **state)
{
	const struct timespec old[2] = {
		{ .tv_sec = 1000000000 },
		{ .tv_sec = 1000000000 },
	};
	int dirfd = open_dir();
	char name[300];

	(void)state;
	leave_one(dirfd);
	close(dirfd);
	close(open_dir());
	assert_int_equal(files(".json", name, sizeof(name)), 1);
	assert_int_equal(utimensat(AT_FDCWD, name, old, 0), 0);
	close(open_dir());
	assert_int_equal(files("", name, sizeof(name)), 2);
}

static void upload_state_clears_away_what_a_kill_left(void **state)
{
	struct err err = ERR_INIT;
	char name[300], half[320];
	int dirfd = open_dir();

	(void)state;
	leave_one(dirfd);
	close(dirfd);
	files(".json", name, sizeof(name));
	snprintf(half, sizeof(half), "%s.1.tmp", name);
	assert_done(file_replace(AT_FDCWD, half, 0600, "", 0, &err) == 0, &err);
	close(open_dir());
	assert_int_equal(files(".tmp", name, sizeof(name)), 0);
	assert_int_equal(files(".json", name, sizeof(name)), 1);
}

static void upload_state_wants_a_directory_of_its_own(void **state)
{
	struct err err = ERR_INIT;
	char *location;

	(void)state;
	assert_int_equal(mkdir("uploads", 0700), 0);
	assert_int_equal(chmod("uploads", 0777), 0);
	assert_int_equal(upload_state_dir(".", &err), -1);
	assert_error(&err, ERR_FAILED, "others may write");
	assert_null(upload_state_claim(-1, &key, &location));
	assert_null(location);
	upload_state_save(NULL, PLACE);
	upload_state_close(NULL, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upload_state_gives_back_what_was_kept),
		cmocka_unit_test(upload_state_forgets_what_has_ended),
		cmocka_unit_test(upload_state_belongs_to_one_at_a_time),
		cmocka_unit_test(upload_state_believes_only_its_own),
		cmocka_unit_test(upload_state_ends_after_a_day),
		cmocka_unit_test(upload_state_clears_away_what_a_kill_left),
		cmocka_unit_test(upload_state_wants_a_directory_of_its_own),
	};
	struct CMUnitTest each[ARRAY_SIZE(tests)];

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		each[i] = tests[i];
		each[i].setup_func = set_up;
		each[i].teardown_func = tear_down;
	}
	return cmocka_run_group_tests(each, NULL, NULL);
}
