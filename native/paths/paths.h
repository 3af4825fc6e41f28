/*
 * A round of the path lab: make the source, do the timed work of one arm, prove what happened, check the contents, and
 * take everything down.
 *
 * What is modelled: the evacuation of a range by a compacting collector, from a from-space with live data to an empty
 * to-space.  What is not: deciding what to evacuate, updating references, faulting mutators.  The scenario's
 * `working_set` (working_set.h) decides whether contents, page tables and struct pages are cached when the work begins;
 * its `frames` (frames.h) decide how the source's page frames lie in memory.  Without either, the source's pages were
 * written and read just before: small ranges, and what MOVE touches of large ones, are in the caches.
 */
#ifndef GCP_PATHS_H
#define GCP_PATHS_H

#include "paths/round.h"

/* cdef:begin */

/* One round.  Returns 0; what went wrong is in *ret. */
int gcp_round_run(struct gcp_prover *prover, const struct gcp_scenario *scenario, struct gcp_round *ret);

/* cdef:end */

struct gcp_watch;

/* The same with the blocks of contpte watched (work.h).  Its time has the cost of probes in it. */
int gcp_round_watched(struct gcp_prover *prover, const struct gcp_scenario *scenario, struct gcp_watch *watch,
                      struct gcp_round *ret);

#endif
