#include "base/version.h"

#include "version-stamp.h" /* made by the Makefile */

const char *version_string(void)
{
	return VERSION_STAMP;
}

int64_t version_built(void)
{
	return BUILD_EPOCH;
}
