#include "txn/diff.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "format/yaml.h"
#include "kube/object.h"
#include "kube/takeover.h"
#include "txn/edit.h"

#define CONTEXT 3
#define MASK "***"
#define MASK_CHANGED "*** (changed)"

/* --- what counts ------------------------------------------------------------ */

/* Servers write it where nobody said when, in templates too. */
static void drop_null_timestamps(struct jval *value)
{
	if (jval_is_null(jval_get(value, "creationTimestamp")))
		jval_del(value, "creationTimestamp");
	for (void *it = jval_first(value); it; it = jval_next(value, it))
		drop_null_timestamps(jval_member_value(it));
	for (size_t i = 0; jval_is_array(value) && i < jval_len(value); i++)
		drop_null_timestamps(jval_at(value, i));
}

static void drop_servers_part(struct jval *object)
{
	static const char *const paths[] = {
		"status",
		"metadata.uid",
		"metadata.resourceVersion",
		"metadata.generation",
		"metadata.creationTimestamp",
		"metadata.managedFields",
		"metadata.selfLink",
	};
	struct jval *annotations = jval_path(object, "metadata.annotations");

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		jval_del_path(object, paths[i]);
	if (jval_get(annotations, LAST_APPLIED)) {
		jval_del(annotations, LAST_APPLIED);
		if (jval_len(annotations) == 0)
			jval_del_path(object, "metadata.annotations");
	}
	drop_null_timestamps(object);
}

/* A copy with members by name, whatever order a server has them in; NULL for
 * NULL. */
static struct jval *normal(const struct jval *object)
{
	autojval struct jval *copy = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	if (object == NULL)
		return NULL;
	copy = jval_copy(object);
	drop_servers_part(copy);
	text = jval_text(copy, true);
	return jval_parse(text, strlen(text), &err);
}

/* --- what is not shown ------------------------------------------------------ */

/* The names of both, each once. */
static void add_names(struct strs *names, const struct jval *a,
		      const struct jval *b)
{
	for (void *it = jval_first(a); it; it = jval_next(a, it))
		strs_add(names, jval_member_name(it));
	for (void *it = jval_first(b); it; it = jval_next(b, it))
		if (!jval_get(a, jval_member_name(it)))
			strs_add(names, jval_member_name(it));
}

static void mask_member(struct jval *before, struct jval *after,
			const char *name)
{
	const struct jval *was = jval_get(before, name);
	const struct jval *is = jval_get(after, name);
	bool changed = was && is && !jval_equal(was, is);

	if (was)
		jval_set(before, name, jval_new_str(MASK));
	if (is)
		jval_set(after, name,
			 jval_new_str(changed ? MASK_CHANGED : MASK));
}

static void mask_members(struct jval *before, struct jval *after)
{
	auto_strs struct strs names = STRS_INIT;

	add_names(&names, before, after);
	for (size_t i = 0; i < names.nr; i++)
		mask_member(before, after, names.item[i]);
}

/* It belongs to a certificate, and nobody can read it anyhow. */
static void mask_ca_bundles(struct jval *before, struct jval *after)
{
	auto_strs struct strs names = STRS_INIT;
	size_t nr = 0;

	add_names(&names, before, after);
	for (size_t i = 0; i < names.nr; i++) {
		const char *name = names.item[i];

		if (str_eq(name, "caBundle") &&
		    (jval_string(jval_get(before, name)) ||
		     jval_string(jval_get(after, name))))
			mask_member(before, after, name);
		else
			mask_ca_bundles(jval_get(before, name),
					jval_get(after, name));
	}
	if (jval_is_array(before))
		nr = jval_len(before);
	if (jval_is_array(after) && jval_len(after) > nr)
		nr = jval_len(after);
	for (size_t i = 0; i < nr; i++)
		mask_ca_bundles(jval_at(before, i), jval_at(after, i));
}

static void mask(struct jval *before, struct jval *after)
{
	const struct jval *object = after ? after : before;

	mask_ca_bundles(before, after);
	if (!str_eq(object_kind(object), "Secret"))
		return;
	mask_members(jval_get(before, "data"), jval_get(after, "data"));
	mask_members(jval_get(before, "stringData"),
		     jval_get(after, "stringData"));
}

/* --- lines ------------------------------------------------------------------ */

/* The YAML of an object, and for each line the path of what it is in. */
struct lines {
	struct strs text;
	struct strs path;
};

static void lines_release(struct lines *lines)
{
	strs_release(&lines->text);
	strs_release(&lines->path);
}

/* What comes before a line: its indentation, or "- " at its end. */
static char *deeper(const char *lead, const char *more)
{
	autofree char *blank = mem_strdup(lead);

	memset(blank, ' ', strlen(blank));
	return mem_printf("%s%s", blank, more);
}

static void add_line(struct lines *lines, const char *path, const char *lead,
		     const char *text, size_t len)
{
	strs_addf(&lines->text, "%s%.*s", lead, (int)len, text);
	strs_add(&lines->path, path);
}

/* `value` holds nothing to go into: one member or element at most. */
static void add_leaf(struct lines *lines, const char *path, const char *lead,
		     const struct jval *value)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	autofree char *rest = deeper(lead, "");

	yaml_dump(&text, value);
	for (const char *at = buf_str(&text); *at;) {
		size_t len = strcspn(at, "\n");

		add_line(lines, path, lead, at, len);
		lead = rest;
		at += len + (at[len] == '\n');
	}
}

static bool is_branch(const struct jval *value)
{
	return (jval_is_object(value) || jval_is_array(value)) &&
	       jval_len(value) > 0;
}

static void add_lines(struct lines *lines, const char *path, const char *lead,
		      const struct jval *value);

static void add_member(struct lines *lines, const char *path, const char *lead,
		       const char *name, struct jval *value)
{
	autojval struct jval *member = jval_new_object();
	autofree char *below =
		mem_printf("%s%s%s", path, *path ? "." : "", name);
	autofree char *indent = deeper(lead, jval_is_array(value) ? "" : "  ");
	auto_buf struct buf head = BUF_INIT(BUF_TEXT_MAX);

	if (!is_branch(value)) {
		jval_set(member, name, jval_ref(value));
		add_leaf(lines, path, lead, member);
		return;
	}
	jval_set(member, name, jval_new_null());
	yaml_dump(&head, member);
	add_line(lines, path, lead, buf_str(&head),
		 head.len - strlen(" null\n"));
	add_lines(lines, below, indent, value);
}

static void add_element(struct lines *lines, const char *path, const char *lead,
			struct jval *value)
{
	autofree char *item = mem_printf("%s- ", lead);
	autojval struct jval *alone = NULL;

	if (is_branch(value)) {
		add_lines(lines, path, item, value);
		return;
	}
	alone = jval_new_array();
	jval_append(alone, jval_ref(value));
	add_leaf(lines, path, lead, alone);
}

static void add_lines(struct lines *lines, const char *path, const char *lead,
		      const struct jval *value)
{
	autofree char *rest = deeper(lead, "");

	for (void *it = jval_first(value); it; it = jval_next(value, it)) {
		add_member(lines, path, lead, jval_member_name(it),
			   jval_member_value(it));
		lead = rest;
	}
	for (size_t i = 0; jval_is_array(value) && i < jval_len(value); i++) {
		autofree char *below = mem_printf("%s[%zu]", path, i);

		add_element(lines, below, lead, jval_at(value, i));
		lead = rest;
	}
}

/* --- what is told ----------------------------------------------------------- */

/* Whether line `at` of the script changes, or is near one that does. */
static bool is_shown(const char *script, size_t len, size_t at)
{
	size_t from = at > CONTEXT ? at - CONTEXT : 0;

	for (size_t i = from; i < len && i <= at + CONTEXT; i++)
		if (script[i] != ' ')
			return true;
	return false;
}

/* The path of the first change from line `at` of the script on. */
static const char *hunk_path(const char *script, const struct lines *before,
			     const struct lines *after, size_t x, size_t y)
{
	size_t same = strspn(script, " ");

	return script[same] == '-' ? before->path.item[x + same] :
				     after->path.item[y + same];
}

static void tell(struct buf *out, const char *script,
		 const struct lines *before, const struct lines *after)
{
	size_t len = strlen(script);
	size_t x = 0, y = 0;
	bool shown = true; /* nothing is left out before the first */

	for (size_t i = 0; i < len; i++) {
		bool was = shown;

		shown = is_shown(script, len, i);
		if (shown && !was)
			buf_addf(out, "@@ %s @@\n",
				 hunk_path(script + i, before, after, x, y));
		if (shown)
			buf_addf(out, "%c%s\n", script[i],
				 script[i] == '-' ? before->text.item[x] :
						    after->text.item[y]);
		x += script[i] != '+';
		y += script[i] != '-';
	}
}

bool diff_objects(struct buf *out, const struct jval *before,
		  const struct jval *after)
{
	__attribute__((cleanup(lines_release))) struct lines a = { 0 };
	__attribute__((cleanup(lines_release))) struct lines b = { 0 };
	autojval struct jval *was = normal(before);
	autojval struct jval *is = normal(after);
	autofree char *script = NULL;
	bool differs = !jval_equal(was, is);

	if (!differs)
		return false;
	mask(was, is);
	if (was)
		add_lines(&a, "", "", was);
	if (is)
		add_lines(&b, "", "", is);
	script = edit_script(&a.text, &b.text);
	tell(out, script, &a, &b);
	return true;
}
