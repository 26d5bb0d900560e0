#include "bundle/overlay_select.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

static const char *const patterns[] = { "group", "version", "kind", "name",
					"namespace" };

/* In the order of `patterns`. */
struct identity {
	char group[256];
	const char *version;
	const char *kind;
	const char *name;
	const char *namespace;
};

enum op { OP_EXISTS, OP_MISSING, OP_IN, OP_NOT_IN };

struct requirement {
	char *key;
	enum op op;
	struct strs values;
};

/* Kinds of which kustomize knows that they live in no namespace. */
static bool is_cluster_wide(const struct jval *object)
{
	static const char *const kinds[] = {
		"APIService",
		"CSIDriver",
		"CSINode",
		"CertificateSigningRequest",
		"ClusterRole",
		"ClusterRoleBinding",
		"CustomResourceDefinition",
		"FlowSchema",
		"IngressClass",
		"MutatingWebhookConfiguration",
		"Namespace",
		"Node",
		"PersistentVolume",
		"PodSecurityPolicy",
		"PriorityClass",
		"PriorityLevelConfiguration",
		"RuntimeClass",
		"StorageClass",
		"ValidatingWebhookConfiguration",
		"VolumeAttachment",
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], object_kind(object)) == 0)
			return true;
	return false;
}

static struct identity identity_of(const struct jval *object)
{
	const char *api_version = object_api_version(object);
	const char *slash = strchr(api_version, '/');
	struct identity identity = {
		.version = slash ? slash + 1 : api_version,
		.kind = object_kind(object),
		.name = object_name(object),
		.namespace = object_namespace(object),
	};

	object_group(object, identity.group, sizeof(identity.group));
	if (identity.namespace == NULL)
		identity.namespace = is_cluster_wide(object) ? "" : "default";
	return identity;
}

bool overlay_same_object(const struct jval *a, const struct jval *b)
{
	struct identity one = identity_of(a), other = identity_of(b);

	return strcmp(one.group, other.group) == 0 &&
	       strcmp(one.version, other.version) == 0 &&
	       strcmp(one.kind, other.kind) == 0 &&
	       strcmp(one.name, other.name) == 0 &&
	       strcmp(one.namespace, other.namespace) == 0;
}

/* ---- regular expressions ---- */

static bool has_other_syntax(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if (p[0] == '(' && p[1] == '?')
			return true;
		if (p[0] != '\\')
			continue;
		if (isalnum((unsigned char)p[1]))
			return true;
		if (p[1])
			p++;
	}
	return false;
}

static int compile(regex_t *regex, const char *pattern)
{
	autofree char *whole = mem_printf("^(%s)$", pattern);

	return regcomp(regex, whole, REG_EXTENDED | REG_NOSUB);
}

static int pattern_check(const char *field, const struct jval *value,
			 struct err *err)
{
	const char *pattern = jval_string(value);
	regex_t regex;

	if (value == NULL)
		return 0;
	if (pattern == NULL)
		return err_set(err, ERR_INVALID, "target's '%s' is no text",
			       field);
	if (has_other_syntax(pattern) || compile(&regex, pattern) != 0)
		return err_set(err, ERR_INVALID,
			       "target's %s '%s' is no regular expression as "
			       "POSIX has it ('(?' and '\\d' are not known: "
			       "write [0-9])",
			       field, pattern);
	regfree(&regex);
	return 0;
}

static bool pattern_matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool matches;

	if (str_empty(pattern))
		return true;
	if (compile(&regex, pattern) != 0)
		return false;
	matches = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

/* ---- label selectors ---- */

static void requirement_release(struct requirement *requirement)
{
	free(requirement->key);
	strs_release(&requirement->values);
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* A key, a value or the word "in"; what follows it. */
static const char *take_word(const char *p, char **word)
{
	size_t len = strcspn(p, "!=,() \t<>");

	*word = mem_strndup(p, len);
	return skip_blanks(p + len);
}

/* "(a, b)"; NULL when it is not. */
static const char *take_set(const char *p, struct strs *values)
{
	if (*p != '(')
		return NULL;
	do {
		char *value;

		p = take_word(skip_blanks(p + 1), &value);
		strs_take(values, value);
	} while (*p == ',');
	return *p == ')' ? skip_blanks(p + 1) : NULL;
}

static const char *take_operator(const char *p, struct requirement *wanted)
{
	autofree char *word = NULL;
	char *value;

	if (*p == '=' || (p[0] == '!' && p[1] == '=')) {
		wanted->op = *p == '=' ? OP_IN : OP_NOT_IN;
		p += p[0] == '!' || p[1] == '=' ? 2 : 1;
		p = take_word(skip_blanks(p), &value);
		strs_take(&wanted->values, value);
		return p;
	}
	if (*p == '\0' || *p == ',')
		return p; /* the key alone */
	p = take_word(p, &word);
	wanted->op = OP_NOT_IN;
	if (strcmp(word, "in") == 0)
		wanted->op = OP_IN;
	else if (strcmp(word, "notin") != 0)
		return NULL;
	return take_set(p, &wanted->values);
}

/* One requirement; what follows it and its comma, or NULL. */
static const char *take_requirement(const char *p, struct requirement *wanted)
{
	bool missing = *p == '!';

	p = take_word(skip_blanks(missing ? p + 1 : p), &wanted->key);
	wanted->op = missing ? OP_MISSING : OP_EXISTS;
	if (wanted->key[0] == '\0')
		return NULL;
	if (!missing)
		p = take_operator(p, wanted);
	if (p == NULL || (*p && *p != ','))
		return NULL;
	if (*p == '\0')
		return p;
	p = skip_blanks(p + 1);
	return *p ? p : NULL;
}

static bool is_met(const struct requirement *wanted, const struct jval *labels)
{
	const char *value = jval_string(jval_get(labels, wanted->key));

	switch (wanted->op) {
	case OP_EXISTS:
		return value != NULL;
	case OP_MISSING:
		return value == NULL;
	case OP_IN:
		return value && strs_has(&wanted->values, value);
	case OP_NOT_IN:
		break;
	}
	return value == NULL || !strs_has(&wanted->values, value);
}

/* 1 = it matches, 0 = not, -1 = it is no selector. */
static int selector_matches(const char *selector, const struct jval *labels)
{
	const char *p = skip_blanks(selector);
	int matches = 1;

	while (p && *p) {
		struct requirement wanted = { .values = STRS_INIT };

		p = take_requirement(p, &wanted);
		if (p && !is_met(&wanted, labels))
			matches = 0;
		requirement_release(&wanted);
	}
	return p ? matches : -1;
}

static int selector_check(const char *field, const struct jval *value,
			  struct err *err)
{
	const char *text = jval_string(value);

	if (value == NULL || (text && selector_matches(text, NULL) >= 0))
		return 0;
	return err_set(err, ERR_INVALID,
		       "target's %s '%s' is no selector such as 'a=b,c in (d, "
		       "e),!f'",
		       field, text ? text : "");
}

/* ---- both ---- */

int overlay_target_check(const struct jval *target, struct err *err)
{
	if (!jval_is_object(target))
		return err_set(err, ERR_INVALID, "'target' is no object");
	for (void *it = jval_first(target); it; it = jval_next(target, it)) {
		const char *name = jval_member_name(it);
		const struct jval *value = jval_member_value(it);
		bool is_pattern = false;
		int result;

		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
			is_pattern |= strcmp(patterns[i], name) == 0;
		if (is_pattern)
			result = pattern_check(name, value, err);
		else if (str_eq(name, "labelSelector") ||
			 str_eq(name, "annotationSelector"))
			result = selector_check(name, value, err);
		else
			result = err_set(err, ERR_INVALID,
					 "'target.%s' is not supported", name);
		if (result < 0)
			return -1;
	}
	return 0;
}

bool overlay_target_matches(const struct jval *target,
			    const struct jval *object)
{
	struct identity identity = identity_of(object);
	const char *const texts[] = { identity.group, identity.version,
				      identity.kind, identity.name,
				      identity.namespace };
	const char *labels = jval_str(target, "labelSelector");
	const char *annotations = jval_str(target, "annotationSelector");

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (!pattern_matches(jval_str(target, patterns[i]), texts[i]))
			return false;
	return (!labels ||
		selector_matches(labels,
				 jval_path(object, "metadata.labels")) == 1) &&
	       (!annotations ||
		selector_matches(annotations,
				 jval_path(object, "metadata.annotations")) ==
			1);
}
