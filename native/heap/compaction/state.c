#define _GNU_SOURCE
#include "base/futex.h"
#include "heap/compaction/state.h"

#include <string.h>
#include <unistd.h>

bool gcp_dense_page_empty(const struct gcp_compaction *c, uint64_t index)
{
    const uint64_t *live = c->plan.live;
    uint64_t chunks = c->pages.page / 8 / GCP_CHUNK_WORDS, from = gcp_place_of(c, index), any = 0;
    for (uint64_t i = 0; i < chunks; i++)
        any |= live[from * chunks + i];
    return !any;
}

void gcp_compaction_fail(struct gcp_compaction *c, int32_t err, const char *what)
{
    int32_t none = 0;
    /* The text is assembled here, because snprintf is not async-signal-safe. */
    static const char HEAD[] = "errno 000 of ";
    if (!atomic_compare_exchange_strong_explicit(&c->err, &none, err, memory_order_acq_rel, memory_order_acquire))
        return;
    memcpy(c->reason, HEAD, sizeof(HEAD));
    c->reason[6] = (char)('0' + err / 100 % 10);
    c->reason[7] = (char)('0' + err / 10 % 10);
    c->reason[8] = (char)('0' + err % 10);
    size_t length = strlen(what);
    if (length > sizeof(c->reason) - sizeof(HEAD))
        length = sizeof(c->reason) - sizeof(HEAD);
    memcpy(c->reason + sizeof(HEAD) - 1, what, length);
    c->reason[sizeof(HEAD) - 1 + length] = '\0';
}

__attribute__((noreturn)) void gcp_compaction_die(const struct gcp_compaction *c)
{
    static const char TEXT[] = "gcproto: the handler thread can't answer a fault: ";
    if (write(STDERR_FILENO, TEXT, sizeof(TEXT) - 1) < 0 || write(STDERR_FILENO, c->reason, strlen(c->reason)) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0)
        _exit(118);
    _exit(117);
}

enum gcp_recovery gcp_recovery_await(struct gcp_compaction *c)
{
    uint32_t now;
    while ((now = __atomic_load_n(&c->recovery, __ATOMIC_SEQ_CST)) == GCP_RECOVERY_NONE)
        gcp_futex_wait(&c->recovery, now, 100);
    return (enum gcp_recovery)now;
}
