#include "unit.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/x509.h"
#include "base/x509_look.h"

#define DAY ((time_t)24 * 3600)

struct fixture {
	struct x509_pair ca, other, server;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	auto_strs struct strs names = STRS_INIT;

	strs_split(&names, "registry.local,*.example.com", ',');
	if (x509_make_ca(&f->ca, "site CA", 3650, &f->err) < 0 ||
	    x509_make_ca(&f->other, "other CA", 3650, &f->err) < 0 ||
	    x509_issue_server(&f->server, &f->ca, &names, 20, &f->err) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	x509_pair_release(&f->ca);
	x509_pair_release(&f->other);
	x509_pair_release(&f->server);
	free(f);
	return 0;
}

static void look_tells_who_issued_it_for_whom_and_until_when(void **state)
{
	struct fixture *f = *state;
	auto_x509_look struct x509_look look = { 0 };
	time_t now = time(NULL);
	int done = x509_look(&look, f->server.cert_pem, &f->err);

	assert_done(done == 0, &f->err);
	assert_string_equal(look.subject, "CN=registry.local");
	assert_string_equal(look.issuer, "CN=site CA");
	assert_string_equal(look.names, "registry.local *.example.com");
	assert_int_equal(look.nr, 1);
	assert_true(look.not_before <= now);
	assert_true(look.not_after > now + 19 * DAY);
	assert_true(look.not_after < now + 21 * DAY);
}

static void look_takes_the_narrowest_dates_of_a_chain(void **state)
{
	struct fixture *f = *state;
	autofree char *chain =
		mem_printf("%s%s", f->ca.cert_pem, f->server.cert_pem);
	auto_x509_look struct x509_look look = { 0 };
	int done = x509_look(&look, chain, &f->err);

	assert_done(done == 0, &f->err);
	assert_int_equal(look.nr, 2);
	assert_string_equal(look.subject, "CN=site CA");
	assert_true(look.not_after < time(NULL) + 21 * DAY);
}

static void look_refuses_what_is_no_certificate(void **state)
{
	struct fixture *f = *state;
	auto_x509_look struct x509_look look = { 0 };

	assert_int_equal(x509_look(&look, "-----BEGIN", &f->err), -1);
	assert_int_equal(f->err.kind, ERR_INVALID);
	assert_int_equal(x509_vouched("", f->ca.cert_pem, &f->err), -1);
	assert_false(x509_is_for("", "registry.local"));
}

static void a_certificate_is_for_its_names_only(void **state)
{
	struct fixture *f = *state;

	assert_true(x509_is_for(f->server.cert_pem, "registry.local"));
	assert_true(x509_is_for(f->server.cert_pem, "a.example.com"));
	assert_false(x509_is_for(f->server.cert_pem, "example.com"));
	assert_false(x509_is_for(f->server.cert_pem, "127.0.0.1"));
}

static void only_the_ca_that_issued_it_vouches_for_it(void **state)
{
	struct fixture *f = *state;
	autofree char *both =
		mem_printf("%s\n%s", f->other.cert_pem, f->ca.cert_pem);
	int good = x509_vouched(f->server.cert_pem, both, &f->err);

	assert_done(good == 1, &f->err);
	good = x509_vouched(f->server.cert_pem, f->other.cert_pem, &f->err);
	assert_int_equal(good, 0);
	assert_non_null(strstr(f->err.msg, "issuer"));
	assert_int_equal(x509_vouched(f->server.cert_pem, "", &f->err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			look_tells_who_issued_it_for_whom_and_until_when),
		cmocka_unit_test(look_takes_the_narrowest_dates_of_a_chain),
		cmocka_unit_test(look_refuses_what_is_no_certificate),
		cmocka_unit_test(a_certificate_is_for_its_names_only),
		cmocka_unit_test(only_the_ca_that_issued_it_vouches_for_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
