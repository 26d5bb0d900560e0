#include "bundle/sbom.h"

#include <ctype.h>
#include <gnu/libc-version.h>
#include <string.h>

#include "base/mem.h"
#include "base/sign.h"
#include "bundle/rpm_header.h"
#include "format/gzip.h"
#include "format/tar.h"
#include "format/yaml.h"
#include "net/http.h"

#define NAMESPACE "https://dws-csm.io/spdx/bundle/"
#define SBOM_BUNDLE "SPDXRef-Bundle-1"

/* The document while it grows. */
struct sbom {
	const struct bundle *bundle;
	const struct bundle_meta *meta;
	bool trusted;
	struct jval *packages;
	struct jval *relationships;
};

static void relate(struct sbom *sbom, const char *from, const char *type,
		   const char *to)
{
	jval_append(sbom->relationships,
		    jval_pack("{s:s, s:s, s:s}", "spdxElementId", from,
			      "relationshipType", type, "relatedSpdxElement",
			      to));
}

/* What a package is; texts that are NULL are left out. */
struct package {
	const char *name;
	const char *version;
	const char *digest;
	const char *file_name;
	const char *source_info;
	const char *purpose;
	const char *comment;
	const char *license_comment;
	const char *purl;
};

static void set_text(struct jval *object, const char *name, const char *text)
{
	if (!str_empty(text))
		jval_set_str(object, name, text);
}

/*
 * Append a package; its SPDXID, owned, is "SPDXRef-<kind>-<number>": numbers
 * follow the order in the bundle, names may hold what an id must not.
 */
static char *add_package(struct sbom *sbom, const char *kind, size_t number,
			 const struct package *package)
{
	char *id = mem_printf("SPDXRef-%s-%zu", kind, number + 1);
	struct jval *value = jval_pack("{s:s}", "SPDXID", id);

	jval_set_str(value, "name", package->name);
	set_text(value, "versionInfo", package->version);
	set_text(value, "packageFileName", package->file_name);
	jval_set_str(value, "downloadLocation", "NOASSERTION");
	set_text(value, "sourceInfo", package->source_info);
	jval_set(value, "filesAnalyzed", jval_new_bool(false));
	set_text(value, "primaryPackagePurpose", package->purpose);
	set_text(value, "licenseComments", package->license_comment);
	set_text(value, "comment", package->comment);
	if (package->digest)
		jval_set(value, "checksums",
			 jval_pack("[{s:s, s:s}]", "algorithm", "SHA256",
				   "checksumValue",
				   digest_hex(package->digest)));
	if (package->purl)
		jval_set(value, "externalRefs",
			 jval_pack("[{s:s, s:s, s:s}]", "referenceCategory",
				   "PACKAGE-MANAGER", "referenceType", "purl",
				   "referenceLocator", package->purl));
	jval_append(sbom->packages, value);
	return id;
}

/* Source: package-url specification, "Character encoding". */
static void add_encoded(struct buf *purl, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (isalnum(*p) || strchr(".-_~:/", *p))
			buf_addch(purl, (char)*p);
		else
			buf_addf(purl, "%%%02X", *p);
}

static void add_to_bundle(struct sbom *sbom, const char *id)
{
	relate(sbom, SBOM_BUNDLE, "CONTAINS", id);
}

/* Source: package-url types, "oci". */
static char *image_purl(const struct bundle_image *image)
{
	const char *slash = strrchr(image->repository, '/');
	struct buf purl = BUF_INIT(BUF_TEXT_MAX);

	buf_addstr(&purl, "pkg:oci/");
	add_encoded(&purl, slash ? slash + 1 : image->repository);
	buf_addf(&purl,
		 "@sha256%%3A%s?repository_url=", digest_hex(image->digest));
	add_encoded(&purl, image->repository);
	buf_addstr(&purl, "&tag=");
	add_encoded(&purl, image->tag);
	return buf_steal(&purl);
}

static void add_artifacts(struct sbom *sbom, const struct bundle_image *image,
			  const char *image_id, size_t *number)
{
	for (size_t i = 0; i < image->nr_artifacts; i++) {
		const struct bundle_artifact *artifact = &image->artifact[i];
		const struct package package = {
			.name = artifact->tag ? artifact->tag :
						artifact->digest,
			.digest = artifact->digest,
			.purpose = "OTHER",
			.comment = artifact->artifact_type ?
					   artifact->artifact_type :
					   artifact->media_type,
		};
		autofree char *id =
			add_package(sbom, "Artifact", (*number)++, &package);

		add_to_bundle(sbom, id);
		relate(sbom, id, "METAFILE_OF", image_id);
	}
}

static bool same_image(const struct bundle_image *a,
		       const struct bundle_image *b)
{
	return str_eq(a->repository, b->repository) && str_eq(a->tag, b->tag) &&
	       str_eq(a->digest, b->digest);
}

/* The SPDXID of an image: that of an earlier release where it is the same. */
struct known_image {
	const struct bundle_image *image;
	char *id;
};

struct known_images {
	struct known_image *item;
	size_t nr;
	size_t artifacts;
};

static const char *image_id(struct sbom *sbom, struct known_images *known,
			    const struct bundle_image *image)
{
	autofree char *purl = NULL;
	struct package package = {
		.name = image->repository,
		.version = image->tag,
		.digest = image->digest,
		.source_info = image->source,
		.purpose = "CONTAINER",
	};
	char *id;

	for (size_t i = 0; i < known->nr; i++)
		if (same_image(known->item[i].image, image))
			return known->item[i].id;
	purl = image_purl(image);
	package.purl = purl;
	id = add_package(sbom, "Image", known->nr, &package);
	add_to_bundle(sbom, id);
	add_artifacts(sbom, image, id, &known->artifacts);
	known->item =
		mem_resize(known->item, known->nr + 1, sizeof(*known->item));
	known->item[known->nr].image = image;
	known->item[known->nr++].id = id;
	return id;
}

static char *release_source(const struct bundle_release *release)
{
	const char *type = jval_str(release->source, "type");
	const char *name = jval_str(release->source, "name");
	const char *commit = jval_str(release->source, "commit");

	return mem_printf("%s%s%s%s%s", type ? type : "unknown",
			  name ? ", " : "", name ? name : "",
			  commit ? ", commit " : "", commit ? commit : "");
}

static void add_releases(struct sbom *sbom)
{
	struct known_images known = { 0 };

	for (size_t i = 0; i < sbom->meta->nr_releases; i++) {
		const struct bundle_release *release = &sbom->meta->release[i];
		const struct bundle_file *file =
			bundle_meta_file(sbom->meta, release->manifests);
		autofree char *source = release_source(release);
		const struct package package = {
			.name = "dataworkflowservices",
			.version = release->version,
			.digest = file ? file->digest : NULL,
			.file_name = release->manifests,
			.source_info = source,
			.purpose = "APPLICATION",
		};
		autofree char *id = add_package(sbom, "Release", i, &package);

		add_to_bundle(sbom, id);
		for (size_t k = 0; k < release->nr_images; k++)
			relate(sbom, id, "DEPENDS_ON",
			       image_id(sbom, &known, &release->image[k]));
	}
	for (size_t i = 0; i < known.nr; i++)
		free(known.item[i].id);
	free(known.item);
}

static char *rpm_purl(const struct rpm_header *header)
{
	struct buf purl = BUF_INIT(BUF_TEXT_MAX);

	buf_addstr(&purl, "pkg:rpm/");
	add_encoded(&purl, header->name);
	buf_addch(&purl, '@');
	add_encoded(&purl, header->version);
	buf_addch(&purl, '-');
	add_encoded(&purl, header->release);
	buf_addstr(&purl, "?arch=");
	add_encoded(&purl, header->arch);
	if (header->epoch >= 0)
		buf_addf(&purl, "&epoch=%lld", (long long)header->epoch);
	return buf_steal(&purl);
}

static char *rpm_version(const struct rpm_header *header)
{
	if (header->epoch < 0)
		return mem_printf("%s-%s", header->version, header->release);
	return mem_printf("%lld:%s-%s", (long long)header->epoch,
			  header->version, header->release);
}

static int rpm_read(const struct sbom *sbom, const struct bundle_file *file,
		    struct rpm_header *header, struct err *err)
{
	struct source_volume source;

	if (!sbom->trusted)
		return err_set(err, ERR_VERIFY,
			       "the signature of the bundle is not verified");
	bundle_source(sbom->bundle, file, &source);
	return rpm_header_read(header, &source.source, err);
}

static char *add_rpm(struct sbom *sbom, size_t number,
		     const struct bundle_file *file)
{
	auto_rpm_header struct rpm_header header = { 0 };
	autofree char *version = NULL, *purl = NULL, *license = NULL;
	autofree char *trouble = NULL;
	struct package package = {
		.name = file->path + strlen("rpms/"),
		.digest = file->digest,
		.file_name = file->path,
		.purpose = "INSTALL",
	};
	struct err err = ERR_INIT;

	if (rpm_read(sbom, file, &header, &err) < 0) {
		trouble = mem_printf("no name and version: %s", err.msg);
		package.comment = trouble;
		return add_package(sbom, "Rpm", number, &package);
	}
	package.name = header.name;
	package.version = version = rpm_version(&header);
	package.purl = purl = rpm_purl(&header);
	/* It need not be an expression as SPDX wants it. */
	if (!str_empty(header.license))
		license = mem_printf("the RPM says: %s", header.license);
	package.license_comment = license;
	return add_package(sbom, "Rpm", number, &package);
}

static char *add_document(struct sbom *sbom, size_t number,
			  const struct bundle_file *file)
{
	const struct package package = {
		.name = file->path,
		.digest = file->digest,
		.file_name = file->path,
		.purpose = "FILE",
	};

	return add_package(sbom, "Document", number, &package);
}

static void add_files(struct sbom *sbom, const char *folder,
		      char *(*add)(struct sbom *sbom, size_t number,
				   const struct bundle_file *file))
{
	size_t number = 0;

	for (size_t i = 0; i < sbom->meta->nr_files; i++) {
		const struct bundle_file *file = &sbom->meta->file[i];
		autofree char *id = NULL;

		if (!str_starts(file->path, folder))
			continue;
		id = add(sbom, number++, file);
		add_to_bundle(sbom, id);
	}
}

/* The program is in the bundle, or made it; either way its libraries count. */
static void add_executable(struct sbom *sbom)
{
	const struct jval *root = sbom->meta->root;
	const struct jval *libraries = jval_get(root, "libraries");
	const char *commit = jval_str(root, "builder.commit");
	autofree char *source = commit ? mem_printf("commit %s", commit) : NULL;
	const struct package package = {
		.name = "dws-csm",
		.version = jval_str(root, "builder.version"),
		.digest = sbom->meta->executable_digest,
		.source_info = source,
		.purpose = "APPLICATION",
	};
	autofree char *executable =
		add_package(sbom, "Executable", 0, &package);

	if (sbom->meta->executable_digest)
		add_to_bundle(sbom, executable);
	else
		relate(sbom, executable, "BUILD_TOOL_OF", SBOM_BUNDLE);
	for (size_t i = 0; i < jval_len(libraries); i++) {
		const struct jval *library = jval_at(libraries, i);
		const struct package linked = {
			.name = jval_str(library, "name"),
			.version = jval_str(library, "version"),
			.purpose = "LIBRARY",
		};
		autofree char *id = NULL;

		if (linked.name == NULL)
			continue;
		id = add_package(sbom, "Library", i, &linked);
		relate(sbom, executable, "STATIC_LINK", id);
	}
}

static void add_bundle(struct sbom *sbom)
{
	autofree char *versions = NULL, *comment = NULL, *id = NULL;
	auto_strs struct strs list = STRS_INIT;
	struct package package = {
		.name = "dws-csm-bundle",
		.purpose = "ARCHIVE",
	};

	for (size_t i = 0; i < sbom->meta->nr_releases; i++)
		strs_add(&list, sbom->meta->release[i].version);
	package.version = versions = strs_join(&list, ",");
	package.comment = comment =
		mem_printf("bundle.json is %s", bundle_digest(sbom->bundle));
	id = add_package(sbom, "Bundle", 0, &package);
	relate(sbom, "SPDXRef-DOCUMENT", "DESCRIBES", id);
}

static struct jval *sbom_make(const struct bundle *bundle, bool trusted)
{
	struct sbom sbom = {
		.bundle = bundle,
		.meta = bundle_meta(bundle),
		.trusted = trusted,
		.packages = jval_new_array(),
		.relationships = jval_new_array(),
	};
	const char *hex = digest_hex(bundle_digest(bundle));
	const char *version = jval_str(sbom.meta->root, "builder.version");
	autofree char *name = mem_printf("dws-csm-bundle-%.12s", hex);
	autofree char *namespace = mem_printf(NAMESPACE "%s", hex);
	/* That of the builder: equal bundles have equal SBOMs. */
	autofree char *tool =
		mem_printf("Tool: dws-csm-%s", version ? version : "unknown");
	struct jval *creation = jval_new_object();
	struct jval *root;

	add_bundle(&sbom);
	add_releases(&sbom);
	add_files(&sbom, "rpms/", add_rpm);
	add_files(&sbom, "docs/", add_document);
	add_executable(&sbom);
	jval_set_str(creation, "created", sbom.meta->created);
	jval_set(creation, "creators", jval_pack("[o]", jval_new_str(tool)));
	root = jval_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}",
			 "spdxVersion", "SPDX-2.3", "dataLicense", "CC0-1.0",
			 "SPDXID", "SPDXRef-DOCUMENT", "name", name,
			 "documentNamespace", namespace, "creationInfo",
			 creation, "packages", sbom.packages, "relationships",
			 sbom.relationships);
	return root;
}

static bool is_rpm(void *ctx, const struct bundle_file *file)
{
	(void)ctx;
	return str_starts(file->path, "rpms/");
}

struct jval *sbom_of_bundle(struct bundle *bundle, bool trusted,
			    struct err *err)
{
	const struct bundle_verify rpms = { .wanted = is_rpm };

	if (trusted && bundle_verify(bundle, &rpms, err) < 0)
		return NULL;
	return sbom_make(bundle, trusted);
}

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
