#include "kube/kubeconfig_text.h"

#include <string.h>

#include "base/mem.h"
#include "format/base64.h"
#include "format/jval.h"

/* By hand, not out of a value: no copy of the key stays in memory. A string
 * of JSON is one of YAML. */
static void add_line(struct buf *out, const char *indent_and_name,
		     const char *text)
{
	autojval struct jval *value = NULL;
	autofree char *quoted = NULL;

	if (text == NULL)
		return;
	value = jval_new_str(text);
	quoted = jval_text(value, false);
	buf_addf(out, "%s: %s\n", indent_and_name, quoted);
}

static void add_pem(struct buf *out, const char *indent_and_name,
		    const char *pem)
{
	if (pem == NULL)
		return;
	buf_addf(out, "%s: ", indent_and_name);
	base64_encode(out, pem, strlen(pem));
	buf_addch(out, '\n');
}

void kubeconfig_text(struct buf *out, const struct kubeconfig_parts *parts)
{
	autofree char *context =
		mem_printf("%s@%s", parts->user, parts->cluster);

	buf_addstr(out, "apiVersion: v1\nkind: Config\nclusters:\n");
	add_line(out, "- name", parts->cluster);
	buf_addstr(out, "  cluster:\n");
	add_line(out, "    server", parts->server);
	add_pem(out, "    certificate-authority-data", parts->ca_pem);
	add_line(out, "    tls-server-name", parts->tls_server_name);
	add_line(out, "    proxy-url", parts->proxy);
	buf_addstr(out, "contexts:\n");
	add_line(out, "- name", context);
	buf_addstr(out, "  context:\n");
	add_line(out, "    cluster", parts->cluster);
	add_line(out, "    namespace", parts->ns);
	add_line(out, "    user", parts->user);
	add_line(out, "current-context", context);
	buf_addstr(out, "users:\n");
	add_line(out, "- name", parts->user);
	buf_addstr(out, "  user:\n");
	add_pem(out, "    client-certificate-data", parts->cert_pem);
	add_pem(out, "    client-key-data", parts->key_pem);
}
