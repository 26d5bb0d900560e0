#include "slurm/check.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/mem.h"
#include "slurm/conf.h"
#include "slurm/load.h"

#define SCRIPT "burst_buffer.lua"
#define SLURM_SETTINGS "burst_buffer.conf"
#define OWN_SETTINGS "dws-burst-buffer.conf"
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_PLUGIN_BYTES ((size_t)64 << 20)
#define FIRST_RELEASE 2108

#define INSTALL_PLUGIN                                                  \
	"install the package dws-slurm-bb-plugin; where slurm.conf is " \
	"elsewhere, copy its files from /etc/slurm beside it"

#define GIVE_TO_ROOT                                                  \
	"give file and folder to root, and let nobody else write to " \
	"them: slurmctld runs what they say"

static void check_slurmctld(struct findings *findings, struct host *host,
			    const struct site *site)
{
	struct err err = ERR_INIT;

	if (host_look(host, site, &err) < 0)
		finding_add_err(findings, "slurmctld", FINDING_FAULT, &err);
	else if (host->release < FIRST_RELEASE)
		finding_add(findings, "slurmctld", FINDING_FAULT,
			    "update Slurm to 21.08 or later",
			    "Slurm %s knows no burst buffers by Lua",
			    host->version);
	else
		finding_add(findings, "slurmctld", FINDING_OK, NULL,
			    "Slurm %s, '%s'", host->version, host->slurmctld);
}

static void check_lua(struct findings *findings, const struct host *host)
{
	if (host->slurmctld == NULL)
		finding_add(findings, "lua", FINDING_SKIPPED, NULL,
			    "there is no slurmctld");
	else if (host->plugin == NULL)
		finding_add(findings, "lua", FINDING_FAULT,
			    "install Slurm's package that has it; who builds "
			    "Slurm needs Lua's headers for it",
			    "burst_buffer_lua.so is missing among Slurm's "
			    "plugins");
	else if (host->lua == NULL)
		finding_add(findings, "lua", FINDING_WARNING, NULL,
			    "'%s' does not tell which Lua it is linked with",
			    host->plugin);
	else
		finding_add(findings, "lua", FINDING_OK, NULL, "%s%s, '%s'",
			    str_eq(host->lua, "luajit") ? "" : "Lua ",
			    host->lua, host->plugin);
}

static void check_user(struct findings *findings, struct check_seen *seen)
{
	struct err err = ERR_INIT;

	seen->has_user = user_find(&seen->user, seen->site.user, &err) == 0;
	if (seen->has_user)
		finding_add(findings, "user", FINDING_OK, NULL,
			    "SlurmUser is %s, uid %u", seen->site.user,
			    (unsigned int)seen->user.uid);
	else
		finding_add(findings, "user", FINDING_FAULT,
			    "slurmctld does not start without it",
			    "SlurmUser: %s", err.msg);
}

/* Of a file or folder itself. */
static char *unsafe(const char *path, const struct user *user)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (st.st_uid != 0 && (user == NULL || st.st_uid != user->uid))
		return mem_printf("'%s' belongs to user %u", path,
				  (unsigned int)st.st_uid);
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
		return mem_printf("anybody may write to '%s' (mode %04o)", path,
				  (unsigned int)st.st_mode & 07777);
	if ((st.st_mode & S_IWGRP) && st.st_gid != 0 &&
	    (user == NULL || st.st_gid != user->gid))
		return mem_printf("group %u may write to '%s' (mode %04o)",
				  (unsigned int)st.st_gid, path,
				  (unsigned int)st.st_mode & 07777);
	return NULL;
}

char *check_safe(const char *path, const struct user *user)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash && slash > path ?
				     mem_strndup(path, (size_t)(slash - path)) :
				     mem_strdup(slash ? "/" : ".");
	char *why = unsafe(path, user);

	return why ? why : unsafe(dir, user);
}

/* A file of the plugin is there, and safe. Its text, or NULL. */
static char *check_file(struct findings *findings,
			const struct check_seen *seen, const char *check,
			const char *name)
{
	autofree char *path = site_file(&seen->site, name);
	autofree char *why = NULL;
	struct err err = ERR_INIT;
	char *text = NULL;

	if (file_read_regular(path, MAX_BYTES, &text, NULL, &err) < 0) {
		finding_add(findings, check, FINDING_FAULT,
			    err.kind == ERR_NOT_FOUND ? INSTALL_PLUGIN : NULL,
			    "%s", err.msg);
		return NULL;
	}
	why = check_safe(path, seen->has_user ? &seen->user : NULL);
	if (why == NULL)
		return text;
	finding_add(findings, check, FINDING_FAULT, GIVE_TO_ROOT, "%s", why);
	free(text);
	return NULL;
}

/* Whether it is the one that we carry. */
static bool is_ours(const char *text)
{
	const struct embedded_file *own =
		embedded_find("payload/slurm/" SCRIPT);

	return own && str_eq(text, (const char *)own->data);
}

static void check_plugin(struct findings *findings,
			 const struct check_seen *seen)
{
	autofree char *text = check_file(findings, seen, "plugin", SCRIPT);
	autofree char *path = site_file(&seen->site, SCRIPT);

	if (text)
		finding_add(findings, "plugin", FINDING_OK, NULL, "'%s', %s",
			    path,
			    is_ours(text) ? "as this dws-csm carries it" :
					    "not the one of this dws-csm");
}

/* Whether the plugin for Lua knows that name: it is among its strings. */
static bool is_known(const struct host *host, const char *plugin, size_t len,
		     const char *name)
{
	size_t size = strlen(name) + 1;

	if (host->plugin == NULL || plugin == NULL)
		return true;
	/* Not only whole strings: the linker keeps one that ends another one
	 * as the end of that. */
	for (const char *p = plugin; size <= len; p++, len--)
		if (strncasecmp(p, name, size) == 0)
			return true;
	return strcasecmp(name, "Include") == 0;
}

static bool is_time(const char *value)
{
	return value[strspn(value, "0123456789")] == '\0' ||
	       strcasecmp(value, "UNLIMITED") == 0 ||
	       strcasecmp(value, "INFINITE") == 0;
}

/* The first line of burst_buffer.conf at which slurmctld would end; the
 * caller's. */
static char *refused_line(const struct host *host, const char *text)
{
	autofree char *plugin = NULL;
	struct conf_reader reader;
	struct conf_line line;
	struct err err = ERR_INIT;
	char *refused = NULL;
	size_t len = 0;

	if (host->plugin && file_read_regular(host->plugin, MAX_PLUGIN_BYTES,
					      &plugin, &len, &err) < 0)
		plugin = NULL;
	conf_reader_init(&reader, text, strlen(text));
	while (refused == NULL && conf_next(&reader, &line)) {
		const char *all = buf_str(&reader.joined);

		if (line.name ?
			    !line.more &&
				    is_known(host, plugin, len, line.name) &&
				    (!strcasestr(line.name, "Timeout") ||
				     is_time(line.value)) :
			    all[strspn(all, " \t\r\n")] == '\0')
			continue;
		refused = mem_strndup(text + line.at,
				      strcspn(text + line.at, "\r\n"));
	}
	conf_reader_release(&reader);
	return refused;
}

static void check_slurm_settings(struct findings *findings,
				 const struct check_seen *seen)
{
	autofree char *text =
		check_file(findings, seen, SLURM_SETTINGS, SLURM_SETTINGS);
	autofree char *path = site_file(&seen->site, SLURM_SETTINGS);
	autofree char *directive = NULL;
	autofree char *flags = NULL;
	autofree char *refused = NULL;

	if (text == NULL)
		return;
	if (seen->has_user && !user_can_read(&seen->user, path)) {
		finding_add(findings, SLURM_SETTINGS, FINDING_WARNING,
			    "'chmod 0644' it",
			    "%s cannot read '%s': Slurm would take #DW lines "
			    "for comments",
			    seen->site.user, path);
		return;
	}
	refused = refused_line(&seen->host, text);
	if (refused) {
		finding_add(findings, SLURM_SETTINGS, FINDING_FAULT,
			    "slurmctld would not start with it; take the line "
			    "out, or see burst_buffer.conf(5)",
			    "'%s': Slurm knows no '%s'", path, refused);
		return;
	}
	directive = conf_value(text, strlen(text), "Directive");
	flags = conf_value(text, strlen(text), "Flags");
	if (!str_eq(directive, "DW"))
		finding_add(findings, SLURM_SETTINGS, FINDING_FAULT,
			    "write Directive=DW into it",
			    "'%s' has Directive=%s: Slurm would take #DW lines "
			    "for comments",
			    path, directive ? directive : "BB_LUA");
	else if (flags == NULL || !strcasestr(flags, "TeardownFailure"))
		finding_add(findings, SLURM_SETTINGS, FINDING_WARNING,
			    "write Flags=TeardownFailure into it",
			    "'%s' leaves storage behind when a job fails",
			    path);
	else
		finding_add(findings, SLURM_SETTINGS, FINDING_OK, NULL, "'%s'",
			    path);
}

static void tell_hooks(struct findings *findings, const struct host *host,
		       const struct strs *hooks,
		       const struct load_answer *answer)
{
	autofree char *missing = strs_join(&answer->missing, ", ");
	const char *lua = host->lua ? host->lua : "not known";

	if (answer->error)
		finding_add(
			findings, CHECK_HOOKS, FINDING_FAULT,
			"slurmctld would not start with it; " INSTALL_PLUGIN,
			"%s cannot load it: %s", answer->by, answer->error);
	else if (answer->missing.nr > 0)
		finding_add(
			findings, CHECK_HOOKS, FINDING_FAULT,
			"slurmctld would not start with it; " INSTALL_PLUGIN,
			"functions are missing that Slurm %s demands: %s",
			host->version, missing);
	else if (answer->other)
		finding_add(findings, CHECK_HOOKS, FINDING_OK, NULL,
			    "all %zu, loaded by the %s of dws-csm (Slurm's is "
			    "%s, of which there is no interpreter)",
			    hooks->nr, answer->by, lua);
	else
		finding_add(findings, CHECK_HOOKS, FINDING_OK, NULL,
			    "all %zu, loaded by %s", hooks->nr, answer->by);
}

static void tell_settings(struct findings *findings,
			  const struct check_seen *seen,
			  const struct load_answer *answer)
{
	autofree char *path = site_file(&seen->site, OWN_SETTINGS);
	autofree char *why = check_safe(path, &seen->user);

	if (why)
		finding_add(findings, "settings", FINDING_FAULT, GIVE_TO_ROOT,
			    "%s", why);
	else if (answer->error)
		finding_add(findings, "settings", FINDING_SKIPPED, NULL,
			    "the plugin reads them, and cannot be loaded");
	else if (answer->settings)
		finding_add(findings, "settings", FINDING_FAULT,
			    "each job with #DW lines is refused until this is "
			    "mended",
			    "%s", answer->settings);
	else if (access(path, F_OK) < 0)
		finding_add(findings, "settings", FINDING_OK, NULL,
			    "no '%s': the defaults", path);
	else
		finding_add(findings, "settings", FINDING_OK, NULL, "'%s'",
			    path);
}

static void check_hooks(struct findings *findings,
			const struct check_seen *seen)
{
	auto_load_answer struct load_answer answer = { .by = NULL };
	autofree char *script = site_file(&seen->site, SCRIPT);
	auto_strs struct strs hooks = STRS_INIT;
	struct load_request request = { .script = script,
					.hooks = &hooks,
					.lua = seen->host.lua };
	struct err err = ERR_INIT;

	if (findings_fault(findings, "plugin") ||
	    findings_fault(findings, "slurmctld") || !seen->has_user) {
		finding_add(findings, CHECK_HOOKS, FINDING_SKIPPED, NULL,
			    "what stands above comes first");
		finding_add(findings, "settings", FINDING_SKIPPED, NULL,
			    "likewise");
		return;
	}
	host_hooks(&hooks, seen->host.release);
	request.polled = hooks.nr > 11;
	request.user = &seen->user;
	if (load_try(&answer, &request, &err) < 0) {
		finding_add_err(findings, CHECK_HOOKS, FINDING_FAULT, &err);
		return;
	}
	tell_hooks(findings, &seen->host, &hooks, &answer);
	tell_settings(findings, seen, &answer);
}

int check_host(struct findings *findings, struct check_seen *seen,
	       const char *conf, struct err *err)
{
	autofree char *path = NULL;
	struct err ignored = ERR_INIT;

	memset(seen, 0, sizeof(*seen));
	if (site_read(&seen->site, conf, err) < 0)
		return -1;
	finding_add(findings, "slurm.conf", FINDING_OK, NULL, "'%s'",
		    seen->site.path);
	check_slurmctld(findings, &seen->host, &seen->site);
	check_lua(findings, &seen->host);
	check_user(findings, seen);
	check_plugin(findings, seen);
	check_slurm_settings(findings, seen);
	check_hooks(findings, seen);
	path = site_file(&seen->site, OWN_SETTINGS);
	if (file_read_regular(path, MAX_BYTES, &seen->settings, NULL,
			      &ignored) < 0)
		seen->settings = mem_strdup("");
	return 0;
}

void check_seen_release(struct check_seen *seen)
{
	site_release(&seen->site);
	host_release(&seen->host);
	free(seen->settings);
	seen->settings = NULL;
}

char *check_setting(const char *text, const char *name, const char *otherwise)
{
	auto_strs struct strs lines = STRS_INIT;
	const char *found = otherwise;
	size_t len = strlen(otherwise);

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *line = lines.item[i];
		const char *value;

		line += strspn(line, " \t");
		value = str_after(line, name);
		value = value ? value + strspn(value, " \t") : NULL;
		if (value == NULL || *value++ != '=')
			continue;
		found = value + strspn(value, " \t");
		for (len = strlen(found); len > 0; len--)
			if (!strchr(" \t\r", found[len - 1]))
				break;
	}
	return mem_strndup(found, len);
}
