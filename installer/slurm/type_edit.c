#include "slurm/type_edit.h"

#include <string.h>
#include <strings.h>

#include "slurm/conf.h"
#include "slurm/site.h"

#define NAME "BurstBufferType"

/* Where our line goes: over the line there, or behind it. */
struct place {
	size_t at, len;
	bool over;
	bool found;
	bool open; /* the last line of the text goes on */
};

static struct place find_place(const char *text, size_t len)
{
	struct place place = { .at = 0 };
	struct conf_reader reader;
	struct conf_line line;

	conf_reader_init(&reader, text, len);
	while (!place.over && conf_next(&reader, &line)) {
		bool ours = conf_is(&line, NAME);

		place.open = line.open;
		if (!ours && (line.commented == NULL ||
			      strcasecmp(line.commented, NAME) != 0))
			continue;
		place = (struct place){ line.at, line.len, ours, true,
					line.open };
	}
	conf_reader_release(&reader);
	return place;
}

/* The end of line that the text uses. */
static const char *line_end(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end && end > text && end[-1] == '\r' ? "\r\n" : "\n";
}

static void add_line(struct buf *out, const char *end)
{
	buf_addstr(out, TYPE_LINE);
	buf_addstr(out, end);
}

/* Append, and end the last line; twice where the next would be joined. */
static void add_ended(struct buf *out, const char *text, size_t len,
		      const char *end, bool open)
{
	buf_add(out, text, len);
	if (len > 0 && text[len - 1] != '\n')
		buf_addstr(out, end);
	if (open)
		buf_addstr(out, end);
}

/* Append without lines that say that there is no burst buffer. */
static void add_rest(struct buf *out, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_line line;

	conf_reader_init(&reader, text, len);
	while (conf_next(&reader, &line))
		if (!conf_is(&line, NAME))
			buf_add(out, text + line.at, line.len);
	conf_reader_release(&reader);
}

void type_edit_in(struct buf *out, const char *text, size_t len)
{
	struct place place = find_place(text, len);
	const char *end = line_end(text, len);
	size_t rest = place.at + place.len;

	if (!place.found) {
		add_ended(out, text, len, end, place.open);
		add_line(out, end);
		return;
	}
	if (place.over)
		buf_add(out, text, place.at);
	else
		add_ended(out, text, rest, end, place.open && rest == len);
	add_line(out, end);
	add_rest(out, text + rest, len - rest);
}

size_t type_edit_out(struct buf *out, const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_line line;
	size_t nr = 0;

	conf_reader_init(&reader, text, len);
	while (conf_next(&reader, &line)) {
		if (conf_is(&line, NAME) &&
		    type_meaning(line.value) == TYPE_LUA)
			nr++;
		else
			buf_add(out, text + line.at, line.len);
	}
	conf_reader_release(&reader);
	return nr;
}
