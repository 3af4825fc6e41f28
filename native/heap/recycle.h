/*
 * Recycled from-space pages: those whose contents are no longer needed.  They are taken from the top of the window
 * downwards.  To-space pages are built downwards too, so their sources are consecutive.
 *
 * The window is two page numbers in one atomic word; taking a page is one compare-and-swap.  Pages of dense regions lie
 * in the window but are never handed out, since they are moved themselves.
 */
#ifndef GCP_RECYCLE_H
#define GCP_RECYCLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Pages in [begin, next) can be taken, except held ones (a byte for each from-page; NULL: no page is held). */
struct gcp_recycle {
    _Atomic uint64_t window;
    const uint8_t *held;
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

static inline void gcp_recycle_init(struct gcp_recycle *recycle, uint64_t end, const uint8_t *held)
{
    recycle->held = held;
    atomic_store(&recycle->window, gcp_recycle_word(end, end));
}

/* How many pages could be taken now. */
static inline uint64_t gcp_recycle_count(const struct gcp_recycle *recycle)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_relaxed);
    return gcp_recycle_next(now) - gcp_recycle_begin(now);
}

/*
 * Whether one of `pages` pages from `first` on is held.  Then the window must end at *ret_end, the first page of the
 * last held run.
 */
static inline bool gcp_recycle_held(const struct gcp_recycle *recycle, uint64_t begin, uint64_t first, uint64_t pages,
                                    uint64_t *ret_end)
{
    uint64_t at = first + pages;
    if (!recycle->held)
        return false;
    while (at > first && !recycle->held[at - 1])
        at--;
    if (at == first)
        return false;
    while (at > begin && recycle->held[at - 1])
        at--;
    *ret_end = at;
    return true;
}

/*
 * The first of `pages` consecutive pages that begin at a multiple of `align`, or GCP_NO_PAGE.  Pages above them in the
 * window are given up.
 */
static inline uint64_t gcp_recycle_take_at(struct gcp_recycle *recycle, uint64_t pages, uint64_t align)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    while (gcp_recycle_next(now) >= gcp_recycle_begin(now) + pages) {
        uint64_t begin = gcp_recycle_begin(now), page = (gcp_recycle_next(now) - pages) & ~(align - 1), end = page;
        if (page < begin)
            return GCP_NO_PAGE;
        bool held = gcp_recycle_held(recycle, begin, page, pages, &end);
        if (!atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(begin, end)))
            continue;
        if (!held)
            return page;
        now = gcp_recycle_word(begin, end);
    }
    return GCP_NO_PAGE;
}

/* The first of `pages` consecutive pages, or GCP_NO_PAGE. */
static inline uint64_t gcp_recycle_take(struct gcp_recycle *recycle, uint64_t pages)
{
    return gcp_recycle_take_at(recycle, pages, 1);
}

/* The same, aligned to `pages`, a power of two. */
static inline uint64_t gcp_recycle_take_aligned(struct gcp_recycle *recycle, uint64_t pages)
{
    return gcp_recycle_take_at(recycle, pages, pages);
}

/* Pages from `begin` on are free too; only the collector calls this.  Returns how many can be taken now. */
static inline uint64_t gcp_recycle_lower(struct gcp_recycle *recycle, uint64_t begin)
{
    uint64_t now = atomic_load_explicit(&recycle->window, memory_order_acquire);
    while (begin < gcp_recycle_begin(now))
        if (atomic_compare_exchange_weak(&recycle->window, &now, gcp_recycle_word(begin, gcp_recycle_next(now))))
            return gcp_recycle_next(now) - begin;
    return gcp_recycle_next(now) - gcp_recycle_begin(now);
}

/* Keep at most `keep` pages.  The caller gets the rest: *ret_pages pages from the returned one on. */
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
