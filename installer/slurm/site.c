#include "slurm/site.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "slurm/conf.h"

/* Slurm itself does not look for files that include each other. */
#define MAX_DEPTH 16
#define MAX_FILES 1000

#define TYPE_PREFIX "burst_buffer/"

/* Of one reading. */
struct reading {
	struct site *site;
	char *cluster; /* ClusterName so far */
	unsigned int depth;
	unsigned int files;
};

enum type_meaning type_meaning(const char *value)
{
	const char *name = value ? str_after(value, TYPE_PREFIX) : NULL;

	/* Slurm takes the name alone as well. */
	name = name ? name : value;
	if (str_empty(name) || strcasecmp(name, "none") == 0)
		return TYPE_NONE;
	return str_eq(name, "lua") ? TYPE_LUA : TYPE_OTHER;
}

enum type_meaning site_type(const struct site *site)
{
	if (site->nr_types == 0)
		return TYPE_NONE;
	return type_meaning(site->type[site->nr_types - 1].value);
}

char *site_file(const struct site *site, const char *name)
{
	if (name[0] == '/')
		return mem_strdup(name);
	return mem_printf("%s/%s", site->dir, name);
}

static void replace(char **text, const char *value)
{
	free(*text);
	*text = mem_strdup(value);
}

static void note_type(struct site *site, const char *file, bool included,
		      const struct conf_line *line)
{
	struct site_type *type;

	site->type =
		mem_resize(site->type, site->nr_types + 1, sizeof(*site->type));
	type = &site->type[site->nr_types++];
	type->file = mem_strdup(file);
	type->number = line->number;
	type->value = mem_strdup(line->value);
	type->included = included;
}

static void note_line(struct reading *reading, const char *file,
		      const struct conf_line *line)
{
	struct site *site = reading->site;

	if (conf_is(line, "SlurmUser"))
		replace(&site->user, line->value);
	else if (conf_is(line, "PluginDir"))
		replace(&site->plugin_dir, line->value);
	else if (conf_is(line, "SlurmctldParameters"))
		replace(&site->parameters, line->value);
	else if (conf_is(line, "ClusterName"))
		replace(&reading->cluster, line->value);
	else if (conf_is(line, "BurstBufferType"))
		note_type(site, file, reading->depth > 1, line);
}

/* %c is the name of the cluster, in small letters. */
static char *include_path(const struct reading *reading, const char *name,
			  struct err *err)
{
	auto_buf struct buf out = BUF_INIT(4096);

	for (const char *p = name; *p; p++) {
		if (p[0] != '%' || p[1] != 'c') {
			buf_addch(&out, *p);
			continue;
		}
		if (reading->cluster == NULL) {
			err_set(err, ERR_INVALID,
				"'%s' needs a ClusterName before it", name);
			return NULL;
		}
		for (const char *c = reading->cluster; *c; c++)
			buf_addch(&out, (char)tolower((unsigned char)*c));
		p++;
	}
	if (buf_check(&out, "Include", err) < 0)
		return NULL;
	return site_file(reading->site, buf_str(&out));
}

static int read_text(struct reading *reading, const char *file,
		     const char *text, size_t len, struct err *err);

static int read_include(struct reading *reading, const char *name,
			struct err *err)
{
	autofree char *text = NULL;
	autofree char *path = NULL;
	size_t len;

	/* Slurm skips these, with an error in its log. */
	if (strchr(name, '*'))
		return 0;
	path = include_path(reading, name, err);
	if (path == NULL)
		return -1;
	if (file_read_regular(path, SITE_MAX_BYTES, &text, &len, err) < 0) {
		err->kind = ERR_INVALID;
		return -1;
	}
	return read_text(reading, path, text, len, err);
}

static int read_text(struct reading *reading, const char *file,
		     const char *text, size_t len, struct err *err)
{
	struct conf_reader reader;
	struct conf_line line;
	int result = 0;

	if (memchr(text, '\0', len))
		return err_set(err, ERR_INVALID,
			       "'%s' holds a NUL byte: it is no text", file);
	if (++reading->depth > MAX_DEPTH || ++reading->files > MAX_FILES)
		return err_set(err, ERR_INVALID,
			       "'%s' is included too deep: do files include "
			       "each other?",
			       file);
	conf_reader_init(&reader, text, len);
	while (result == 0 && conf_next(&reader, &line)) {
		if (!conf_is(&line, "Include")) {
			note_line(reading, file, &line);
			continue;
		}
		result = read_include(reading, line.value, err);
		if (result < 0)
			err_wrap(err, "'%s' line %u: Include", file,
				 line.number);
	}
	conf_reader_release(&reader);
	reading->depth--;
	return result;
}

static int site_find(struct site *site, const char *path, struct err *err)
{
	const char *slash;

	if (path == NULL)
		path = getenv("SLURM_CONF");
	if (str_empty(path))
		path = SITE_CONF;
	slash = strrchr(path, '/');
	site->path = mem_strdup(path);
	site->dir = slash ? mem_strndup(path, (size_t)(slash - path)) :
			    mem_strdup(".");
	if (file_read_regular(path, SITE_MAX_BYTES, &site->text, &site->len,
			      err) == 0)
		return 0;
	if (err->kind == ERR_NOT_FOUND) {
		err->kind = ERR_BLOCKED;
		err_hint(err, "run this on the host of slurmctld, and name the "
			      "file with --slurm-conf where it is elsewhere");
	}
	return -1;
}

/* Slurm's commands and the plugin, which we run, would wait for a pipe. */
static int check_beside(const struct site *site, struct err *err)
{
	static const char *const names[] = { "burst_buffer.conf",
					     "burst_buffer.lua",
					     "dws-burst-buffer.conf" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *path = site_file(site, names[i]);

		if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
			return err_set(err, ERR_INVALID,
				       "'%s' is not a regular file; put the "
				       "right one there, or take it away",
				       path);
	}
	return 0;
}

int site_read(struct site *site, const char *path, struct err *err)
{
	struct reading reading = { .site = site };
	int result;

	memset(site, 0, sizeof(*site));
	if (site_find(site, path, err) < 0 || check_beside(site, err) < 0) {
		site_release(site);
		return -1;
	}
	site->user = mem_strdup("root");
	site->parameters = mem_strdup("");
	result = read_text(&reading, site->path, site->text, site->len, err);
	free(reading.cluster);
	if (result < 0)
		site_release(site);
	return result;
}

void site_release(struct site *site)
{
	for (size_t i = 0; i < site->nr_types; i++) {
		free(site->type[i].file);
		free(site->type[i].value);
	}
	free(site->type);
	free(site->path);
	free(site->dir);
	free(site->text);
	free(site->user);
	free(site->plugin_dir);
	free(site->parameters);
	memset(site, 0, sizeof(*site));
}
