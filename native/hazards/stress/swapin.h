/* Stress: large folios that are swapped in where no userfaultfd is armed, while they move. */
#ifndef GCP_STRESS_SWAPIN_H
#define GCP_STRESS_SWAPIN_H

#include "hazards/stress/state.h"

/* Each takes a `struct gcp_stress_thread *`, and ends when stress->stop is set. */
void *gcp_stress_swap_in(void *thread);
void *gcp_stress_touch(void *thread);

#endif
