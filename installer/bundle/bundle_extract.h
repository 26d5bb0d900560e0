/*
 * bundle_extract - files of a bundle as files of a directory.
 *
 * Each is verified while it is written and gets its name when it is whole.
 * Nothing outside the directory is touched: folders below it are made, or
 * must be folders, not links to some.
 */
#ifndef BUNDLE_BUNDLE_EXTRACT_H
#define BUNDLE_BUNDLE_EXTRACT_H

#include "bundle/bundle.h"

/* Of a bundle that is trusted. `dirfd` is the directory. ERR_VERIFY for what
 * is not what was signed. A file that is there is replaced. */
int bundle_extract(const struct bundle *bundle, const struct bundle_file *file,
		   int dirfd, struct err *err) must_check;

/* bundle.json and bundle.json.sig, for those who check the signature by other
 * means. */
int bundle_extract_signed(const struct bundle *bundle, int dirfd,
			  struct err *err) must_check;

#endif
