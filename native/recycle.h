/*
 * Recycled from-space pages: those whose contents nobody needs any more, taken from the top of the window downwards, so
 * that to-space pages built one after the other, downwards as well, have sources that follow each other.
 *
 * The window is two page numbers in one atomic word; taking a page is one compare-and-swap.
 */
#ifndef GCP_RECYCLE_H
#define GCP_RECYCLE_H

#include <stdatomic.h>
#include <stdint.h>

/* Pages in [begin, next) can be taken. */
struct gcp_recycle {
    _Atomic uint64_t window;
};

#define GCP_NO_PAGE UINT64_MAX

static inline uint64_t gcp_recycle_word(uint64_t begin, uint64_t next)
{
    return next << 32 | begin;
}

static inline uint64_t gcp_recycle_begin(uint64_t word)
{
    return word & UINT32_MAX;
}

static inline uint64_t gcp_recycle_next(uint64_t word)
{
    return word >> 32;
}

static inline void gcp_recycle_init(struct gcp_recycle *recycle, uint64_t end)
{
    atomic_store(&recycle->window, gcp_recycle_word(end, end));
}

/* How many pages could be taken at this moment. */
static inline uint64_t gcp_recycle_count(const struct gcp_recycle *recycle)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_relaxed);
    return gcp_recycle_next(now) - gcp_recycle_begin(now);
}

/* The first of `pages` consecutive pages, or GCP_NO_PAGE. */
static inline uint64_t gcp_recycle_take(struct gcp_recycle *recycle, uint64_t pages)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    while (gcp_recycle_next(now) >= gcp_recycle_begin(now) + pages) {
        uint64_t page = gcp_recycle_next(now) - pages;
        if (atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(gcp_recycle_begin(now), page)))
            return page;
    }
    return GCP_NO_PAGE;
}

/* The first of `pages` consecutive pages that begin at a multiple of `pages`, a power of two, or GCP_NO_PAGE. */
static inline uint64_t gcp_recycle_take_aligned(struct gcp_recycle *recycle, uint64_t pages)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    while (gcp_recycle_next(now) >= gcp_recycle_begin(now) + pages) {
        uint64_t page = (gcp_recycle_next(now) - pages) & ~(pages - 1);
        if (page < gcp_recycle_begin(now))
            return GCP_NO_PAGE;
        if (atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(gcp_recycle_begin(now), page)))
            return page;
    }
    return GCP_NO_PAGE;
}

/* Pages from `begin` on are free as well; only the collector calls this.  How many can be taken now. */
static inline uint64_t gcp_recycle_lower(struct gcp_recycle *recycle, uint64_t begin)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    while (begin < gcp_recycle_begin(now))
        if (atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(begin, gcp_recycle_next(now))))
            return gcp_recycle_next(now) - begin;
    return gcp_recycle_next(now) - gcp_recycle_begin(now);
}

/* Keep at most `keep` pages: the others are the caller's from here on, *ret_pages of them from the returned one on. */
static inline uint64_t gcp_recycle_claim_rest(struct gcp_recycle *recycle, uint64_t keep, uint64_t *ret_pages)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    for (;;) {
        uint64_t begin = gcp_recycle_begin(now), next = gcp_recycle_next(now);
        if (next - begin <= keep) {
            *ret_pages = 0;
            return begin;
        }
        if (atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(begin, begin + keep))) {
            *ret_pages = next - begin - keep;
            return begin + keep;
        }
    }
}

#endif
