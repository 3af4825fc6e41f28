#define _GNU_SOURCE
#include "heap/window/gate.h"

#include <errno.h>

#include "base/clock.h"
#include "base/futex.h"

enum gate_state {
    CLOSED = 0,
    OPEN = 1,
    CANCELLED = 2,
};

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void decide(struct gcp_gate *gate, enum gate_state state)
{
    __atomic_store_n(&gate->state, state, __ATOMIC_RELEASE);
    gcp_futex_wake(&gate->state);
}

int gcp_gate_wait(struct gcp_gate *gate)
{
    __atomic_add_fetch(&gate->arrived, 1, __ATOMIC_RELEASE);
    gcp_futex_wake(&gate->arrived);
    while (load(&gate->state) == CLOSED)
        gcp_futex_wait(&gate->state, CLOSED, 0);
    return load(&gate->state) == OPEN ? 0 : -ECANCELED;
}

void gcp_gate_await(const struct gcp_gate *gate, uint32_t threads)
{
    uint32_t now;
    while ((now = load(&gate->arrived)) < threads)
        gcp_futex_wait(&gate->arrived, now, 0);
}

uint64_t gcp_gate_open(struct gcp_gate *gate)
{
    uint64_t now = gcp_now();
    decide(gate, OPEN);
    return now;
}

void gcp_gate_cancel(struct gcp_gate *gate)
{
    decide(gate, CANCELLED);
}
