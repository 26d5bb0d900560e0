#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/client.h"

#define PAGE_SIZE 500
/* Where a page is all that is in memory: about what it may weigh, and how many
 * items tell how many that are. Each page costs the server a look at the whole
 * list, so that small ones take longer than a list remains valid. */
#define PAGE_WEIGHT ((size_t)2 << 20)
#define SAMPLE_SIZE 10
#define PAGE_SIZE_MAX 1000
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
	unsigned int page_size;
	char *version; /* resourceVersion of the list */
};

static char *page_path(const struct listing *listing, const char *next)
{
	struct buf auto_buf url = BUF_INIT(BUF_TEXT_MAX);

	buf_addf(&url, "%s?limit=%u", listing->path, listing->page_size);
	if (listing->query)
		buf_addf(&url, "&%s", listing->query);
	if (next)
		kube_add_query(&url, "continue", next);
	return buf_steal(&url);
}

/* One page; `*next` is where to go on, or NULL. */
static struct jval *list_page(struct listing *listing, char **next,
			      struct err *err)
{
	autofree char *path = page_path(listing, *next);
	struct kube_request request = { .form = listing->form, .path = path };
	autojval struct jval *page = NULL;
	struct jval *items;
	const char *text;

	if (kube_request(listing->kube, &request, &page, err) < 0)
		return NULL;
	items = jval_get(page, "items");
	if (!jval_is_array(items) && !jval_is_null(items)) {
		err_set(err, ERR_API,
			"cannot list '%s': the answer is not a list",
			listing->path);
		return NULL;
	}
	name_items(page, items);
	text = jval_str(page, "metadata.resourceVersion");
	free(listing->version);
	listing->version = mem_strdup(text ? text : "");
	text = jval_str(page, "metadata.continue");
	free(*next);
	*next = str_empty(text) ? NULL : mem_strdup(text);
	return mem_steal(&page);
}

static int visit_items(const struct kube_visitor *visitor,
		       const struct jval *page, struct err *err)
{
	const struct jval *items = jval_get(page, "items");

	for (size_t i = 0; i < jval_len(items); i++) {
		int result =
			visitor->item(visitor->ctx, jval_at(items, i), err);

		if (result < 0)
			return result;
	}
	return 0;
}

/*
 * All pages: 1, 0 when the list expired under way, or a negative result. A
 * token that the server offers to go on with from then is not taken: what
 * moved meanwhile would be missing, or there twice.
 */
static int list_pages(struct listing *listing,
		      const struct kube_visitor *visitor, struct err *err)
{
	autofree char *next = NULL;

	do {
		struct err failure = ERR_INIT;
		autojval struct jval *page =
			list_page(listing, &next, &failure);
		int result;

		if (page == NULL) {
			*err = failure;
			return failure.http == 410 ? 0 : -1;
		}
		result = visit_items(visitor, page, err);
		if (result < 0)
			return result;
	} while (next);
	return 1;
}

static int list_run(struct listing *listing, const struct kube_visitor *visitor,
		    struct err *err)
{
	struct err failure = ERR_INIT;

	for (unsigned int tries = 1; tries <= LIST_TRIES; tries++) {
		int result;

		if (tries > 1 && visitor->restart(visitor->ctx, err) < 0)
			return -1;
		result = list_pages(listing, visitor, &failure);
		if (result > 0)
			return 0;
		if (result < 0) {
			*err = failure;
			return result;
		}
	}
	*err = failure;
	return -1;
}

static int collect_item(void *ctx, struct jval *object, struct err *err)
{
	(void)err;
	jval_append(ctx, jval_ref(object));
	return 0;
}

static int collect_anew(void *ctx, struct err *err)
{
	(void)err;
	while (jval_len(ctx) > 0)
		jval_remove_at(ctx, jval_len(ctx) - 1);
	return 0;
}

/* Everything into an array. */
static struct jval *list_all(struct listing *listing, struct err *err)
{
	autojval struct jval *all = jval_new_array();
	struct kube_visitor visitor = { collect_item, collect_anew, all };

	listing->page_size = PAGE_SIZE;
	return list_run(listing, &visitor, err) < 0 ? NULL : mem_steal(&all);
}

struct jval *kube_list_version(struct kube *kube, const char *path,
			       const char *query, char **version,
			       struct err *err)
{
	struct listing listing = { .kube = kube, .path = path, .query = query };
	struct jval *all = list_all(&listing, err);

	if (all == NULL)
		free(mem_steal(&listing.version));
	*version = listing.version;
	return all;
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
	struct jval *all = list_all(&listing, err);

	free(listing.version);
	return all;
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

/* How many items like those of `page` make a page of the right weight. */
static unsigned int fitting_size(const struct jval *page)
{
	const struct jval *items = jval_get(page, "items");
	const size_t most = SIZE_MAX / PAGE_SIZE_MAX;
	size_t left = most, size;

	if (!jval_within(items, JVAL_MAX_DEPTH, &left) || left == most)
		return SAMPLE_SIZE;
	size = PAGE_WEIGHT * jval_len(items) / (most - left);
	if (size > PAGE_SIZE_MAX)
		size = PAGE_SIZE_MAX;
	return size < 1 ? 1 : (unsigned int)size;
}

/* Look at the first few, and choose the size of pages by them: 0, or 1 when
 * they were all, and told. */
static int list_sample(struct listing *listing,
		       const struct kube_visitor *visitor, struct err *err)
{
	autofree char *next = NULL;
	autojval struct jval *page = NULL;
	int result;

	listing->page_size = SAMPLE_SIZE;
	page = list_page(listing, &next, err);
	if (page == NULL)
		return -1;
	listing->page_size = fitting_size(page);
	if (next)
		return 0;
	result = visit_items(visitor, page, err);
	return result < 0 ? result : 1;
}

int kube_list_each(struct kube *kube, const char *path, const char *query,
		   const struct kube_visitor *visitor, struct err *err)
{
	struct listing listing = { .kube = kube, .path = path, .query = query };
	int result = list_sample(&listing, visitor, err);

	if (result == 0)
		result = list_run(&listing, visitor, err);
	free(listing.version);
	return result < 0 ? result : 0;
}
