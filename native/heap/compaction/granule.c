/*
 * What depends on folios: granules of dense pages that are claimed and mapped as one, and how pages in large folios are
 * mapped.  ART has neither: it evacuates single pages, and its heap has small folios.
 */
#include "heap/compaction/state.h"

void gcp_granule_produce(struct gcp_compaction *c, struct gcp_tally *work, uint64_t leader, gcp_producer produce)
{
    for (uint64_t index = leader + c->policy.granule; index-- > leader;) {
        /* A page without a live word is included: omitting it would break the folio. */
        uint64_t from = gcp_place_of(c, index);
        gcp_produce(c, work, GCP_WORK_UPDATE, index, gcp_from_page(c, from), produce);
        gcp_pages_publish(&c->pages, index, from);
    }
}

uint32_t gcp_choose_one(const struct gcp_compaction *c, uint64_t from)
{
    bool large = c->policy.map_by == GCP_VERB_MOVE && c->pages.orders[from];
    if (c->policy.adapt)
        return gcp_adapt_verb(&c->adapt, 1, large);
    return large ? c->policy.large_by : c->policy.map_by;
}

/* Whether the pages form a complete aligned folio that the kernel moves whole, as far as known. */
static bool is_whole(const struct gcp_compaction *c, uint64_t from)
{
    uint64_t whole = c->policy.whole, at = 0;
    while (at < whole && 1ULL << c->pages.orders[from + at] >= whole)
        at++;
    return at == whole;
}

/* How many of the `run` pages from `from` on are all in small folios, or all in large ones. */
static uint64_t alike(const struct gcp_compaction *c, uint64_t from, uint64_t run)
{
    uint64_t n = 1;
    while (n < run && !c->pages.orders[from + n] == !c->pages.orders[from])
        n++;
    return n;
}

struct gcp_choice gcp_choose(const struct gcp_compaction *c, uint64_t index, uint64_t most)
{
    uint64_t from, run, whole = c->policy.whole;
    /* As in ART: nothing to choose; the thread that maps the run determines its length. */
    if (c->policy.map_by != GCP_VERB_MOVE || (!c->policy.adapt && !whole && c->policy.large_by == GCP_VERB_MOVE))
        return (struct gcp_choice){c->policy.map_by, most, c->pages.count};
    run = gcp_pages_ready(&c->pages, index, most, &from);
    if (!run)
        return (struct gcp_choice){c->policy.map_by, 1, c->pages.count};
    if (whole && (index - from) % whole == 0) {
        uint64_t n = 0, to_the_next = whole - index % whole;
        while (index % whole == 0 && run >= n + whole && is_whole(c, from + n))
            n += whole;
        if (n)
            return (struct gcp_choice){GCP_VERB_MOVE, n, from};
        if (run > to_the_next)
            run = to_the_next;
    }
    run = alike(c, from, run);
    uint32_t by =
        c->policy.adapt ? gcp_adapt_verb(&c->adapt, run, c->pages.orders[from] != 0) : gcp_choose_one(c, from);
    return (struct gcp_choice){by, run, from};
}
