/*
 * A gate that threads wait at until all are there and one, which runs, opens it: it reads the clock first, so that the
 * start is before anything that happens behind the gate.
 *
 * A pthread barrier can't do that: whoever comes last opens it, and the one who is to read the clock is scheduled some
 * time after the others have begun.
 */
#ifndef GCP_GATE_H
#define GCP_GATE_H

#include <stdint.h>

/* arrived: threads that wait or have passed;  state: closed, open or cancelled.  Both are futexes.  All zero: closed.
 */
struct gcp_gate {
    uint32_t arrived;
    uint32_t state;
};

/* A thread waits here.  0: the gate was opened; -ECANCELED: it never will be. */
int gcp_gate_wait(struct gcp_gate *gate);

/* Wait until so many threads are there. */
void gcp_gate_await(const struct gcp_gate *gate, uint32_t threads);

/* Read the clock, then let them pass.  The reading. */
uint64_t gcp_gate_open(struct gcp_gate *gate);

/* Send back whoever waits, and whoever comes. */
void gcp_gate_cancel(struct gcp_gate *gate);

#endif
