/* Random sequences of operations, one at a time, with a model of what each page holds and where it is. */
#ifndef GCP_STRESS_SEQUENCE_H
#define GCP_STRESS_SEQUENCE_H

#include "hazards/stress/state.h"

/* Run sequences of the seed for that long.  0, or -errno; a finding is in stress->why. */
int gcp_stress_sequences(struct gcp_stress *stress, uint64_t seconds);

#endif
