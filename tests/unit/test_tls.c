#include "unit.h"

#include "base/mem.h"
#include "net/tls.h"

static void tls_reads_the_file_that_the_environment_names(void **state)
{
	char path[] = "/tmp/dws-csm-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "pem", 3), 3);
	close(fd);
	setenv("SSL_CERT_FILE", path, 1);
	assert_string_equal(tls_host_ca(), "pem");
	assert_string_equal(tls_host_ca_name(), path);
	/* Once read it stays. */
	unlink(path);
	assert_string_equal(tls_host_ca(), "pem");
	unsetenv("SSL_CERT_FILE");
}

static void tls_joins_two_texts(void **state)
{
	autofree char *both = tls_join("a", "b");
	autofree char *one = tls_join(NULL, "b");

	(void)state;
	assert_string_equal(both, "a\nb");
	assert_string_equal(one, "\nb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_reads_the_file_that_the_environment_names),
		cmocka_unit_test(tls_joins_two_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
