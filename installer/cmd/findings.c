#include "cmd/findings.h"

#include "cmd/output.h"

static struct jval *findings_value(const struct finding *list, size_t nr)
{
	struct jval *values = jval_new_array();

	for (size_t i = 0; i < nr; i++) {
		struct jval *value = jval_new_object();

		jval_set_str(value, "check", list[i].check);
		jval_set_str(value, "status",
			     finding_status_name(list[i].status));
		jval_set_str(value, "seen", list[i].seen);
		if (list[i].remedy)
			jval_set_str(value, "remedy", list[i].remedy);
		jval_append(values, value);
	}
	return values;
}

static int findings_table(const struct finding *list, size_t nr,
			  struct err *err)
{
	static const char *const heads[] = { "CHECK", "RESULT", "SEEN", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < nr; i++) {
		table_row(table, (const char *const[]){
					 list[i].check,
					 finding_status_name(list[i].status),
					 list[i].seen });
		if (list[i].remedy)
			table_row(table,
				  (const char *const[]){
					  "", "remedy:", list[i].remedy });
	}
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

int findings_tell(const struct finding *list, size_t nr, const char *output,
		  struct err *err)
{
	autojval struct jval *value = NULL;

	if (!output_format(output))
		return findings_table(list, nr, err);
	value = findings_value(list, nr);
	return output_value(value, output, err);
}
