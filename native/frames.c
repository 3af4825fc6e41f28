#include "frames.h"

#include <errno.h>
#include <stdlib.h>

#include "content.h"
#include "platform.h"
#include "uapi.h"

/* See gcp_frames_reached in the header. */
#define CONSECUTIVE_PERCENT 99
#define SHUFFLED_PERCENT 1
#define SHUFFLED_PAIRS 8

static const char *const NAMES[] = {
    [GCP_FRAMES_ANY] = "any",
    [GCP_FRAMES_CONSECUTIVE] = "consecutive",
    [GCP_FRAMES_SHUFFLED] = "shuffled",
};

const char *gcp_frames_name(uint32_t frames)
{
    return frames < sizeof(NAMES) / sizeof(NAMES[0]) ? NAMES[frames] : NULL;
}

void gcp_frames_look(const struct gcp_view *view, uint32_t order, struct gcp_frame_order *ret)
{
    uint64_t folio = 1ULL << order, low = UINT64_MAX, end = 0;

    *ret = (struct gcp_frame_order){0};
    if (!(view->have & GCP_PROOF_PFN))
        return;
    for (uint64_t i = 0; i < view->pages; i += folio) {
        uint64_t frame = GCP_PM_PFN(view->entries[i]);
        if (!(view->entries[i] & GCP_PM_PRESENT))
            continue;
        low = frame < low ? frame : low;
        end = frame + folio > end ? frame + folio : end;
        if (i == 0 || !(view->entries[i - folio] & GCP_PM_PRESENT))
            continue;
        uint64_t before = GCP_PM_PFN(view->entries[i - folio]);
        ret->pairs++;
        ret->adjacent += frame == before + folio || before == frame + folio;
    }
    ret->span = end ? end - low : 0;
}

bool gcp_frames_reached(uint32_t frames, const struct gcp_frame_order *seen)
{
    switch (frames) {
    case GCP_FRAMES_ANY:
        return true;
    case GCP_FRAMES_CONSECUTIVE:
        return seen->pairs && seen->adjacent * 100 >= seen->pairs * CONSECUTIVE_PERCENT;
    case GCP_FRAMES_SHUFFLED:
        return seen->pairs && seen->adjacent <= SHUFFLED_PAIRS + seen->pairs * SHUFFLED_PERCENT / 100;
    default:
        return false;
    }
}

/* Small folios whose frames follow each other in each block of the PMD size.  The header says why in these steps. */
static int fill_blocks(uint64_t start, uint64_t pages, const struct gcp_platform *platform, uint64_t seed)
{
    uint64_t bytes = pages * platform->page_size;

    /* Where nothing is mapped there is nothing to collapse. */
    for (uint64_t at = 0; at < bytes; at += platform->pmd_size)
        gcp_content_fill(start + at, at / platform->page_size, 1, seed);
    /* In one call: each waits until all processors have emptied their batches for the LRU lists. */
    int err = gcp_region_collapse(start, bytes);
    if (err)
        return err;
    gcp_content_fill(start, 0, pages, seed);
    err = gcp_region_split(start, bytes, platform->pmd_size);
    if (err)
        return err;
    gcp_content_fill(start, 0, pages, seed);
    return gcp_region_small(start, bytes);
}

static int fill_shuffled(uint64_t start, uint64_t pages, uint32_t order, uint64_t page_size, uint64_t seed)
{
    uint64_t folios = pages >> order, state = seed;
    uint64_t *places = calloc(folios, sizeof(*places));
    if (!places)
        return -ENOMEM;
    /* Fisher and Yates, from inside out: each order is as likely as any other. */
    for (uint64_t i = 0; i < folios; i++) {
        state = gcp_mix(state);
        uint64_t other = state % (i + 1);
        places[i] = places[other];
        places[other] = i;
    }
    for (uint64_t i = 0; i < folios; i++) {
        uint64_t page = places[i] << order;
        gcp_content_fill(start + page * page_size, page, 1ULL << order, seed);
    }
    free(places);
    return 0;
}

int gcp_frames_fill(uint64_t start, uint64_t pages, uint32_t order, uint32_t frames, uint64_t seed)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);

    if (frames == GCP_FRAMES_CONSECUTIVE && order == 0)
        return fill_blocks(start, pages, &platform, seed);
    if (frames == GCP_FRAMES_SHUFFLED)
        return fill_shuffled(start, pages, order, platform.page_size, seed);
    gcp_content_fill(start, 0, pages, seed);
    return 0;
}
