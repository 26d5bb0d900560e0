#include "kube/credential.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/exec_plugin.h"

#define TOKEN_MAX_BYTES ((size_t)1 << 20)
#define TOKEN_FILE_MS 60000
/* So that a credential does not expire on its way. */
#define EXPIRY_MARGIN_S 10

/* Certificates stay until the end: connections elsewhere borrow them. */
struct issued {
	struct issued *before;
	char *cert_pem;
	char *key_pem;
};

struct credential {
	struct issued *issued; /* the latest first */
	char *token;
	unsigned int serial;

	char *token_file;
	int64_t read_again; /* monotonic, of token_file */

	struct exec_plugin *plugin;
	bool asked;
	time_t expires; /* of the plugin's answer; 0 = never */
};

static void credential_issue(struct credential *self, char *take_cert,
			     char *take_key)
{
	struct issued *issued = mem_alloc(sizeof(*issued));

	issued->before = self->issued;
	issued->cert_pem = take_cert;
	issued->key_pem = take_key;
	self->issued = issued;
}

void credential_free(struct credential *self)
{
	if (self == NULL)
		return;
	while (self->issued) {
		struct issued *issued = self->issued;

		self->issued = issued->before;
		mem_free_secret(issued->key_pem);
		free(issued->cert_pem);
		free(issued);
	}
	mem_free_secret(self->token);
	free(self->token_file);
	exec_plugin_free(self->plugin);
	free(self);
}

struct credential *credential_none(void)
{
	return mem_alloc(sizeof(struct credential));
}

struct credential *credential_from_token_file(const char *path)
{
	struct credential *self = credential_none();

	self->token_file = mem_strdup(path);
	return self;
}

struct credential *credential_from_pair(const char *cert_pem,
					const char *key_pem)
{
	struct credential *self = credential_none();

	credential_issue(self, mem_strdup(cert_pem), mem_strdup(key_pem));
	return self;
}

/* It becomes part of a header. */
static int token_set(struct credential *self, const char *text,
		     const char *what, struct err *err)
{
	size_t len = strlen(text);
	char *token;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 127)
			return err_set(err, ERR_INVALID,
				       "%s holds blanks or control characters",
				       what);
	token = mem_strndup(text, len);
	if (!str_eq(token, self->token))
		self->serial++;
	mem_free_secret(self->token);
	self->token = token;
	return 0;
}

static int refuse_unknown(const struct kubeconfig_entry *user, struct err *err)
{
	const struct jval *provider = jval_get(user->value, "auth-provider");

	if (jval_is_object(provider)) {
		const char *name = jval_str(provider, "name");

		return err_set(
			err, ERR_API,
			"user '%s' in '%s' uses auth-provider '%s', which kubectl no longer has either; use a token, a client certificate or an exec plugin",
			user->name, user->file, name ? name : "");
	}
	return err_set(
		err, ERR_API,
		"user '%s' in '%s' has only a user name and password, which API servers no longer accept; use a token, a client certificate or an exec plugin",
		user->name, user->file);
}

static int read_certificate(struct credential *self,
			    const struct kubeconfig_entry *user,
			    struct err *err)
{
	char *cert = NULL;
	char *key = NULL;

	if (kubeconfig_pem(user, "client-certificate", &cert, NULL, err) < 0)
		return -1;
	if (kubeconfig_pem(user, "client-key", &key, NULL, err) < 0) {
		free(cert);
		return -1;
	}
	if (cert && key) {
		credential_issue(self, cert, key);
		return 0;
	}
	if (cert || key) {
		err_set(err, ERR_INVALID,
			"user '%s' in '%s' has a client %s without its %s",
			user->name, user->file, cert ? "certificate" : "key",
			cert ? "key" : "certificate");
		free(cert);
		mem_free_secret(key);
		return -1;
	}
	return 0;
}

static int credential_read(struct credential *self,
			   const struct kubeconfig_entry *user,
			   const struct jval *cluster, struct err *err)
{
	const char *token = jval_str(user->value, "token");
	const char *token_file = jval_str(user->value, "tokenFile");
	const struct jval *exec = jval_get(user->value, "exec");

	if (read_certificate(self, user, err) < 0)
		return -1;
	if (!str_empty(token) && token_set(self, token, "the token", err) < 0)
		return err_wrap(err, "user '%s' in '%s'", user->name,
				user->file);
	if (!str_empty(token_file))
		self->token_file = kubeconfig_resolve(user->file, token_file);
	if (self->token || self->token_file)
		return 0;
	if (jval_is_object(exec)) {
		self->plugin = exec_plugin_new(exec, user->name, user->file,
					       cluster, err);
		return self->plugin ? 0 : -1;
	}
	if (self->issued == NULL &&
	    (jval_is_object(jval_get(user->value, "auth-provider")) ||
	     jval_get(user->value, "username")))
		return refuse_unknown(user, err);
	return 0;
}

struct credential *credential_new(const struct kubeconfig_entry *user,
				  const struct jval *cluster, struct err *err)
{
	struct credential *self = credential_none();

	if (credential_read(self, user, cluster, err) < 0) {
		credential_free(self);
		return NULL;
	}
	return self;
}

/* A file that cannot be read for once leaves the token that we have. */
static int token_file_read(struct credential *self, struct err *err)
{
	struct err failure = ERR_INIT;
	char *text = NULL;
	int result = 0;

	if (clock_now_ms() < self->read_again)
		return 0;
	if (file_read(AT_FDCWD, self->token_file, TOKEN_MAX_BYTES, &text, NULL,
		      &failure) < 0) {
		if (self->token == NULL) {
			*err = failure;
			return err_wrap(err, "read the token");
		}
		log_verbose("the old token is used on: %s", failure.msg);
	} else {
		result = token_set(self, text, self->token_file, err);
	}
	mem_free_secret(text);
	self->read_again = deadline_in_ms(TOKEN_FILE_MS);
	return result;
}

static int plugin_ask(struct credential *self, struct err *err)
{
	struct exec_answer answer = { .token = NULL };
	bool expired = self->expires &&
		       clock_wall() + EXPIRY_MARGIN_S >= self->expires;

	if (self->asked && !expired)
		return 0;
	if (exec_plugin_run(self->plugin, &answer, err) < 0)
		return -1;
	self->asked = true;
	self->expires = answer.expires;
	self->serial++;
	mem_free_secret(self->token);
	self->token = NULL;
	if (answer.token &&
	    token_set(self, answer.token, "the plugin's token", err) < 0) {
		exec_answer_release(&answer);
		return -1;
	}
	if (answer.cert_pem &&
	    !(self->issued && str_eq(self->issued->cert_pem, answer.cert_pem) &&
	      str_eq(self->issued->key_pem, answer.key_pem)))
		credential_issue(self, mem_steal(&answer.cert_pem),
				 mem_steal(&answer.key_pem));
	exec_answer_release(&answer);
	return 0;
}

int credential_get(struct credential *self, struct credential_now *now,
		   struct err *err)
{
	if (self->token_file && token_file_read(self, err) < 0)
		return -1;
	if (self->plugin && plugin_ask(self, err) < 0)
		return -1;
	now->cert_pem = self->issued ? self->issued->cert_pem : NULL;
	now->key_pem = self->issued ? self->issued->key_pem : NULL;
	now->token = self->token;
	now->serial = self->serial;
	return 0;
}

bool credential_refused(struct credential *self, unsigned int serial)
{
	if (serial != self->serial)
		return true;
	self->read_again = 0;
	self->asked = false;
	return self->token_file || self->plugin;
}

void credential_impersonation(const struct jval *user, struct strs *headers)
{
	const char *as = jval_str(user, "as");
	const char *uid = jval_str(user, "as-uid");
	const struct jval *groups = jval_get(user, "as-groups");
	const struct jval *extra = jval_get(user, "as-user-extra");

	if (str_empty(as))
		return;
	strs_addf(headers, "Impersonate-User: %s", as);
	if (!str_empty(uid))
		strs_addf(headers, "Impersonate-Uid: %s", uid);
	for (size_t i = 0; i < jval_len(groups); i++)
		strs_addf(headers, "Impersonate-Group: %s",
			  jval_string(jval_at(groups, i)));
	for (void *it = jval_first(extra); it; it = jval_next(extra, it)) {
		const struct jval *values = jval_member_value(it);

		for (size_t i = 0; i < jval_len(values); i++)
			strs_addf(headers, "Impersonate-Extra-%s: %s",
				  jval_member_name(it),
				  jval_string(jval_at(values, i)));
	}
}
