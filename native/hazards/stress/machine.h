/* Stress: what a machine does to pages while they move: migration between nodes, memory failure, swapoff. */
#ifndef GCP_STRESS_MACHINE_H
#define GCP_STRESS_MACHINE_H

#include "hazards/stress/state.h"

/* Takes a `struct gcp_stress_thread *`, and ends when stress->stop is set. */
void *gcp_stress_machine(void *thread);

/* Migrate pages from one node to the other.  The number that are there afterwards. */
uint64_t gcp_stress_migrate(uint64_t address, uint64_t page, uint64_t pages);

/* Everything comes back from swap, and the device is used again.  False without a device. */
bool gcp_stress_swap_off_and_on(const struct gcp_stress *stress);

#endif
