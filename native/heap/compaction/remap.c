/*
 * Compaction by mremap: long runs of ready pages are remapped; short ones are copied.
 *
 * This is how pages are moved on a kernel without UFFDIO_MOVE, and what MOVE was made to replace.  A call of mremap
 * takes the mmap lock for writing, and every run becomes a mapping of its own.  Three things differ from the other
 * modes:
 * - mremap replaces what is at its destination, so the kernel does not arbitrate.  A thread claims a ready page before
 *   it maps it, the collector as PROCESSING_AND_MAPPING, a mutator as PROCESSED_AND_MAPPING;
 * - a run ends where a mapping of from-space does (an old to-space, cut up by the last collection);
 * - the flip moves the mappings one by one, and gives to-space a new one, without userfaultfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "heap/compaction/state.h"
#include "uffd/inject.h"
#include "base/uapi.h"
#include "base/platform.h"
#include "base/address.h"

int32_t gcp_remap_init(struct gcp_compaction *c)
{
    c->from_cuts = calloc(c->pages.count + 1, 1);
    c->to_cuts = calloc(c->pages.count + 1, 1);
    return c->from_cuts && c->to_cuts ? 0 : -ENOMEM;
}

void gcp_remap_deinit(struct gcp_compaction *c)
{
    free(c->from_cuts);
    free(c->to_cuts);
    c->from_cuts = c->to_cuts = NULL;
}

static int32_t take(uint64_t src, uint64_t dst, uint64_t bytes)
{
    void *done = mremap(gcp_at(src), bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP, gcp_at(dst));
    return done == MAP_FAILED ? -errno : 0;
}

/*
 * Remap all pieces of a space in pages [0, end) to the same offsets in another; *ret_end: the end of what was remapped.
 */
static int32_t take_pieces(const struct gcp_compaction *c, uint64_t src, uint64_t dst, uint64_t end, uint64_t *ret_end)
{
    for (uint64_t first = 0, next; first < end; first = next) {
        for (next = first + 1; next < end && !c->from_cuts[next];)
            next++;
        int32_t err = take(src + first * c->pages.page, dst + first * c->pages.page, (next - first) * c->pages.page);
        *ret_end = first;
        if (err)
            return err;
    }
    *ret_end = end;
    return 0;
}

static void swap_cuts(struct gcp_compaction *c)
{
    uint8_t *cuts = c->from_cuts;
    c->from_cuts = c->to_cuts;
    c->to_cuts = cuts;
}

static void take_back(struct gcp_compaction *c, uint64_t end)
{
    uint64_t came;
    if (take_pieces(c, c->plan.from, c->plan.to, end, &came))
        abort(); /* this memory was mapped there a moment ago; there is no way to go on */
    swap_cuts(c);
}

void gcp_remap_flip_back(struct gcp_compaction *c)
{
    take_back(c, c->pages.count);
}

int32_t gcp_remap_flip(struct gcp_compaction *c)
{
    uint64_t came = 0;
    int32_t err = -gcp_injected(GCP_VERB_REMAP);
    if (err)
        return err;
    swap_cuts(c);
    err = take_pieces(c, c->plan.to, c->plan.from, c->pages.count, &came);
    if (!err && mmap(gcp_at(c->plan.to), c->bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
        err = -errno;
    if (!err && c->policy.advice == GCP_ADVICE_SMALL)
        err = gcp_region_small(c->plan.to, c->bytes);
    if (!err && c->policy.advice == GCP_ADVICE_LARGE)
        err = gcp_region_large(c->plan.to, c->bytes);
    if (err) {
        take_back(c, came);
        return err;
    }
    memset(c->to_cuts, 0, c->pages.count + 1);
    c->to_cuts[c->plan.used_end] = 1; /* the registration will end there */
    return 0;
}

/* Claim ready pages whose contents are consecutive within one mapping. */
static uint64_t claim_run(struct gcp_compaction *c, uint64_t at, uint64_t limit, uint32_t word)
{
    uint64_t from = word >> GCP_PAGE_STATE_BITS, n = 0;
    for (; n < limit && (!n || !c->from_cuts[from + n]); n++) {
        uint32_t ready = gcp_state_word(from + n, GCP_PAGE_PROCESSED);
        if (!atomic_compare_exchange_strong_explicit(&c->pages.words[at + n], &ready,
                                                     gcp_state_word(from + n, GCP_PAGE_PROCESSING_AND_MAPPING),
                                                     memory_order_acq_rel, memory_order_acquire))
            break;
    }
    return n;
}

int64_t gcp_remap_run(struct gcp_compaction *c, uint64_t at, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_account *account)
{
    uint32_t word = atomic_load_explicit(&c->pages.words[at], memory_order_acquire);
    uint64_t from = word >> GCP_PAGE_STATE_BITS, n = claim_run(c, at, limit, word);
    int64_t done = 0;
    if (!n)
        return 0;
    if (n >= c->policy.remap_pages) {
        account->remap_calls++;
        /* If refused, mremap has changed nothing; then the pages are copied. */
        if (!gcp_injected(GCP_VERB_REMAP) && take(gcp_from_page(c, from), gcp_to_page(c, at), n * c->pages.page) == 0) {
            account->remapped += n;
            gcp_pages_note(&c->pages, at, n, GCP_FATE_MOVED);
            c->to_cuts[at] = c->to_cuts[at + n] = 1;
            done = (int64_t)n;
        }
    }
    if (!done)
        done = gcp_pages_map_from(&c->pages, at, gcp_from_page(c, from), n, how, account);
    for (uint64_t i = 0; i < n; i++)
        if ((int64_t)i < done)
            gcp_state_set(c, at + i, GCP_PAGE_PROCESSED_AND_MAPPED);
        else
            gcp_pages_publish(&c->pages, at + i, from + i);
    return done;
}
