#include "cmd/connect.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/password.h"
#include "format/base64.h"
#include "registry/auth.h"

#define NEXUS_SECRET_PATH \
	"/api/v1/namespaces/nexus/secrets/nexus-admin-credential"
#define PLATFORM_CA "/etc/pki/trust/anchors/platform-ca-certs.crt"
#define CA_MAX_BYTES ((size_t)4 << 20)
#define PASSWORD_MAX_BYTES 4096

int cluster_open(struct cluster *cluster, const struct settings *settings,
		 struct err *err)
{
	const struct kube_config_options options = {
		.kubeconfig = settings->kubeconfig,
		.context = settings->context,
	};

	memset(cluster, 0, sizeof(*cluster));
	cluster->config = kube_config_load(&options, err);
	if (cluster->config == NULL)
		return -1;
	cluster->kube = kube_new(cluster->config);
	cluster->discovery = discovery_new();
	log_verbose("API server %s, context '%s'",
		    kube_config_server(cluster->config),
		    kube_config_context(cluster->config) ?
			    kube_config_context(cluster->config) :
			    "");
	return 0;
}

void cluster_close(struct cluster *cluster)
{
	if (cluster->config == NULL)
		return;
	discovery_free(cluster->discovery);
	kube_free(cluster->kube);
	kube_config_free(cluster->config);
}

/* The host of --registry, without its prefix. */
static char *site_registry_host(const struct settings *settings)
{
	return mem_strndup(settings->registry,
			   strcspn(settings->registry, "/"));
}

struct credentials {
	char *username;
	char *password; /* secret */
	char *from;	/* where they are from, for messages */
};

static void credentials_release(struct credentials *credentials)
{
	mem_free_secret(credentials->username);
	mem_free_secret(credentials->password);
	free(credentials->from);
}

static int password_from_stdin(char **password, struct err *err)
{
	if (password_read(STDIN_FILENO, password, err) < 0)
		return -1;
	if (**password == '\0')
		return err_set(err, ERR_USAGE, "no password on standard input");
	return 0;
}

static int from_options(const struct settings *settings,
			struct credentials *credentials, struct err *err)
{
	if (settings->registry_username == NULL)
		return err_set(err, ERR_USAGE,
			       "'--registry-password-stdin' needs "
			       "'--registry-username'");
	if (!settings->registry_password_stdin)
		return err_set(err, ERR_USAGE,
			       "'--registry-username' needs "
			       "'--registry-password-stdin'");
	credentials->username = mem_strdup(settings->registry_username);
	credentials->from = mem_strdup("--registry-password-stdin");
	return password_from_stdin(&credentials->password, err);
}

/* A Secret made with "echo | base64" ends in a newline that nobody meant. */
static void strip_newline(char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
}

static int secret_fault(struct err *err, const char *key, const char *fault)
{
	return err_set(err, ERR_REGISTRY,
		       "'%s' of Secret 'nexus-admin-credential' in namespace "
		       "'nexus' %s; mend the Secret, or give "
		       "--registry-username and --registry-password-stdin",
		       key, fault);
}

static int secret_value(const struct jval *secret, const char *key, char **text,
			struct err *err)
{
	const char *value =
		jval_string(jval_get(jval_get(secret, "data"), key));
	auto_buf_secret struct buf plain = BUF_INIT(PASSWORD_MAX_BYTES);
	struct err fault = ERR_INIT;

	if (value == NULL)
		return secret_fault(err, key, "is missing");
	if (base64_decode(&plain, value, strlen(value), &fault) < 0 ||
	    buf_check(&plain, key, &fault) < 0 ||
	    strlen(buf_str(&plain)) != plain.len)
		return secret_fault(err, key, "is no text in base64");
	*text = buf_steal(&plain);
	strip_newline(*text);
	return **text ? 0 : secret_fault(err, key, "is empty");
}

/* 1 = found, 0 = no such Secret, or none that this user may read. */
static int from_secret(struct cluster *cluster, struct credentials *credentials,
		       struct err *err)
{
	autojval struct jval *secret =
		kube_get(cluster->kube, NEXUS_SECRET_PATH, err);

	if (secret == NULL && (kube_is_not_found(err) || err->http == 403)) {
		log_verbose("%s", err->msg);
		err_clear(err);
		return 0;
	}
	if (secret == NULL)
		return err_hint(err, "the registry's password is there; or "
				     "give --registry-username and "
				     "--registry-password-stdin");
	if (secret_value(secret, "username", &credentials->username, err) < 0 ||
	    secret_value(secret, "password", &credentials->password, err) < 0)
		return -1;
	credentials->from = mem_strdup("Secret nexus/nexus-admin-credential");
	return 1;
}

static int find_credentials(const struct settings *settings,
			    struct cluster *cluster, const char *host,
			    struct credentials *credentials, struct err *err)
{
	int found;

	if (settings->registry_username || settings->registry_password_stdin)
		return from_options(settings, credentials, err);
	if (settings->authfile == NULL && cluster) {
		found = from_secret(cluster, credentials, err);
		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	found = auth_file_lookup(settings->authfile, host, NULL,
				 &credentials->username, &credentials->password,
				 err);
	credentials->from = settings->authfile ?
				    mem_printf("'%s'", settings->authfile) :
				    mem_strdup("an auth.json");
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (settings->authfile)
		return err_set(err, ERR_REGISTRY,
			       "'%s' has no credentials for registry '%s'",
			       settings->authfile, host);
	return err_set(err, ERR_REGISTRY,
		       "no credentials for registry '%s': %s; give "
		       "--registry-username and --registry-password-stdin, or "
		       "--authfile",
		       host,
		       cluster ? "Secret 'nexus-admin-credential' in "
				 "namespace 'nexus' is not there or may not "
				 "be read, nor is there an "
				 "auth.json" :
				 "there is no auth.json");
}

/* Append a file of certificates; absent is fine unless it was asked for. */
static int add_ca(struct buf *pem, const char *path, bool required,
		  struct err *err)
{
	autofree char *text = NULL;

	if (file_read(AT_FDCWD, path, CA_MAX_BYTES, &text, NULL, err) < 0) {
		if (required || err->kind != ERR_NOT_FOUND)
			return -1;
		err_clear(err);
		return 0;
	}
	if (required && !strstr(text, "-----BEGIN CERTIFICATE-----"))
		return err_set(err, ERR_USAGE, "'%s' holds no PEM certificate",
			       path);
	buf_addstr(pem, text);
	buf_addch(pem, '\n');
	return 0;
}

int site_ca_load(const struct settings *settings, struct site_ca *ca,
		 struct err *err)
{
	buf_init(&ca->pem, CA_MAX_BYTES * 2);
	ca->name = settings->registry_ca ? settings->registry_ca : PLATFORM_CA;
	if (settings->registry_ca &&
	    add_ca(&ca->pem, settings->registry_ca, true, err) < 0)
		return -1;
	return add_ca(&ca->pem, PLATFORM_CA, false, err);
}

void site_ca_release(struct site_ca *ca)
{
	buf_release(&ca->pem);
}

struct registry *site_registry_open(const struct settings *settings,
				    const struct site_ca *ca,
				    struct cluster *cluster, struct err *err)
{
	autofree char *host = site_registry_host(settings);
	struct credentials credentials = { 0 };
	struct registry_options options = { .host = host };
	struct registry *registry = NULL;

	if (find_credentials(settings, cluster, host, &credentials, err) == 0) {
		options.username = credentials.username;
		options.password = credentials.password;
		options.credentials_from = credentials.from;
		options.ca_pem = site_ca_pem(ca);
		options.ca_name = ca->name;
		registry = registry_new(&options, err);
	}
	credentials_release(&credentials);
	return registry;
}
