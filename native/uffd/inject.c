#include "uffd/inject.h"

#include <stdatomic.h>

int gcp_injecting;

static struct {
    atomic_int_least64_t before; /* calls still to let through; if negative, how many have come since */
    atomic_int_least64_t count;
    atomic_int_least32_t err;
    atomic_uint_least64_t done;
} plans[GCP_VERB_COUNT];

void gcp_inject(uint32_t verb, uint64_t after, uint64_t count, int32_t err)
{
    int any = 0;
    if (verb >= GCP_VERB_COUNT)
        return;
    atomic_store(&plans[verb].before, (int64_t)after);
    atomic_store(&plans[verb].err, err);
    atomic_store(&plans[verb].done, 0);
    atomic_store(&plans[verb].count, (int64_t)count);
    for (int i = 0; i < GCP_VERB_COUNT; i++)
        any |= atomic_load(&plans[i].count) != 0;
    __atomic_store_n(&gcp_injecting, any, __ATOMIC_RELEASE);
}

uint64_t gcp_inject_done(uint32_t verb)
{
    return verb < GCP_VERB_COUNT ? atomic_load(&plans[verb].done) : 0;
}

int32_t gcp_inject_next(enum gcp_verb verb)
{
    if (!atomic_load(&plans[verb].count))
        return 0;
    int64_t left = atomic_fetch_sub(&plans[verb].before, 1);
    if (left > 0 || -left >= atomic_load(&plans[verb].count))
        return 0;
    atomic_fetch_add(&plans[verb].done, 1);
    return atomic_load(&plans[verb].err);
}
