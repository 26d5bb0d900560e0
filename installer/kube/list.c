#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/client.h"

#define PAGE_SIZE 500
/* Each page anew expired: the server is too slow for us. */
#define LIST_TRIES 5

void kube_add_query(struct buf *out, const char *name, const char *value)
{
	if (name)
		buf_addf(out, "&%s=", name);
	for (const char *c = value; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (isalnum(byte) || strchr("-._~:", byte))
			buf_addch(out, *c);
		else
			buf_addf(out, "%%%02X", byte);
	}
}

/* Items of a list lack what the list says for all of them. */
static void name_items(const struct jval *list, struct jval *items)
{
	const char *kind = jval_str(list, "kind");
	const char *version = jval_str(list, "apiVersion");
	autofree char *single = NULL;

	if (kind == NULL || version == NULL || !str_ends(kind, "List"))
		return;
	single = mem_strndup(kind, strlen(kind) - strlen("List"));
	for (size_t i = 0; i < jval_len(items); i++) {
		struct jval *item = jval_at(items, i);

		if (!jval_is_object(item) || jval_get(item, "kind"))
			continue;
		jval_set(item, "apiVersion", jval_new_str(version));
		jval_set(item, "kind", jval_new_str(single));
	}
}

/* What is listed. */
struct listing {
	struct kube *kube;
	const char *path;
	const char *query; /* or NULL */
	enum kube_answer form;
};

/* One page appended to `all`; `*next` is where to go on, or NULL. */
static int list_page(const struct listing *listing, struct jval *all,
		     char **next, char **version, struct err *err)
{
	struct buf auto_buf url = BUF_INIT(BUF_TEXT_MAX);
	struct kube_request request = { .form = listing->form };
	autojval struct jval *page = NULL;
	struct jval *items;
	const char *text;

	buf_addf(&url, "%s?limit=%d", listing->path, PAGE_SIZE);
	if (listing->query)
		buf_addf(&url, "&%s", listing->query);
	if (*next)
		kube_add_query(&url, "continue", *next);
	request.path = buf_str(&url);
	if (kube_request(listing->kube, &request, &page, err) < 0)
		return -1;
	items = jval_get(page, "items");
	if (!jval_is_array(items) && !jval_is_null(items))
		return err_set(err, ERR_API,
			       "cannot list '%s': the answer is not a list",
			       listing->path);
	name_items(page, items);
	for (size_t i = 0; i < jval_len(items); i++)
		jval_append(all, jval_ref(jval_at(items, i)));
	text = jval_str(page, "metadata.resourceVersion");
	free(*version);
	*version = mem_strdup(text ? text : "");
	text = jval_str(page, "metadata.continue");
	free(*next);
	*next = str_empty(text) ? NULL : mem_strdup(text);
	return 0;
}

static int list_pages(const struct listing *listing, struct jval *all,
		      char **version, struct err *err)
{
	autofree char *next = NULL;

	do {
		if (list_page(listing, all, &next, version, err) < 0)
			return -1;
	} while (next);
	return 0;
}

static struct jval *list_all(const struct listing *listing, char **version,
			     struct err *err)
{
	for (unsigned int tries = 1;; tries++) {
		struct jval *all = jval_new_array();
		struct err failure = ERR_INIT;

		*version = NULL;
		if (list_pages(listing, all, version, &failure) == 0)
			return all;
		jval_free(all);
		free(*version);
		*version = NULL;
		if (failure.http != 410 || tries == LIST_TRIES) {
			*err = failure;
			return NULL;
		}
	}
}

struct jval *kube_list_version(struct kube *kube, const char *path,
			       const char *query, char **version,
			       struct err *err)
{
	struct listing listing = { .kube = kube, .path = path, .query = query };

	return list_all(&listing, version, err);
}

struct jval *kube_list_names(struct kube *kube, const char *path,
			     const char *query, struct err *err)
{
	struct listing listing = {
		.kube = kube,
		.path = path,
		.query = query,
		.form = KUBE_METADATA_LIST,
	};
	autofree char *version = NULL;

	return list_all(&listing, &version, err);
}

struct jval *kube_list_all(struct kube *kube, const char *path,
			   const char *query, struct err *err)
{
	autofree char *version = NULL;

	return kube_list_version(kube, path, query, &version, err);
}

int kube_list(struct kube *kube, const char *path, const char *query,
	      int (*item)(void *ctx, struct jval *object, struct err *err),
	      void *ctx, struct err *err)
{
	autojval struct jval *all = kube_list_all(kube, path, query, err);

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(all); i++) {
		int result = item(ctx, jval_at(all, i), err);

		if (result < 0)
			return result;
	}
	return 0;
}
