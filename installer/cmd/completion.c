#include "cmd/completion.h"

#include "base/mem.h"
#include "bundle/catalogue.h"
#include "cmd/output.h"

static void completion_learn(struct completion *self,
			     const struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct release *release = catalogue_at(catalogue, i);

		strs_add(&self->releases, release->version);
		for (size_t k = 0; k < release->nr_images; k++)
			if (!strs_has(&self->images, release->image[k].name))
				strs_add(&self->images, release->image[k].name);
	}
}

static int completion_main(struct settings *settings, const struct strs *args,
			   struct err *err)
{
	static const struct {
		const char *shell;
		void (*script)(const struct completion *self, struct buf *out);
	} shells[] = {
		{ "bash", completion_bash },
		{ "zsh", completion_zsh },
		{ "fish", completion_fish },
	};
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	struct completion self = { .releases = STRS_INIT };
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)settings;
	if (catalogue == NULL)
		return -1;
	for (size_t i = 0; args->nr > 0 && i < ARRAY_SIZE(shells); i++) {
		if (!str_eq(args->item[0], shells[i].shell))
			continue;
		completion_learn(&self, catalogue);
		shells[i].script(&self, &out);
		strs_release(&self.releases);
		strs_release(&self.images);
		return output_text(buf_str(&out), err);
	}
	return err_set(err, ERR_USAGE,
		       "name the shell: 'dws-csm completion bash', zsh or "
		       "fish");
}

const struct command cmd_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "print a script that completes commands and options",
	.chapter = CHAPTER_PROGRAM,
	.groups = GROUP_PROGRAM,
	.max_args = 1,
	.run = completion_main,
};
