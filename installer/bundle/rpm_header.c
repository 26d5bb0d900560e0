#include "bundle/rpm_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define LEAD_SIZE 96
#define INTRO_SIZE 16
#define ENTRY_SIZE 16
#define MAX_ENTRIES 65535
#define MAX_STORE ((uint32_t)256 << 20)

/* Data lie in the order of tags: what is wanted is before the lists of files,
 * which are what makes a header long. */
#define STORE_READ ((size_t)1 << 20)
#define MAX_TEXT 4096

enum tag {
	TAG_NAME = 1000,
	TAG_VERSION = 1001,
	TAG_RELEASE = 1002,
	TAG_EPOCH = 1003,
	TAG_BUILDTIME = 1006,
	TAG_LICENSE = 1014,
	TAG_ARCH = 1022,
};

enum type { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_I18NSTRING = 9 };

/* A structure of an RPM: how many entries, and bytes of data behind them. */
struct intro {
	uint32_t nr;
	uint32_t len;
};

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* All `len` bytes; `data` NULL drops them. */
static int read_exactly(struct source *source, unsigned char *data, size_t len,
			struct err *err)
{
	unsigned char dropped[4096] = { 0 };

	while (len > 0) {
		size_t part = data || len < sizeof(dropped) ? len :
							      sizeof(dropped);
		ssize_t n =
			source_read(source, data ? data : dropped, part, err);

		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(err, ERR_INVALID, "the RPM is cut off");
		data = data ? data + n : NULL;
		len -= (size_t)n;
	}
	return 0;
}

static int read_intro(struct source *source, struct intro *intro,
		      struct err *err)
{
	static const unsigned char magic[] = { 0x8e, 0xad, 0xe8, 0x01 };
	unsigned char bytes[INTRO_SIZE];

	if (read_exactly(source, bytes, sizeof(bytes), err) < 0)
		return -1;
	intro->nr = big_endian(bytes + 8);
	intro->len = big_endian(bytes + 12);
	if (memcmp(bytes, magic, sizeof(magic)) != 0 ||
	    intro->nr > MAX_ENTRIES || intro->len > MAX_STORE)
		return err_set(err, ERR_INVALID,
			       "the header of the RPM is damaged");
	return 0;
}

static int skip_signature(struct source *source, struct err *err)
{
	struct intro intro;
	size_t padding;

	if (read_intro(source, &intro, err) < 0)
		return -1;
	padding = (8 - intro.len % 8) % 8;
	return read_exactly(source, NULL,
			    (size_t)intro.nr * ENTRY_SIZE + intro.len + padding,
			    err);
}

/* The text at `offset`, owned, or NULL where it does not end in what was
 * read. */
static char *text_at(const unsigned char *store, size_t len, uint32_t offset)
{
	size_t left = offset < len ? len - offset : 0;
	const char *text = (const char *)store + (left ? offset : 0);
	size_t text_len = strnlen(text, left);

	if (text_len == left || text_len > MAX_TEXT)
		return NULL;
	return mem_strndup(text, text_len);
}

static void take_text(struct rpm_header *header, uint32_t tag, char *text)
{
	char **to = tag == TAG_NAME    ? &header->name :
		    tag == TAG_VERSION ? &header->version :
		    tag == TAG_RELEASE ? &header->release :
		    tag == TAG_ARCH    ? &header->arch :
		    tag == TAG_LICENSE ? &header->license :
					 NULL;

	if (to == NULL || *to) {
		free(text);
		return;
	}
	*to = text;
}

static void take_entry(struct rpm_header *header, const unsigned char *entry,
		       const unsigned char *store, size_t len)
{
	uint32_t tag = big_endian(entry), type = big_endian(entry + 4);
	uint32_t offset = big_endian(entry + 8);

	if (type == TYPE_STRING || type == TYPE_I18NSTRING)
		take_text(header, tag, text_at(store, len, offset));
	if (type != TYPE_INT32 || len < 4 || offset > len - 4)
		return;
	if (tag == TAG_EPOCH)
		header->epoch = big_endian(store + offset);
	if (tag == TAG_BUILDTIME)
		header->build_time_s = big_endian(store + offset);
}

static int read_header(struct rpm_header *header, struct source *source,
		       struct err *err)
{
	autofree unsigned char *index = NULL;
	autofree unsigned char *store = NULL;
	struct intro intro;
	size_t len;

	if (read_intro(source, &intro, err) < 0)
		return -1;
	len = intro.len < STORE_READ ? intro.len : STORE_READ;
	index = mem_array(intro.nr, ENTRY_SIZE);
	store = mem_alloc(len);
	if (read_exactly(source, index, (size_t)intro.nr * ENTRY_SIZE, err) <
		    0 ||
	    read_exactly(source, store, len, err) < 0)
		return -1;
	for (size_t i = 0; i < intro.nr; i++)
		take_entry(header, index + i * ENTRY_SIZE, store, len);
	if (str_empty(header->name) || str_empty(header->version) ||
	    str_empty(header->release) || str_empty(header->arch))
		return err_set(err, ERR_INVALID,
			       "the RPM lacks its name, version, release or "
			       "architecture");
	return 0;
}

int rpm_header_read(struct rpm_header *header, struct source *source,
		    struct err *err)
{
	static const unsigned char magic[] = { 0xed, 0xab, 0xee, 0xdb };
	unsigned char lead[LEAD_SIZE];

	memset(header, 0, sizeof(*header));
	header->epoch = -1;
	if (read_exactly(source, lead, sizeof(lead), err) < 0)
		return -1;
	if (memcmp(lead, magic, sizeof(magic)) != 0)
		return err_set(err, ERR_INVALID, "it is no RPM");
	if (skip_signature(source, err) == 0 &&
	    read_header(header, source, err) == 0)
		return 0;
	rpm_header_release(header);
	return -1;
}

void rpm_header_release(struct rpm_header *header)
{
	free(header->name);
	free(header->version);
	free(header->release);
	free(header->arch);
	free(header->license);
	memset(header, 0, sizeof(*header));
}
