#include "cmd/bundle_facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define NAME_COLUMNS 13
#define LINE_MAX_BYTES 2048

struct bundle *bundle_of_args(const struct strs *args, struct err *err)
{
	struct bundle *bundle;

	if (args->nr > 0)
		return bundle_open(args->item[0], err);
	bundle = bundle_open_self(err);
	if (bundle == NULL && err->kind == ERR_NONE)
		err_set(err, ERR_USAGE,
			"name a bundle: this executable carries none");
	return bundle;
}

int bundle_facts_find(struct bundle_facts *facts, struct bundle *bundle,
		      const struct settings *settings, struct err *err)
{
	const struct bundle_trust trust = {
		.keys = &settings->trust,
		.allow_unsigned = settings->allow_unsigned,
	};

	memset(facts, 0, sizeof(*facts));
	facts->bundle = bundle;
	if (bundle_trust(bundle, &trust, &facts->signer, err) == 0) {
		facts->trusted = true;
		return 0;
	}
	if (err->kind == ERR_VERIFY)
		facts->reason = mem_strdup(err->msg);
	return -1;
}

void bundle_facts_release(struct bundle_facts *facts)
{
	bundle_signer_release(&facts->signer);
	free(facts->reason);
	memset(facts, 0, sizeof(*facts));
}

static struct jval *signature_value(const struct bundle_facts *facts)
{
	struct jval *value = jval_new_object();
	bool has_key = facts->trusted && facts->signer.key;

	jval_set_str(value, "state",
		     has_key	    ? "trusted" :
		     facts->trusted ? "unsigned" :
				      "unverified");
	if (has_key) {
		jval_set_str(value, "key", facts->signer.key);
		jval_set_str(value, "fingerprint", facts->signer.fingerprint);
	}
	if (facts->reason)
		jval_set_str(value, "reason", facts->reason);
	return value;
}

struct jval *bundle_facts_value(const struct bundle_facts *facts)
{
	const struct volume *volume = bundle_volume(facts->bundle);
	struct jval *value = jval_new_object();

	jval_set_str(value, "file", bundle_name(facts->bundle));
	jval_set_str(value, "digest", bundle_digest(facts->bundle));
	jval_set(value, "size", jval_new_int((int64_t)volume_size(volume)));
	jval_set(value, "parts", jval_new_int((int64_t)volume_parts(volume)));
	jval_set(value, "selfContained",
		 jval_new_bool(bundle_start(facts->bundle) > 0));
	jval_set(value, "signature", signature_value(facts));
	return value;
}

void bundle_facts_line(struct buf *out, const char *name, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* Anybody may have written what is told here. */
	utf8_clean(line);
	buf_addf(out, "%-*s %s\n", NAME_COLUMNS, name, line);
}

void bundle_facts_print(const struct bundle_facts *facts, struct buf *out)
{
	const struct volume *volume = bundle_volume(facts->bundle);
	char size[16];

	str_bytes(size, sizeof(size), volume_size(volume));
	bundle_facts_line(out, "bundle", "%s", bundle_name(facts->bundle));
	bundle_facts_line(out, "digest", "%s", bundle_digest(facts->bundle));
	bundle_facts_line(out, "size", "%s (%llu bytes)", size,
			  (unsigned long long)volume_size(volume));
	if (volume_parts(volume) > 1)
		bundle_facts_line(out, "parts", "%zu", volume_parts(volume));
	if (bundle_start(facts->bundle) > 0)
		bundle_facts_line(out, "executable",
				  "in front of it: self-contained");
	if (facts->trusted && facts->signer.key) {
		bundle_facts_line(out, "signed by", "%s", facts->signer.key);
		bundle_facts_line(out, "fingerprint", "%s",
				  facts->signer.fingerprint);
	} else {
		bundle_facts_line(out, "signed by", "%s",
				  facts->trusted ? "nobody" : "not verified");
	}
	if (facts->reason)
		bundle_facts_line(out, "reason", "%s", facts->reason);
}
