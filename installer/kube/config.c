#include "kube/config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/base64.h"
#include "kube/credential.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_text.h"

#include <fcntl.h>

#define ADMIN_KUBECONFIG "/etc/kubernetes/admin.conf"
#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define EXEC_EXTENSION "client.authentication.k8s.io/exec"
#define SMALL_MAX_BYTES ((size_t)1 << 20)
#define CONNECT_TIMEOUT_MS 10000
#define PATIENCE_MS 30000

/* Connections elsewhere borrow the settings: all stay until the end. */
struct settings_kept {
	struct settings_kept *before;
	struct http_config http;
};

struct kube_config {
	char *server;
	char *context;
	char *cluster;
	char *user;
	char *ns;
	char *origin;
	struct strs headers;

	char *ca_pem;
	char *ca_name;
	char *tls_server_name;
	char *proxy;
	bool insecure;

	pthread_mutex_t lock;
	struct credential *credential;
	struct settings_kept *kept; /* the latest first */
	atomic_bool reached;
	int64_t patience_ms;
	int (*guard)(void *ctx, struct err *err);
	void *guard_ctx;
};

static struct kube_config *config_new(void)
{
	struct kube_config *config = mem_alloc(sizeof(*config));

	pthread_mutex_init(&config->lock, NULL);
	config->patience_ms = PATIENCE_MS;
	return config;
}

void kube_config_free(struct kube_config *config)
{
	if (config == NULL)
		return;
	while (config->kept) {
		struct settings_kept *kept = config->kept;

		config->kept = kept->before;
		free(kept);
	}
	credential_free(config->credential);
	strs_release(&config->headers);
	free(config->server);
	free(config->context);
	free(config->cluster);
	free(config->user);
	free(config->ns);
	free(config->origin);
	free(config->ca_pem);
	free(config->ca_name);
	free(config->tls_server_name);
	free(config->proxy);
	pthread_mutex_destroy(&config->lock);
	free(config);
}

/* "host:6443" means https where anything speaks of TLS, as for kubectl. */
static char *server_url(const char *server, bool tls)
{
	size_t len = strlen(server);

	while (len > 0 && server[len - 1] == '/')
		len--;
	if (strstr(server, "://"))
		return mem_strndup(server, len);
	return mem_printf("%s://%.*s", tls ? "https" : "http", (int)len,
			  server);
}

static char *copy_filled(const struct jval *value, const char *field)
{
	const char *text = jval_str(value, field);

	return str_empty(text) ? NULL : mem_strdup(text);
}

/* What an exec plugin is told about the cluster. */
static struct jval *cluster_info(const struct kube_config *config,
				 const struct jval *cluster)
{
	struct buf auto_buf ca = BUF_INIT(BUF_TEXT_MAX);
	struct jval *info = jval_new_object();
	const struct jval *extensions = jval_get(cluster, "extensions");

	jval_set_str(info, "server", config->server);
	if (config->tls_server_name)
		jval_set_str(info, "tls-server-name", config->tls_server_name);
	if (config->insecure)
		jval_set(info, "insecure-skip-tls-verify", jval_new_bool(true));
	if (config->ca_pem) {
		base64_encode(&ca, config->ca_pem, strlen(config->ca_pem));
		jval_set_str(info, "certificate-authority-data", buf_str(&ca));
	}
	if (config->proxy)
		jval_set_str(info, "proxy-url", config->proxy);
	for (size_t i = 0; i < jval_len(extensions); i++) {
		const struct jval *item = jval_at(extensions, i);
		struct jval *extension = jval_get(item, "extension");

		if (extension && str_eq(jval_str(item, "name"), EXEC_EXTENSION))
			jval_set(info, "config", jval_ref(extension));
	}
	return info;
}

static int use_cluster(struct kube_config *config,
		       const struct kubeconfig_entry *cluster,
		       const char *server, struct err *err)
{
	const struct jval *value = cluster->value;

	if (server == NULL)
		server = jval_str(value, "server");
	if (str_empty(server))
		return err_set(err, ERR_INVALID,
			       "cluster '%s' in '%s' has no server",
			       cluster->name, cluster->file);
	if (kubeconfig_pem(cluster, "certificate-authority", &config->ca_pem,
			   &config->ca_name, err) < 0)
		return -1;
	config->tls_server_name = copy_filled(value, "tls-server-name");
	config->proxy = copy_filled(value, "proxy-url");
	config->insecure = jval_bool(value, "insecure-skip-tls-verify", false);
	config->server = server_url(server, config->ca_pem || config->insecure);
	config->cluster = mem_strdup(cluster->name);
	if (config->insecure)
		log_warn(
			"the certificate of API server '%s' is not verified: cluster '%s' in '%s' says insecure-skip-tls-verify",
			config->server, cluster->name, cluster->file);
	return 0;
}

static int use_user(struct kube_config *config,
		    const struct kubeconfig_entry *user,
		    const struct jval *cluster, struct err *err)
{
	autojval struct jval *info = cluster_info(config, cluster);

	config->user = mem_strdup(user->name);
	config->credential = credential_new(user, info, err);
	if (config->credential == NULL)
		return -1;
	credential_impersonation(user->value, &config->headers);
	return 0;
}

static const char *choose_context(const struct kubeconfig *files,
				  const char *wish, struct err *err)
{
	const char *name = wish ? wish : kubeconfig_current_context(files);
	autofree char *names = NULL;

	if (!str_empty(name))
		return name;
	names = kubeconfig_names(files, "context");
	err_set(err, ERR_INVALID,
		"%s has no current-context; give --context (it has: %s)",
		kubeconfig_origin(files), names);
	return NULL;
}

static int use_context(struct kube_config *config,
		       const struct kubeconfig *files,
		       const struct kube_config_options *options,
		       struct err *err)
{
	const char *name = choose_context(files, options->context, err);
	struct kubeconfig_entry context, cluster, user;
	autofree char *by = NULL;
	const char *wanted;

	if (name == NULL ||
	    kubeconfig_find(files, "context", name, NULL, &context, err) < 0)
		return -1;
	config->context = mem_strdup(name);
	config->origin = mem_strdup(kubeconfig_origin(files));
	config->ns = copy_filled(context.value, "namespace");
	by = mem_printf("context '%s'", name);
	wanted = jval_str(context.value, "cluster");
	if (kubeconfig_find(files, "cluster", wanted ? wanted : "", by,
			    &cluster, err) < 0 ||
	    use_cluster(config, &cluster, options->server, err) < 0)
		return -1;
	wanted = jval_str(context.value, "user");
	if (str_empty(wanted)) {
		config->credential = credential_none();
		return 0;
	}
	if (kubeconfig_find(files, "user", wanted, by, &user, err) < 0)
		return -1;
	return use_user(config, &user, cluster.value, err);
}

/* Every file of the list KUBECONFIG that exists. */
static int add_list(struct kubeconfig *files, const char *list, struct err *err)
{
	struct strs auto_strs paths = STRS_INIT;
	bool any = false;

	strs_split(&paths, list, ':');
	for (size_t i = 0; i < paths.nr; i++) {
		struct err failure = ERR_INIT;

		if (kubeconfig_add_file(files, paths.item[i], &failure) == 0) {
			any = true;
		} else if (failure.kind != ERR_NOT_FOUND) {
			*err = failure;
			return -1;
		}
	}
	if (!any)
		return err_set(err, ERR_NOT_FOUND,
			       "no file of KUBECONFIG '%s' exists", list);
	return 0;
}

/* 1 when the file was read and tells of a cluster, 0 when it is not there. */
static int add_default(struct kubeconfig *files, const char *path,
		       struct err *err)
{
	struct err failure = ERR_INIT;
	autofree char *contexts = NULL;

	if (kubeconfig_add_file(files, path, &failure) < 0) {
		if (failure.kind == ERR_NOT_FOUND)
			return 0;
		*err = failure;
		return -1;
	}
	contexts = kubeconfig_names(files, "context");
	return strcmp(contexts, "none") != 0;
}

/* 1 when there is a kubeconfig, 0 when we may be in a pod. */
static int find_files(struct kubeconfig *files,
		      const struct kube_config_options *options,
		      struct err *err)
{
	const char *list = getenv("KUBECONFIG");
	const char *home = getenv("HOME");
	autofree char *path = NULL;
	int found;

	if (!str_empty(options->kubeconfig))
		return kubeconfig_add_file(files, options->kubeconfig, err) <
				       0 ?
			       -1 :
			       1;
	if (!str_empty(list))
		return add_list(files, list, err) < 0 ? -1 : 1;
	path = mem_printf("%s/.kube/config", home ? home : "");
	found = str_empty(home) ? 0 : add_default(files, path, err);
	return found ? found : add_default(files, ADMIN_KUBECONFIG, err);
}

static int in_cluster(struct kube_config *config,
		      const struct kube_config_options *options,
		      struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool ipv6 = host && strchr(host, ':');

	if (str_empty(host) || str_empty(port))
		return err_set(
			err, ERR_NOT_FOUND,
			"no kubeconfig: neither KUBECONFIG is set, nor is there '~/.kube/config' or '" ADMIN_KUBECONFIG
			"'; give --kubeconfig FILE");
	if (file_read(AT_FDCWD, SERVICE_ACCOUNT "/ca.crt", SMALL_MAX_BYTES,
		      &config->ca_pem, NULL, err) < 0)
		return err_wrap(err, "use the service account of this pod");
	if (file_read(AT_FDCWD, SERVICE_ACCOUNT "/namespace", SMALL_MAX_BYTES,
		      &config->ns, NULL, err) < 0)
		return err_wrap(err, "use the service account of this pod");
	config->ca_name = mem_strdup("'" SERVICE_ACCOUNT "/ca.crt'");
	config->server = options->server ? server_url(options->server, true) :
					   mem_printf(ipv6 ? "https://[%s]:%s" :
							     "https://%s:%s",
						      host, port);
	config->context = mem_strdup("in-cluster");
	config->cluster = mem_strdup("in-cluster");
	config->user = mem_strdup("the service account of this pod");
	config->origin = mem_strdup("'" SERVICE_ACCOUNT "'");
	config->credential =
		credential_from_token_file(SERVICE_ACCOUNT "/token");
	return 0;
}

struct kube_config *kube_config_load(const struct kube_config_options *options,
				     struct err *err)
{
	struct kube_config *config = config_new();
	struct kubeconfig *files = kubeconfig_new();
	int found = find_files(files, options, err);
	int result = found;

	if (found > 0)
		result = use_context(config, files, options, err);
	else if (found == 0)
		result = in_cluster(config, options, err);
	kubeconfig_free(files);
	if (result < 0) {
		kube_config_free(config);
		return NULL;
	}
	log_verbose("API server '%s', context '%s', user '%s', from %s",
		    config->server, config->context,
		    config->user ? config->user : "", config->origin);
	return config;
}

static char *copy_of(const char *text)
{
	return text ? mem_strdup(text) : NULL;
}

struct kube_config *kube_config_of_parts(const struct kubeconfig_parts *parts,
					 const char *origin)
{
	struct kube_config *config = config_new();

	config->server = server_url(parts->server, true);
	config->context = mem_printf("%s@%s", parts->user, parts->cluster);
	config->cluster = mem_strdup(parts->cluster);
	config->user = mem_strdup(parts->user);
	config->ns = copy_of(parts->ns);
	config->origin = mem_strdup(origin);
	config->ca_pem = copy_of(parts->ca_pem);
	config->ca_name = parts->ca_pem ? mem_printf("the CA in %s", origin) :
					  NULL;
	config->tls_server_name = copy_of(parts->tls_server_name);
	config->proxy = copy_of(parts->proxy);
	config->credential =
		credential_from_pair(parts->cert_pem, parts->key_pem);
	return config;
}

const char *kube_config_server(const struct kube_config *config)
{
	return config->server;
}

const char *kube_config_context(const struct kube_config *config)
{
	return config->context;
}

const char *kube_config_cluster(const struct kube_config *config)
{
	return config->cluster;
}

const char *kube_config_namespace(const struct kube_config *config)
{
	return config->ns;
}

const char *kube_config_user(const struct kube_config *config)
{
	return config->user ? config->user : "(nobody)";
}

const char *kube_config_origin(const struct kube_config *config)
{
	return config->origin;
}

const struct strs *kube_config_headers(const struct kube_config *config)
{
	return &config->headers;
}

static const struct http_config *keep(struct kube_config *config,
				      const struct credential_now *now)
{
	struct settings_kept *kept = config->kept;

	if (kept && kept->http.client_cert_pem == now->cert_pem)
		return &kept->http;
	kept = mem_alloc(sizeof(*kept));
	kept->before = config->kept;
	kept->http = (struct http_config){
		.ca_pem = config->ca_pem,
		.ca_name = config->ca_name,
		.client_cert_pem = now->cert_pem,
		.client_key_pem = now->key_pem,
		.tls_server_name = config->tls_server_name,
		.insecure = config->insecure,
		.proxy = config->proxy,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
	};
	config->kept = kept;
	return &kept->http;
}

int kube_config_access(struct kube_config *config, struct kube_access *access,
		       struct err *err)
{
	struct credential_now now = { .serial = 0 };
	int result;

	kube_access_release(access);
	pthread_mutex_lock(&config->lock);
	result = credential_get(config->credential, &now, err);
	if (result == 0) {
		access->http = keep(config, &now);
		access->serial = now.serial;
		if (now.token)
			access->authorization =
				mem_printf("Bearer %s", now.token);
	}
	pthread_mutex_unlock(&config->lock);
	return result;
}

void kube_access_release(struct kube_access *access)
{
	mem_free_secret(access->authorization);
	access->authorization = NULL;
}

bool kube_config_refused(struct kube_config *config, unsigned int serial)
{
	bool again;

	pthread_mutex_lock(&config->lock);
	again = credential_refused(config->credential, serial);
	pthread_mutex_unlock(&config->lock);
	return again;
}

void kube_config_set_patience(struct kube_config *config, int64_t ms)
{
	config->patience_ms = ms;
}

int64_t kube_config_patience(const struct kube_config *config)
{
	return config->patience_ms;
}

void kube_config_set_guard(struct kube_config *config,
			   int (*guard)(void *ctx, struct err *err), void *ctx)
{
	config->guard = guard;
	config->guard_ctx = ctx;
}

int kube_config_guard(struct kube_config *config, struct err *err)
{
	return config->guard ? config->guard(config->guard_ctx, err) : 0;
}

bool kube_config_reached(const struct kube_config *config)
{
	return atomic_load(&config->reached);
}

void kube_config_set_reached(struct kube_config *config)
{
	atomic_store(&config->reached, true);
}
