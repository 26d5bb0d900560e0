#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/tar.h"

#define BLOCK 512

static void header_checksum(char *header)
{
	unsigned int sum = 0;
	char text[8];

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(header + 148, text, 7);
}

/* A ustar header. */
static void add_header(struct buf *tar, const char *name, char type,
		       unsigned long size, const char *link)
{
	char header[BLOCK] = "";

	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "0000644");
	snprintf(header + 108, 8, "0000000");
	snprintf(header + 116, 8, "0000000");
	snprintf(header + 124, 12, "%011lo", size);
	snprintf(header + 136, 12, "00000000000");
	header[156] = type;
	snprintf(header + 157, 100, "%s", link);
	memcpy(header + 257, "ustar\00000", 8);
	header_checksum(header);
	buf_add(tar, header, BLOCK);
}

static void add_file(struct buf *tar, const char *name, const char *text)
{
	char zeros[BLOCK] = "";
	size_t len = strlen(text);

	add_header(tar, name, '0', len, "");
	buf_addstr(tar, text);
	buf_add(tar, zeros, (BLOCK - len % BLOCK) % BLOCK);
}

static void add_end(struct buf *tar)
{
	char zeros[2 * BLOCK] = "";

	buf_add(tar, zeros, sizeof(zeros));
}

static struct volume *volume; /* what the last one lies in */

static struct tar *open_in(int fd, uint64_t start, uint64_t len,
			   struct err *err)
{
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);

	volume_free(volume);
	volume = volume_open(path, err);
	assert_done(volume != NULL, err);
	return tar_open(volume, start, len, err);
}

static struct tar *opened(int fd)
{
	struct err err = ERR_INIT;
	struct tar *tar = open_in(fd, 0, UINT64_MAX, &err);

	assert_done(tar != NULL, &err);
	return tar;
}

static void assert_entry(const struct tar *tar, const char *path,
			 const char *expected)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	size_t len;

	assert_done(tar_read(tar, path, 1000, &text, &len, &err) == 0, &err);
	assert_int_equal(len, strlen(expected));
	assert_string_equal(text, expected);
}

static void tar_indexes_files_and_leaves_directories_out(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	autoclose int fd = -1;

	(void)state;
	add_header(&text, "./", '5', 0, "");
	add_file(&text, "./index.json", "{}");
	add_header(&text, "blobs/", '5', 0, "");
	add_file(&text, "blobs//./x", "content of x");
	add_file(&text, "empty", "");
	add_end(&text);
	fd = unit_file(text.data, text.len);
	tar = opened(fd);
	assert_int_equal(tar_count(tar), 3);
	assert_string_equal(tar_at(tar, 1)->path, "blobs/x");
	assert_int_equal(tar_at(tar, 1)->size, 12);
	assert_memory_equal(text.data + tar_at(tar, 1)->offset, "content", 7);
	assert_null(tar_at(tar, 3));
	assert_entry(tar, "index.json", "{}");
	assert_entry(tar, "./blobs/x", "content of x");
	assert_entry(tar, "empty", "");
	assert_null(tar_find(tar, "blobs"));
	assert_null(tar_find(tar, "../index.json"));
}

static void tar_counts_the_later_of_two_entries(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	autoclose int fd = -1;

	(void)state;
	add_file(&text, "a", "old");
	add_file(&text, "a", "new");
	add_end(&text);
	fd = unit_file(text.data, text.len);
	tar = opened(fd);
	assert_entry(tar, "a", "new");
}

static void tar_follows_links_inside_the_archive_only(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	autoclose int fd = -1;

	(void)state;
	add_file(&text, "one/layer.tar", "layer");
	add_header(&text, "two/layer.tar", '2', 0, "../one/layer.tar");
	add_header(&text, "three", '1', 0, "./two/layer.tar");
	add_header(&text, "circle", '2', 0, "ring");
	add_header(&text, "ring", '2', 0, "circle");
	add_header(&text, "out", '2', 0, "../../one/layer.tar");
	add_header(&text, "top", '2', 0, "/one/layer.tar");
	add_header(&text, "lost", '1', 0, "none");
	add_end(&text);
	fd = unit_file(text.data, text.len);
	tar = opened(fd);
	assert_entry(tar, "one/layer.tar", "layer");
	assert_entry(tar, "two/layer.tar", "layer");
	assert_entry(tar, "three", "layer");
	assert_string_equal(tar_at(tar, 1)->link, "one/layer.tar");
	assert_null(tar_find(tar, "circle"));
	assert_null(tar_find(tar, "out"));
	assert_null(tar_find(tar, "top"));
	assert_null(tar_find(tar, "lost"));
}

static void tar_may_lie_inside_another_file(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	struct err err = ERR_INIT;
	autoclose int fd = -1;
	size_t end;

	(void)state;
	buf_addstr(&text, "an executable");
	add_file(&text, "a", "inside");
	add_end(&text);
	end = text.len;
	buf_addstr(&text, "and more");
	fd = unit_file(text.data, text.len);
	tar = open_in(fd, 13, end - 13, &err);
	assert_done(tar != NULL, &err);
	assert_entry(tar, "a", "inside");
	assert_int_equal(tar_at(tar, 0)->offset, 13 + BLOCK);
}

static void tar_that_is_cut_off_anywhere_is_refused(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	add_file(&text, "a", "content");
	add_file(&text, "b", "content");
	add_end(&text);
	for (size_t len = 0; len < 4 * BLOCK + 1; len += 64) {
		autoclose int fd = unit_file(text.data, len);
		struct err err = ERR_INIT;

		assert_null(open_in(fd, 0, UINT64_MAX, &err));
		assert_int_equal(err.kind, ERR_INVALID);
		if (len == 4 * BLOCK)
			assert_error(&err, ERR_INVALID, "its end is missing");
		else if (len > BLOCK && len <= BLOCK + 7)
			assert_error(&err, ERR_INVALID, "within 'a'");
	}
}

static void tar_shorter_than_told_is_refused(void **state)
{
	autoclose int fd = unit_file("123", 3);
	struct err err = ERR_INIT;

	(void)state;
	assert_null(open_in(fd, 2, 2, &err));
	assert_error(&err, ERR_INVALID, "the file has 3 bytes");
	assert_null(open_in(fd, 4, UINT64_MAX, &err));
	assert_error(&err, ERR_INVALID, "the file has 3 bytes");
}

static void tar_refuses_what_is_none(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *why;
	} cases[] = {
		{ "", 0, "not a tar archive" },
		{ "{\"a\": 1}", 8, "not a tar archive" },
		{ "\x1f\x8b\x08", 3, "with gzip; expand it first" },
		{ "\x28\xb5\x2f\xfd", 4, "with zstd" },
		{ "\xfd"
		  "7zXZ\0",
		  6, "with xz" },
		{ "BZh9", 4, "with bzip2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclose int fd = unit_file(cases[i].data, cases[i].len);
		struct err err = ERR_INIT;

		assert_null(open_in(fd, 0, UINT64_MAX, &err));
		assert_error(&err, ERR_INVALID, cases[i].why);
	}
}

static void tar_refuses_a_damaged_header(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;
	autoclose int fd = -1;

	(void)state;
	add_file(&text, "a", "content");
	add_file(&text, "b", "content");
	add_end(&text);
	text.data[2 * BLOCK] ^= 1;
	fd = unit_file(text.data, text.len);
	assert_null(open_in(fd, 0, UINT64_MAX, &err));
	assert_error(&err, ERR_INVALID, "damaged");
}

static void tar_refuses_names_that_lead_out(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;
	autoclose int fd = -1;

	(void)state;
	add_file(&text, "a/../../b", "content");
	add_end(&text);
	fd = unit_file(text.data, text.len);
	assert_null(open_in(fd, 0, UINT64_MAX, &err));
	assert_error(&err, ERR_INVALID, "'a/../../b'");
}

static void tar_read_tells_what_is_missing_or_too_long(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	struct err err = ERR_INIT;
	autoclose int fd = -1;
	char *content;

	(void)state;
	add_file(&text, "a", "content");
	add_end(&text);
	fd = unit_file(text.data, text.len);
	tar = opened(fd);
	assert_int_equal(tar_read(tar, "b", 9, &content, NULL, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "no entry 'b'");
	assert_int_equal(tar_read(tar, "a", 6, &content, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "'a' of the archive is longer than 6");
	assert_int_equal(ftruncate(fd, BLOCK + 3), 0);
	assert_int_equal(tar_read(tar, "a", 9, &content, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "read entry 'a'");
}

/* A file with holes: what is not read costs nothing. */
static void tar_skips_large_content_without_reading_it(void **state)
{
	const off_t size = (off_t)20 << 30;
	auto_buf struct buf head = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf tail = BUF_INIT(BUF_TEXT_MAX);
	autotar struct tar *tar = NULL;
	char header[BLOCK];
	autoclose int fd = -1;

	(void)state;
	add_header(&head, "big", '0', 0, "");
	memcpy(header, head.data, BLOCK);
	/* GNU: more than 8 GiB as a binary number. */
	memset(header + 124, 0, 12);
	header[124] = (char)0x80;
	header[131] = (char)(size >> 32);
	header[132] = (char)(size >> 24);
	header_checksum(header);
	add_file(&tail, "tail", "behind");
	add_end(&tail);
	fd = unit_file(header, BLOCK);
	assert_int_equal(pwrite(fd, tail.data, tail.len, BLOCK + size),
			 tail.len);
	tar = opened(fd);
	assert_int_equal(tar_find(tar, "big")->size, size);
	assert_entry(tar, "tail", "behind");
}

static void run(const char *const *argv)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void write_file(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	assert_done(file_replace(AT_FDCWD, path, 0600, text, strlen(text),
				 &err) == 0,
		    &err);
}

/* A path of three names with `len` characters each. */
static char *long_path(size_t len)
{
	autofree char *name = mem_alloc(len + 1);

	memset(name, 'n', len);
	return mem_printf("%s/%s/%s", name, name, name);
}

static void tar_reads_what_gnu_tar_writes(void **state)
{
	static const struct {
		const char *format;
		size_t longest;
		const char *plain;
		bool long_links;
	} cases[] = {
		{ "--format=v7", 20, "plain", false },
		{ "--format=ustar", 60, "plain", false },
		{ "--format=oldgnu", 200, "sch\xc3\xb6n", true },
		{ "--format=gnu", 200, "sch\xc3\xb6n", true },
		{ "--format=pax", 200, "sch\xc3\xb6n", true },
	};
	char dir[] = "/tmp/dws-csm-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *path = long_path(cases[i].longest);
		autofree char *above =
			mem_strndup(path, 2 * cases[i].longest + 1);
		const char *const pack[] = {
			"tar",		"-cf",	"x.tar", cases[i].format, path,
			cases[i].plain, "hard", "soft",	 "tail",	  NULL
		};
		const char *target = cases[i].long_links ? path : "tail";
		struct err err = ERR_INIT;
		autotar struct tar *tar = NULL;
		autoclose int fd = -1;

		assert_done(file_make_dirs(above, 0700, &err) == 0, &err);
		write_file(path, "at a long path");
		write_file(cases[i].plain, "plain content");
		write_file("tail", "tail content");
		assert_int_equal(link(cases[i].plain, "hard"), 0);
		assert_int_equal(symlink(target, "soft"), 0);
		run(pack);
		fd = file_open(AT_FDCWD, "x.tar", O_RDONLY, 0, &err);
		tar = opened(fd);
		assert_int_equal(tar_count(tar), 5);
		assert_entry(tar, path, "at a long path");
		assert_entry(tar, cases[i].plain, "plain content");
		assert_entry(tar, "hard", "plain content");
		assert_entry(tar, "tail", "tail content");
		assert_entry(tar, "soft",
			     cases[i].long_links ? "at a long path" :
						   "tail content");
		assert_int_equal(unlink("hard"), 0);
		assert_int_equal(unlink("soft"), 0);
	}
	run((const char *const[]){ "rm", "-rf", dir, NULL });
	assert_int_equal(chdir("/"), 0);
}

static int drop_volume(void **state)
{
	(void)state;
	volume_free(volume);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tar_indexes_files_and_leaves_directories_out),
		cmocka_unit_test(tar_counts_the_later_of_two_entries),
		cmocka_unit_test(tar_follows_links_inside_the_archive_only),
		cmocka_unit_test(tar_may_lie_inside_another_file),
		cmocka_unit_test(tar_that_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(tar_shorter_than_told_is_refused),
		cmocka_unit_test(tar_refuses_what_is_none),
		cmocka_unit_test(tar_refuses_a_damaged_header),
		cmocka_unit_test(tar_refuses_names_that_lead_out),
		cmocka_unit_test(tar_read_tells_what_is_missing_or_too_long),
		cmocka_unit_test(tar_skips_large_content_without_reading_it),
		cmocka_unit_test(tar_reads_what_gnu_tar_writes),
	};

	return cmocka_run_group_tests(tests, NULL, drop_volume);
}
