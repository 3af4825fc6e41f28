/* Stress: threads that move, read and serve faults. */
#ifndef GCP_STRESS_WORK_H
#define GCP_STRESS_WORK_H

#include "hazards/stress/state.h"

/* Each takes a `struct gcp_stress_thread *`.  All end when stress->stop is set, except _serve, which wake_fd ends. */
void *gcp_stress_serve(void *thread);
void *gcp_stress_move(void *thread);
void *gcp_stress_read(void *thread);
void *gcp_stress_heal(void *thread);

/* Write to each page on which a fault got EBUSY; waits forever if the page has moved by then. */
void gcp_stress_heal_all(struct gcp_stress_thread *thread);

/* Count what a move did; an answer that must not be ends the stress. */
enum gcp_answer gcp_stress_account(struct gcp_stress *stress, struct gcp_outcome seen);

#endif
