#include "format/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define DIGITS "0123456789"

static bool one_of(const char *text, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

#define ONE_OF(text, ...)                                  \
	one_of(text, (const char *const[]){ __VA_ARGS__ }, \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static const char *after_sign(const char *text)
{
	return text + (*text == '-' || *text == '+');
}

/* The base of the integer whose digits, without sign, begin at `*digits`,
 * which is moved past a prefix; 0 when it is no integer. */
static int int_base(const char **digits)
{
	static const struct {
		const char *prefix;
		const char *digits;
		int base;
	} forms[] = {
		{ "0x", DIGITS "abcdefABCDEF", 16 },
		{ "0o", "01234567", 8 },
		{ "0", "01234567", 8 },
		{ "", DIGITS, 10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t n = strlen(forms[i].prefix);
		const char *rest = *digits + n;

		if (strncmp(*digits, forms[i].prefix, n) != 0 || !*rest ||
		    rest[strspn(rest, forms[i].digits)] != '\0')
			continue;
		*digits = rest;
		return forms[i].base;
	}
	return 0;
}

static struct jval *out_of_range(struct err *err)
{
	err_set(err, ERR_INVALID,
		"number is out of range; quote it if it is text");
	return NULL;
}

static struct jval *make_int(const char *text, const char *digits, int base,
			     struct err *err)
{
	bool negative = *text == '-';
	unsigned long long n;

	errno = 0;
	n = strtoull(digits, NULL, base);
	if (errno || n > (unsigned long long)INT64_MAX + negative)
		return out_of_range(err);
	return jval_new_int(negative ? (int64_t)-n : (int64_t)n);
}

static bool is_float(const char *text)
{
	const char *p = after_sign(text);
	size_t whole = strspn(p, DIGITS), fraction = 0;

	p += whole;
	if (*p == '.') {
		fraction = strspn(p + 1, DIGITS);
		p += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p = after_sign(p + 1);
		if (strspn(p, DIGITS) == 0)
			return false;
		p += strspn(p, DIGITS);
	}
	return *p == '\0';
}

static struct jval *make_float(const char *text, struct err *err)
{
	double n = strtod(text, NULL);

	return isfinite(n) ? jval_new_real(n) : out_of_range(err);
}

struct jval *yaml_resolve(const char *text, struct err *err)
{
	const char *number = after_sign(text);
	int base;

	if (ONE_OF(text, "", "~", "null", "Null", "NULL"))
		return jval_new_null();
	if (ONE_OF(text, "true", "True", "TRUE"))
		return jval_new_bool(true);
	if (ONE_OF(text, "false", "False", "FALSE"))
		return jval_new_bool(false);
	if (ONE_OF(number, ".inf", ".Inf", ".INF") ||
	    ONE_OF(text, ".nan", ".NaN", ".NAN")) {
		err_set(err, ERR_INVALID,
			"infinity and not-a-number have no JSON form; quote "
			"it if it is text");
		return NULL;
	}
	if (strchr(DIGITS ".", *number) == NULL)
		return jval_new_str(text);
	base = int_base(&number);
	if (base)
		return make_int(text, number, base, err);
	if (is_float(text))
		return make_float(text, err);
	return jval_new_str(text);
}

/* Words that are no strings to this or an older reader. */
static bool is_special_word(const char *text)
{
	static const char *const words[] = {
		"~",  "null", "true", "false", "y", "n", "yes",	 "no",
		"on", "off",  "=",    "<<",    "-", "?", ".inf", ".nan",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Number, date, or base 60, to any reader: judged too widely, but versions
 * and addresses (several dots) and quantities (64Mi) are let through. */
static bool may_be_number(const char *text)
{
	static const char chars[] = DIGITS "abcdefABCDEF"
					   "xXoOinINtTzZ_.+-: ";
	const char *p = after_sign(text);
	const char *dot = strchr(p, '.');

	if (strchr(DIGITS ".", *p) == NULL || p[strspn(p, chars)] != '\0')
		return false;
	return dot == NULL || strchr(dot + 1, '.') == NULL || strchr(p, ':');
}

bool yaml_plain_safe(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || text[len - 1] == ' ' || text[len - 1] == ':' ||
	    strchr(" ,[]{}#&*!|>'\"%@`:?", *text) || is_special_word(text) ||
	    may_be_number(text) || strstr(text, ": ") || strstr(text, " #") ||
	    strncmp(text, "- ", 2) == 0 || strncmp(text, "---", 3) == 0 ||
	    strncmp(text, "...", 3) == 0)
		return false;
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return true;
}
