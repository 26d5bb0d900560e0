#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "bundle/bundle_create.h"
#include "bundle/bundle_state.h"
#include "format/tar_header.h"

/* The header of the signature and its content, which is one block whatever
 * it is: nothing else of a bundle depends on it. */
#define PLACE_SIZE (2 * TAR_HEADER_SIZE)

static int make_place(const struct bundle *bundle, const struct sign_key *key,
		      unsigned char *place, struct err *err)
{
	const struct bundle_meta *meta = bundle_meta(bundle);
	char text[SIGN_MAX_TEXT + 1];
	size_t len;

	if (sign_text(key, bundle_json(bundle), meta->json_len, text, err) < 0)
		return -1;
	len = strlen(text);
	text[len++] = '\n';
	memset(place, 0, PLACE_SIZE);
	memcpy(place + TAR_HEADER_SIZE, text, len);
	return tar_header_make(place, "bundle.json.sig", len, meta->created_s,
			       err);
}

static int write_at(const struct volume *volume, const char *path,
		    uint64_t offset, const void *data, size_t len,
		    struct err *err)
{
	int fd = file_open(AT_FDCWD, path, O_WRONLY, 0, err);
	ssize_t n;

	if (fd < 0 && err->sys == ETXTBSY)
		return err_hint(err, "it is running: sign a copy of it, or "
				     "have another dws-csm sign it");
	if (fd < 0)
		return -1;
	if (!volume_has(volume, fd)) {
		close(fd);
		err_set(err, ERR_VERIFY,
			"'%s' was replaced while it was looked at", path);
		return err_hint(err, "sign it again");
	}
	n = pwrite(fd, data, len, (off_t)offset);
	if (n != (ssize_t)len || fsync(fd) < 0) {
		err_sys(err, n >= 0 && n != (ssize_t)len ? ENOSPC : errno,
			"cannot write '%s'", path);
		close(fd);
		return -1;
	}
	return file_close(fd, path, err);
}

int bundle_sign(const char *path, const struct sign_key *key, struct err *err)
{
	autobundle struct bundle *bundle = bundle_open(path, err);
	unsigned char place[PLACE_SIZE];
	const struct volume *volume;
	uint64_t offset;
	size_t done = 0;

	if (bundle == NULL || make_place(bundle, key, place, err) < 0)
		return -1;
	volume = bundle->volume;
	offset = bundle_start(bundle) + bundle_meta(bundle)->sig_offset;
	/* At once, unless two parts have it. */
	while (done < PLACE_SIZE) {
		uint64_t within, left;
		const char *file =
			volume_place(volume, offset + done, &within, &left);
		size_t len = PLACE_SIZE - done;

		if (len > left)
			len = (size_t)left;
		if (write_at(volume, file, within, place + done, len, err) < 0)
			return -1;
		done += len;
	}
	return 0;
}
