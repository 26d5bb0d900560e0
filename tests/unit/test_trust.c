#include "unit.h"

#include "base/mem.h"
#include "base/x509.h"
#include "net/trust.h"

static void trust_takes_one_certificate_or_more(void **state)
{
	struct err err = ERR_INIT;
	auto_x509_pair struct x509_pair one = { 0 }, other = { 0 };
	autofree char *both = NULL;
	struct trust *trust;

	(void)state;
	assert_done(x509_make_ca(&one, "one", 1, &err) == 0, &err);
	assert_done(x509_make_ca(&other, "other", 1, &err) == 0, &err);
	trust = trust_new(one.cert_pem);
	assert_non_null(trust);
	trust_free(trust);
	both = mem_printf("%s\n# comment\n%s", one.cert_pem, other.cert_pem);
	trust = trust_new(both);
	assert_non_null(trust);
	trust_free(trust);
}

static void trust_refuses_what_holds_no_certificate(void **state)
{
	struct err err = ERR_INIT;
	auto_x509_pair struct x509_pair ca = { 0 };
	char *begin;

	(void)state;
	assert_null(trust_new(""));
	assert_null(trust_new("nothing\n"));
	assert_done(x509_make_ca(&ca, "one", 1, &err) == 0, &err);
	assert_null(trust_new(ca.key_pem));
	begin = strchr(ca.cert_pem, '\n');
	memcpy(begin + 1, "AAAAAAAA", 8);
	assert_null(trust_new(ca.cert_pem));
	trust_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trust_takes_one_certificate_or_more),
		cmocka_unit_test(trust_refuses_what_holds_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
