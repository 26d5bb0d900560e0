#include "base/opts.h"

#include <assert.h>
#include <ctype.h>
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
	unsigned int groups;
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

static const struct opt *opts_find(const struct opts_table *table,
				   const char *name)
{
	for (size_t i = 0; i < table->nr; i++)
		if (strcmp(table->opt[i].name, name) == 0)
			return &table->opt[i];
	return NULL;
}

/* "table, json, yaml" of "table|json|yaml". */
static char *opt_choices(const struct opt *opt)
{
	auto_strs struct strs list = STRS_INIT;

	strs_split(&list, opt->choices, '|');
	return strs_join(&list, ", ");
}

static int opt_check_choice(const struct opt *opt, const char *subject,
			    const char *value, struct err *err)
{
	auto_strs struct strs list = STRS_INIT;
	autofree char *text = NULL;

	if (opt->choices == NULL)
		return 0;
	strs_split(&list, opt->choices, '|');
	if (strs_has(&list, value))
		return 0;
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
		if (opt_check_choice(opt, subject, parts.item[i], err) < 0)
			return -1;
		strs_add(to, parts.item[i]);
	}
	return 0;
}

static int opt_set_number(int64_t *to, int64_t max, const char *subject,
			  const char *value, struct err *err)
{
	uint64_t n;

	if (str_u64(value, &n, err) < 0 || n > (uint64_t)max)
		return err_set(err, ERR_USAGE,
			       "'%s' must be a number, not '%s'", subject,
			       value);
	*to = (int64_t)n;
	return 0;
}

static int opt_set_count(int *to, const char *subject, const char *value,
			 struct err *err)
{
	int64_t n = 0;

	if (opt_set_number(&n, 100, subject, value, err) < 0)
		return -1;
	*to = (int)n;
	return 0;
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
		return opt_set_count(to, subject, value, err);
	case OPT_TEXT:
		if (opt_check_choice(opt, subject, value, err) < 0)
			return -1;
		*(const char **)to = value;
		return 0;
	case OPT_LIST:
		return opt_set_list(opt, subject, value, to, err);
	case OPT_NUMBER:
		return opt_set_number(to, INT64_MAX, subject, value, err);
	case OPT_DURATION:
		if (str_duration_ms(value, to, err) == 0)
			return 0;
		return err_set(err, ERR_USAGE,
			       "'%s' must be a duration such as 90s or 2m, "
			       "not '%s'",
			       subject, value);
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

	if (opt->kind == OPT_COUNT) {
		int *count = opt_value(opt, p->settings);

		*count += *count < 100;
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

static int opts_check_group(const struct opts_parser *p, const struct opt *opt,
			    struct err *err)
{
	if (opt->groups & p->groups)
		return 0;
	return err_set(err, ERR_USAGE, "this command does not take '--%s'",
		       opt->name);
}

/* `arg` is what follows the "--". */
static int opts_parse_name(struct opts_parser *p, const char *arg,
			   struct err *err)
{
	size_t len = strcspn(arg, "=");
	autofree char *name = mem_strndup(arg, len);
	const char *value = arg[len] == '=' ? arg + len + 1 : NULL;
	const char *positive = str_after(name, "no-");
	const struct opt *opt = opts_find(p->table, name);
	bool no = false;

	if (opt == NULL && positive) {
		opt = opts_find(p->table, positive);
		if (opt && opt->kind != OPT_SWITCH)
			opt = NULL;
		no = opt != NULL;
	}
	if (opt == NULL)
		return opts_unknown(p, name, err);
	if (opts_check_group(p, opt, err) < 0)
		return -1;
	if (no && value)
		return err_set(err, ERR_USAGE, "'--%s' takes no value", name);
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
		const struct opt *opt = NULL;

		for (size_t i = 0; i < p->table->nr && opt == NULL; i++)
			if (p->table->opt[i].letter == *arg)
				opt = &p->table->opt[i];
		if (opt == NULL)
			return err_set(err, ERR_USAGE, "unknown option '-%c'",
				       isprint((unsigned char)*arg) ? *arg :
								      '?');
		if (opts_check_group(p, opt, err) < 0)
			return -1;
		if (opt_takes_value(opt) && arg[1])
			return opts_give(p, opt, arg + 1 + (arg[1] == '='),
					 err);
		if (opts_give_next(p, opt, err) < 0)
			return -1;
	}
	return 0;
}

int opts_parse(const struct opts_table *table, unsigned int groups,
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

int opts_from_environment(const struct opts_table *table, unsigned int groups,
			  void *settings, struct err *err)
{
	for (size_t i = 0; i < table->nr; i++) {
		const struct opt *opt = &table->opt[i];
		autofree char *name = mem_printf("DWS_CSM_%s", opt->name);
		const char *value;

		for (char *c = name; *c; c++)
			*c = *c == '-' ? '_' : (char)toupper(*c);
		value = getenv(name);
		if (str_empty(value) || opt->only_flag ||
		    !(opt->groups & groups))
			continue;
		opt_clear_list(opt, settings);
		if (opt_assign(opt, name, value, settings, err) < 0)
			return -1;
	}
	return 0;
}

int opts_set(const struct opts_table *table, unsigned int groups,
	     const char *name, const char *value, void *settings,
	     struct err *err)
{
	const struct opts_parser all = { .table = table, .groups = ~0U };
	const struct opt *opt = opts_find(table, name);

	if (opt == NULL)
		return opts_unknown(&all, name, err);
	if (opt->only_flag)
		return err_set(err, ERR_USAGE,
			       "'%s' can only be given on the command line",
			       name);
	if (!(opt->groups & groups))
		return 0;
	opt_clear_list(opt, settings);
	return opt_assign(opt, name, value, settings, err);
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

void opts_describe(const struct opts_table *table, unsigned int groups,
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
		}
		opt_describe_help(help ? help : opt->help,
				  opt_describe_name(opt, out), out);
	}
}
