/*
 * settings - the value of every option of every command.
 *
 * One struct and one table for all: an option has the same name, meaning and
 * default wherever it is taken. Group bits say which commands take it.
 */
#ifndef CMD_SETTINGS_H
#define CMD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/progress.h"
#include "base/strs.h"

struct jval;

enum opt_group {
	GROUP_ALL = 1 << 0,	 /* -v, -q, -h: every command */
	GROUP_CLUSTER = 1 << 1,	 /* kubeconfig, context */
	GROUP_REGISTRY = 1 << 2, /* destination and credentials */
	GROUP_IMAGES = 1 << 3,	 /* where images come from, platforms */
	GROUP_RELEASE = 1 << 4,	 /* version, overlay */
	GROUP_CHANGE = 1 << 5,	 /* dry run, timeout */
	GROUP_OUTPUT = 1 << 6,	 /* -o: a table, or a format */
	GROUP_PROGRESS = 1 << 7, /* --progress */
	GROUP_INSTALL = 1 << 8,
	GROUP_UNINSTALL = 1 << 9,
	GROUP_NAMESPACE = 1 << 10, /* -n, -A */
	GROUP_MANIFESTS = 1 << 11, /* what is rendered */
	GROUP_HELP = 1 << 12,
	GROUP_PULL = 1 << 13,
	GROUP_SOURCE = 1 << 14,	  /* CA and credentials of a source alone */
	GROUP_PLACE = 1 << 15,	  /* the registry's name alone */
	GROUP_FORMAT = 1 << 16,	  /* -o without a table */
	GROUP_PROGRAM = 1 << 17,  /* about itself: goes without defaults */
	GROUP_STATE = 1 << 18,	  /* the directory of undo data */
	GROUP_TXN = 1 << 19,	  /* changes as one transaction: hooks, keep */
	GROUP_CARRY = 1 << 20,	  /* custom resources go to another release */
	GROUP_REVERT = 1 << 21,	  /* a failure is rolled back, or is not */
	GROUP_REHEARSE = 1 << 26, /* --dry-run alone */
	GROUP_PLAN = 1 << 27, /* -o: a form, or a file that keeps the plan */
	GROUP_WAIT = 1 << 22, /* --wait */
	GROUP_UPGRADE = 1 << 23,
	GROUP_ROLLBACK = 1 << 24,
	GROUP_RESUME = 1 << 25,	     /* a timeout, but no dry run */
	GROUP_BUNDLE = 1 << 28,	     /* what is used comes out of a bundle */
	GROUP_TRUST = 1 << 29,	     /* whose signature counts */
	GROUP_CREATE = 1 << 30,	     /* what a new bundle is made of */
	GROUP_KEY = 1ULL << 31,	     /* a private key */
	GROUP_PASSWORD = 1ULL << 32, /* of a private key */
	GROUP_INSPECT = 1ULL << 33,
	GROUP_KEYGEN = 1ULL << 34,
	GROUP_DOCTOR = 1ULL << 35,
	GROUP_EXTRACT = 1ULL << 36,
	GROUP_WLM_ISSUE = 1ULL << 37,  /* how a certificate is made */
	GROUP_WLM_CREATE = 1ULL << 38, /* what a new credential says */
	GROUP_WLM_CHECK = 1ULL << 39,
	GROUP_WITH_WLM = 1ULL << 44, /* a credential besides a release */
	GROUP_WORKFLOW = 1ULL << 40, /* of one job's Workflow, for programs */
	GROUP_STDIN = 1ULL << 41,
	GROUP_SET_STATE = 1ULL << 42,
	GROUP_WAIT_FOR = 1ULL << 43,
	GROUP_TEST_JOB = 1ULL << 55,	 /* how it is submitted */
	GROUP_SLURM = 1ULL << 50,	 /* --slurm-conf */
	GROUP_SLURM_CHANGE = 1ULL << 51, /* restart, or in a CSM pod */
	GROUP_SLURM_DISABLE = 1ULL << 52,
};

struct settings {
	bool help;
	int verbose;
	bool quiet;
	const char *progress_name;

	const char *kubeconfig;
	const char *context;

	const char *registry; /* HOST[:PORT][/PREFIX] */
	const char *registry_username;
	bool registry_password_stdin;
	const char *registry_ca;
	const char *authfile;

	struct strs from;
	const char *platform;
	bool all_platforms;
	int64_t jobs;
	bool skip_images;
	bool pin_digests;

	const char *version;
	struct strs overlays; /* laid over csm, in order */
	const char *host_time;

	const char *state_dir; /* NULL = default */
	const char *hooks;     /* directory besides /etc/dws-csm/hooks.d */
	int64_t hooks_timeout_ms;
	int64_t keep; /* revisions */
	bool no_rollback;
	bool allow_downgrade;
	struct strs abandon; /* kinds of custom resources */

	bool dry_run;
	bool wait; /* default true */
	int64_t timeout_ms;
	bool yes;

	const char *output;

	const char *webhook_certs;
	int64_t replicas; /* of dws-webhook; -1 = as the release has it */
	bool delete_namespace;

	const char *namespace;
	bool all_namespaces;
	const char *api_version; /* of Workflows; NULL = the server's */
	const char *resource_version;
	bool from_stdin;
	bool hurry;
	bool changes;

	const char *bundle; /* file, or NULL */
	struct strs trust;  /* files and directories of public keys */
	bool allow_unsigned;
	const char *key; /* file of a private key */
	bool key_password_stdin;
	struct strs releases; /* of the catalogue, for a new bundle */
	const char *from_source;
	const char *manifests;
	struct strs rpms;
	struct strs docs;
	bool self_contained;
	int64_t split_bytes; /* 0 = one file */
	bool sbom;
	bool force;
	bool no_write; /* the doctor's probe */

	const char *key_type; /* "rsa", "ec", or NULL */
	int64_t days;	      /* of validity */
	const char *ca_cert;  /* files of the cluster's CA */
	const char *ca_key;
	bool via_csr;
	const char *server; /* URL, or NULL */
	int64_t warn_days;

	const char *slurm_conf; /* NULL = SLURM_CONF, /etc/slurm/slurm.conf */
	bool restart;
	const char *restart_command;
	bool csm;
	bool apply;
	bool with_wlm;
	const char *wlm_file; /* NULL = default */

	const char *user; /* of the test job, and the rest as sbatch has it */
	const char *partition;
	const char *account;
	const char *chdir;
	int64_t job_timeout_ms;
	bool no_cancel;

	const char *to;
	bool man;
	bool list;

	/* Of the commands plan and apply (see plan_file.h): the file to keep a
	 * plan in and what goes beside it; a kept one that must still hold. */
	const char *plan_file;
	const struct jval *plan_meta;
	const struct jval *plan_expected;

	struct strs store; /* texts that came from the configuration file */
};

extern const struct opts_table settings_table;

void settings_init(struct settings *settings);
void settings_release(struct settings *settings);

/* Configuration file (DWS_CSM_CONFIG, else /etc/dws-csm/config.yaml, which
 * may be absent), then environment, then `argv`. What is wrong with the first
 * two keeps nobody from the help: `help` is set also where this fails, and
 * commands of GROUP_PROGRAM go on. */
int settings_load(struct settings *settings, uint64_t groups, char *const *argv,
		  struct strs *args, struct err *err) must_check;

/* The progress as --progress, -q and the terminal want it; NULL for none. */
int settings_progress(const struct settings *settings,
		      struct progress **progress, struct err *err) must_check;

#endif
