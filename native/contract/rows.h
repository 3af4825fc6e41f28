/* The tables of the contract's rows. */
#ifndef GCP_CONTRACT_ROWS_H
#define GCP_CONTRACT_ROWS_H

#include "trial/trial.h"

extern const struct gcp_row_table gcp_rows_handshake, gcp_rows_arguments, gcp_rows_mappings, gcp_rows_registration,
    gcp_rows_results, gcp_rows_wake, gcp_rows_present, gcp_rows_concurrent, gcp_rows_exists, gcp_rows_holes,
    gcp_rows_zero, gcp_rows_markers, gcp_rows_pinned, gcp_rows_shared, gcp_rows_events, gcp_rows_thp, gcp_rows_mthp,
    gcp_rows_mthp_held, gcp_rows_swap, gcp_rows_swapcache, gcp_rows_kinds, gcp_rows_teardown, gcp_rows_copy,
    gcp_rows_rwp, gcp_rows_memory_limit;

#endif
