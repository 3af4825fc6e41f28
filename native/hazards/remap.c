/* Hazards: mremap of registered, write-protected and locked mappings, as a collector's flip does it. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/address.h"
#include "hazards/tables.h"

#define PAGES 8

static void remap(struct gcp_trial *trial, uint64_t from, uint64_t to, uint64_t pages, int flags)
{
    uint64_t bytes = pages * trial->page;
    if (mremap(gcp_at(from), bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | flags, gcp_at(to)) == MAP_FAILED)
        gcp_trial_skip(trial, "mremap: %s", strerror(errno));
}

/*
 * Without EVENT_REMAP a registered mapping loses its registration when it is moved.  If the kernel merges it with a
 * registered neighbour first, the neighbour loses its registration too: its missing pages become zero pages, and no error
 * tells it.  "mm/vma: avoid broken uffd merge on mremap" (68cb098eadda) fixes it.  Untouched mappings can merge anywhere.
 */
static void neighbour_of_a_remapped_range(struct gcp_trial *trial)
{
    uint64_t bytes = PAGES * trial->page;
    uint64_t neighbour = gcp_trial_region(trial, 2 * PAGES, 0), range = gcp_trial_target(trial, PAGES, 0);
    gcp_trial_register(trial, neighbour, PAGES);
    remap(trial, range, neighbour + bytes, PAGES, 0);
    struct gcp_outcome did = gcp_uffd_zeropage(&trial->uffd, neighbour, bytes, 0);
    if (did.err == ENOENT)
        gcp_trial_differs(trial, "a range is no longer registered after another was remapped next to it: its missing "
                                 "pages become zero pages");
    if (did.err)
        gcp_trial_differs(trial, "UFFDIO_ZEROPAGE of the neighbour: %s", strerror(did.err));
    did = gcp_uffd_zeropage(&trial->uffd, neighbour + bytes, bytes, 0);
    if (did.err != ENOENT)
        gcp_trial_differs(trial, "a range that was remapped without EVENT_REMAP is still registered: %s",
                          did.err ? strerror(did.err) : "UFFDIO_ZEROPAGE works");
    gcp_trial_note(trial, "the neighbour is still registered, the remapped range is not");
}

/* Write protection by userfaultfd of `pages` pages at `start`; their contents are of the seed. */
static void protect(struct gcp_trial *trial, const struct gcp_uffd *wp, uint64_t start, uint64_t pages)
{
    uint64_t bytes = pages * trial->page;
    struct gcp_uapi_register reg = {.range = {start, bytes}, .mode = GCP_UFFDIO_REGISTER_MODE_WP};
    struct gcp_uapi_writeprotect mark = {.range = {start, bytes}, .mode = GCP_UAPI_WRITEPROTECT_MODE_WP};
    if (ioctl(wp->fd, GCP_UFFDIO_REGISTER, &reg) < 0 || ioctl(wp->fd, GCP_UFFDIO_WRITEPROTECT, &mark) < 0)
        gcp_trial_skip(trial, "write protection by userfaultfd: %s", strerror(errno));
    if (!(gcp_trial_entry(trial, start) & GCP_PM_UFFD_WP))
        gcp_trial_skip(trial, "the page has no write-protection mark");
}

static void marks_are_gone(struct gcp_trial *trial, uint64_t start, uint64_t pages, const char *what)
{
    for (uint64_t i = 0; i < pages; i++)
        if (gcp_trial_entry(trial, start + i * trial->page) & GCP_PM_UFFD_WP)
            gcp_trial_differs(trial, "page %" PRIu64 " of %s keeps its write-protection mark", i, what);
    gcp_expect_content(trial, start, 0, pages);
    memset(gcp_at(start), 1, pages * trial->page); /* a remaining mark would block this forever */
}

/*
 * Three ways of the kernel: entry by entry, a whole page table, a THP.  Before "mm: clear uffd-wp PTE/PMD state on
 * mremap()" (0cef0bb836e3, 6.13, CVE-2025-21696) the marks came along, without a registration that could clear them.
 */
static void write_protection_of_a_remapped_range(struct gcp_trial *trial)
{
    uint64_t table = trial->platform.pmd_size / trial->page;
    static const char *const WHAT[] = {"a few pages", "a whole page table", "a THP"};
    const uint64_t pages[] = {PAGES, table, table};
    uint64_t seen = 0;
    for (int i = 0; i < 3; i++) {
        struct gcp_uffd wp;
        uint64_t from = gcp_trial_region(trial, pages[i], 0), to = gcp_trial_region(trial, pages[i], 0);
        gcp_trial_open(trial, GCP_UFFD_FEATURE_PAGEFAULT_FLAG_WP, &wp);
        if (i == 2)
            gcp_region_large(from, pages[i] * trial->page);
        gcp_content_fill(from, 0, pages[i], GCP_TRIAL_SEED);
        seen += gcp_trial_view(trial, from, pages[i]).order_histogram[trial->platform.pmd_order] == pages[i];
        protect(trial, &wp, from, pages[i]);
        remap(trial, from, to, pages[i], GCP_MREMAP_DONTUNMAP);
        marks_are_gone(trial, to, pages[i], WHAT[i]);
        gcp_uffd_deinit(&wp);
    }
    gcp_trial_note(trial, "no page kept its mark: a few pages, a page table, %s", seen ? "a THP" : "and no THP");
}

/* VmLck of this process, in pages. */
static uint64_t locked(struct gcp_trial *trial)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        gcp_trial_skip(trial, "/proc/self/status: %s", strerror(errno));
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, "VmLck:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    fclose(file);
    return kib * 1024 / trial->page;
}

static void expect_locked(struct gcp_trial *trial, uint64_t pages, const char *when)
{
    uint64_t seen = locked(trial);
    if (seen != pages)
        gcp_trial_differs(trial, "VmLck is %" PRIu64 " pages %s, and should be %" PRIu64, seen, when, pages);
}

/*
 * MREMAP_DONTUNMAP takes the lock along and leaves the old mapping unlocked.  6.18 counts what it took twice.  If only a
 * part is taken, the rest loses its lock too, and older kernels still count it.  What is counted wrong stays so for good,
 * and fills RLIMIT_MEMLOCK.  "mm/mremap: fix locked_vm leak from MREMAP_DONTUNMAP" mends it.
 */
static void account_of_locked_pages(struct gcp_trial *trial)
{
    uint64_t bytes = PAGES * trial->page, whole = gcp_trial_small(trial, PAGES), part = gcp_trial_small(trial, PAGES);
    uint64_t to = gcp_trial_region(trial, PAGES, 0), other = gcp_trial_region(trial, PAGES, 0);
    expect_locked(trial, 0, "at the beginning");
    gcp_trial_lock(trial, whole, PAGES);
    remap(trial, whole, to, PAGES, GCP_MREMAP_DONTUNMAP);
    expect_locked(trial, PAGES, "after a whole range was remapped");
    munmap(gcp_at(whole), bytes);
    munmap(gcp_at(to), bytes);
    expect_locked(trial, 0, "after both were unmapped");
    gcp_trial_lock(trial, part, PAGES);
    remap(trial, part, other, 1, GCP_MREMAP_DONTUNMAP);
    munmap(gcp_at(part), bytes);
    munmap(gcp_at(other), bytes);
    expect_locked(trial, 0, "after a part was remapped and all was unmapped");
    gcp_trial_note(trial, "VmLck is right after a whole range and a part were remapped");
}

static const struct gcp_row_entry ROWS[] = {
    {{"remap-neighbour", "A range stays registered when another is remapped next to it", "", ""},
     neighbour_of_a_remapped_range},
    {{"remap-protected", "Write protection by userfaultfd ends when a range is remapped without EVENT_REMAP", "",
      "uffd_wp,thp"},
     write_protection_of_a_remapped_range},
    {{"remap-locked", "Locked pages are counted right after MREMAP_DONTUNMAP", "", ""}, account_of_locked_pages},
};

const struct gcp_row_table gcp_hazards_remap = GCP_ROW_TABLE(ROWS);
