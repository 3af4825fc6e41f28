/*
 * Hazard: a large folio that a swap-in has put into the swap cache, and that is not anonymous yet.
 *
 * On a synchronous swap device (zram) a fault looks for a range of swap entries and allocates a large folio for it.  It
 * adds the folio to the swap cache, reads it and unlocks it.  Only then does it look whether the PTE is still the same,
 * and make the folio anonymous (do_swap_page() and swapin_sync() of 7.3).  If the entries have moved before the folio was
 * added, it stays in the swap cache as it is, and the entries are elsewhere.  A move that makes such a folio anonymous
 * without counting it lets nr_anon of its size wrap when the folio is freed.
 *
 * One thread reads a page, and another moves the entries a little later.  That is repeated until it meets the moment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/counters.h"
#include "hazards/tables.h"

#define LONGEST_NS (40 * UINT64_C(1000000000)) /* of all tries */
#define MOST_TRIES (2 * STEPS)                 /* kernels that have it show it in the first quarter of the steps */
#define STEPS 200                              /* of the time between reading and moving, until it begins again at 0 */
#define STEP_NS 250

/* `turn` counts up when the other thread is to read; `done` follows it. */
struct swap_in {
    struct gcp_trial *trial;
    uint64_t pages, bytes, src, dst, third;
    atomic_uint_fast64_t turn, done;
    atomic_int stop;
    uint64_t tries, moved, late;
};

static void *read_at_each_turn(void *arg)
{
    struct swap_in *in = arg;
    for (uint64_t turn = 1;; turn++) {
        while (atomic_load(&in->turn) < turn)
            if (atomic_load(&in->stop))
                return NULL;
        (void)*(volatile uint64_t *)gcp_at(in->src);
        atomic_store(&in->done, turn);
    }
}

/* How many pages of the range are in memory; for swapped ones: in the swap cache. */
static uint64_t resident(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    unsigned char seen[1 << 10];
    uint64_t n = 0;
    if (pages > sizeof(seen) || mincore(gcp_at(start), pages * trial->page, seen) < 0)
        gcp_trial_skip(trial, "mincore: %s", strerror(errno));
    for (uint64_t i = 0; i < pages; i++)
        n += seen[i] & 1;
    return n;
}

/* A fresh folio at the source, swapped out and out of the swap cache; nothing at the destination. */
static void swap_out(struct swap_in *in)
{
    struct gcp_trial *trial = in->trial;
    gcp_region_discard(in->dst, in->bytes);
    gcp_region_discard(in->src, in->bytes);
    gcp_content_fill(in->src, 0, in->pages, GCP_TRIAL_SEED);
    for (int i = 0; i < 40; i++) {
        gcp_region_page_out(in->src, in->bytes);
        if (i)
            gcp_lru_drain();
        if (gcp_trial_entry(trial, in->src) & GCP_PM_SWAP)
            break;
    }
    if (!(gcp_trial_entry(trial, in->src) & GCP_PM_SWAP))
        gcp_trial_skip(trial, "pages can't be swapped out");
    if (resident(trial, in->src, in->pages))
        gcp_trial_skip(trial, "the swap device leaves folios in the swap cache; swap on zram");
}

/* Whether the entries are at the destination, and their folio, which the reading thread brought in, is in the cache. */
static int move_while_it_is_read(struct swap_in *in)
{
    uint64_t wait = in->tries++ % STEPS * STEP_NS, begin = gcp_now();
    atomic_fetch_add(&in->turn, 1);
    while (gcp_now() - begin < wait)
        ;
    struct gcp_move_call seen = gcp_trial_move(in->trial, in->dst, in->src, in->bytes, 0);
    while (atomic_load(&in->done) < atomic_load(&in->turn))
        ;
    in->moved += !seen.err;
    in->late += seen.err != 0;
    if (seen.err)
        return 0;
    struct gcp_view view = gcp_trial_view(in->trial, in->dst, in->pages);
    return view.swapped == in->pages && resident(in->trial, in->dst, in->pages) == in->pages;
}

static void move_it_once_more(struct swap_in *in, int64_t before)
{
    struct gcp_trial *trial = in->trial;
    uint64_t kib = in->bytes / 1024;
    struct gcp_move_call seen = gcp_trial_move(trial, in->third, in->dst, in->bytes, 0);
    if (seen.err && seen.err != EBUSY)
        gcp_trial_differs(trial, "the move failed: %s", strerror(seen.err));
    gcp_expect_content(trial, seen.err ? in->dst : in->third, 0, in->pages);
    const uint64_t ranges[] = {in->src, in->dst, in->third};
    for (int i = 0; i < 3; i++)
        gcp_region_discard(ranges[i], in->bytes);
    int64_t after = gcp_count_of_folios(kib);
    if (after != before)
        gcp_trial_differs(trial,
                          "corruption: nr_anon of folios of %" PRIu64 " KiB was %" PRId64
                          " before the folio was made, and is %" PRId64 " after it was freed",
                          kib, before, after);
    gcp_trial_note(trial, "%sa folio of %" PRIu64 " KiB%s, contents right, counted right (try %" PRIu64 ")",
                   seen.err ? "ebusy: " : "", kib, seen.err ? "" : " moved", in->tries);
}

static void large_folio_not_anonymous_yet(struct gcp_trial *trial)
{
    static struct swap_in in;
    pthread_t thread;
    in = (struct swap_in){.trial = trial, .pages = 1ULL << gcp_trial_mthp_order(trial)};
    in.bytes = in.pages * trial->page;
    in.src = gcp_address_of(gcp_region_alloc(in.bytes, 0));
    in.dst = gcp_trial_target(trial, in.pages, 0);
    in.third = gcp_trial_target(trial, in.pages, 0);
    if (!in.src || madvise(gcp_at(in.src), in.bytes, MADV_HUGEPAGE) < 0)
        gcp_trial_skip(trial, "no region for a large folio: %s", strerror(errno));
    int64_t before = gcp_count_of_folios(in.bytes / 1024);
    gcp_trial_thread(trial, &thread, read_at_each_turn, &in);
    int found = 0;
    for (uint64_t begin = gcp_now(); !found && in.tries < MOST_TRIES && gcp_now() - begin < LONGEST_NS;) {
        swap_out(&in);
        found = move_while_it_is_read(&in);
    }
    atomic_store(&in.stop, 1);
    pthread_join(thread, NULL);
    if (!found)
        gcp_trial_skip(trial,
                       "no swap-in was overtaken by a move in %" PRIu64 " tries (%" PRIu64 " moved, %" PRIu64
                       " refused); it takes two processors",
                       in.tries, in.moved, in.late);
    move_it_once_more(&in, before);
}

static const struct gcp_row_entry ROWS[] = {
    {{"swapcache-not-anon", "A large folio that a swap-in has not made anonymous yet is counted right after a move", "",
      "zram,mthp"},
     large_folio_not_anonymous_yet},
};

const struct gcp_row_table gcp_hazards_swapin = GCP_ROW_TABLE(ROWS);
