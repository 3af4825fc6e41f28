/* Stress: threads that pin, splice, fork, reclaim, collapse and compact what others move. */
#ifndef GCP_STRESS_DISTURB_H
#define GCP_STRESS_DISTURB_H

/* Each takes a `struct gcp_stress_thread *`, and ends when stress->stop is set. */
void *gcp_stress_pin(void *thread);
void *gcp_stress_splice(void *thread);
void *gcp_stress_fork(void *thread);
void *gcp_stress_reclaim(void *thread);
void *gcp_stress_compact(void *thread);

#endif
