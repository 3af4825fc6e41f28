/* Rows: how MOVE reports what it did. */
#include <errno.h>
#include <sys/mman.h>

#include "contract/rows.h"

#define PAGES 4

static void success_says_the_length(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    gcp_expect_content(trial, dst, 0, PAGES);
    gcp_expect_empty(trial, src, PAGES);
}

/* A move of slightly more than a PMD: more than one page table on both sides. */
static void success_may_span_page_tables(struct gcp_trial *trial)
{
    uint64_t pages = trial->platform.pmd_size / trial->page + 3;
    uint64_t src = gcp_trial_small(trial, pages), dst = gcp_trial_target(trial, pages, trial->page);
    gcp_expect_moved(trial, dst, src, pages * trial->page, 0);
    gcp_expect_content(trial, dst, 0, pages);
    gcp_expect_empty(trial, src, pages);
}

static void failure_says_the_negative_errno(struct gcp_trial *trial)
{
    struct gcp_source hole;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_HOLE, 0, PAGES, &hole), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_failed(trial, dst, src, PAGES * trial->page, 0, ENOENT);
}

static void failure_moves_nothing(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_trial_madvise(trial, src, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_failed(trial, dst, src, PAGES * trial->page, 0, ENOENT);
    gcp_expect_empty(trial, dst, PAGES);
    gcp_expect_content(trial, src + trial->page, 1, PAGES - 1);
}

/* Two pages move, the third can't: the short result hides `err`. */
static void expect_hidden(struct gcp_trial *trial, uint64_t dst, uint64_t src, int err)
{
    uint64_t done = 2 * trial->page;
    gcp_expect_short(trial, dst, src, PAGES * trial->page, 0, done);
    gcp_expect_failed(trial, dst + done, src + done, PAGES * trial->page - done, 0, err);
    gcp_expect_content(trial, dst, 0, 2);
    gcp_expect_empty(trial, src, 2);
}

static void short_move_hides_enoent(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_trial_madvise(trial, src + 2 * trial->page, 1, MADV_DONTNEED, "MADV_DONTNEED");
    expect_hidden(trial, dst, src, ENOENT);
}

static void short_move_hides_eexist(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_region(trial, PAGES, 0);
    gcp_content_fill(dst + 2 * trial->page, 7, 1, GCP_TRIAL_SEED);
    gcp_trial_register(trial, dst, PAGES);
    expect_hidden(trial, dst, src, EEXIST);
    gcp_expect_content(trial, dst + 2 * trial->page, 7, 1);
    gcp_expect_content(trial, src + 2 * trial->page, 2, 2);
}

static void short_move_hides_ebusy(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    /* All pages are shared with a forked child; writing makes only the first two exclusive again. */
    if (gcp_sharer_start() < 0)
        gcp_trial_skip(trial, "fork failed");
    gcp_content_fill(src, 0, 2, GCP_TRIAL_SEED);
    expect_hidden(trial, dst, src, EBUSY);
    gcp_expect_content(trial, src + 2 * trial->page, 2, 2);
}

static void short_move_hides_efault(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_trial_madvise(trial, src + 2 * trial->page, 1, GCP_MADV_GUARD_INSTALL,
                      "MADV_GUARD_INSTALL; guards came in 6.13");
    expect_hidden(trial, dst, src, EFAULT);
}

/* A range that extends beyond its mapping is refused as a whole, not moved in part. */
static void wrong_mapping_is_no_short_move(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES - 1, 0);
    gcp_expect_failed(trial, dst, src, PAGES * trial->page, 0, EINVAL);
    gcp_expect_content(trial, src, 0, PAGES);
}

static void short_moves_can_be_gone_on_with(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0), page = trial->page;
    gcp_trial_madvise(trial, src + page, 1, MADV_DONTNEED, "MADV_DONTNEED");
    gcp_expect_short(trial, dst, src, PAGES * page, 0, page);
    gcp_expect_moved(trial, dst + page, src + page, page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_expect_moved(trial, dst + 2 * page, src + 2 * page, (PAGES - 2) * page, 0);
    gcp_expect_content(trial, dst + 2 * page, 2, PAGES - 2);
}

static const struct gcp_row_entry ROWS[] = {
    {{"result-moved", "All moved: MOVE succeeds and the out-field is the length", "", ""}, success_says_the_length},
    {{"result-moved-page-tables", "A move may span several page tables, at different offsets on both sides", "", ""},
     success_may_span_page_tables},
    {{"result-failed", "Nothing moved: the out-field is the negative errno", "", ""}, failure_says_the_negative_errno},
    {{"result-failed-untouched", "If the first page can't move, the others stay too", "", ""}, failure_moves_nothing},
    {{"short-hides-enoent", "A short move gives EAGAIN and the bytes moved; asked again, the rest gives ENOENT", "",
      ""},
     short_move_hides_enoent},
    {{"short-hides-eexist", "A short move gives EAGAIN and the bytes moved; asked again, the rest gives EEXIST", "",
      ""},
     short_move_hides_eexist},
    {{"short-hides-ebusy", "A short move gives EAGAIN and the bytes moved; asked again, the rest gives EBUSY", "", ""},
     short_move_hides_ebusy},
    {{"short-hides-efault", "A short move gives EAGAIN and the bytes moved; asked again, the rest gives EFAULT", "",
      "guard"},
     short_move_hides_efault},
    {{"mapping-no-short-move", "A range that extends beyond its mapping is refused as a whole; it is not a short move",
      "", ""},
     wrong_mapping_is_no_short_move},
    {{"short-continued", "After a short move, the rest moves when its obstacle is removed", "", ""},
     short_moves_can_be_gone_on_with},
};

const struct gcp_row_table gcp_rows_results = GCP_ROW_TABLE(ROWS);
