#include "net/challenge.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define CHALLENGES_MAX 32
#define CHALLENGE_MAX_PARAMS 32
#define CHALLENGE_MAX_BYTES ((size_t)64 << 10)

#define TOKEN68                                                \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789-._~+/"

static size_t token_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789!#$%&'*+-.^_`|~");
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static char *lower_dup(const char *text, size_t len)
{
	char *copy = mem_strndup(text, len);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* What follows a value in quotes, or NULL where they are not closed. */
static const char *read_quoted(const char *text, struct buf *value)
{
	for (text++; *text && *text != '"'; text++) {
		if (*text == '\\' && text[1])
			text++;
		buf_addch(value, *text);
	}
	return *text == '"' ? text + 1 : NULL;
}

/* `text` is behind the "="; returns what follows the value, or NULL. */
static const char *read_value(const char *text, struct buf *value)
{
	size_t len;

	text = skip_blanks(text);
	if (*text == '"')
		return read_quoted(text, value);
	/* Some leave URLs unquoted: take all up to the next parameter. */
	len = strcspn(text, ", \t");
	buf_add(value, text, len);
	return text + len;
}

/* The credentials-like word some schemes have in place of parameters. */
static const char *skip_token68(const char *text)
{
	const char *start = skip_blanks(text);
	const char *end = start + strspn(start, TOKEN68);

	if (start == text || end == start)
		return text;
	end = skip_blanks(end + strspn(end, "="));
	return *end == '\0' || *end == ',' ? end : text;
}

static struct challenge *challenges_new(struct challenges *list)
{
	list->item = mem_resize(list->item, list->nr + 1, sizeof(*list->item));
	memset(&list->item[list->nr], 0, sizeof(*list->item));
	return &list->item[list->nr++];
}

static const char *read_param(struct challenge *challenge, const char *name,
			      size_t len, const char *text)
{
	auto_buf struct buf value = BUF_INIT(CHALLENGE_MAX_BYTES);

	if (challenge->names.nr >= CHALLENGE_MAX_PARAMS)
		return NULL;
	text = read_value(text, &value);
	if (text == NULL || value.overflow)
		return NULL;
	strs_take(&challenge->names, lower_dup(name, len));
	strs_take(&challenge->values, buf_steal(&value));
	return text;
}

bool challenges_add(struct challenges *list, const char *header)
{
	struct challenge *current = NULL;

	while (*(header += strspn(header, " \t,"))) {
		size_t len = token_len(header);
		const char *rest = skip_blanks(header + len);

		if (len == 0)
			return false;
		if (*rest == '=' && current) {
			header = read_param(current, header, len, rest + 1);
			if (header == NULL)
				return false;
			continue;
		}
		if (list->nr >= CHALLENGES_MAX || *rest == '=')
			return false;
		current = challenges_new(list);
		current->scheme = lower_dup(header, len);
		header = skip_token68(header + len);
	}
	return true;
}

void challenges_release(struct challenges *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->item[i].scheme);
		strs_release(&list->item[i].names);
		strs_release(&list->item[i].values);
	}
	free(list->item);
	memset(list, 0, sizeof(*list));
}

const struct challenge *challenges_find(const struct challenges *list,
					const char *scheme)
{
	for (size_t i = 0; i < list->nr; i++)
		if (str_eq(list->item[i].scheme, scheme))
			return &list->item[i];
	return NULL;
}

const char *challenge_param(const struct challenge *challenge, const char *name)
{
	for (size_t i = 0; i < challenge->names.nr; i++)
		if (str_eq(challenge->names.item[i], name))
			return challenge->values.item[i];
	return NULL;
}
