#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bundle/rpm_header.h"

#define STRING 6
#define INT32 4

static void add_u32(struct buf *buf, uint32_t n)
{
	const unsigned char bytes[] = { (unsigned char)(n >> 24),
					(unsigned char)(n >> 16),
					(unsigned char)(n >> 8),
					(unsigned char)n };

	buf_add(buf, bytes, sizeof(bytes));
}

static void add_intro(struct buf *buf, uint32_t nr, uint32_t len)
{
	buf_add(buf, "\x8e\xad\xe8\x01\0\0\0\0", 8);
	add_u32(buf, nr);
	add_u32(buf, len);
}

/* One entry: its text, or where that is NULL its number. */
struct entry {
	uint32_t tag;
	const char *text;
	uint32_t number;
};

static void add_header(struct buf *rpm, const struct entry *entry, size_t nr)
{
	auto_buf struct buf store = BUF_INIT(10000);
	auto_buf struct buf index = BUF_INIT(10000);

	for (size_t i = 0; i < nr; i++) {
		add_u32(&index, entry[i].tag);
		add_u32(&index, entry[i].text ? STRING : INT32);
		add_u32(&index, (uint32_t)store.len);
		add_u32(&index, 1);
		if (entry[i].text)
			buf_add(&store, entry[i].text,
				strlen(entry[i].text) + 1);
		else
			add_u32(&store, entry[i].number);
	}
	add_intro(rpm, (uint32_t)nr, (uint32_t)store.len);
	buf_add(rpm, index.data, index.len);
	buf_add(rpm, store.data, store.len);
}

/* A lead, a signature of an odd size, and a header of these entries. */
static void rpm_make(struct buf *rpm, const struct entry *entry, size_t nr)
{
	char zeros[92] = "";

	buf_add(rpm, "\xed\xab\xee\xdb", 4);
	buf_add(rpm, zeros, 92);
	add_intro(rpm, 1, 5);
	buf_add(rpm, zeros, 16 + 5 + 3);
	add_header(rpm, entry, nr);
	buf_addstr(rpm, "payload");
}

static const struct entry plugin[] = {
	{ 1000, "dws-slurm-plugin", 0 }, { 1001, "1.2", 0 },
	{ 1002, "3.sle15", 0 },		 { 1003, NULL, 2 },
	{ 1006, NULL, 0xf0000000 },	 { 1014, "Apache-2.0", 0 },
	{ 1022, "x86_64", 0 },
};

static int read_it(struct rpm_header *header, const void *data, size_t len,
		   struct err *err)
{
	struct source_mem source;

	source_mem_init(&source, data, len);
	return rpm_header_read(header, &source.source, err);
}

static void rpm_header_tells_the_names(void **state)
{
	auto_buf struct buf rpm = BUF_INIT(10000);
	auto_rpm_header struct rpm_header header = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	rpm_make(&rpm, plugin, ARRAY_SIZE(plugin));
	assert_done(read_it(&header, rpm.data, rpm.len, &err) == 0, &err);
	assert_string_equal(header.name, "dws-slurm-plugin");
	assert_string_equal(header.version, "1.2");
	assert_string_equal(header.release, "3.sle15");
	assert_string_equal(header.arch, "x86_64");
	assert_string_equal(header.license, "Apache-2.0");
	assert_int_equal(header.epoch, 2);
	assert_int_equal(header.build_time_s, 0xf0000000);
}

static void rpm_header_says_what_is_not_there(void **state)
{
	auto_buf struct buf rpm = BUF_INIT(10000);
	auto_rpm_header struct rpm_header header = { 0 };
	struct entry some[] = { plugin[0], plugin[1], plugin[2], plugin[6] };
	struct err err = ERR_INIT;

	(void)state;
	rpm_make(&rpm, some, ARRAY_SIZE(some));
	assert_done(read_it(&header, rpm.data, rpm.len, &err) == 0, &err);
	assert_null(header.license);
	assert_int_equal(header.epoch, -1);
	assert_int_equal(header.build_time_s, 0);
}

static void rpm_header_needs_each_of_four_names(void **state)
{
	static const size_t needed[] = { 0, 1, 2, 6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		auto_buf struct buf rpm = BUF_INIT(10000);
		struct entry some[ARRAY_SIZE(plugin)];
		struct rpm_header header;
		struct err err = ERR_INIT;

		memcpy(some, plugin, sizeof(some));
		some[needed[i]].tag = 5000;
		rpm_make(&rpm, some, ARRAY_SIZE(some));
		assert_int_equal(read_it(&header, rpm.data, rpm.len, &err), -1);
		assert_error(&err, ERR_INVALID, "the RPM lacks its name");
		assert_null(header.name);
	}
}

static void rpm_header_refuses_what_is_cut_off_anywhere(void **state)
{
	auto_buf struct buf rpm = BUF_INIT(10000);

	(void)state;
	rpm_make(&rpm, plugin, ARRAY_SIZE(plugin));
	for (size_t len = 0; len < rpm.len - strlen("payload"); len++) {
		autofree char *copy = mem_dup(rpm.data, len + 1);
		struct rpm_header header;
		struct err err = ERR_INIT;

		assert_int_equal(read_it(&header, copy, len, &err), -1);
		assert_error(&err, ERR_INVALID, "the RPM is cut off");
	}
}

static void rpm_header_refuses_what_is_no_rpm(void **state)
{
	auto_buf struct buf rpm = BUF_INIT(10000);
	struct rpm_header header;
	struct err err = ERR_INIT;

	(void)state;
	rpm_make(&rpm, plugin, ARRAY_SIZE(plugin));
	rpm.data[0] ^= 1;
	assert_int_equal(read_it(&header, rpm.data, rpm.len, &err), -1);
	assert_error(&err, ERR_INVALID, "it is no RPM");
	rpm.data[0] ^= 1;
	rpm.data[96] ^= 1;
	assert_int_equal(read_it(&header, rpm.data, rpm.len, &err), -1);
	assert_error(&err, ERR_INVALID, "the header of the RPM is damaged");
	rpm.data[96] ^= 1;
	rpm.data[96 + 8] = 1; /* entries: 16 million */
	assert_int_equal(read_it(&header, rpm.data, rpm.len, &err), -1);
	assert_error(&err, ERR_INVALID, "the header of the RPM is damaged");
}

/* Sanitizers see what goes beyond. */
static void rpm_header_stays_inside_whatever_it_says(void **state)
{
	auto_buf struct buf rpm = BUF_INIT(10000);

	(void)state;
	rpm_make(&rpm, plugin, ARRAY_SIZE(plugin));
	for (size_t i = 96; i < rpm.len; i++) {
		autofree char *copy = mem_dup(rpm.data, rpm.len);
		auto_rpm_header struct rpm_header header = { 0 };
		struct err err = ERR_INIT;

		copy[i] = (char)0xff;
		if (read_it(&header, copy, rpm.len, &err) < 0)
			assert_int_equal(err.kind, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rpm_header_tells_the_names),
		cmocka_unit_test(rpm_header_says_what_is_not_there),
		cmocka_unit_test(rpm_header_needs_each_of_four_names),
		cmocka_unit_test(rpm_header_refuses_what_is_cut_off_anywhere),
		cmocka_unit_test(rpm_header_refuses_what_is_no_rpm),
		cmocka_unit_test(rpm_header_stays_inside_whatever_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
