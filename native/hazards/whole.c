/*
 * Hazards: corner cases of moving a large folio as a whole, on kernels that can and on kernels that split it.  The text
 * says what the move did; frames, contents, the source and the reverse map must be right in both cases.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "uffd/ability.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/race.h"
#include "hazards/tables.h"
#include "base/address.h"
#include "trial/kernel_file.h"

#define LIVELOCK_MS 1500 /* MOVE of a page takes microseconds if it does not spin */

/*
 * The row's pages, and those of its control, are made on one processor: the last.  So a row that forgets to drain the
 * batches of other processors than the first is wrong each time, not at times.
 */
static uint64_t one_folio(struct gcp_trial *trial, uint64_t offset, struct gcp_source *ret)
{
    gcp_pin_cpu((int32_t)trial->platform.cpus - 1);
    gcp_trial_need(trial, GCP_PROOF_KPF | GCP_PROOF_MTHP);
    uint32_t order = gcp_trial_mthp_order(trial);
    return gcp_trial_source_at(trial, GCP_SOURCE_PLAIN, order, 1ULL << order, offset, ret);
}

/*
 * The reverse map can't find a folio whose anon_vma or index is wrong, so it can't be swapped out.  Pages that were never
 * moved are the control, made in the same way: if they can't be swapped out either (no swap), the text says so.  A page
 * that is on no LRU list can't be swapped out either, and proves nothing.
 */
static const char *found_like(struct gcp_trial *trial, const struct gcp_source *control, uint64_t start, uint64_t first,
                              uint64_t pages)
{
    gcp_lru_drain();
    if (gcp_trial_off_lru(trial, control->start, control->pages) || gcp_trial_off_lru(trial, start, pages))
        return "reverse map not checked: pages are on no LRU list, although all batches were drained";
    if (gcp_hazard_swap_out(trial, control->start, control->pages) != control->pages)
        return "reverse map not checked: a folio that was not moved can't be swapped out either";
    uint64_t out = gcp_hazard_swap_out(trial, start, pages), off = gcp_trial_off_lru(trial, start, pages);
    if (out != pages && off)
        return "reverse map not checked: pages left the LRU lists meanwhile";
    if (out != pages)
        gcp_trial_differs(trial,
                          "corruption: %" PRIu64 " of %" PRIu64
                          " moved pages can be swapped out, but all of those that "
                          "were not moved: the reverse map does not find them",
                          out, pages);
    gcp_expect_content(trial, start, first, pages);
    return "found by the reverse map";
}

/* The same, with a folio as control that nothing was done to. */
static const char *reverse_map(struct gcp_trial *trial, uint64_t start, uint64_t first, uint64_t pages)
{
    struct gcp_source control;
    uint32_t order = gcp_trial_mthp_order(trial);
    gcp_trial_source(trial, GCP_SOURCE_PLAIN, order, 1ULL << order, &control);
    return found_like(trial, &control, start, first, pages);
}

static const char *how(const struct gcp_view *view, const struct gcp_source *source)
{
    return view->orders[0] == (int)source->order ? "moved whole" : "split";
}

/* Move all of a source and check everything; notes how it was moved. */
static void move_all(struct gcp_trial *trial, uint64_t dst, const struct gcp_source *source)
{
    gcp_expect_moved(trial, dst, source->start, source->pages * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, source->pages);
    gcp_expect_frames(trial, &source->view, 0, &after, 0, source->pages);
    gcp_expect_empty(trial, source->start, source->pages);
    gcp_expect_content(trial, dst, 0, source->pages);
    gcp_trial_note(trial, "%s, order %u, %s", how(&after, source), source->order,
                   reverse_map(trial, dst, 0, source->pages));
}

/* T12: the destination's folio would lie in two page tables. */
static void two_page_tables_at_the_destination(struct gcp_trial *trial)
{
    struct gcp_source source;
    one_folio(trial, 0, &source);
    uint64_t before = trial->platform.pmd_size - (source.pages / 2) * trial->page;
    move_all(trial, gcp_trial_target(trial, source.pages, before), &source);
}

static void misaligned_destination(struct gcp_trial *trial)
{
    struct gcp_source source;
    one_folio(trial, 0, &source);
    move_all(trial, gcp_trial_target(trial, source.pages, trial->page), &source);
}

/* There and back by halves: what is split the first time is small the second time. */
static void half_moved_then_back(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), half = source.pages / 2;
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    gcp_trial_register(trial, src, source.pages);
    gcp_expect_moved(trial, dst, src, half * trial->page, 0);
    gcp_expect_moved(trial, src, dst, half * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, src, source.pages);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, source.pages);
    gcp_expect_content(trial, src, 0, source.pages);
    move_all(trial, dst, &source);
}

/* There and back as a whole, repeatedly: index and anon_vma must follow each time. */
static void whole_there_and_back(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), bytes = source.pages * trial->page;
    uint64_t dst = gcp_trial_target(trial, source.pages, 3 * trial->page);
    gcp_trial_register(trial, src, source.pages);
    for (int i = 0; i < 10; i++) {
        gcp_expect_moved(trial, dst, src, bytes, 0);
        gcp_expect_moved(trial, src, dst, bytes, 0);
    }
    move_all(trial, dst, &source);
}

/* One page of the folio is no longer mapped. */
static void partially_mapped(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), bytes = source.pages * trial->page, gone = source.pages / 2;
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    gcp_trial_madvise(trial, src + gone * trial->page, 1, MADV_DONTNEED, "DONTNEED");
    gcp_expect_moved(trial, dst, src, bytes, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_expect_content(trial, dst, 0, gone);
    gcp_expect_empty(trial, dst + gone * trial->page, 1);
    gcp_expect_content(trial, dst + (gone + 1) * trial->page, gone + 1, source.pages - gone - 1);
    gcp_expect_empty(trial, src, source.pages);
    struct gcp_view after = gcp_trial_view(trial, dst, source.pages);
    gcp_trial_note(trial, "%s, order %u, %s", how(&after, &source), source.order, reverse_map(trial, dst, 0, gone));
}

/* Two pages of one folio have swapped places: addresses are consecutive, pages are not. */
static void pages_out_of_order(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), page = trial->page, away = gcp_trial_region(trial, 1, 0);
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    const struct {
        uint64_t from, to;
    } turns[] = {{src + page, away}, {src + 2 * page, src + page}, {away, src + 2 * page}};
    for (int i = 0; i < 3; i++)
        if (mremap(gcp_at(turns[i].from), page, page, flags, gcp_at(turns[i].to)) == MAP_FAILED)
            gcp_trial_skip(trial, "mremap: %s", strerror(errno));
    /* The source now consists of several mappings: each is moved by its own call. */
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    static const uint64_t ORDER[] = {0, 2, 1};
    for (uint64_t i = 0; i < 3; i++)
        gcp_expect_moved(trial, dst + i * page, src + i * page, page, 0);
    gcp_expect_moved(trial, dst + 3 * page, src + 3 * page, (source.pages - 3) * page, 0);
    for (uint64_t i = 0; i < 3; i++)
        gcp_expect_content(trial, dst + i * page, ORDER[i], 1);
    gcp_expect_content(trial, dst + 3 * page, 3, source.pages - 3);
    gcp_trial_note(trial, "contents right, order %u", source.order);
}

static void locked_mappings(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), dst = gcp_trial_target(trial, source.pages, 0);
    gcp_trial_lock(trial, src, source.pages);
    gcp_trial_lock(trial, dst, source.pages);
    gcp_expect_moved(trial, dst, src, source.pages * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, source.pages);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, source.pages);
    gcp_expect_content(trial, dst, 0, source.pages);
    if (gcp_hazard_swap_out(trial, dst, source.pages))
        gcp_trial_differs(trial, "locked pages were swapped out after the move");
    gcp_trial_unlock(trial, dst, source.pages);
    gcp_trial_note(trial, "%s, order %u, %s", how(&after, &source), source.order,
                   reverse_map(trial, dst, 0, source.pages));
}

/* Write protection by userfaultfd, of the whole folio or of one page; a destination without it must not have it. */
static void protected(struct gcp_trial *trial, uint64_t pages)
{
    struct gcp_uffd wp;
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), bytes = source.pages * trial->page;
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    gcp_trial_open(trial, GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP, &wp);
    struct gcp_uapi_register reg = {.range = {src, bytes}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect protect = {.range = {src, pages * trial->page}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(wp.fd, GCP_UFFDIO_REGISTER, &reg) < 0 || ioctl(wp.fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s", strerror(errno));
    move_all(trial, dst, &source);
    for (uint64_t i = 0; i < source.pages; i++)
        if (gcp_trial_entry(trial, dst + i * trial->page) & GCP_PM_UFFD_WP)
            gcp_trial_differs(trial, "page %" PRIu64 " kept its write-protection mark", i);
    memset(gcp_at(dst), 1, bytes); /* a remaining mark would block this forever */
}

static void all_pages_protected(struct gcp_trial *trial)
{
    protected(trial, 1ULL << gcp_trial_mthp_order(trial));
}

static void one_page_protected(struct gcp_trial *trial)
{
    protected(trial, 1);
}

/* A failed move must keep the write protection of a pinned source. */
static void protected_and_pinned(struct gcp_trial *trial)
{
    struct gcp_uffd wp;
    struct gcp_source source;
    int32_t err = 0;
    uint32_t order = gcp_trial_mthp_order(trial);
    if (gcp_ability_livelock(LIVELOCK_MS, &err) != GCP_LIVELOCK_NO)
        gcp_trial_skip(trial, "a pinned large folio makes MOVE spin here; livelock-references is about that");
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PINNED, order, 1ULL << order, &source);
    uint64_t bytes = source.pages * trial->page, dst = gcp_trial_target(trial, source.pages, 0);
    gcp_trial_open(trial, GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP, &wp);
    struct gcp_uapi_register reg = {.range = {src, bytes}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect protect = {.range = {src, bytes}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(wp.fd, GCP_UFFDIO_REGISTER, &reg) < 0 || ioctl(wp.fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s", strerror(errno));
    gcp_expect_failed(trial, dst, src, bytes, 0, EBUSY);
    for (uint64_t i = 0; i < source.pages; i++)
        if (!(gcp_trial_entry(trial, src + i * trial->page) & GCP_PM_UFFD_WP))
            gcp_trial_differs(trial, "page %" PRIu64 " lost its write-protection mark", i);
    gcp_expect_content(trial, src, 0, source.pages);
    gcp_trial_note(trial, "EBUSY, marks and contents as they were");
}

static void clear_soft_dirty(struct gcp_trial *trial)
{
    int err = gcp_kernel_file_clear_soft_dirty();
    if (err)
        gcp_trial_skip(trial, "soft-dirty tracking: %s", strerror(-err));
}

/* Soft-dirty tracking makes PTEs read-only; half of the pages are written afterwards. */
static void half_of_it_written(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source);
    clear_soft_dirty(trial);
    gcp_content_fill(src, 0, source.pages / 2, GCP_TRIAL_SEED);
    move_all(trial, gcp_trial_target(trial, source.pages, 0), &source);
}

/* A guard region in the middle of the destination: only the pages before it move. */
static void guard_at_the_destination(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), half = source.pages / 2;
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    if (madvise(gcp_at(dst + half * trial->page), trial->page, GCP_MADV_GUARD_INSTALL) < 0)
        gcp_trial_skip(trial, "MADV_GUARD_INSTALL: %s; it came with 6.13", strerror(errno));
    gcp_expect_short(trial, dst, src, source.pages * trial->page, 0, half * trial->page);
    gcp_expect_content(trial, dst, 0, half);
    gcp_expect_content(trial, src + half * trial->page, half, source.pages - half);
    gcp_trial_note(trial, "%" PRIu64 " of %" PRIu64 " pages moved, %s", half, source.pages,
                   reverse_map(trial, dst, 0, half));
}

/*
 * All pages but one in the middle are exclusive again: those before it move, and it stays until it is written.  Clearing the
 * soft-dirty bits makes all PTEs read-only, so that they differ in nothing.
 */
static void one_page_still_shared(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), bytes = source.pages * trial->page, half = source.pages / 2;
    uint64_t dst = gcp_trial_target(trial, source.pages, 0), rest = half * trial->page;
    int32_t child = gcp_sharer_start();
    if (child < 0)
        gcp_trial_skip(trial, "fork failed");
    gcp_sharer_stop(child);
    gcp_content_fill(src, 0, half, GCP_TRIAL_SEED);
    gcp_content_fill(src + rest + trial->page, half + 1, source.pages - half - 1, GCP_TRIAL_SEED);
    clear_soft_dirty(trial);
    gcp_expect_short(trial, dst, src, bytes, 0, rest);
    gcp_expect_failed(trial, dst + rest, src + rest, bytes - rest, 0, EBUSY);
    gcp_expect_content(trial, dst, 0, half);
    gcp_content_fill(src + rest, half, 1, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst + rest, src + rest, bytes - rest, 0);
    gcp_expect_content(trial, dst, 0, source.pages);
}

/*
 * Shared with a child until the child has exited and all pages were written: then they are exclusive again.  Before 6.18
 * writing copies them, and the copies wait in a batch; the control has gone through the same.
 */
static void shared_and_written(struct gcp_trial *trial)
{
    struct gcp_source source, control;
    one_page_still_shared(trial);
    uint64_t src = one_folio(trial, 0, &source), bytes = source.pages * trial->page;
    one_folio(trial, 0, &control);
    uint64_t dst = gcp_trial_target(trial, source.pages, 0);
    int32_t child = gcp_sharer_start();
    if (child < 0)
        gcp_trial_skip(trial, "fork failed");
    gcp_expect_failed(trial, dst, src, bytes, 0, EBUSY);
    gcp_sharer_stop(child);
    gcp_expect_failed(trial, dst, src, bytes, 0, EBUSY);
    gcp_content_fill(control.start, 0, control.pages, GCP_TRIAL_SEED);
    gcp_content_fill(src, 0, source.pages, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst, src, bytes, 0);
    gcp_expect_content(trial, dst, 0, source.pages);
    gcp_trial_note(trial, "EBUSY while pages are not exclusive, moved once they are; %s",
                   found_like(trial, &control, dst, 0, source.pages));
}

/*
 * The first page of a folio was shared and written to, hence copied; the others became exclusive again in place.  Up to
 * 7.3.4 UFFDIO_MOVE checks the folio's first page, whichever page it moves: the others give EBUSY, and writing to them,
 * as the mailing list advises, does not help.
 */
static void first_page_gone(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = one_folio(trial, 0, &source), dst = gcp_trial_target(trial, source.pages, 0);
    int32_t child = gcp_sharer_start();
    if (child < 0)
        gcp_trial_skip(trial, "fork failed");
    gcp_content_fill(src, 0, 1, GCP_TRIAL_SEED);
    gcp_sharer_stop(child);
    gcp_content_fill(src, 0, source.pages, GCP_TRIAL_SEED);
    struct gcp_move_call seen = gcp_trial_move(trial, dst + trial->page, src + trial->page, trial->page, 0);
    gcp_expect_content(trial, src, 0, 1);
    if (seen.err == EBUSY) {
        gcp_content_fill(src, 0, source.pages, GCP_TRIAL_SEED);
        seen = gcp_trial_move(trial, dst + trial->page, src + trial->page, trial->page, 0);
    }
    gcp_expect_content(trial, seen.err ? src + trial->page : dst + trial->page, 1, 1);
    if (seen.err == EBUSY)
        gcp_trial_note(trial, "ebusy: a page that is exclusive, since the first page of its folio is not its own");
    else
        gcp_expect_outcome(trial, seen, 0, (int64_t)trial->page);
}

static const struct gcp_row_entry ROWS[] = {
    {{"whole-two-tables", "A folio whose place lies in two page tables (T12)", "", "pfn,mthp"},
     two_page_tables_at_the_destination},
    {{"whole-misaligned", "A destination that is one page off", "", "pfn,mthp"}, misaligned_destination},
    {{"whole-half-back", "Half a folio there and back, then all of it", "", "pfn,mthp"}, half_moved_then_back},
    {{"whole-back", "A folio back and forth", "", "pfn,mthp"}, whole_there_and_back},
    {{"whole-partial", "A folio of which one page is not mapped", "", "pfn,mthp"}, partially_mapped},
    {{"whole-order", "A folio two of whose pages have changed places", "", "pfn,mthp"}, pages_out_of_order},
    {{"whole-locked", "Locked mappings", "", "pfn,mthp"}, locked_mappings},
    {{"whole-protected", "Write protection by userfaultfd of all pages", "", "pfn,mthp,uffd_wp"}, all_pages_protected},
    {{"whole-protected-page", "Write protection by userfaultfd of one page", "", "pfn,mthp,uffd_wp"},
     one_page_protected},
    {{"whole-protected-pinned", "A move that fails leaves write protection", "", "pfn,mthp,uffd_wp,io_uring"},
     protected_and_pinned},
    {{"whole-soft-dirty", "PTEs of which some are writable and some are not", "", "pfn,mthp,soft_dirty"},
     half_of_it_written},
    {{"whole-guard", "A guard region within the destination", "", "pfn,mthp,guard"}, guard_at_the_destination},
    {{"whole-forked", "Shared, then exclusive again", "", "pfn,mthp"}, shared_and_written},
    {{"whole-first-page", "A page of a folio whose first page was copied away", "", "pfn,mthp"}, first_page_gone},
};

const struct gcp_row_table gcp_hazards_whole = GCP_ROW_TABLE(ROWS);
