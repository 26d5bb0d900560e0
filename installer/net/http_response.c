#include <string.h>

#include "base/mem.h"
#include "net/http_transfer.h"

void http_response_release(struct http_response *response)
{
	free(response->url);
	strs_release(&response->headers);
	buf_release(&response->body);
	memset(response, 0, sizeof(*response));
}

const char *http_header_next(const struct http_response *response,
			     const char *name, size_t *at)
{
	while (*at < response->headers.nr) {
		const char *line = response->headers.item[(*at)++];
		const char *rest = str_after(line, name);

		if (rest && str_starts(rest, ": "))
			return rest + 2;
	}
	return NULL;
}

const char *http_header(const struct http_response *response, const char *name)
{
	size_t at = 0;

	return http_header_next(response, name, &at);
}

/* The body of an error need not be whole. */
int http_read_body(struct http_stream *stream, size_t max_body,
		   struct http_response *response, struct err *err)
{
	bool success = response->status >= 200 && response->status < 300;
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	struct err failed = ERR_INIT;
	ssize_t n;

	buf_init(&response->body, max_body);
	while ((n = http_stream_read(stream, block, SOURCE_BLOCK, -1,
				     &failed)) > 0) {
		size_t room = max_body - response->body.len;

		if (!success && (size_t)n > room)
			n = (ssize_t)room;
		buf_add(&response->body, block, (size_t)n);
		if (response->body.overflow)
			return err_set(err, ERR_INVALID,
				       "the answer of '%s' is longer than "
				       "%zu bytes",
				       stream->http->origin, max_body);
		if (!success && response->body.len == max_body)
			return 0;
	}
	if (n < 0 && (success || failed.kind == ERR_INTERRUPTED)) {
		*err = failed;
		return -1;
	}
	return 0;
}

int http_do(struct http *http, const struct http_request *request,
	    size_t max_body, struct http_response *response, struct err *err)
{
	struct http_stream *stream = http_open(http, request, response, err);
	int result;

	if (stream == NULL)
		return -1;
	result = http_read_body(stream, max_body, response, err);
	http_stream_close(stream);
	return result;
}
