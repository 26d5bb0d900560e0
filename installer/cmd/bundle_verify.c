#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/bundle_facts.h"
#include "cmd/output.h"

static int verified_show(const struct bundle_facts *facts,
			 const struct settings *settings, struct err *err)
{
	const struct bundle_meta *meta = bundle_meta(facts->bundle);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	uint64_t bytes = 0;

	for (size_t i = 0; i < meta->nr_files; i++)
		bytes += meta->file[i].size;
	if (output_format(settings->output)) {
		autojval struct jval *value = bundle_facts_value(facts);

		jval_set(value, "files", jval_new_int((int64_t)meta->nr_files));
		jval_set(value, "bytes", jval_new_int((int64_t)bytes));
		return output_value(value, settings->output, err);
	}
	bundle_facts_print(facts, &out);
	bundle_facts_line(&out, "verified", "%zu files, %llu bytes",
			  meta->nr_files, (unsigned long long)bytes);
	return output_text(buf_str(&out), err);
}

static int verify_all(struct bundle *bundle, const struct settings *settings,
		      struct err *err)
{
	struct bundle_verify all = { .wanted = NULL };
	int status;

	if (settings_progress(settings, &all.progress, err) < 0)
		return -1;
	status = bundle_verify(bundle, &all, err);
	progress_free(all.progress);
	if (status < 0)
		return -1;
	return bundle_unchanged(bundle, err);
}

static int bundle_verify_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	autobundle struct bundle *bundle = bundle_of_args(args, err);
	auto_bundle_facts struct bundle_facts facts = { 0 };

	if (bundle == NULL ||
	    bundle_facts_find(&facts, bundle, settings, err) < 0 ||
	    verify_all(bundle, settings, err) < 0)
		return -1;
	return verified_show(&facts, settings, err);
}

const struct command cmd_bundle_verify = {
	.name = "bundle verify",
	.arguments = "[FILE]",
	.summary = "check the signature of a bundle and every byte of it",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_TRUST | GROUP_OUTPUT | GROUP_PROGRESS,
	.max_args = 1,
	.run = bundle_verify_main,
};
