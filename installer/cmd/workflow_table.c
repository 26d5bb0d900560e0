#include "cmd/workflow_table.h"

#include "base/clock.h"
#include "base/strs.h"
#include "cmd/output.h"
#include "txn/custom.h"

void workflow_table(const struct jval *workflows, struct buf *out)
{
	struct table *table = table_new(workflows_heads);
	time_t now = clock_wall();

	for (size_t i = 0; i < jval_len(workflows); i++) {
		auto_strs struct strs cells = STRS_INIT;

		workflows_cells(jval_at(workflows, i), now, &cells);
		table_row(table, (const char *const *)cells.item);
	}
	table_print(table, out);
	table_free(table);
}
