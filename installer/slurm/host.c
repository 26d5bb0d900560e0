#include "slurm/host.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "format/elf_dynamic.h"
#include "slurm/program.h"

#define PLUGIN "burst_buffer_lua.so"
#define POLLED_RELEASE 2405

unsigned int host_release_of(const char *text, char **version)
{
	for (const char *p = text; *p; p++) {
		unsigned int major, minor;
		int len = 0;

		if (p > text && p[-1] != ' ')
			continue;
		if (sscanf(p, "%2u.%2u%n", &major, &minor, &len) != 2 ||
		    major < 10 || minor > 12)
			continue;
		*version = mem_strndup(p, strcspn(p, " \r\n"));
		return major * 100 + minor;
	}
	return 0;
}

char *host_lua_of(const char *library)
{
	const char *p = str_after(library, "liblua");

	if (p == NULL)
		return NULL;
	if (str_starts(p, "jit"))
		return mem_strdup("luajit");
	for (; *p; p++)
		if (isdigit((unsigned char)p[0]) && p[1] == '.' &&
		    isdigit((unsigned char)p[2]))
			return mem_strndup(p, 3);
	return NULL;
}

void host_hooks(struct strs *hooks, unsigned int release)
{
	static const char *const all[] = {
		"job_process", "pools",	    "job_teardown", "setup",
		"data_in",     "real_size", "paths",	    "pre_run",
		"post_run",    "data_out",  "get_status",
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		strs_addf(hooks, "slurm_bb_%s", all[i]);
	if (release < POLLED_RELEASE)
		return;
	strs_add(hooks, "slurm_bb_test_data_in");
	strs_add(hooks, "slurm_bb_test_data_out");
}

static int read_version(struct host *host, struct err *err)
{
	char *argv[] = { host->slurmctld, "-V", NULL };
	struct proc_request request = { .argv = argv, .timeout_ms = 20000 };
	auto_proc struct proc_result result = PROC_RESULT_INIT;

	if (proc_run(&request, &result, err) < 0)
		return -1;
	host->release = host_release_of(buf_str(&result.out), &host->version);
	if (host->release > 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "'%s -V' tells no version (exit status %d)",
		       host->slurmctld, result.status);
}

static int read_dynamic(struct elf_dynamic *dynamic, const char *path)
{
	struct err err = ERR_INIT;
	autovolume struct volume *volume = volume_open(path, &err);

	return volume ? elf_dynamic_read(dynamic, volume, &err) : -1;
}

/* Folders of plugins: as slurm.conf says, as slurmctld finds its own library,
 * which lies among them, and where packages have them. */
static void plugin_dirs(struct strs *dirs, const struct host *host,
			const struct site *site)
{
	auto_elf_dynamic struct elf_dynamic dynamic = { .runpath = NULL };

	if (site->plugin_dir) {
		strs_split(dirs, site->plugin_dir, ':');
		return;
	}
	if (read_dynamic(&dynamic, host->slurmctld) == 0 && dynamic.runpath)
		strs_split(dirs, dynamic.runpath, ':');
	strs_add(dirs, "/usr/lib64/slurm");
	strs_add(dirs, "/usr/lib/x86_64-linux-gnu/slurm-wlm");
	strs_add(dirs, "/usr/lib/slurm");
	strs_add(dirs, "/usr/local/lib/slurm");
	strs_add(dirs, "/opt/slurm/lib64/slurm");
	strs_add(dirs, "/opt/slurm/lib/slurm");
}

static void find_plugin(struct host *host, const struct site *site)
{
	auto_elf_dynamic struct elf_dynamic dynamic = { .runpath = NULL };
	auto_strs struct strs dirs = STRS_INIT;

	plugin_dirs(&dirs, host, site);
	for (size_t i = 0; i < dirs.nr && host->plugin == NULL; i++) {
		autofree char *path = mem_printf("%s/" PLUGIN, dirs.item[i]);

		if (access(path, R_OK) == 0)
			host->plugin = mem_steal(&path);
	}
	if (host->plugin == NULL || read_dynamic(&dynamic, host->plugin) < 0)
		return;
	for (size_t i = 0; i < dynamic.needed.nr && host->lua == NULL; i++)
		host->lua = host_lua_of(dynamic.needed.item[i]);
}

int host_look(struct host *host, const struct site *site, struct err *err)
{
	memset(host, 0, sizeof(*host));
	host->slurmctld = program_find_here("slurmctld");
	if (host->slurmctld == NULL)
		return err_set(err, ERR_BLOCKED,
			       "there is no slurmctld on this host; run this "
			       "where slurmctld runs, or add its folder to "
			       "PATH");
	if (read_version(host, err) < 0) {
		host_release(host);
		return -1;
	}
	find_plugin(host, site);
	return 0;
}

void host_release(struct host *host)
{
	free(host->slurmctld);
	free(host->version);
	free(host->plugin);
	free(host->lua);
	memset(host, 0, sizeof(*host));
}
