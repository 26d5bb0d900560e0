#include "unit.h"

#include <fcntl.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sign.h"

#define TEXT "{\"format\":\"dws-csm.io/bundle/v1\"}"

struct fixture {
	char dir[32];
	struct err err;
	struct sign_key *key;
	struct verify_key *public;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	char *secret = NULL, *public = NULL;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_sign.XXXXXX");
	if (mkdtemp(f->dir) == NULL ||
	    sign_keygen(NULL, &secret, &public, &f->err) < 0)
		return -1;
	f->key = sign_key_parse(secret, NULL, &f->err);
	f->public = verify_key_parse(public, &f->err);
	mem_free_secret(secret);
	free(public);
	*state = f;
	return f->key && f->public ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { "rm", "-rf", f->dir, NULL };
	struct proc_request request = { .argv = argv };
	auto_proc struct proc_result result = PROC_RESULT_INIT;

	assert_done(proc_run(&request, &result, &f->err) == 0, &f->err);
	sign_key_free(f->key);
	verify_key_free(f->public);
	free(f);
	return 0;
}

/* Run a line of shell in the directory; what it printed. */
static char *shell(struct fixture *f, const char *line)
{
	autofree char *all = mem_printf("cd %s && { %s; }", f->dir, line);
	char *argv[] = { "sh", "-c", all, NULL };
	struct proc_request request = { .argv = argv };
	auto_proc struct proc_result result = PROC_RESULT_INIT;

	assert_done(proc_run(&request, &result, &f->err) == 0, &f->err);
	if (result.status != 0)
		fail_msg("%s: %s", line, buf_str(&result.err));
	return mem_strdup(buf_str(&result.out));
}

static void put(struct fixture *f, const char *name, const char *text)
{
	autofree char *path = mem_printf("%s/%s", f->dir, name);

	assert_done(file_replace(AT_FDCWD, path, 0600, text, strlen(text),
				 &f->err) == 0,
		    &f->err);
}

static void sign_makes_what_verifies(void **state)
{
	struct fixture *f = *state;
	char text[SIGN_MAX_TEXT];
	int good;

	assert_done(sign_text(f->key, TEXT, strlen(TEXT), text, &f->err) == 0,
		    &f->err);
	good = verify_text(f->public, TEXT, strlen(TEXT), text, &f->err);
	assert_done(good == 1, &f->err);
	good = verify_text(f->public, TEXT, strlen(TEXT) - 1, text, &f->err);
	assert_done(good == 0, &f->err);
}

static void sign_is_not_taken_from_another_key(void **state)
{
	struct fixture *f = *state;
	autofree char *secret = NULL, *public = NULL;
	struct verify_key *other;
	char text[SIGN_MAX_TEXT], mine[DIGEST_SIZE], theirs[DIGEST_SIZE];
	int good;

	assert_done(sign_keygen(NULL, &secret, &public, &f->err) == 0, &f->err);
	other = verify_key_parse(public, &f->err);
	assert_done(other, &f->err);
	assert_done(sign_text(f->key, TEXT, strlen(TEXT), text, &f->err) == 0,
		    &f->err);
	good = verify_text(other, TEXT, strlen(TEXT), text, &f->err);
	assert_done(good == 0, &f->err);
	verify_key_fingerprint(f->public, mine);
	verify_key_fingerprint(other, theirs);
	assert_string_not_equal(mine, theirs);
	verify_key_free(other);
}

/* Of any change of one bit the text is no signature, or that of others. */
static void sign_knows_every_changed_bit_of_a_signature(void **state)
{
	struct fixture *f = *state;
	char text[SIGN_MAX_TEXT];
	size_t len;

	assert_done(sign_text(f->key, TEXT, strlen(TEXT), text, &f->err) == 0,
		    &f->err);
	len = strlen(text);
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct err err = ERR_INIT;

		text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
		if (verify_text(f->public, TEXT, strlen(TEXT), text, &err) == 1)
			fail_msg("bit %zu of '%s' does not matter", bit, text);
		text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
	}
}

static void sign_refuses_what_is_no_signature(void **state)
{
	struct fixture *f = *state;
	char text[SIGN_MAX_TEXT], more[2 * SIGN_MAX_TEXT], zeros[200];
	const char *cases[] = {
		"",
		"unsigned",
		"====",
		"MEUC",
		"A",
		"!!!!",
		more,
		zeros,
		/* r = s = 1 with a long form of the length, then with a leading
		 * zero too many. */
		"MIEGAgEBAgEB",
		"MAgCAgABAgIAAQ==",
	};

	assert_done(sign_text(f->key, TEXT, strlen(TEXT), text, &f->err) == 0,
		    &f->err);
	snprintf(more, sizeof(more), "%s\n", text);
	memset(zeros, 'A', sizeof(zeros) - 1);
	zeros[sizeof(zeros) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(verify_text(f->public, TEXT, strlen(TEXT),
					     cases[i], &err),
				 -1);
		assert_error(&err, ERR_INVALID, "the signature is none");
	}
}

static void sign_key_with_a_password_needs_it(void **state)
{
	struct fixture *f = *state;
	autofree char *secret = NULL, *public = NULL, *again = NULL;
	struct err err = ERR_INIT;
	struct sign_key *key;

	assert_done(sign_keygen("long live", &secret, &public, &f->err) == 0,
		    &f->err);
	assert_true(sign_key_encrypted(secret));
	assert_null(sign_key_parse(secret, NULL, &err));
	assert_error(&err, ERR_INVALID, "needs its password");
	assert_null(sign_key_parse(secret, "long love", &err));
	assert_error(&err, ERR_VERIFY, "is wrong");
	key = sign_key_parse(secret, "long live", &f->err);
	assert_done(key, &f->err);
	again = sign_key_public(key, &f->err);
	assert_string_equal(again, public);
	sign_key_free(key);
}

static void sign_refuses_passwords_that_nobody_could_give_again(void **state)
{
	struct fixture *f = *state;
	autofree char *secret = NULL, *public = NULL, *long_one = NULL;

	long_one = mem_alloc(2000);
	memset(long_one, 'x', 1999);
	assert_int_equal(sign_keygen("", &secret, &public, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "is empty");
	assert_int_equal(sign_keygen(long_one, &secret, &public, &f->err), -1);
	assert_error(&f->err, ERR_INVALID, "longer than 1024");
}

static void sign_is_checked_by_openssl(void **state)
{
	struct fixture *f = *state;
	autofree char *public = sign_key_public(f->key, &f->err), *out = NULL;
	char text[SIGN_MAX_TEXT];

	assert_done(sign_text(f->key, TEXT, strlen(TEXT), text, &f->err) == 0,
		    &f->err);
	put(f, "pub", public);
	put(f, "text", TEXT);
	put(f, "sig", text);
	out = shell(f, "base64 -d sig > der; openssl dgst -sha256 -verify pub "
		       "-signature der text");
	assert_string_equal(out, "Verified OK\n");
}

static void sign_key_is_read_and_written_by_openssl(void **state)
{
	struct fixture *f = *state;
	autofree char *secret = NULL, *public = NULL, *out = NULL;

	assert_done(sign_keygen("pass", &secret, &public, &f->err) == 0,
		    &f->err);
	put(f, "key", secret);
	out = shell(f, "openssl pkey -in key -passin pass:pass -pubout");
	assert_string_equal(out, public);
	free(mem_steal(&out));
	out = shell(f, "openssl asn1parse -in key");
	assert_non_null(strstr(out, "PBKDF2"));
	assert_non_null(strstr(out, "hmacWithSHA256"));
	assert_non_null(strstr(out, "aes-256-cbc"));
}

static void sign_takes_the_keys_that_openssl_makes(void **state)
{
	static const struct {
		const char *line, *password;
	} cases[] = {
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-256",
		  NULL },
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-256 -aes256 -pass pass:sesame",
		  "sesame" },
		{ "openssl ecparam -name prime256v1 -genkey", NULL },
		{ "openssl ecparam -name prime256v1 -genkey -noout", NULL },
		{ "openssl ecparam -name prime256v1 -genkey -noout | "
		  "openssl ec -aes128 -passout pass:sesame",
		  "sesame" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *pem = shell(f, cases[i].line);
		autofree char *public = NULL, *finger = NULL;
		struct sign_key *key;
		struct verify_key *verify;
		char text[SIGN_MAX_TEXT], fingerprint[DIGEST_SIZE];

		assert_int_equal(sign_key_encrypted(pem),
				 cases[i].password != NULL);
		key = sign_key_parse(pem, cases[i].password, &f->err);
		assert_done(key, &f->err);
		public = sign_key_public(key, &f->err);
		verify = verify_key_parse(public, &f->err);
		assert_done(verify, &f->err);
		assert_done(sign_text(key, "x", 1, text, &f->err) == 0,
			    &f->err);
		assert_int_equal(verify_text(verify, "x", 1, text, &f->err), 1);
		put(f, "pub", public);
		finger = shell(f, "openssl pkey -pubin -in pub -outform DER | "
				  "sha256sum | cut -c 1-64 | tr -d '\\n'");
		verify_key_fingerprint(verify, fingerprint);
		assert_string_equal(digest_hex(fingerprint), finger);
		sign_key_free(key);
		verify_key_free(verify);
	}
}

static void sign_key_parse_says_what_it_was_given(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-384",
		  "the key is EC on secp384r1" },
		{ "openssl genpkey -algorithm ed25519", "the key is ED25519" },
		{ "openssl genpkey -algorithm RSA", "the key is RSA;" },
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-256 | openssl pkey -pubout",
		  "this is a public key, and not a private key" },
		{ "echo -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----",
		  "which only cosign reads" },
		{ "echo -----BEGIN PRIVATE KEY-----; echo AAAA; "
		  "echo -----END PRIVATE KEY-----",
		  "the private key is damaged" },
		{ "echo hello", "this is no PEM text" },
		{ "true", "this is no PEM text" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *pem = shell(f, cases[i].line);
		struct err err = ERR_INIT;

		assert_null(sign_key_parse(pem, NULL, &err));
		assert_error(&err, ERR_INVALID, cases[i].text);
	}
}

static void verify_key_parse_says_what_it_was_given(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "openssl genpkey -algorithm ed25519 | openssl pkey -pubout",
		  "the key is ED25519" },
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-256",
		  "this is a private key, and not a public key in PEM; keep it "
		  "secret" },
		{ "openssl genpkey -algorithm EC -pkeyopt "
		  "ec_paramgen_curve:P-256 | openssl pkey -pubout > p; "
		  "cat p p",
		  "more than one" },
		{ "echo -----BEGIN PUBLIC KEY-----; echo AAAA; "
		  "echo -----END PUBLIC KEY-----",
		  "the public key is damaged" },
		{ "echo -----BEGIN CERTIFICATE-----", "this is a certificate" },
		{ "true", "this is no PEM text" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *pem = shell(f, cases[i].line);
		struct err err = ERR_INIT;

		assert_null(verify_key_parse(pem, &err));
		assert_error(&err, ERR_INVALID, cases[i].text);
	}
}

static void sign_library_version_is_a_number(void **state)
{
	(void)state;
	assert_in_range(*sign_library_version(), '1', '9');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sign_makes_what_verifies),
		TEST(sign_is_not_taken_from_another_key),
		TEST(sign_knows_every_changed_bit_of_a_signature),
		TEST(sign_refuses_what_is_no_signature),
		TEST(sign_key_with_a_password_needs_it),
		TEST(sign_refuses_passwords_that_nobody_could_give_again),
		TEST(sign_is_checked_by_openssl),
		TEST(sign_key_is_read_and_written_by_openssl),
		TEST(sign_takes_the_keys_that_openssl_makes),
		TEST(sign_key_parse_says_what_it_was_given),
		TEST(verify_key_parse_says_what_it_was_given),
		cmocka_unit_test(sign_library_version_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
