/* Stress: pages that KSM merges while they move. */
#ifndef GCP_STRESS_MERGE_H
#define GCP_STRESS_MERGE_H

/* Takes a `struct gcp_stress_thread *`, and ends when stress->stop is set. */
void *gcp_stress_merge(void *thread);

#endif
