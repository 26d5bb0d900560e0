#include "unit.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/x509.h"
#include "base/x509_look.h"

#define DAY 86400
#define NAME "dws-webhook-service.dws-system.svc"

struct fixture {
	struct x509_pair ca, server;
	struct err err;
	char dir[32];
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	auto_strs struct strs names = STRS_INIT;

	strs_split(&names, NAME "," NAME ".cluster.local", ',');
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_x509.XXXXXX");
	if (mkdtemp(f->dir) == NULL ||
	    x509_make_ca(&f->ca, "dws-csm webhook CA", 3650, &f->err) < 0 ||
	    x509_issue_server(&f->server, &f->ca, &names, 365, &f->err) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	x509_pair_release(&f->ca);
	x509_pair_release(&f->server);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void x509_makes_what_it_verifies(void **state)
{
	struct fixture *f = *state;
	time_t now = time(NULL), end;
	int good;

	good = x509_verify(f->server.cert_pem, f->ca.cert_pem, NAME, now,
			   &f->err);
	assert_done(good == 1, &f->err);
	good = x509_verify(f->server.cert_pem, f->ca.cert_pem,
			   NAME ".cluster.local", now - 3000, &f->err);
	assert_done(good == 1, &f->err);
	assert_done(x509_not_after(f->server.cert_pem, &end, &f->err) == 0,
		    &f->err);
	assert_true(end > now + 364 * (time_t)DAY);
	assert_true(end < now + 366 * (time_t)DAY);
}

static void x509_verify_tells_why_not(void **state)
{
	struct fixture *f = *state;
	struct x509_pair other = { 0 };
	time_t now = time(NULL);
	const char *cert = f->server.cert_pem, *ca = f->ca.cert_pem;

	assert_int_equal(x509_verify(cert, ca, "other.svc", now, &f->err), 0);
	assert_error(&f->err, ERR_VERIFY, "for 'other.svc' is not valid: ");
	assert_int_equal(x509_verify(cert, ca, NAME, now + 400 * (time_t)DAY,
				     &f->err),
			 0);
	assert_error(&f->err, ERR_VERIFY, "expired");
	assert_int_equal(
		x509_verify(cert, ca, NAME, now - 2 * (time_t)DAY, &f->err), 0);
	assert_error(&f->err, ERR_VERIFY, "not yet valid");
	assert_done(x509_make_ca(&other, "dws-csm webhook CA", 1, &f->err) == 0,
		    &f->err);
	assert_int_equal(x509_verify(cert, other.cert_pem, NAME, now, &f->err),
			 0);
	assert_error(&f->err, ERR_VERIFY, NAME);
	assert_int_equal(x509_verify("rubbish", ca, NAME, now, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "cannot read the certificate");
	assert_int_equal(x509_verify(cert, "", NAME, now, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "CA of '" NAME "'");
	x509_pair_release(&other);
}

static void x509_verify_finds_the_ca_among_others(void **state)
{
	struct fixture *f = *state;
	struct x509_pair other = { 0 };
	autofree char *bundle = NULL;

	assert_done(x509_make_ca(&other, "another", 1, &f->err) == 0, &f->err);
	bundle = mem_printf("# comment\n%s%s", other.cert_pem, f->ca.cert_pem);
	assert_done(x509_verify(f->server.cert_pem, bundle, NAME, time(NULL),
				&f->err) == 1,
		    &f->err);
	/* What a self-signed issuer gives: the certificate is its own CA. */
	assert_done(x509_verify(f->server.cert_pem, f->server.cert_pem, NAME,
				time(NULL), &f->err) == 1,
		    &f->err);
	x509_pair_release(&other);
}

static void x509_serial_numbers_and_keys_differ(void **state)
{
	struct fixture *f = *state;
	struct x509_pair again = { 0 };

	assert_done(x509_make_ca(&again, "dws-csm webhook CA", 3650, &f->err) ==
			    0,
		    &f->err);
	assert_string_not_equal(again.cert_pem, f->ca.cert_pem);
	assert_string_not_equal(again.key_pem, f->ca.key_pem);
	x509_pair_release(&again);
}

static void x509_refuses_bad_input(void **state)
{
	struct fixture *f = *state;
	struct x509_pair mixed = { f->ca.cert_pem, f->server.key_pem };
	struct x509_pair broken = { f->ca.cert_pem, "no key" };
	struct x509_pair out = { 0 };
	auto_strs struct strs names = STRS_INIT;
	char long_name[80];
	time_t end;

	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(x509_make_ca(&out, "", 1, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "name of a CA");
	assert_int_equal(x509_make_ca(&out, long_name, 1, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "name of a CA");
	assert_int_equal(x509_issue_server(&out, &f->ca, &names, 1, &f->err),
			 -1);
	assert_error(&f->err, ERR_INVALID, "needs a DNS name");
	strs_add(&names, NAME);
	assert_int_equal(x509_issue_server(&out, &broken, &names, 1, &f->err),
			 -1);
	assert_error(&f->err, ERR_INVALID, "cannot read the private key");
	assert_int_equal(x509_issue_server(&out, &mixed, &names, 1, &f->err),
			 -1);
	assert_error(&f->err, ERR_INVALID, "certificate and key of the CA");
	strs_add(&names, "a,DNS:b");
	assert_int_equal(x509_issue_server(&out, &f->ca, &names, 1, &f->err),
			 -1);
	assert_error(&f->err, ERR_INVALID, "'a,DNS:b' is not a DNS name");
	assert_int_equal(x509_not_after("", &end, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "cannot read the certificate");
	assert_null(out.cert_pem);
}

static void x509_names_too_long_for_a_subject_are_still_served(void **state)
{
	struct fixture *f = *state;
	struct x509_pair server = { 0 };
	auto_strs struct strs names = STRS_INIT;

	strs_add(&names, "a-service-with-quite-a-long-name.in-a-namespace-with-"
			 "quite-a-long-name.svc");
	assert_done(x509_issue_server(&server, &f->ca, &names, 1, &f->err) == 0,
		    &f->err);
	assert_done(x509_verify(server.cert_pem, f->ca.cert_pem, names.item[0],
				time(NULL), &f->err) == 1,
		    &f->err);
	x509_pair_release(&server);
}

/* The openssl command is another reader than the library's calls of ours. */
static void x509_convinces_the_openssl_command(void **state)
{
	struct fixture *f = *state;
	autofree char *ca = mem_printf("%s/ca.pem", f->dir);
	autofree char *cert = mem_printf("%s/cert.pem", f->dir);
	char *argv[] = { "openssl",  "verify",	  "-x509_strict",
			 "-purpose", "sslserver", "-verify_hostname",
			 NAME,	     "-CAfile",	  ca,
			 cert,	     NULL };
	struct proc_request request = { .argv = argv };
	struct proc_result auto_proc result = PROC_RESULT_INIT;

	assert_done(file_replace(AT_FDCWD, ca, 0600, f->ca.cert_pem,
				 strlen(f->ca.cert_pem), &f->err) == 0,
		    &f->err);
	assert_done(file_replace(AT_FDCWD, cert, 0600, f->server.cert_pem,
				 strlen(f->server.cert_pem), &f->err) == 0,
		    &f->err);
	assert_done(proc_run(&request, &result, &f->err) == 0, &f->err);
	assert_int_equal(result.status, 0);
	unlink(ca);
	unlink(cert);
}

static void x509_clients_are_for_clients_of_their_ca(void **state)
{
	static const enum x509_key_type types[] = { X509_KEY_RSA, X509_KEY_EC };
	struct fixture *f = *state;
	autofree char *ca = mem_printf("%s/ca.pem", f->dir);
	autofree char *cert = mem_printf("%s/cert.pem", f->dir);
	char *argv[] = { "openssl",  "verify",	  "-x509_strict",
			 "-purpose", "sslclient", "-CAfile",
			 ca,	     cert,	  NULL };
	struct proc_request request = { .argv = argv };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		auto_x509_pair struct x509_pair client = { 0 };
		auto_x509_look struct x509_look look = { 0 };
		struct proc_result auto_proc result = PROC_RESULT_INIT;
		enum x509_key_type type = types[1 - i];

		assert_done(x509_issue_client(&client, &f->ca, types[i],
					      "slurm-dws", 30, &f->err) == 0,
			    &f->err);
		assert_done(x509_pair_check(&client, &type, &f->err) == 0,
			    &f->err);
		assert_int_equal(type, types[i]);
		assert_done(x509_look(&look, client.cert_pem, &f->err) == 0,
			    &f->err);
		assert_string_equal(look.subject, "CN=slurm-dws");
		assert_in_range(look.not_after, time(NULL) + 30 * DAY - 60,
				time(NULL) + 30 * DAY);
		assert_done(file_replace(AT_FDCWD, ca, 0600, f->ca.cert_pem,
					 strlen(f->ca.cert_pem), &f->err) == 0,
			    &f->err);
		assert_done(file_replace(AT_FDCWD, cert, 0600, client.cert_pem,
					 strlen(client.cert_pem), &f->err) == 0,
			    &f->err);
		assert_done(proc_run(&request, &result, &f->err) == 0, &f->err);
		assert_int_equal(result.status, 0);
		/* It is no server's. */
		assert_int_equal(x509_verify(client.cert_pem, f->ca.cert_pem,
					     "slurm-dws", time(NULL), &f->err),
				 0);
		err_clear(&f->err);
	}
	unlink(ca);
	unlink(cert);
}

static void x509_clients_do_not_outlive_their_ca(void **state)
{
	struct fixture *f = *state;
	auto_x509_pair struct x509_pair ca = { 0 }, client = { 0 };
	time_t ca_end, end;

	assert_done(x509_make_ca(&ca, "short", 2, &f->err) == 0, &f->err);
	assert_done(x509_issue_client(&client, &ca, X509_KEY_EC, "x", 500,
				      &f->err) == 0,
		    &f->err);
	assert_done(x509_not_after(ca.cert_pem, &ca_end, &f->err) == 0,
		    &f->err);
	assert_done(x509_not_after(client.cert_pem, &end, &f->err) == 0,
		    &f->err);
	assert_int_equal(end, ca_end);
}

static void x509_a_ca_that_has_expired_signs_no_clients(void **state)
{
	struct fixture *f = *state;
	auto_x509_pair struct x509_pair ca = { 0 }, client = { 0 };

	assert_done(x509_make_ca(&ca, "old", 0, &f->err) == 0, &f->err);
	assert_int_equal(x509_issue_client(&client, &ca, X509_KEY_EC, "x", 500,
					   &f->err),
			 -1);
	assert_int_equal(f->err.kind, ERR_INVALID);
	assert_non_null(strstr(f->err.msg, "the CA expired at 2"));
	assert_null(client.cert_pem);
}

static void x509_requests_are_taken_by_the_openssl_command(void **state)
{
	struct fixture *f = *state;
	autofree char *path = mem_printf("%s/request.pem", f->dir);
	char *argv[] = { "openssl", "req",	"-in",	   path,
			 "-noout",  "-subject", "-verify", NULL };
	struct proc_request request = { .argv = argv };

	for (int type = X509_KEY_RSA; type <= X509_KEY_EC; type++) {
		struct proc_result auto_proc result = PROC_RESULT_INIT;
		autofree char *pem = NULL;
		char *key = NULL;

		assert_done(x509_make_request(&pem, &key,
					      (enum x509_key_type)type,
					      "slurm-dws", &f->err) == 0,
			    &f->err);
		assert_non_null(strstr(key, "PRIVATE KEY"));
		mem_free_secret(key);
		assert_done(file_replace(AT_FDCWD, path, 0600, pem, strlen(pem),
					 &f->err) == 0,
			    &f->err);
		assert_done(proc_run(&request, &result, &f->err) == 0, &f->err);
		assert_int_equal(result.status, 0);
	}
	unlink(path);
}

static void x509_pair_check_refuses_what_does_not_fit(void **state)
{
	struct fixture *f = *state;
	struct x509_pair mixed = { .cert_pem = f->ca.cert_pem,
				   .key_pem = f->server.key_pem };
	auto_x509_pair struct x509_pair client = { 0 };
	enum x509_key_type type;

	assert_int_equal(x509_pair_check(&mixed, &type, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_VERIFY);
	assert_int_equal(x509_issue_client(&client, &mixed, X509_KEY_EC, "x", 1,
					   &f->err),
			 -1);
	assert_non_null(strstr(f->err.msg, "of the CA differ"));
	mixed.key_pem = "no key";
	assert_int_equal(x509_pair_check(&mixed, &type, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_INVALID);
}

#define test(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(x509_makes_what_it_verifies),
		test(x509_verify_tells_why_not),
		test(x509_verify_finds_the_ca_among_others),
		test(x509_serial_numbers_and_keys_differ),
		test(x509_refuses_bad_input),
		test(x509_names_too_long_for_a_subject_are_still_served),
		test(x509_convinces_the_openssl_command),
		test(x509_clients_are_for_clients_of_their_ca),
		test(x509_clients_do_not_outlive_their_ca),
		test(x509_a_ca_that_has_expired_signs_no_clients),
		test(x509_requests_are_taken_by_the_openssl_command),
		test(x509_pair_check_refuses_what_does_not_fit),
	};

	return cmocka_run_group_tests_name("x509", tests, NULL, NULL);
}
