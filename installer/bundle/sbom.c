#include "bundle/sbom.h"

#include <gnu/libc-version.h>

#include "base/mem.h"
#include "base/sign.h"
#include "format/gzip.h"
#include "format/tar.h"
#include "format/yaml.h"
#include "net/http.h"

/* Those that the executable is linked with; by name. Others on the linker's
 * line (acl, attr, lzma, zstd) leave no code in it. */
struct jval *sbom_libraries(void)
{
	const struct {
		const char *name, *version;
	} libraries[] = {
		{ "curl", http_library_version() },
		{ "glibc", gnu_get_libc_version() },
		{ "jansson", jval_library_version() },
		{ "libarchive", tar_library_version() },
		{ "libyaml", yaml_library_version() },
		{ "openssl", sign_library_version() },
		{ "zlib", gzip_library_version() },
	};
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++)
		jval_append(list,
			    jval_pack("{s:s, s:s}", "name", libraries[i].name,
				      "version", libraries[i].version));
	return list;
}
