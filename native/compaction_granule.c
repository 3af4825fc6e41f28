/*
 * What depends on folios: granules of the dense prefix and of dense regions that are claimed and mapped as one, and how
 * pages in large folios are mapped.  ART knows neither: it evacuates page by page, and its heap has small folios.
 */
#include "compaction_state.h"

void gcp_compaction_folios(struct gcp_compaction *c, uint64_t large_from)
{
    c->large_from = large_from;
}

void gcp_granule_produce(struct gcp_compaction *c, uint64_t leader)
{
    for (uint64_t index = leader + c->policy.granule; index-- > leader;) {
        /* A page without a live word goes along: left out, it would break the folio. */
        uint64_t from = gcp_place_of(c, index);
        c->produce(&c->plan, index, gcp_from_page(c, from));
        gcp_pages_publish(&c->pages, index, from);
    }
}

uint32_t gcp_choose_one(const struct gcp_compaction *c, uint64_t from)
{
    bool large = c->policy.map_by == GCP_MAP_MOVE && from >= c->large_from;
    return large ? c->policy.large_by : c->policy.map_by;
}

struct gcp_choice gcp_choose(const struct gcp_compaction *c, uint64_t index, uint64_t most)
{
    uint64_t from, run, whole = c->policy.whole;
    /* Small folios, as ART has them: nothing to choose, and the run is measured by whoever maps it. */
    if (c->policy.map_by != GCP_MAP_MOVE || (!whole && c->large_from >= c->pages.count))
        return (struct gcp_choice){c->policy.map_by, most, c->pages.count};
    run = gcp_pages_ready(&c->pages, index, most, &from);
    struct gcp_choice all = {c->policy.map_by, run ? run : 1, from};
    if (!run)
        return all;
    if (whole && (index - from) % whole == 0) {
        uint64_t into = index % whole;
        if (!into && run >= whole)
            return (struct gcp_choice){GCP_MAP_MOVE, run - run % whole, from};
        if (into && run > whole - into)
            all.pages = whole - into;
    }
    if (from < c->large_from) {
        if (all.pages > c->large_from - from)
            all.pages = c->large_from - from;
        return all;
    }
    all.by = c->policy.large_by;
    return all;
}
