/* Checks of arms, for the rows of the table. */
#ifndef GCP_CHECK_H
#define GCP_CHECK_H

#include "paths/work.h"

/* Report a contradiction, which makes the round invalid; only the first is kept. */
void gcp_round_contradicts(struct gcp_round *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Check that pages were moved, copied, staged and moved, zero-filled, touched, swapped in. */
void gcp_check_moved(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_copied(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_staged(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_zeroed(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_touched(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);
void gcp_check_swapped_in(struct gcp_work *work, struct gcp_round *ret, const struct gcp_seen *seen);

/* Pages in folios of the size that was swapped out, by kpageflags or the counters. */
uint64_t gcp_pages_swapped_in_whole(const struct gcp_work *work);

#endif
