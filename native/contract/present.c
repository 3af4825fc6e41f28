/* Rows: present small pages. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "contract/rows.h"
#include "base/address.h"

#define PAGES 8

static void page_frames_are_kept(struct gcp_trial *trial)
{
    struct gcp_source source;
    gcp_trial_need(trial, GCP_PROOF_PFN);
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PLAIN, 0, PAGES, &source),
             dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    struct gcp_view after = gcp_trial_view(trial, dst, PAGES);
    gcp_expect_frames(trial, &source.view, 0, &after, 0, PAGES);
}

static void source_is_empty_afterwards(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    gcp_expect_empty(trial, src, PAGES);
    gcp_expect_zeroes(trial, src, PAGES);
    gcp_expect_content(trial, dst, 0, PAGES);
}

/* A second MOVE of the same pages finds holes. */
static void source_is_a_hole_afterwards(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 2, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_failed(trial, dst + trial->page, src, trial->page, 0, ENOENT);
}

static void moved_page_can_be_written(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_content_fill(dst, 5, 1, GCP_TRIAL_SEED);
    gcp_expect_content(trial, dst, 5, 1);
    gcp_expect_zeroes(trial, src, 1);
}

static void moved_page_can_be_moved_back(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_trial_register(trial, src, PAGES);
    for (int i = 0; i < 10; i++) {
        gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
        gcp_expect_content(trial, dst, 0, PAGES);
        gcp_expect_moved(trial, src, dst, PAGES * trial->page, 0);
    }
    gcp_expect_content(trial, src, 0, PAGES);
    gcp_expect_empty(trial, dst, PAGES);
}

static void moved_page_is_soft_dirty(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_clear_soft_dirty(trial, src);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    uint64_t entry = gcp_trial_entry(trial, dst);
    if (!(entry & GCP_PM_SOFT_DIRTY))
        gcp_trial_differs(trial, "the moved page is not soft-dirty: pagemap word %#" PRIx64, entry);
}

static void write_protection_is_dropped(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    struct gcp_uapi_register arg = {.range = {src, trial->page}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect protect = {.range = {src, trial->page}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(trial->uffd.fd, GCP_UFFDIO_REGISTER, &arg) < 0 ||
        ioctl(trial->uffd.fd, GCP_UFFDIO_WRITEPROTECT, &protect) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s; not on this architecture", strerror(errno));
    if (!(gcp_trial_entry(trial, src) & GCP_PM_UFFD_WP))
        gcp_trial_skip(trial, "pagemap does not show write protection by userfaultfd here");
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    if (gcp_trial_entry(trial, dst) & GCP_PM_UFFD_WP)
        gcp_trial_differs(trial, "the moved page is still write-protected");
    gcp_content_fill(dst, 5, 1, GCP_TRIAL_SEED); /* would otherwise sleep forever */
}

static void ordinary_reference_does_not_hinder(struct gcp_trial *trial)
{
    struct gcp_source source;
    uint64_t src = gcp_trial_source(trial, GCP_SOURCE_PLAIN, 0, 1, &source), dst = gcp_trial_target(trial, 1, 0);
    int fd = gcp_trial_splice(trial, src, trial->page);
    uint64_t copy = gcp_trial_region(trial, 1, 0);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
    if (read(fd, gcp_at(copy), trial->page) != (ssize_t)trial->page)
        gcp_trial_differs(trial, "the pipe lost its page");
    gcp_expect_content(trial, copy, 0, 1);
}

static const struct gcp_row_entry ROWS[] = {
    {{"small-frames", "The page frames themselves move: no copy is made", "", "pfn"}, page_frames_are_kept},
    {{"small-source-zero", "Afterwards the source is empty and reads as zeroes", "", ""}, source_is_empty_afterwards},
    {{"small-source-hole", "Moving the source again gives ENOENT", "", ""}, source_is_a_hole_afterwards},
    {{"small-writable", "A moved page can be written at once; the source does not change", "", ""},
     moved_page_can_be_written},
    {{"small-back", "A page can be moved back, any number of times", "", ""}, moved_page_can_be_moved_back},
    {{"small-soft-dirty", "A moved page is soft-dirty, whatever it was", "", "soft_dirty"}, moved_page_is_soft_dirty},
    {{"small-write-protected", "MOVE drops write protection by userfaultfd", "", "uffd_wp"},
     write_protection_is_dropped},
    {{"small-referenced",
      "An ordinary reference to a small page (vmsplice) does not prevent the move; the pipe keeps the page", "", ""},
     ordinary_reference_does_not_hinder},
};

const struct gcp_row_table gcp_rows_present = GCP_ROW_TABLE(ROWS);
