/*
 * A gate for threads.  When all have arrived, a thread that is running opens it.  It reads the clock first, so the
 * start precedes everything after the gate.
 *
 * A pthread barrier can't do that: the last thread to arrive opens it, and the thread that reads the clock is scheduled
 * after the others have begun.
 */
#ifndef GCP_GATE_H
#define GCP_GATE_H

#include <stdint.h>

/*
 * arrived: threads that wait or have passed; state: closed, open or cancelled.  Both are futexes.  All zero is closed.
 */
struct gcp_gate {
    uint32_t arrived;
    uint32_t state;
};

/* Wait at the gate.  0: it was opened; -ECANCELED: it was cancelled. */
int gcp_gate_wait(struct gcp_gate *gate);

/* Wait until `threads` threads have arrived. */
void gcp_gate_await(const struct gcp_gate *gate, uint32_t threads);

/* Read the clock, then open the gate.  Returns the reading. */
uint64_t gcp_gate_open(struct gcp_gate *gate);

/* Turn back all threads, those that wait and those that arrive later. */
void gcp_gate_cancel(struct gcp_gate *gate);

#endif
