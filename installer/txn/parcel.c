#include "txn/parcel.h"

#include <string.h>

#include "base/mem.h"
#include "format/base64.h"
#include "format/gzip.h"
#include "kube/object.h"

#define PARCEL_MAX_BYTES ((size_t)16 << 20)
/* The API server takes objects of 1 MiB and a bit, all told. */
#define PACKED_MAX_BYTES ((size_t)1 << 20)

struct jval *parcel_wrap(const char *name, const char *what,
			 const struct jval *value, struct err *err)
{
	autofree char *text = jval_text(value, false);
	autofree char *type = mem_printf("dws-csm.io/%s.v1", what);
	auto_buf struct buf packed = BUF_INIT(PACKED_MAX_BYTES);
	auto_buf struct buf encoded = BUF_INIT(PACKED_MAX_BYTES * 2);

	gzip_compress(&packed, text, strlen(text));
	base64_encode(&encoded, packed.data, packed.len);
	if (buf_check(&packed, name, err) < 0)
		return NULL;
	return jval_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:s, s:{s:s}}",
			 "apiVersion", "v1", "kind", "Secret", "metadata",
			 "name", name, "namespace", DWS_NAMESPACE, "labels",
			 RECORD_LABEL, what, "app.kubernetes.io/managed-by",
			 "dws-csm", "type", type, "data", what,
			 buf_str(&encoded));
}

struct jval *parcel_open(const struct jval *secret, const char *what,
			 struct err *err)
{
	const char *text =
		jval_string(jval_get(jval_get(secret, "data"), what));
	auto_buf struct buf packed = BUF_INIT(PARCEL_MAX_BYTES);
	auto_buf struct buf plain = BUF_INIT(PARCEL_MAX_BYTES);
	struct jval *value = NULL;

	if (text == NULL)
		err_set(err, ERR_INVALID, "it has no '%s'", what);
	else if (base64_decode(&packed, text, strlen(text), err) == 0 &&
		 gzip_expand(&plain, packed.data, packed.len, err) == 0)
		value = jval_parse(plain.data, plain.len, err);
	if (value == NULL)
		err_wrap(err,
			 "read Secret '%s' of namespace '" DWS_NAMESPACE "'",
			 object_name(secret));
	return value;
}
