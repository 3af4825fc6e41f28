/* The verdict on a round. */
#ifndef GCP_VERDICT_H
#define GCP_VERDICT_H

#include "paths/work.h"

/* Read page tables and counters after the work, and judge the round by them, its account and its contents. */
void gcp_round_check(struct gcp_work *work, struct gcp_round *ret);

#endif
