/* Hazards: swapped pages whose folio is in the swap cache, all the time or at times (rows T3 to T5 of the thread). */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/counters.h"
#include "hazards/race.h"
#include "hazards/tables.h"
#include "base/address.h"
#include "trial/kernel_file.h"

#define TRIES 40
#define PAGES 64
#define RACE_MS 4000
#define COPIES "ksm_swpin_copy "
#define GROUP "/sys/fs/cgroup/gcproto"
#define RECLAIM "256K"
#define ENTRY(word) ((word) & ((1ULL << 55) - 1)) /* of pagemap: type in the lowest 5 bits, then the offset */

uint64_t gcp_hazard_swap_out(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    struct gcp_view view = {0};
    for (int i = 0; i < 40; i++) {
        gcp_lru_drain(); /* each time: pages that were put back wait in a batch again */
        gcp_region_page_out(start, pages * trial->page);
        nanosleep(&moment, NULL);
        view = gcp_trial_view(trial, start, pages);
        if (view.swapped == pages)
            break;
    }
    return view.swapped;
}

/*
 * With CONFIG_KSM the kernel copies a page of the swap cache whose index or anon_vma does not fit the fault, whatever made
 * it so (ksm_might_need_to_copy).  It hides what the reverse map would show, but counts.  No page here is merged.
 */
static void expect_no_copies(struct gcp_trial *trial, int64_t before)
{
    int64_t copies = gcp_count_of_vmstat(COPIES) - before;
    if (copies)
        gcp_trial_differs(trial,
                          "corruption: %" PRId64
                          " pages were copied when they were swapped in, since their index or anon_vma is not that of "
                          "their place (ksm_swpin_copy)",
                          copies);
}

/*
 * The reverse map can't find a folio whose index or anon_vma is wrong: it can't be swapped out again.  This shows
 * without CONFIG_DEBUG_VM, which would stop the kernel at the first access.  Pages that were not moved are the control:
 * if they can't be swapped out either, the try is inconclusive.
 */
static void small_folios_in_the_swap_cache(struct gcp_trial *trial)
{
    int moved = 0, busy = 0, silent = 0;
    int64_t copies = gcp_count_of_vmstat(COPIES);
    gcp_pin_cpu(0); /* moved pages and those of the control are made on one processor */
    for (int i = 0; i < TRIES; i++) {
        struct gcp_source source, control;
        uint64_t src = gcp_trial_source(trial, GCP_SOURCE_SWAPCACHE, 0, PAGES, &source);
        uint64_t still = gcp_trial_source(trial, GCP_SOURCE_SWAPCACHE, 0, PAGES, &control);
        uint64_t dst = gcp_trial_target(trial, PAGES, 0);
        struct gcp_move_call seen = gcp_trial_move(trial, dst, src, PAGES * trial->page, 0);
        if (seen.err == EBUSY || seen.err == EAGAIN) {
            busy++;
            continue;
        }
        if (seen.err)
            gcp_trial_differs(trial, "try %d: %s", i, strerror(seen.err));
        gcp_expect_content(trial, dst, 0, PAGES);
        gcp_expect_content(trial, still, 0, PAGES);
        expect_no_copies(trial, copies);
        uint64_t out = gcp_hazard_swap_out(trial, dst, PAGES);
        uint64_t out_control = gcp_hazard_swap_out(trial, still, PAGES);
        gcp_expect_content(trial, dst, 0, PAGES);
        if (out < PAGES / 2 && out_control == PAGES && gcp_trial_off_lru(trial, dst, PAGES) == 0)
            gcp_trial_differs(trial,
                              "corruption: try %d: %" PRIu64
                              " of %d moved pages could be swapped out again, but all of "
                              "those that were not moved: the reverse map does not find them",
                              i, out, PAGES);
        silent += out < PAGES;
        moved++;
        gcp_region_discard(dst, PAGES * trial->page);
        gcp_source_deinit(&control);
        gcp_source_deinit(&source);
    }
    if (!moved)
        gcp_trial_differs(trial, "ebusy: none of %d tries moved its pages", TRIES);
    gcp_trial_note(trial, "%d of %d tries moved all pages, contents right; swapped out again whole in %d; EBUSY %d",
                   moved, TRIES, moved - silent, busy);
}

/* Whether it is moved whole, split and moved, or refused: at the end each page of it must be freed. */
static void large_folios_in_the_swap_cache(struct gcp_trial *trial)
{
    uint32_t order = gcp_trial_mthp_order(trial);
    uint64_t pages = 1ULL << order, bytes = pages * trial->page;
    int64_t strays = gcp_counts_read().stray_pages;
    int moved = 0, busy = 0;
    for (int i = 0; i < TRIES; i++) {
        struct gcp_source source;
        uint64_t src = gcp_trial_source(trial, GCP_SOURCE_SWAPCACHE, order, pages, &source);
        uint64_t dst = gcp_trial_target(trial, pages, 0);
        struct gcp_move_call seen = gcp_trial_move(trial, dst, src, bytes, 0);
        busy += seen.err == EBUSY;
        moved += seen.err == 0;
        if (seen.err == 0 || seen.err == EBUSY)
            gcp_expect_content(trial, seen.err ? src : dst, 0, pages);
        gcp_region_discard(dst, bytes);
        gcp_source_deinit(&source);
    }
    strays = gcp_counts_read().stray_pages - strays;
    if (moved >= TRIES / 4 && strays >= moved / 2)
        gcp_trial_differs(trial, "corruption: %" PRId64 " pages of %d moved folios were not freed", strays, moved);
    if (moved == 0 && busy)
        gcp_trial_note(trial, "ebusy: %d of %d moves of a whole folio of order %u, contents intact", busy, TRIES,
                       order);
    else
        gcp_trial_note(trial, "%d of %d moves of a whole folio of order %u done, EBUSY %d", moved, TRIES, order, busy);
}

static void *page_out_and_bring_back(void *arg)
{
    struct gcp_race *race = arg;
    uint64_t bytes = race->pages * race->trial->page;
    while (!atomic_load(&race->stop))
        for (int i = 0; i < 2; i++) {
            gcp_region_page_out(race->range[i], bytes);
            madvise(gcp_at(race->range[i]), bytes, MADV_WILLNEED);
            atomic_fetch_add(&race->disturbed, 1);
        }
    return NULL;
}

static void race_with_the_swap_cache(struct gcp_trial *trial)
{
    gcp_race_run(trial, 1, 4, RACE_MS, 0, page_out_and_bring_back, "times paged out and asked for again");
}

static void uffd_wp_bit_of_a_swapped_page(struct gcp_trial *trial)
{
    struct gcp_uffd wp;
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0), bytes = trial->page;
    gcp_trial_open(trial, GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP, &wp);
    struct gcp_uapi_register reg = {.range = {src, bytes}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect protect = {.range = {src, bytes}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(wp.fd, GCP_UFFDIO_REGISTER, &reg) < 0 || ioctl(wp.fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s", strerror(errno));
    gcp_hazard_swap_out(trial, src, 1);
    const uint64_t marked = 1ULL << 57; /* uffd-wp in pagemap */
    uint64_t before = gcp_trial_entry(trial, src);
    if (!(before & GCP_PM_SWAP) || !(before & marked))
        gcp_trial_skip(trial, "the page did not get to swap with its mark (pagemap %#" PRIx64 ")", before);
    struct gcp_move_call seen = gcp_trial_move(trial, dst, src, bytes, 0);
    if (seen.err)
        gcp_trial_differs(trial, "the move failed: %s", strerror(seen.err));
    uint64_t after = gcp_trial_entry(trial, dst);
    gcp_expect_content(trial, dst, 0, 1);
    if (after & marked)
        gcp_trial_differs(trial,
                          "a swapped page keeps its write-protection mark at a destination without write protection");
    gcp_trial_note(trial, "the mark is gone at the destination");
}

/*
 * Enter the memory cgroup that the guest's init made, so that what this process swapped out can be reclaimed alone.  Rows of
 * the contract may have left it without swap.
 */
static void enter_group(struct gcp_trial *trial)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    if (gcp_kernel_file_write(GROUP "/cgroup.procs", pid) || access(GROUP "/memory.reclaim", W_OK) < 0)
        gcp_trial_skip(trial, "no memory cgroup with memory.reclaim at " GROUP "; it came with 5.19");
    gcp_kernel_file_write(GROUP "/memory.swap.max", "max");
}

/* Folios that are swapped out and in the swap cache leave it if memory is reclaimed. */
static bool leave_the_swap_cache(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    struct gcp_view view = {0};
    for (int i = 0; i < TRIES; i++) {
        view = gcp_trial_view(trial, start, pages);
        if (view.swapped == pages && view.swapped_cached == 0)
            return true;
        int err = gcp_kernel_file_write(GROUP "/memory.reclaim", RECLAIM);
        if (err && err != -EAGAIN) /* less than that could be reclaimed */
            gcp_trial_skip(trial, "memory.reclaim: %s", strerror(-err));
    }
    return false;
}

/* Swapped out in two halves, of which only the second is in the swap cache; swap entries follow each other. */
static bool half_in_the_swap_cache(struct gcp_trial *trial, uint64_t start)
{
    const uint64_t half = PAGES / 2, later = start + half * trial->page;
    if (gcp_hazard_swap_out(trial, start, half) != half || !leave_the_swap_cache(trial, start, half))
        return false;
    gcp_content_fill(later, half, half, GCP_TRIAL_SEED); /* if the second half was reclaimed as well */
    if (gcp_hazard_swap_out(trial, later, half) != half)
        return false;
    struct gcp_view view = gcp_trial_view(trial, start, PAGES);
    return view.swapped == PAGES && !view.cached[half - 1] && view.cached[half] &&
           ENTRY(view.entries[half]) == ENTRY(view.entries[half - 1]) + (1 << 5);
}

/*
 * Swap entries that are not in the swap cache can be moved without a look at folios, but those after them may be cached.
 * Then their folios must follow: the reverse map finds them, or does not.
 */
static void entries_before_cached_ones(struct gcp_trial *trial)
{
    int moved = 0, busy = 0, apart = 0;
    int64_t copies = gcp_count_of_vmstat(COPIES);
    gcp_pin_cpu(0);
    enter_group(trial);
    for (int i = 0; i < TRIES / 4; i++) {
        uint64_t src = gcp_trial_small(trial, PAGES), still = gcp_trial_small(trial, PAGES);
        uint64_t dst = gcp_trial_target(trial, PAGES, 0), bytes = PAGES * trial->page;
        if (gcp_hazard_swap_out(trial, still, PAGES) != PAGES)
            gcp_trial_skip(trial, "pages can't be swapped out");
        if (!half_in_the_swap_cache(trial, src)) {
            apart++;
            continue;
        }
        struct gcp_outcome seen = {0};
        for (uint64_t done = 0; done < bytes && (!seen.err || seen.bytes > 0); done += (uint64_t)seen.bytes)
            seen = gcp_uffd_move(&trial->uffd, dst + done, src + done, bytes - done, 0);
        if (seen.err) {
            busy++;
            continue;
        }
        gcp_expect_content(trial, dst, 0, PAGES);
        gcp_expect_content(trial, still, 0, PAGES);
        expect_no_copies(trial, copies);
        uint64_t out = gcp_hazard_swap_out(trial, dst, PAGES), out_control = gcp_hazard_swap_out(trial, still, PAGES);
        gcp_expect_content(trial, dst, 0, PAGES);
        if (out < PAGES && out_control == PAGES && gcp_trial_off_lru(trial, dst, PAGES) == 0)
            gcp_trial_differs(trial,
                              "corruption: try %d: %" PRIu64
                              " of %d moved pages could be swapped out again, but all of "
                              "those that were not moved: the reverse map does not find them",
                              i, out, PAGES);
        moved++;
        gcp_region_discard(dst, bytes);
    }
    if (!moved)
        gcp_trial_skip(trial, "no pages moved: EBUSY %d, not swapped out as wanted %d", busy, apart);
    gcp_trial_note(trial, "%d %s moved all pages, contents right, found by the reverse map; EBUSY %d, no try %d", moved,
                   moved == 1 ? "try" : "tries", busy, apart);
}

static const struct gcp_row_entry ROWS[] = {
    {{"uffd-wp-swap", "A swapped page loses its write-protection mark when it moves", "", "swap"},
     uffd_wp_bit_of_a_swapped_page},
    {{"swapcache-mthp", "A large folio in the swap cache gives EBUSY or moves, and keeps its contents", "",
      "swap,mthp"},
     large_folios_in_the_swap_cache},
    {{"swapcache-rmap", "Small folios in the swap cache move and can be found by the reverse map", "", "swap"},
     small_folios_in_the_swap_cache},
    {{"swapcache-partly", "Swap entries of which only the last are in the swap cache move with their folios", "",
      "swap,memcg,pfn"},
     entries_before_cached_ones},
    {{"swapcache-race", "Pages that are swapped out and in while they move keep their contents", "", "swap"},
     race_with_the_swap_cache},
};

const struct gcp_row_table gcp_hazards_swapping = GCP_ROW_TABLE(ROWS);
