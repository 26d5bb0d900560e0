#include "base/password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"

/* A registry's token may be long. */
#define LINE_MAX_BYTES 4096

/* Byte by byte: what follows the line may be meant for somebody else. */
static int read_line(int fd, char *line, size_t size, struct err *err)
{
	size_t len = 0;

	for (;;) {
		char c = '\0';
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR) {
			if (clock_check_interrupt(err) < 0)
				return -1;
			continue;
		}
		if (n < 0)
			return err_sys(err, errno, "cannot read the password");
		if (n == 0 || c == '\n')
			break;
		if (len + 1 == size)
			return err_set(err, ERR_INVALID,
				       "the password is longer than %zu bytes",
				       size - 1);
		line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	return 0;
}

int password_read(int fd, char **password, struct err *err)
{
	char line[LINE_MAX_BYTES + 1];
	int result = read_line(fd, line, sizeof(line), err);

	if (result == 0)
		*password = mem_strdup(line);
	mem_wipe(line, sizeof(line));
	return result;
}

int password_ask(const char *prompt, char **password, struct err *err)
{
	autoclose int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios before, quiet;
	int result;

	if (fd < 0 || tcgetattr(fd, &before) < 0)
		return err_set(err, ERR_NOT_FOUND,
			       "no terminal to ask for a password");
	quiet = before;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	quiet.c_lflag |= ECHONL;
	/* What was typed ahead was not meant for this. */
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return err_sys(err, errno, "cannot hide what is typed");
	result = io_write_all(fd, prompt, strlen(prompt), err);
	if (result == 0)
		result = password_read(fd, password, err);
	tcsetattr(fd, TCSAFLUSH, &before);
	return result;
}
