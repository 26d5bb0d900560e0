#include <inttypes.h>

#include "base/mem.h"
#include "base/opts.h"

char *opts_value(const struct opt *opt, const void *settings)
{
	const void *at = (const char *)settings + opt->offset;

	switch (opt->kind) {
	case OPT_FLAG:
	case OPT_SWITCH:
		return mem_strdup(*(const bool *)at ? "true" : "false");
	case OPT_COUNT:
		return mem_printf("%d", *(const int *)at);
	case OPT_TEXT:
		return mem_strdup(*(const char *const *)at);
	case OPT_LIST:
		return strs_join(at, ",");
	case OPT_NUMBER:
	case OPT_SIZE:
		return mem_printf("%" PRId64, *(const int64_t *)at);
	case OPT_DURATION:
		return mem_printf("%" PRId64 "ms", *(const int64_t *)at);
	}
	return NULL;
}
