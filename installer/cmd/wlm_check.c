#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/wlm_make.h"

#define DAY_S 86400
#define PATIENCE_MS 10000

/* All that is wrong; the kind of the worst is the exit code. */
struct findings {
	struct jval *problems; /* array of text */
	enum err_kind kind;
	size_t worst; /* which of them it is of */
};

static void found(struct findings *self, enum err_kind kind, const char *text)
{
	/* What it lacks comes before what it will lack one day. */
	if (self->kind == ERR_NONE || self->kind == ERR_FAILED) {
		self->kind = kind;
		self->worst = jval_len(self->problems);
	}
	jval_append(self->problems, jval_new_str(text));
}

static void look_at_file(struct findings *self, const struct wlm_file *file,
			 const char *path, int64_t warn_days)
{
	int64_t left = (int64_t)(file->until - clock_wall());
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	if (wlm_file_check_user(file, path, &err) < 0)
		found(self, ERR_BLOCKED, err.msg);
	if (file->mode & 077) {
		text = mem_printf("others may read the file (mode %04o); "
				  "'chmod 0600' it",
				  file->mode);
		found(self, ERR_BLOCKED, text);
		free(mem_steal(&text));
	}
	if (left <= 0)
		found(self, ERR_BLOCKED,
		      "the certificate has expired; 'dws-csm wlm renew' on a "
		      "master node makes a new one");
	else if (left < warn_days * DAY_S) {
		text = mem_printf("the certificate expires in %" PRId64
				  " days; 'dws-csm wlm renew' on a master "
				  "node makes a new one",
				  left / DAY_S);
		found(self, ERR_FAILED, text);
	}
}

/* What is no fault of the way to the server is one of the file; exit code 1 is
 * of what works. */
static enum err_kind kind_of(const struct err *err)
{
	if (err->http == 401 || err->http == 403)
		return ERR_BLOCKED;
	return err->kind == ERR_API || err->kind == ERR_TIMEOUT ||
			       err->kind == ERR_INTERRUPTED ?
		       err->kind :
		       ERR_BLOCKED;
}

static void look_at_rights(struct findings *self, struct wlm_file *file)
{
	struct err err = ERR_INIT;
	int proven;

	kube_config_set_patience(file->config, PATIENCE_MS);
	proven = wlm_prove(file->config, 0, &err);
	if (proven == 0)
		found(self, ERR_BLOCKED,
		      "the API server serves no Workflows: DWS is not "
		      "installed");
	if (proven >= 0)
		return;
	if (err.http == 403)
		err_hint(&err, "'dws-csm wlm renew' gives it its role again");
	found(self, kind_of(&err), err.msg);
}

static struct jval *check_value(const struct wlm_file *file, const char *path,
				const struct findings *findings)
{
	const char *ns = kube_config_namespace(file->config);
	struct jval *value = jval_new_object();
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(when, sizeof(when), file->until);
	jval_set_str(value, "file", path);
	jval_set_str(value, "subject", file->user);
	jval_set_str(value, "server", kube_config_server(file->config));
	jval_set_str(value, "namespace", ns ? ns : "default");
	jval_set_str(value, "until", when);
	jval_set(value, "daysLeft",
		 jval_new_int((int64_t)(file->until - clock_wall()) / DAY_S));
	jval_set(value, "problems", jval_ref(findings->problems));
	return value;
}

static int check_tell(const struct jval *value, const struct settings *settings,
		      struct err *err)
{
	const struct jval *problems = jval_get(value, "problems");
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (output_format(settings->output))
		return output_value(value, settings->output, err);
	buf_addf(&out, "credential   %s\n", jval_str(value, "file"));
	buf_addf(&out, "subject      %s\n", jval_str(value, "subject"));
	buf_addf(&out, "server       %s, namespace %s\n",
		 jval_str(value, "server"), jval_str(value, "namespace"));
	buf_addf(&out, "valid until  %s (%" PRId64 " days)\n",
		 jval_str(value, "until"), jval_int(value, "daysLeft", 0));
	for (size_t i = 0; i < jval_len(problems); i++)
		buf_addf(&out, "problem      %s\n",
			 jval_string(jval_at(problems, i)));
	if (jval_len(problems) == 0)
		buf_addstr(&out, "proven       lists Workflows, may not read "
				 "Secrets\n");
	return output_text(buf_str(&out), err);
}

static int wlm_check_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	auto_wlm_file struct wlm_file file = { .config = NULL };
	autojval struct jval *problems = jval_new_array();
	autojval struct jval *value = NULL;
	struct findings findings = { .problems = problems };
	const char *path = wlm_path(args);

	if (wlm_file_read(&file, path, err) < 0) {
		err->kind = ERR_BLOCKED;
		err_hint(err, "'dws-csm wlm create' on a master node makes "
			      "one");
		return -1;
	}
	look_at_file(&findings, &file, path, settings->warn_days);
	/* What somebody else may do says nothing. */
	if (wlm_file_check_user(&file, path, err) == 0)
		look_at_rights(&findings, &file);
	value = check_value(&file, path, &findings);
	if (check_tell(value, settings, err) < 0)
		return -1;
	if (findings.kind == ERR_NONE)
		return 0;
	err_clear(err);
	return err_set(err, findings.kind, "'%s': %s", path,
		       jval_string(jval_at(problems, findings.worst)));
}

const struct command cmd_wlm_check = {
	.name = "wlm check",
	.arguments = "[FILE]",
	.summary = "tell whether the credential works, and how long",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_WLM_CHECK | GROUP_OUTPUT,
	.max_args = 1,
	.run = wlm_check_main,
};
