#include "bundle/bundle_extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "bundle/bundle_state.h"

/* The folder `name` of `dirfd`, made where it is not; never by a link. */
static int open_folder(int dirfd, const char *name, struct err *err)
{
	int fd;

	if (mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make the directory '%s'",
			       name);
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open the directory '%s'",
			       name);
	return fd;
}

/* The folder that `path` lies in; `*name` is the rest of it. */
static int open_parent(int dirfd, const char *path, const char **name,
		       struct err *err)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the directory");
	for (*name = path; (slash = strchr(*name, '/')); *name = slash + 1) {
		autofree char *folder =
			mem_strndup(*name, (size_t)(slash - *name));
		int next = open_folder(fd, folder, err);

		close(fd);
		if (next < 0)
			return -1;
		fd = next;
	}
	return fd;
}

static int write_whole(struct source *source, int dirfd, const char *name,
		       struct err *err)
{
	int fd = file_open(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	if (fd < 0)
		return -1;
	if (source_copy_to_fd(source, fd, err) < 0) {
		close(fd);
		return -1;
	}
	if (fsync(fd) < 0) {
		err_sys(err, errno, "cannot sync '%s'", name);
		close(fd);
		return -1;
	}
	return file_close(fd, name, err);
}

static int extract_to(struct source *source, int dirfd, const char *name,
		      struct err *err)
{
	autofree char *temp = mem_printf(".%s.partial", name);

	/* What an earlier one left that was killed. */
	unlinkat(dirfd, temp, 0);
	if (write_whole(source, dirfd, temp, err) < 0)
		goto fail;
	if (renameat(dirfd, temp, dirfd, name) < 0) {
		err_sys(err, errno, "cannot give it its name");
		goto fail;
	}
	return 0;
fail:
	unlinkat(dirfd, temp, 0);
	return -1;
}

static int extract(struct source *source, int dirfd, const char *path,
		   struct err *err)
{
	const char *name = path;
	autoclose int folder = open_parent(dirfd, path, &name, err);

	if (folder < 0 || extract_to(source, folder, name, err) < 0)
		return err_wrap(err, "extract '%s'", path);
	return 0;
}

int bundle_extract(const struct bundle *bundle, const struct bundle_file *file,
		   int dirfd, struct err *err)
{
	struct source_volume content;
	struct source_verify checked;
	int result;

	bundle_source(bundle, file, &content);
	source_verify_init(&checked, &content.source, file->digest, file->size);
	result = extract(&checked.source, dirfd, file->path, err);
	source_verify_release(&checked);
	return result;
}

int bundle_extract_signed(const struct bundle *bundle, int dirfd,
			  struct err *err)
{
	struct source_mem json, signature;

	source_mem_init(&json, bundle->json, bundle->meta.json_len);
	source_mem_init(&signature, bundle->signature,
			strlen(bundle->signature));
	if (extract(&json.source, dirfd, "bundle.json", err) < 0)
		return -1;
	return extract(&signature.source, dirfd, "bundle.json.sig", err);
}
