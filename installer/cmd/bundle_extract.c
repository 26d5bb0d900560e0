#include "bundle/bundle_extract.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cmd/bundle_facts.h"
#include "cmd/cmd.h"
#include "cmd/output.h"

/* Globs; one that ends in a slash is all that lies below. */
struct wanted {
	const char *pattern;
	bool optional;
	bool used;
};

struct extraction {
	const struct bundle *bundle;
	struct wanted *wanted;
	size_t nr;
	int dirfd;
	struct buf *out;
};

static bool wants(struct extraction *self, const char *path)
{
	bool any = false;

	for (size_t i = 0; i < self->nr; i++) {
		const char *pattern = self->wanted[i].pattern;
		bool fits = str_ends(pattern, "/") ?
				    str_starts(path, pattern) :
				    fnmatch(pattern, path, 0) == 0;

		self->wanted[i].used |= fits;
		any |= fits;
	}
	return any;
}

static int check_used(const struct extraction *self, struct err *err)
{
	for (size_t i = 0; i < self->nr; i++)
		if (!self->wanted[i].used && !self->wanted[i].optional)
			return err_set(err, ERR_NOT_FOUND,
				       "bundle '%s' has no file '%s'; 'dws-csm "
				       "bundle inspect -o json' lists them",
				       bundle_name(self->bundle),
				       self->wanted[i].pattern);
	return 0;
}

static void told(struct extraction *self, const char *path)
{
	buf_addstr(self->out, path);
	buf_addch(self->out, '\n');
}

static int extract_all(struct extraction *self, struct err *err)
{
	const struct bundle_meta *meta = bundle_meta(self->bundle);
	/* Both are asked, so that each pattern is known as used. */
	bool json = wants(self, "bundle.json");
	bool signature = wants(self, "bundle.json.sig");

	/* Before the first is written. */
	for (size_t i = 0; i < meta->nr_files; i++)
		(void)wants(self, meta->file[i].path);
	if (check_used(self, err) < 0)
		return -1;
	if (json || signature) {
		if (bundle_extract_signed(self->bundle, self->dirfd, err) < 0)
			return -1;
		told(self, "bundle.json\nbundle.json.sig");
	}
	for (size_t i = 0; i < meta->nr_files; i++) {
		const struct bundle_file *file = &meta->file[i];

		if (!wants(self, file->path))
			continue;
		if (bundle_extract(self->bundle, file, self->dirfd, err) < 0)
			return -1;
		told(self, file->path);
	}
	return 0;
}

static struct wanted *wanted_of(const struct strs *args, size_t *nr)
{
	static const char *const usual[] = { "rpms/", "docs/", "manifests/" };
	bool given = args->nr > 1;
	struct wanted *wanted;

	*nr = given ? args->nr - 1 : ARRAY_SIZE(usual);
	wanted = mem_array(*nr, sizeof(*wanted));
	for (size_t i = 0; i < *nr; i++) {
		wanted[i].pattern = given ? args->item[i + 1] : usual[i];
		wanted[i].optional = !given;
	}
	return wanted;
}

static int open_target(const char *path, struct err *err)
{
	if (file_make_dirs(path, 0755, err) < 0)
		return -1;
	return file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, err);
}

static int bundle_extract_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	autobundle struct bundle *bundle = NULL;
	auto_bundle_facts struct bundle_facts facts = { 0 };
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autofree struct wanted *wanted = NULL;
	autoclose int dirfd = -1;
	struct extraction self = { .out = &out };

	if (args->nr == 0)
		return err_set(err, ERR_USAGE, "name the bundle");
	if (str_empty(settings->to))
		return err_set(err, ERR_USAGE, "'--to' must name a directory");
	bundle = bundle_open(args->item[0], err);
	if (bundle == NULL ||
	    bundle_facts_find(&facts, bundle, settings, err) < 0)
		return -1;
	dirfd = open_target(settings->to, err);
	if (dirfd < 0)
		return -1;
	self.bundle = bundle;
	self.dirfd = dirfd;
	self.wanted = wanted = wanted_of(args, &self.nr);
	if (extract_all(&self, err) < 0)
		return -1;
	return output_text(buf_str(&out), err);
}

const struct command cmd_bundle_extract = {
	.name = "bundle extract",
	.arguments = "FILE [PATTERN...]",
	.summary = "take files out of a bundle: RPMs, documents, manifests",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_TRUST | GROUP_EXTRACT,
	.max_args = 64,
	.run = bundle_extract_main,
};
