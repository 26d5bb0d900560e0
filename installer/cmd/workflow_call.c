#include "cmd/workflow_call.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cmd/output.h"

#define NAME_MAX_BYTES 253
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
/* How long after its timeout a command that hangs is ended. */
#define WATCHDOG_SECONDS 2

char *workflow_name(const char *arg)
{
	if (arg[0] >= '0' && arg[0] <= '9' &&
	    strspn(arg, DIGITS) == strlen(arg))
		return mem_printf("bb%s", arg);
	return mem_strdup(arg);
}

/* Nothing that a path or a query could take for more than a name. */
static int check_word(const char *what, const char *word, const char *letters,
		      struct err *err)
{
	size_t len = strlen(word);

	if (len > 0 && len <= NAME_MAX_BYTES && strspn(word, letters) == len &&
	    word[0] != '-' && word[0] != '.' && word[len - 1] != '-' &&
	    word[len - 1] != '.')
		return 0;
	return err_set(err, ERR_USAGE, "'%s' cannot be %s", word, what);
}

static int check_words(const struct settings *settings, const char *name,
		       struct err *err)
{
	if (name && check_word("the name of a Workflow", name,
			       SMALL DIGITS "-.", err) < 0)
		return -1;
	if (settings->namespace &&
	    check_word("a namespace", settings->namespace, SMALL DIGITS "-",
		       err) < 0)
		return -1;
	if (settings->api_version &&
	    check_word("the version of an API", settings->api_version,
		       SMALL DIGITS, err) < 0)
		return -1;
	if (settings->resource_version)
		return check_word("a resourceVersion",
				  settings->resource_version, DIGITS, err);
	return 0;
}

/* What obeys no deadline, such as a resolver, must not hold up a caller who
 * may hold locks. */
static void watchdog_start(int64_t timeout_ms)
{
	alarm((unsigned int)(timeout_ms / 1000) + WATCHDOG_SECONDS);
}

int workflow_call_open(struct workflow_call *call,
		       const struct settings *settings, const char *arg,
		       struct err *err)
{
	const char *ns = settings->namespace;

	call->name_made = arg ? workflow_name(arg) : NULL;
	call->name = call->name_made;
	if (check_words(settings, call->name, err) < 0)
		return -1;
	watchdog_start(settings->timeout_ms);
	if (cluster_open(&call->cluster, settings, err) < 0)
		return workflow_call_end(NULL, "fatal", err);
	if (ns == NULL)
		ns = kube_config_namespace(call->cluster.config);
	workflow_client_init(&call->client, call->cluster.kube,
			     ns ? ns : "default", settings->api_version,
			     settings->timeout_ms);
	return 0;
}

void workflow_call_close(struct workflow_call *call)
{
	workflow_client_release(&call->client);
	cluster_close(&call->cluster);
	free(call->name_made);
}

static enum err_kind exit_kind(const char *fault)
{
	if (str_eq(fault, "gone") || str_eq(fault, "failed"))
		return ERR_FAILED;
	if (str_eq(fault, "timeout"))
		return ERR_TIMEOUT;
	if (str_eq(fault, "transient") || str_eq(fault, "fatal"))
		return ERR_API;
	return ERR_BLOCKED;
}

int workflow_call_end(struct jval *answer, const char *fault, struct err *err)
{
	autojval struct jval *value = answer;
	struct err unused = ERR_INIT;
	autofree char *text = NULL;
	autofree char *line = NULL;

	if (value == NULL) {
		fault = fault ? fault : workflow_fault(err);
		utf8_clean(err->msg);
		value = jval_new_object();
		jval_set_str(value, "error.kind", fault);
		jval_set_str(value, "error.message", err->msg);
	}
	text = jval_text(value, false);
	line = mem_printf("%s\n", text);
	if (answer)
		return output_text(line, err);
	err->kind = err->kind == ERR_INTERRUPTED ? err->kind : exit_kind(fault);
	/* The first failure is the one to tell. */
	if (output_text(line, &unused) < 0)
		return -1;
	return -1;
}
