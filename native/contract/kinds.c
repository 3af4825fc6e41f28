/*
 * Rows: kinds of memory that a runtime may have below a move: freed lazily (MADV_FREE), droppable, sealed, secret.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "contract/rows.h"

#define PAGES 64
#define PAGE_OUT_TRIES 40

/* A system call that an older C library has no name for; the number is the same on x86-64 and arm64. */
#define GCP_SYS_MEMFD_SECRET 447L

#define GCP_MAP_DROPPABLE 0x08

/* Reclaim what can be reclaimed, from the lists and from the batches of all processors. */
static struct gcp_view reclaimed(struct gcp_trial *trial, uint64_t start)
{
    for (int i = 0; i < PAGE_OUT_TRIES; i++) {
        gcp_lru_drain();
        gcp_region_page_out(start, PAGES * trial->page);
    }
    return gcp_trial_view(trial, start, PAGES);
}

static uint64_t lazily_freed(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES);
    gcp_trial_madvise(trial, src, PAGES, MADV_FREE, "MADV_FREE");
    gcp_lru_drain(); /* a page is lazily freed when it leaves its batch */
    return src;
}

/*
 * Whether this kernel makes a dirty PTE of a clean one, so that reclaim keeps the page.  Before 6.16 and 6.12.30 MOVE did.
 * On arm64 pte_mkwrite() itself did.  It took the read-only bit off, and a writable PTE without that bit is a dirty one.
 * "arm64, mm: avoid always making PTE dirty in pte_mkwrite()" (143937ca51cc) ended that, in 6.18, 6.17.6 and 6.12.56.
 */
static int is_made_dirty(void)
{
    if (gcp_trial_release_in(GCP_RELEASE(6, 8, 0), GCP_RELEASE(6, 12, 30)) ||
        gcp_trial_release_in(GCP_RELEASE(6, 13, 0), GCP_RELEASE(6, 16, 0)))
        return 1;
#ifdef __aarch64__
    return gcp_trial_release_in(GCP_RELEASE(6, 12, 30), GCP_RELEASE(6, 12, 56)) ||
           gcp_trial_release_in(GCP_RELEASE(6, 16, 0), GCP_RELEASE(6, 17, 6));
#else
    return 0;
#endif
}

/* The page keeps its state: the PTE that MOVE makes is as clean as that of the source. */
static void clean_page_stays_lazily_freed(struct gcp_trial *trial)
{
    uint64_t src = lazily_freed(trial), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    struct gcp_view after = reclaimed(trial, dst);
    uint64_t kept = after.present + after.swapped;
    for (uint64_t i = 0; i < PAGES; i++)
        if (after.entries[i] & (GCP_PM_PRESENT | GCP_PM_SWAP))
            gcp_expect_content(trial, dst + i * trial->page, i, 1);
    if (kept && !is_made_dirty())
        gcp_trial_differs(trial, "%" PRIu64 " of %d lazily freed pages survived reclaim after the move", kept, PAGES);
    gcp_trial_note(trial, "%" PRIu64 " of %d pages were dropped at the destination", PAGES - kept, PAGES);
}

/* All pages survive reclaim with their contents. */
static void expect_kept(struct gcp_trial *trial, uint64_t start, const char *what)
{
    struct gcp_view after = reclaimed(trial, start);
    if (after.present + after.swapped != PAGES)
        gcp_trial_differs(trial, "%" PRIu64 " of %d pages %s", PAGES - after.present - after.swapped, PAGES, what);
    gcp_expect_content(trial, start, 0, PAGES);
}

static void rewritten_page_is_kept(struct gcp_trial *trial)
{
    uint64_t src = lazily_freed(trial), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_content_fill(src, 0, PAGES, GCP_TRIAL_SEED);
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    expect_kept(trial, dst, "that were written again were dropped");
}

static uint64_t droppable(struct gcp_trial *trial)
{
    void *area = mmap(NULL, PAGES * trial->page, PROT_READ | PROT_WRITE, GCP_MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        gcp_trial_skip(trial, "MAP_DROPPABLE: %s; it came with 6.11", strerror(errno));
    return gcp_address_of(area);
}

static void droppable_source_moves_and_is_kept(struct gcp_trial *trial)
{
    uint64_t src = droppable(trial), dst = gcp_trial_target(trial, PAGES, 0);
    gcp_content_fill(src, 0, PAGES, GCP_TRIAL_SEED);
    gcp_lru_drain();
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    expect_kept(trial, dst, "of a MAP_DROPPABLE source were dropped after the move");
}

static void droppable_is_not_registered(struct gcp_trial *trial)
{
    uint64_t start = droppable(trial);
    int err = gcp_uffd_register(&trial->uffd, start, PAGES * trial->page, NULL).err;
    int refuses = !gcp_trial_release_in(0, GCP_RELEASE(7, 3, 0));
    if (err != EINVAL && (err || refuses))
        gcp_trial_differs(trial, "registering MAP_DROPPABLE memory gave errno %d, expected EINVAL", err);
    gcp_trial_note(trial, err ? "EINVAL" : "registered, as before the fix");
}

static void seal(struct gcp_trial *trial, uint64_t start)
{
    if (syscall(GCP_SYS_MSEAL, start, PAGES * trial->page, 0UL) < 0)
        gcp_trial_skip(trial, "mseal: %s; it came with 6.10", strerror(errno));
}

/* A seal forbids munmap, mremap and mprotect, and MADV_DONTNEED of what can't be written.  MOVE is none of these. */
static void sealed_mappings_let_it_through(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, PAGES), dst = gcp_trial_target(trial, PAGES, 0);
    seal(trial, src);
    seal(trial, dst);
    if (munmap(gcp_at(src), PAGES * trial->page) == 0)
        gcp_trial_skip(trial, "the seal does not hold here");
    gcp_expect_moved(trial, dst, src, PAGES * trial->page, 0);
    gcp_expect_content(trial, dst, 0, PAGES);
    gcp_expect_empty(trial, src, PAGES);
}

static void secret_source_is_einval(struct gcp_trial *trial)
{
    int fd = (int)syscall(GCP_SYS_MEMFD_SECRET, 0UL);
    if (fd < 0 || ftruncate(fd, (off_t)trial->page) < 0)
        gcp_trial_skip(trial, "memfd_secret: %s; CONFIG_SECRETMEM, secretmem.enable", strerror(errno));
    unsigned char *src = mmap(NULL, trial->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (src == MAP_FAILED)
        gcp_trial_skip(trial, "mapping a memfd_secret: %s; raise RLIMIT_MEMLOCK", strerror(errno));
    *src = 42;
    uint64_t dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_failed(trial, dst, gcp_address_of(src), trial->page, 0, EINVAL);
    if (*src != 42)
        gcp_trial_differs(trial, "the secret page lost its contents");
}

static const struct gcp_row_entry ROWS[] = {
    {{"lazyfree-clean", "A clean page in MADV_FREE state moves, and reclaim drops it at its destination",
      "before 'mm: userfaultfd: correct dirty flags set for both present and swap pte' (6.16, 6.12.30), and on arm64 "
      "before 'arm64, mm: avoid always making PTE dirty in pte_mkwrite()' (6.18, 6.17.6, 6.12.56), it was dirty after "
      "the move, and was kept",
      ""},
     clean_page_stays_lazily_freed},
    {{"lazyfree-rewritten", "A page that was written after MADV_FREE moves and is kept", "", "zram"},
     rewritten_page_is_kept},
    {{"droppable-src", "Written pages of a MAP_DROPPABLE source move, and reclaim keeps them afterwards",
      "MAP_DROPPABLE came with 6.11", "zram"},
     droppable_source_moves_and_is_kept},
    {{"droppable-register", "MAP_DROPPABLE memory can't be registered",
      "before 'userfaultfd: prevent registration of special VMAs' (7.3, CVE-2026-68166) some can: 6.12.118 does, "
      "although "
      "its ChangeLog has a fix of that title (6.12.105)",
      ""},
     droppable_is_not_registered},
    {{"sealed", "Between two mappings that are sealed by mseal pages move", "mseal came with 6.10", ""},
     sealed_mappings_let_it_through},
    {{"src-secret", "A memfd_secret as source gives EINVAL, since it is shared", "", "secretmem"},
     secret_source_is_einval},
};

const struct gcp_row_table gcp_rows_kinds = GCP_ROW_TABLE(ROWS);
