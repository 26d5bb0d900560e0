#include "base/opts.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"

/* Columns of a description: where the help begins, and where it ends. */
#define HELP_COLUMN 34
#define HELP_WIDTH 78

/* What is under way in opts_parse. */
struct opts_parser {
	const struct opts_table *table;
	uint64_t groups;
	void *settings;
	char *const *next;
	bool *seen; /* lists that the command line has begun anew */
};

static void *opt_value(const struct opt *opt, void *settings)
{
	return (char *)settings + opt->offset;
}

static bool opt_takes_value(const struct opt *opt)
{
	return opt->kind != OPT_FLAG && opt->kind != OPT_SWITCH &&
	       opt->kind != OPT_COUNT;
}

/* By `name`, or by `letter` where that is NULL: the one for these groups, else
 * the first, so that the message can tell it from one that nobody has. */
static const struct opt *opts_find(const struct opts_table *table,
				   uint64_t groups, const char *name,
				   char letter)
{
	const struct opt *found = NULL;

	for (size_t i = 0; i < table->nr; i++) {
		const struct opt *opt = &table->opt[i];

		if (name ? strcmp(opt->name, name) != 0 : opt->letter != letter)
			continue;
		if (found == NULL || !(found->groups & groups))
			found = opt;
	}
	return found;
}

/* "table, json, yaml" of "table|json|yaml". */
static char *opt_choices(const struct opt *opt)
{
	auto_strs struct strs list = STRS_INIT;

	strs_split(&list, opt->choices, '|');
	return strs_join(&list, ", ");
}

static bool opt_has_choice(const struct opt *opt, const char *value)
{
	auto_strs struct strs list = STRS_INIT;

	if (opt->choices == NULL)
		return true;
	strs_split(&list, opt->choices, '|');
	return strs_has(&list, value);
}

static int opt_check_text(const struct opt *opt, const char *subject,
			  const char *value, struct err *err)
{
	autofree char *text = NULL;

	if (opt_has_choice(opt, value))
		return opt->check ? opt->check(subject, value, err) : 0;
	text = opt_choices(opt);
	return err_set(err, ERR_USAGE, "'%s' must be one of %s, not '%s'",
		       subject, text, value);
}

static int opt_set_bool(bool *to, const char *subject, const char *value,
			struct err *err)
{
	static const char *const words[][2] = {
		{ "false", "true" },
		{ "no", "yes" },
		{ "0", "1" },
		{ "off", "on" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int k = 0; k < 2; k++)
			if (strcasecmp(value, words[i][k]) == 0) {
				*to = k;
				return 0;
			}
	return err_set(err, ERR_USAGE, "'%s' must be true or false, not '%s'",
		       subject, value);
}

static int opt_set_list(const struct opt *opt, const char *subject,
			const char *value, struct strs *to, struct err *err)
{
	auto_strs struct strs parts = STRS_INIT;

	strs_split(&parts, value, ',');
	for (size_t i = 0; i < parts.nr; i++) {
		if (opt_check_text(opt, subject, parts.item[i], err) < 0)
			return -1;
		strs_add(to, parts.item[i]);
	}
	return 0;
}

static int opt_set_number(const struct opt *opt, const char *subject,
			  const char *value, int64_t *to, struct err *err)
{
	uint64_t max = (uint64_t)(opt->max ? opt->max : INT64_MAX);
	uint64_t n;

	if (str_u64(value, &n, err) == 0 && n <= max &&
	    n >= (uint64_t)opt->min) {
		*to = (int64_t)n;
		return 0;
	}
	if (opt->max)
		return err_set(err, ERR_USAGE,
			       "'%s' must be a number from %" PRId64
			       " to %" PRId64 ", not '%s'",
			       subject, opt->min, opt->max, value);
	return err_set(err, ERR_USAGE, "'%s' must be a number, not '%s'",
		       subject, value);
}

static int opt_set_count(const char *subject, const char *value, int *to,
			 struct err *err)
{
	static const struct opt count = { .max = 100 };
	int64_t n = 0;

	if (opt_set_number(&count, subject, value, &n, err) < 0)
		return -1;
	*to = (int)n;
	return 0;
}

static int opt_set_duration(const struct opt *opt, const char *subject,
			    const char *value, int64_t *to, struct err *err)
{
	int64_t ms;

	if (str_duration_ms(value, &ms, err) == 0 && ms >= opt->min) {
		*to = ms;
		return 0;
	}
	return err_set(err, ERR_USAGE,
		       "'%s' must be a duration%s such as 90s or 2m, not '%s'",
		       subject, opt->min ? " longer than 0" : "", value);
}

static int opt_set_size(const struct opt *opt, const char *subject,
			const char *value, int64_t *to, struct err *err)
{
	char least[16];
	int64_t bytes;

	if (str_size(value, &bytes, err) == 0 && bytes >= opt->min) {
		*to = bytes;
		return 0;
	}
	str_bytes(least, sizeof(least), (uint64_t)opt->min);
	return err_set(err, ERR_USAGE,
		       "'%s' must be a size of at least %s such as 700M or "
		       "4700000000, not '%s'",
		       subject, least, value);
}

/* `subject` is how the user wrote it: "--output", "DWS_CSM_OUTPUT". Lists
 * grow. */
static int opt_assign(const struct opt *opt, const char *subject,
		      const char *value, void *settings, struct err *err)
{
	void *to = opt_value(opt, settings);

	switch (opt->kind) {
	case OPT_FLAG:
	case OPT_SWITCH:
		return opt_set_bool(to, subject, value, err);
	case OPT_COUNT:
		return opt_set_count(subject, value, to, err);
	case OPT_TEXT:
		if (opt_check_text(opt, subject, value, err) < 0)
			return -1;
		*(const char **)to = value;
		return 0;
	case OPT_LIST:
		return opt_set_list(opt, subject, value, to, err);
	case OPT_NUMBER:
		return opt_set_number(opt, subject, value, to, err);
	case OPT_DURATION:
		return opt_set_duration(opt, subject, value, to, err);
	case OPT_SIZE:
		return opt_set_size(opt, subject, value, to, err);
	}
	assert(!"kind of option");
	return -1;
}

static void opt_clear_list(const struct opt *opt, void *settings)
{
	if (opt->kind == OPT_LIST)
		strs_clear(opt_value(opt, settings));
}

/* The first of a list on the command line ends what came from elsewhere. */
static void opts_begin_list(struct opts_parser *p, const struct opt *opt)
{
	size_t i = (size_t)(opt - p->table->opt);

	if (!p->seen[i])
		opt_clear_list(opt, p->settings);
	p->seen[i] = true;
}

static int opts_give(struct opts_parser *p, const struct opt *opt,
		     const char *value, struct err *err)
{
	char subject[80];

	snprintf(subject, sizeof(subject), "--%s", opt->name);
	opts_begin_list(p, opt);
	return opt_assign(opt, subject, value, p->settings, err);
}

/* An option without a value, or with the next argument for one. */
static int opts_give_next(struct opts_parser *p, const struct opt *opt,
			  struct err *err)
{
	const char *value = *p->next;
	void *to = opt_value(opt, p->settings);

	if (opt->kind == OPT_COUNT) {
		*(int *)to += *(int *)to < 100;
		return 0;
	}
	if (!opt_takes_value(opt))
		return opts_give(p, opt, "true", err);
	/* A value that looks like an option needs "--name=". */
	if (value == NULL || str_starts(value, "--"))
		return err_set(err, ERR_USAGE, "option '--%s' needs a value",
			       opt->name);
	p->next++;
	return opts_give(p, opt, value, err);
}

static int opts_unknown(const struct opts_parser *p, const char *name,
			struct err *err)
{
	auto_strs struct strs known = STRS_INIT;
	const char *nearest;

	for (size_t i = 0; i < p->table->nr; i++) {
		const struct opt *opt = &p->table->opt[i];

		if (!(opt->groups & p->groups))
			continue;
		strs_add(&known, opt->name);
		if (opt->kind == OPT_SWITCH)
			strs_addf(&known, "no-%s", opt->name);
	}
	err_set(err, ERR_USAGE, "unknown option '--%s'", name);
	nearest = nearest_word(name, &known);
	if (nearest)
		err_hint(err, "did you mean '--%s'?", nearest);
	return -1;
}

/* `typed` is the option in the words of the user. */
static int opts_check_group(const struct opts_parser *p, const struct opt *opt,
			    const char *typed, struct err *err)
{
	if (opt->groups & p->groups)
		return 0;
	return err_set(err, ERR_USAGE, "this command does not take '%s'",
		       typed);
}

/* `arg` is what follows the "--". */
static int opts_parse_name(struct opts_parser *p, const char *arg,
			   struct err *err)
{
	size_t len = strcspn(arg, "=");
	autofree char *name = mem_strndup(arg, len);
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	const char *positive = str_after(name, "no-");
	const struct opt *opt = opts_find(p->table, p->groups, name, 0);
	autofree char *typed = mem_printf("--%s", name);
	bool no = false;

	if (opt == NULL && positive) {
		opt = opts_find(p->table, p->groups, positive, 0);
		if (opt && opt->kind != OPT_SWITCH)
			opt = NULL;
		no = opt != NULL;
	}
	if (opt == NULL)
		return opts_unknown(p, name, err);
	if (opts_check_group(p, opt, typed, err) < 0)
		return -1;
	if (no && value)
		return err_set(err, ERR_USAGE, "'%s' takes no value", typed);
	if (no)
		return opts_give(p, opt, "false", err);
	return value ? opts_give(p, opt, value, err) :
		       opts_give_next(p, opt, err);
}

/* `arg` is what follows the "-": letters, the last perhaps with its value. */
static int opts_parse_letters(struct opts_parser *p, const char *arg,
			      struct err *err)
{
	for (; *arg; arg++) {
		const struct opt *opt =
			opts_find(p->table, p->groups, NULL, *arg);
		const char typed[] = { '-', *arg, '\0' };

		if (opt == NULL)
			return err_set(err, ERR_USAGE, "unknown option '-%c'",
				       isprint((unsigned char)*arg) ? *arg :
								      '?');
		if (opts_check_group(p, opt, typed, err) < 0)
			return -1;
		if (opt_takes_value(opt) && arg[1])
			return opts_give(p, opt, arg + 1 + (arg[1] == '='),
					 err);
		if (opts_give_next(p, opt, err) < 0)
			return -1;
	}
	return 0;
}

int opts_parse(const struct opts_table *table, uint64_t groups,
	       char *const *argv, void *settings, struct strs *args,
	       struct err *err)
{
	autofree bool *seen = mem_array(table->nr, sizeof(*seen));
	struct opts_parser p = { table, groups, settings, argv, seen };

	while (*p.next) {
		const char *arg = *p.next++;
		int rc = 0;

		if (strcmp(arg, "--") == 0)
			break;
		if (arg[0] != '-' || arg[1] == '\0')
			strs_add(args, arg);
		else if (arg[1] == '-')
			rc = opts_parse_name(&p, arg + 2, err);
		else
			rc = opts_parse_letters(&p, arg + 1, err);
		if (rc < 0)
			return -1;
	}
	while (*p.next)
		strs_add(args, *p.next++);
	return 0;
}

/* One that the option of that name has for other commands only. */
static bool is_choice_elsewhere(const struct opts_table *table,
				const struct opt *opt, const char *value)
{
	if (opt_has_choice(opt, value))
		return false;
	for (size_t i = 0; i < table->nr; i++)
		if (strcmp(table->opt[i].name, opt->name) == 0 &&
		    opt_has_choice(&table->opt[i], value))
			return true;
	return false;
}

/* A default from outside the command line, called `subject` there. */
static int opts_set_default(const struct opts_table *table,
			    const struct opt *opt, const char *subject,
			    const char *value, void *settings, struct err *err)
{
	/* Overlooked, it would do what it was set to prevent. */
	if (opt->only_flag)
		return err_set(err, ERR_USAGE,
			       "'%s' is set, but '--%s' can only be given on "
			       "the command line",
			       subject, opt->name);
	if (is_choice_elsewhere(table, opt, value))
		return 0;
	opt_clear_list(opt, settings);
	return opt_assign(opt, subject, value, settings, err);
}

int opts_from_environment(const struct opts_table *table, uint64_t groups,
			  void *settings, struct err *err)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct opt *opt = &table->opt[i];
		autofree char *name = mem_printf("DWS_CSM_%s", opt->name);
		const char *value;

		for (char *c = name; *c; c++)
			*c = *c == '-' ? '_' : (char)toupper(*c);
		value = getenv(name);
		if (str_empty(value) || !(opt->groups & groups))
			continue;
		if (opts_set_default(table, opt, name, value, settings, err) <
		    0)
			return -1;
	}
	return 0;
}

int opts_set(const struct opts_table *table, uint64_t groups, const char *name,
	     const char *value, void *settings, struct err *err)
{
	const struct opts_parser all = { .table = table, .groups = ~0ULL };
	const struct opt *opt = opts_find(table, groups, name, 0);

	if (opt == NULL)
		return opts_unknown(&all, name, err);
	if (!(opt->groups & groups) && !opt->only_flag)
		return 0;
	return opts_set_default(table, opt, name, value, settings, err);
}

/* "  -o, --output FORMAT"; the number of columns that took. */
static size_t opt_describe_name(const struct opt *opt, struct buf *out)
{
	size_t start = out->len;

	if (opt->letter)
		buf_addf(out, "  -%c, ", opt->letter);
	else
		buf_addstr(out, "      ");
	buf_addf(out, "--%s%s", opt->kind == OPT_SWITCH ? "[no-]" : "",
		 opt->name);
	if (opt->arg && opt_takes_value(opt))
		buf_addf(out, " %s", opt->arg);
	return out->len - start;
}

static void opt_describe_help(const char *text, size_t column, struct buf *out)
{
	auto_strs struct strs words = STRS_INIT;

	strs_split(&words, text, ' ');
	if (column + 2 > HELP_COLUMN)
		column = HELP_WIDTH;
	for (size_t i = 0; i < words.nr; i++) {
		size_t len = strlen(words.item[i]);

		if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
			buf_addch(out, '\n');
			column = 0;
		}
		if (column > HELP_COLUMN)
			buf_addch(out, ' ');
		else
			buf_addf(out, "%*s", (int)(HELP_COLUMN - column), "");
		column =
			(column > HELP_COLUMN ? column + 1 : HELP_COLUMN) + len;
		buf_addstr(out, words.item[i]);
	}
	buf_addch(out, '\n');
}

void opts_describe(const struct opts_table *table, uint64_t groups,
		   struct buf *out)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct opt *opt = &table->opt[i];
		autofree char *choices = NULL;
		autofree char *help = NULL;

		if (!(opt->groups & groups))
			continue;
		if (opt->choices) {
			choices = opt_choices(opt);
			help = mem_printf("%s (%s)", opt->help, choices);
		} else if (opt->kind == OPT_NUMBER && opt->max) {
			help = mem_printf("%s (%" PRId64 " to %" PRId64 ")",
					  opt->help, opt->min, opt->max);
		}
		opt_describe_help(help ? help : opt->help,
				  opt_describe_name(opt, out), out);
	}
}
