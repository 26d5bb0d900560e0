#include "format/tar_header.h"

#include <stdio.h>
#include <string.h>

/* POSIX ustar, by the offsets of the standard's table. */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char chksum[8];
	char typeflag;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct ustar) == TAR_HEADER_SIZE, "one block");

#define TAR_MAX_PATH 255

/* Where the name begins: at the top, or behind the first slash that leaves a
 * name short enough. */
static const char *split_path(const char *path)
{
	const size_t max = sizeof(((struct ustar *)NULL)->name);
	size_t len = strlen(path);
	const char *name = path;

	while (name && len - (size_t)(name - path) > max) {
		const char *slash = strchr(name, '/');

		name = slash ? slash + 1 : NULL;
	}
	return name;
}

static int set_path(struct ustar *header, const char *path, struct err *err)
{
	const char *name = split_path(path);
	size_t prefix = name && name > path ? (size_t)(name - path) - 1 : 0;

	if (name == NULL || *name == '\0' || strlen(path) > TAR_MAX_PATH ||
	    prefix > sizeof(header->prefix) || (name > path && prefix == 0))
		return err_set(err, ERR_INVALID,
			       "the path '%s' cannot be told in an archive: "
			       "shorten it",
			       path);
	memcpy(header->name, name, strlen(name));
	memcpy(header->prefix, path, prefix);
	return 0;
}

/* Eleven octal digits, or GNU's binary form where they are too few. */
static void set_number(char field[12], uint64_t value)
{
	char digits[32];

	if (value >> 33 == 0) {
		snprintf(digits, sizeof(digits), "%011llo",
			 (unsigned long long)value);
		memcpy(field, digits, 12);
		return;
	}
	field[0] = (char)0x80;
	for (int i = 11; i > 0; i--, value >>= 8)
		field[i] = (char)(value & 0xff);
}

/* The sum of all bytes, its own field taken as blanks. */
static void set_checksum(struct ustar *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;
	char digits[16];

	memset(header->chksum, ' ', sizeof(header->chksum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += bytes[i];
	snprintf(digits, sizeof(digits), "%06o", sum);
	memcpy(header->chksum, digits, 7);
}

int tar_header_make(unsigned char header[TAR_HEADER_SIZE], const char *path,
		    uint64_t size, int64_t mtime, struct err *err)
{
	struct ustar ustar = {
		.mode = "0000644",
		.uid = "0000000",
		.gid = "0000000",
		.typeflag = '0',
		.magic = "ustar",
		.version = { '0', '0' },
		.devmajor = "0000000",
		.devminor = "0000000",
	};

	if (mtime < 0)
		return err_set(err, ERR_INVALID,
			       "the time of '%s' lies before 1970", path);
	if (set_path(&ustar, path, err) < 0)
		return -1;
	set_number(ustar.size, size);
	set_number(ustar.mtime, (uint64_t)mtime);
	set_checksum(&ustar);
	memcpy(header, &ustar, sizeof(ustar));
	return 0;
}
