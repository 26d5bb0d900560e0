#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "fake_server.h"
#include "net/probe.h"

static void probe_finds_the_addresses_of_a_name(void **state)
{
	auto_probe struct probe probe = PROBE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(probe_name(&probe, "127.0.0.1", "443", 30000, &err) == 0,
		    &err);
	assert_int_equal(probe.addresses.nr, 1);
	assert_string_equal(probe.addresses.item[0], "127.0.0.1");
}

static void probe_tells_a_name_without_address(void **state)
{
	auto_probe struct probe probe = PROBE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
		probe_name(&probe, "nowhere.invalid", "443", 30000, &err), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_non_null(strstr(err.msg, "'nowhere.invalid'"));
}

static void probe_does_not_wait_for_a_name_for_ever(void **state)
{
	auto_probe struct probe probe = PROBE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(probe_name(&probe, "nowhere.invalid", "443", 0, &err),
			 -1);
	assert_error(&err, ERR_TIMEOUT, "'nowhere.invalid': no name server");
}

static void probe_tells_that_nobody_listens(void **state)
{
	auto_probe struct probe probe = PROBE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(probe_name(&probe, "127.0.0.1", "1", 30000, &err) == 0,
		    &err);
	assert_int_equal(probe_connect(&probe, 1000, &err), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_non_null(strstr(err.msg, "127.0.0.1: Connection refused"));
}

/* Shakes hands with a server that answers with `answer`. */
static void shake(const char *answer, struct err *err)
{
	const char *answers[] = { answer };
	struct fake_server server = { .answers = answers, .nr = 1 };
	auto_probe struct probe probe = PROBE_INIT;
	char port[16];

	fake_server_start(&server);
	snprintf(port, sizeof(port), "%d", server.port);
	assert_done(probe_name(&probe, "127.0.0.1", port, 30000, err) == 0,
		    err);
	assert_done(probe_connect(&probe, 1000, err) == 0, err);
	assert_string_equal(probe.address, "127.0.0.1");
	assert_int_equal(probe_tls(&probe, "registry.local", 300, err), -1);
	assert_null(probe.chain_pem);
	probe_release(&probe);
	fake_server_stop(&server);
	fake_server_release(&server);
}

/* The fake server waits for the end of a head, which TLS does not bring. */
static void probe_does_not_wait_for_ever(void **state)
{
	int64_t start = clock_now_ms();
	struct err err = ERR_INIT;

	(void)state;
	shake(OK_EMPTY, &err);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(clock_now_ms() - start < 5000);
}

/* The last one: a signal is never forgotten. */
static void probe_of_a_name_hears_a_signal(void **state)
{
	auto_probe struct probe probe = PROBE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	interrupt_install();
	raise(SIGTERM);
	assert_int_equal(
		probe_name(&probe, "nowhere.invalid", "443", 30000, &err), -1);
	assert_error(&err, ERR_INTERRUPTED, "interrupted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_finds_the_addresses_of_a_name),
		cmocka_unit_test(probe_tells_a_name_without_address),
		cmocka_unit_test(probe_does_not_wait_for_a_name_for_ever),
		cmocka_unit_test(probe_tells_that_nobody_listens),
		cmocka_unit_test(probe_does_not_wait_for_ever),
		cmocka_unit_test(probe_of_a_name_hears_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
