/*
 * The contract: what UFFDIO_MOVE does, one row for each sentence of its behaviour, checked on the running kernel.
 */
#ifndef GCP_CONTRACT_H
#define GCP_CONTRACT_H

#include <stdio.h>

#include "trial/row.h"

/* cdef:begin */

size_t gcp_contract_count(void);

/* The row at `index`, NULL beyond the last; index of the row of that name, or -ENOENT. */
const struct gcp_row *gcp_contract_row(size_t index);
int64_t gcp_contract_find(const char *name);

/* Try the row at `index`.  Returns what gcp_row_run returns, or -ENOENT if there is no such row. */
int gcp_contract_run(size_t index, uint32_t timeout_ms, struct gcp_row_result *ret);

/*
 * The KTAP lines of one result, as a string of at most `size` bytes: diagnostics, then the numbered line.  Returns the
 * bytes needed without the final 0, as snprintf does.
 */
size_t gcp_contract_ktap_lines(size_t number, const struct gcp_row *row, const struct gcp_row_result *result, char *ret,
                               size_t size);

/* cdef:end */

/*
 * Run all rows, or the one named `only` (NULL for all), and print them as KTAP version 1.  Returns the number of rows
 * that are neither OK nor skipped, or -errno: ENOENT if there is no such row, others if a child could not be started.
 */
int gcp_contract_ktap(FILE *out, const char *only, uint32_t timeout_ms);

#endif
