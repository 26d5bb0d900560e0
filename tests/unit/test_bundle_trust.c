#include "unit.h"

#include "bundle_fixture.h"

#include "base/log.h"

static void bundle_without_signature_needs_leave(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct bundle_signer signer;
	struct err err = ERR_INIT;

	(void)state;
	fixture_init(&f);
	fixture_write(&f, BUNDLE_UNSIGNED);
	put_bytes("u", f.tar.data, f.tar.len);
	bundle = opened("u");
	assert_int_equal(trust(bundle, "k.pub", false, NULL, &err), -1);
	assert_error(&err, ERR_VERIFY, "not signed; have it signed");
	log_set_level(LOG_QUIET);
	assert_done(trust(bundle, "k.pub", true, &signer, &err) == 0, &err);
	assert_null(signer.key);
	bundle_signer_release(&signer);
}

static void bundle_with_another_signature_is_refused(void **state)
{
	static const struct {
		const char *signature, *text;
	} cases[] = {
		{ "unsigned", "not one line" },
		{ "\n", "signature is none" },
		{ "unsigned\n\n", "not one line" },
		{ "UNSIGNED\n", "signature is none" },
		{ "AAAA\n", "signature is none" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_fixture struct fixture f;
		autobundle struct bundle *bundle = NULL;
		struct err err = ERR_INIT;

		fixture_init(&f);
		fixture_write(&f, cases[i].signature);
		put_bytes("x", f.tar.data, f.tar.len);
		bundle = opened("x");
		/* That nobody need have signed it does not mean this. */
		assert_int_equal(trust(bundle, "k.pub", true, NULL, &err), -1);
		assert_error(&err, ERR_VERIFY, cases[i].text);
	}
}

static void bundle_trust_names_the_keys_it_tried(void **state)
{
	autofree char *empty = in_dir("empty");
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	autofree char *other_secret = NULL, *other = NULL;
	struct err err = ERR_INIT;

	(void)state;
	given_bundle(&f);
	bundle = opened("b");
	assert_done(sign_keygen(NULL, &other_secret, &other, &err) == 0, &err);
	put("keys/2.pub", other);
	put("keys/1.pub", "no key");
	put("keys/key.txt", public_key);
	put("keys/.3.pub", public_key);
	assert_int_equal(mkdir(empty, 0755), 0);
	assert_int_equal(trust(bundle, "keys", false, NULL, &err), -1);
	assert_error(&err, ERR_VERIFY, "/keys/2.pub); it was altered, or");
	assert_null(strstr(err.msg, "1.pub"));
	assert_int_equal(trust(bundle, "empty", false, NULL, &err), -1);
	assert_error(&err, ERR_VERIFY, "there is no public key in");
	assert_int_equal(trust(bundle, "keys/1.pub", false, NULL, &err), -1);
	assert_error(&err, ERR_USAGE, "--trust: key");
	assert_int_equal(trust(bundle, "nowhere", false, NULL, &err), -1);
	assert_error(&err, ERR_USAGE, "nowhere");
	put("keys/4.pub", public_key);
	assert_done(trust(bundle, "keys", false, NULL, &err) == 0, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_without_signature_needs_leave),
		cmocka_unit_test(bundle_with_another_signature_is_refused),
		cmocka_unit_test(bundle_trust_names_the_keys_it_tried),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
