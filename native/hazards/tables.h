/* Private to the hazards. */
#ifndef GCP_HAZARD_TABLES_H
#define GCP_HAZARD_TABLES_H

#include "base/content.h"
#include "trial/trial.h"

/* gcp_hazards_ends: run only by name; they crash the machine, to test its watchdog. */
extern const struct gcp_row_table gcp_hazards_pages, gcp_hazards_folios, gcp_hazards_swapping, gcp_hazards_whole,
    gcp_hazards_pins, gcp_hazards_swapin, gcp_hazards_teardown, gcp_hazards_remap, gcp_hazards_flips,
    gcp_hazards_migrate, gcp_hazards_locks, gcp_hazards_refused, gcp_hazards_ends;

/* Drain all processors' LRU batches and swap out a range, with retries.  Returns how many pages are swapped out. */
uint64_t gcp_hazard_swap_out(struct gcp_trial *trial, uint64_t start, uint64_t pages);

#endif
