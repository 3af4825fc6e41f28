/* Between the files of the hazards. */
#ifndef GCP_HAZARD_TABLES_H
#define GCP_HAZARD_TABLES_H

#include "base/content.h"
#include "trial/trial.h"

/* gcp_hazards_ends: by name only; they end the machine, to test who watches it. */
extern const struct gcp_row_table gcp_hazards_pages, gcp_hazards_folios, gcp_hazards_swapping, gcp_hazards_whole,
    gcp_hazards_ends;

/* How many pages of a range can be swapped out, with patience. */
uint64_t gcp_hazard_swap_out(struct gcp_trial *trial, uint64_t start, uint64_t pages);

#endif
