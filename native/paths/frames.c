#include "paths/frames.h"

#include <errno.h>
#include <stdlib.h>

#include "base/content.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "uffd/answer.h"
#include "base/address.h"

/* See gcp_frames_reached in the header. */
#define CONSECUTIVE_PERCENT 99
#define SHUFFLED_PERCENT 1
#define SHUFFLED_PAIRS 8

/* Tries for a page that is briefly held by reclaim, compaction or a scanner. */
#define MOVE_TRIES 1000

static const char *const NAMES[] = {
    [GCP_FRAMES_ANY] = "any",
    [GCP_FRAMES_CONSECUTIVE] = "consecutive",
    [GCP_FRAMES_SHUFFLED] = "shuffled",
};

const char *gcp_frames_name(uint32_t frames)
{
    return frames < sizeof(NAMES) / sizeof(NAMES[0]) ? NAMES[frames] : NULL;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Count different numbers; sorts them. */
static uint64_t count_different(uint64_t *numbers, uint64_t n)
{
    uint64_t found = 0;
    qsort(numbers, n, sizeof(*numbers), by_number);
    for (uint64_t i = 0; i < n; i++)
        found += i == 0 || numbers[i] != numbers[i - 1];
    return found;
}

int gcp_frames_look(const struct gcp_view *view, uint32_t order, struct gcp_frame_order *ret)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t folio = 1ULL << order, before = 0, n = 0;

    *ret = (struct gcp_frame_order){0};
    if (!(view->have & GCP_PROOF_PFN))
        return 0;
    uint64_t *blocks = calloc((view->pages >> order) + 1, sizeof(*blocks));
    if (!blocks)
        return -ENOMEM;
    for (uint64_t i = 0; i < view->pages; i += folio) {
        uint64_t frame = view->entries[i] & GCP_PM_PRESENT ? GCP_PM_PFN(view->entries[i]) : 0;
        uint64_t block = frame >> platform.pmd_order;
        if (frame && before) {
            ret->pairs++;
            ret->adjacent += frame == before + folio || before == frame + folio;
        }
        if (frame && (n == 0 || blocks[n - 1] != block))
            blocks[n++] = block;
        before = frame;
    }
    ret->blocks = count_different(blocks, n);
    free(blocks);
    return 0;
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

/* The numbers below n in a random order (Fisher and Yates, from inside out); NULL without memory. */
static uint64_t *shuffle(uint64_t n, uint64_t seed)
{
    uint64_t *places = calloc(n, sizeof(*places));
    for (uint64_t i = 0; places && i < n; i++) {
        seed = gcp_mix(seed);
        uint64_t other = seed % (i + 1);
        places[i] = places[other];
        places[other] = i;
    }
    return places;
}

/* Small folios whose frames are those of whole blocks, in ascending order.  The header explains the steps. */
static int make_blocks(uint64_t start, uint64_t pages, const struct gcp_platform *platform, uint64_t seed,
                       const char **ret_what)
{
    uint64_t bytes = pages * platform->page_size;

    /* Each block needs a page: an empty one is not collapsed. */
    for (uint64_t at = 0; at < bytes; at += platform->pmd_size)
        gcp_content_fill(start + at, 0, 1, seed);
    /* In one call: each call waits until all processors have drained their batches for the LRU lists. */
    *ret_what = "MADV_COLLAPSE";
    int err = gcp_region_collapse(start, bytes);
    if (err)
        return err;
    gcp_content_fill(start, 0, pages, seed);
    *ret_what = "MADV_COLD";
    err = gcp_region_split(start, bytes, platform->pmd_size);
    if (err)
        return err;
    *ret_what = "MADV_NOHUGEPAGE";
    return gcp_region_small(start, bytes);
}

/* Move one page.  EBUSY is retried too: this process does not hold the page, so the reference is temporary. */
static int move_page(const struct gcp_uffd *uffd, uint64_t to, uint64_t from, uint64_t page_size)
{
    for (uint32_t row = 0;;) {
        struct gcp_outcome did = gcp_uffd_move(uffd, to, from, page_size, 0);
        enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &did);
        if (answer == GCP_ANSWER_DONE)
            return 0;
        bool busy = answer == GCP_ANSWER_BUSY;
        if (!gcp_answer_repeats(busy ? GCP_ANSWER_AGAIN : answer, &row, MOVE_TRIES))
            return busy ? -EAGAIN : -gcp_answer_errno(&did);
    }
}

/* Move each page from `from` to its place in an empty range. */
static int move_each(uint64_t to, uint64_t from, const uint64_t *places, uint64_t pages, uint64_t page_size,
                     const char **ret_what)
{
    struct gcp_uffd uffd = {.fd = -1};

    *ret_what = "userfaultfd";
    int err = gcp_uffd_init(0, &uffd);
    if (err)
        return err;
    *ret_what = "UFFDIO_REGISTER";
    err = -gcp_uffd_register(&uffd, to, pages * page_size, NULL).err;
    if (!err)
        *ret_what = "UFFDIO_MOVE";
    for (uint64_t i = 0; !err && i < pages; i++)
        err = move_page(&uffd, to + i * page_size, from + places[i] * page_size, page_size);
    gcp_uffd_deinit(&uffd); /* ends the registration too */
    return err;
}

static int fill_consecutive(uint64_t start, uint64_t pages, const struct gcp_platform *platform, uint64_t seed,
                            const char **ret_what)
{
    int err = make_blocks(start, pages, platform, seed, ret_what);
    if (!err)
        gcp_content_fill(start, 0, pages, seed);
    return err;
}

static int fill_shuffled(uint64_t start, uint64_t pages, const struct gcp_platform *platform, uint64_t seed,
                         const char **ret_what)
{
    uint64_t bytes = pages * platform->page_size;
    uint64_t *places = shuffle(pages, seed);
    void *blocks = gcp_region_alloc(bytes, 0);
    int err = places && blocks ? 0 : -ENOMEM;
    if (!err)
        err = gcp_region_small(start, bytes);
    if (!err)
        err = make_blocks(gcp_address_of(blocks), pages, platform, seed, ret_what);
    if (!err)
        err = move_each(start, gcp_address_of(blocks), places, pages, platform->page_size, ret_what);
    if (!err)
        gcp_content_fill(start, 0, pages, seed);
    gcp_region_free(blocks, bytes);
    free(places);
    return err;
}

static int touch_shuffled(uint64_t start, uint64_t pages, uint32_t order, uint64_t page_size, uint64_t seed)
{
    uint64_t *places = shuffle(pages >> order, seed);
    if (!places)
        return -ENOMEM;
    for (uint64_t i = 0; i < pages >> order; i++) {
        uint64_t page = places[i] << order;
        gcp_content_fill(start + page * page_size, page, 1ULL << order, seed);
    }
    free(places);
    return 0;
}

int gcp_frames_fill(uint64_t start, uint64_t pages, uint32_t order, uint32_t frames, uint64_t seed,
                    const char **ret_what)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);

    *ret_what = "memory";
    if (order == 0 && frames == GCP_FRAMES_CONSECUTIVE)
        return fill_consecutive(start, pages, &platform, seed, ret_what);
    if (order == 0 && frames == GCP_FRAMES_SHUFFLED)
        return fill_shuffled(start, pages, &platform, seed, ret_what);
    if (frames == GCP_FRAMES_SHUFFLED)
        return touch_shuffled(start, pages, order, platform.page_size, seed);
    gcp_content_fill(start, 0, pages, seed);
    return 0;
}
