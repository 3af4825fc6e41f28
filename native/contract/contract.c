/* The list of all rows. */
#include <errno.h>
#include <string.h>

#include "contract/contract.h"
#include "contract/rows.h"

static const struct gcp_row_table *const TABLES[] = {
    &gcp_rows_handshake, &gcp_rows_arguments, &gcp_rows_mappings,   &gcp_rows_registration, &gcp_rows_results,
    &gcp_rows_wake,      &gcp_rows_present,   &gcp_rows_concurrent, &gcp_rows_exists,       &gcp_rows_holes,
    &gcp_rows_zero,      &gcp_rows_markers,   &gcp_rows_pinned,     &gcp_rows_shared,       &gcp_rows_events,
    &gcp_rows_thp,       &gcp_rows_mthp,      &gcp_rows_mthp_held,  &gcp_rows_swap,         &gcp_rows_swapcache,
    &gcp_rows_kinds,     &gcp_rows_teardown,  &gcp_rows_copy,       &gcp_rows_rwp,          &gcp_rows_memory_limit,
};
#define N_TABLES (sizeof(TABLES) / sizeof(TABLES[0]))

size_t gcp_contract_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < N_TABLES; i++)
        n += TABLES[i]->n;
    return n;
}

static const struct gcp_row_entry *entry_at(size_t index)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        if (index < TABLES[i]->n)
            return &TABLES[i]->rows[index];
        index -= TABLES[i]->n;
    }
    return NULL;
}

const struct gcp_row *gcp_contract_row(size_t index)
{
    const struct gcp_row_entry *entry = entry_at(index);
    return entry ? &entry->row : NULL;
}

int64_t gcp_contract_find(const char *name)
{
    for (size_t i = 0; i < gcp_contract_count(); i++)
        if (strcmp(entry_at(i)->row.name, name) == 0)
            return (int64_t)i;
    return -ENOENT;
}

int gcp_contract_run(size_t index, uint32_t timeout_ms, struct gcp_row_result *ret)
{
    const struct gcp_row_entry *entry = entry_at(index);
    return entry ? gcp_row_run(entry, timeout_ms, ret) : -ENOENT;
}
