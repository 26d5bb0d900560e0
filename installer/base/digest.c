#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

struct digest_state {
	EVP_MD_CTX *ctx;
};

/* EVP with a digest of the default provider fails only without memory. */
static void digest_start(struct digest_state *state)
{
	if (EVP_DigestInit_ex(state->ctx, EVP_sha256(), NULL) != 1)
		abort();
}

struct digest_state *digest_new(void)
{
	struct digest_state *state = mem_alloc(sizeof(*state));

	state->ctx = EVP_MD_CTX_new();
	if (state->ctx == NULL)
		abort();
	digest_start(state);
	return state;
}

void digest_free(struct digest_state *state)
{
	if (state)
		EVP_MD_CTX_free(state->ctx);
	free(state);
}

void digest_update(struct digest_state *state, const void *data, size_t len)
{
	if (EVP_DigestUpdate(state->ctx, data, len) != 1)
		abort();
}

void digest_final(struct digest_state *state, char *text)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *p = stpcpy(text, "sha256:");

	if (EVP_DigestFinal_ex(state->ctx, sum, &len) != 1)
		abort();
	for (unsigned int i = 0; i < len; i++) {
		*p++ = hex[sum[i] >> 4];
		*p++ = hex[sum[i] & 15];
	}
	*p = '\0';
	digest_start(state);
}

void digest_of(const void *data, size_t len, char *text)
{
	struct digest_state *state = digest_new();

	digest_update(state, data, len);
	digest_final(state, text);
	digest_free(state);
}

int digest_check(const char *text, struct err *err)
{
	const char *hex = str_after(text, "sha256:");

	if (hex == NULL || strlen(hex) != 64 ||
	    strspn(hex, "0123456789abcdef") != 64)
		return err_set(err, ERR_INVALID, "'%s' is not a sha256 digest",
			       text);
	return 0;
}

const char *digest_hex(const char *text)
{
	return text + strlen("sha256:");
}
