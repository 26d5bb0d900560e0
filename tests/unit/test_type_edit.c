#include "unit.h"

#include "base/mem.h"
#include "slurm/type_edit.h"

static void type_edit_finds_the_place(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {
		{ "", TYPE_LINE "\n" },
		{ "A=1\n", "A=1\n" TYPE_LINE "\n" },
		{ "A=1", "A=1\n" TYPE_LINE "\n" },
		{ "A=1\r\nB=2\r\n", "A=1\r\nB=2\r\n" TYPE_LINE "\r\n" },
		{ "A=1\n#BurstBufferType=\nB=2\n",
		  "A=1\n#BurstBufferType=\n" TYPE_LINE "\nB=2\n" },
		{ "# burstbuffertype = x\nB=2\n",
		  "# burstbuffertype = x\n" TYPE_LINE "\nB=2\n" },
		{ "#BurstBufferType=", "#BurstBufferType=\n" TYPE_LINE "\n" },
		{ "# BurstBufferType is not set\n",
		  "# BurstBufferType is not set\n" TYPE_LINE "\n" },
		/* What says "none" is replaced, wherever it stands. */
		{ "#BurstBufferType=\nBurstBufferType=none # x\nB=2\n"
		  "burstbuffertype=\"\"\n",
		  "#BurstBufferType=\n" TYPE_LINE "\nB=2\n" },
		/* A backslash at the end would swallow our line. */
		{ "A=1 \\", "A=1 \\\n\n" TYPE_LINE "\n" },
		{ "A=1 \\ # x", "A=1 \\ # x\n\n" TYPE_LINE "\n" },
		{ "A=1 \\\n", "A=1 \\\n\n" TYPE_LINE "\n" },
		/* The comment is a part of the line that goes on. */
		{ "A=1 \\\n#BurstBufferType=\nB=2\n",
		  "A=1 \\\n#BurstBufferType=\n" TYPE_LINE "\nB=2\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buf struct buf out = BUF_INIT(4096);

		type_edit_in(&out, cases[i].before, strlen(cases[i].before));
		assert_string_equal(buf_str(&out), cases[i].after);
	}
}

static void type_edit_takes_out_what_it_put_in(void **state)
{
	static const char before[] = "A=1\r\n#BurstBufferType=\r\n\r\nB=2\r\n";
	auto_buf struct buf in = BUF_INIT(4096), out = BUF_INIT(4096);

	(void)state;
	type_edit_in(&in, before, strlen(before));
	assert_int_equal(type_edit_out(&out, buf_str(&in), in.len), 1);
	assert_string_equal(buf_str(&out), before);
}

static void type_edit_takes_out_only_ours(void **state)
{
	static const char before[] = "BurstBufferType=datawarp\n"
				     "BURSTBUFFERTYPE=lua\n" TYPE_LINE " # x\n";
	auto_buf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(type_edit_out(&out, before, strlen(before)), 2);
	assert_string_equal(buf_str(&out), "BurstBufferType=datawarp\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_edit_finds_the_place),
		cmocka_unit_test(type_edit_takes_out_what_it_put_in),
		cmocka_unit_test(type_edit_takes_out_only_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
