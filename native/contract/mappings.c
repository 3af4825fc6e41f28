/*
 * Rows: what the two mappings must be, and must have in common.  MOVE checks this after its work has begun: the
 * out-field is the negative errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract/rows.h"
#include "base/address.h"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif

static void unmap(struct gcp_trial *trial, uint64_t start, uint64_t pages)
{
    if (munmap(gcp_at(start), pages * trial->page) < 0)
        gcp_trial_skip(trial, "munmap: %s", strerror(errno));
}

static void *map(struct gcp_trial *trial, uint64_t bytes, int flags, int fd)
{
    void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (area == MAP_FAILED)
        gcp_trial_skip(trial, "mmap with flags %#x: %s", (unsigned)flags, strerror(errno));
    return area;
}

static void unmapped_dst_is_enoent(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    unmap(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, ENOENT);
}

static void unmapped_src_is_enoent(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    unmap(trial, src, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, ENOENT);
    gcp_expect_failed(trial, dst, src, trial->page, GCP_MOVE_ALLOW_SRC_HOLES, ENOENT);
}

/* After every region follows another mapping, its PROT_NONE guard page. */
static void dst_beyond_its_mapping_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 3), dst = gcp_trial_target(trial, 2, 0);
    gcp_expect_failed(trial, dst, src, 3 * trial->page, 0, EINVAL);
    gcp_expect_empty(trial, dst, 2);
}

static void src_beyond_its_mapping_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 2), dst = gcp_trial_target(trial, 3, 0);
    gcp_expect_failed(trial, dst, src, 3 * trial->page, 0, EINVAL);
    gcp_expect_content(trial, src, 0, 2);
}

/* MADV_DONTDUMP changes nothing that MOVE compares; it only splits the mapping. */
static void src_in_two_mappings_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 4), dst = gcp_trial_target(trial, 4, 0);
    gcp_trial_madvise(trial, src + 2 * trial->page, 2, MADV_DONTDUMP, "MADV_DONTDUMP");
    gcp_expect_failed(trial, dst, src, 4 * trial->page, 0, EINVAL);
    gcp_expect_moved(trial, dst, src, 2 * trial->page, 0);
    gcp_expect_moved(trial, dst + 2 * trial->page, src + 2 * trial->page, 2 * trial->page, 0);
    gcp_expect_content(trial, dst, 0, 4);
}

static void dst_in_two_mappings_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 4), dst = gcp_trial_target(trial, 4, 0);
    gcp_trial_madvise(trial, dst + 2 * trial->page, 2, MADV_DONTDUMP, "MADV_DONTDUMP");
    gcp_expect_failed(trial, dst, src, 4 * trial->page, 0, EINVAL);
    gcp_expect_moved(trial, dst, src, 2 * trial->page, 0);
    gcp_expect_content(trial, dst, 0, 2);
    gcp_expect_empty(trial, src, 2);
}

static void protection_must_be_the_same(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_protect(trial, src, 1, PROT_READ);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
    gcp_trial_protect(trial, src, 1, PROT_READ | PROT_WRITE | PROT_EXEC);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
    gcp_trial_protect(trial, src, 1, PROT_READ | PROT_WRITE);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
}

static void both_must_be_writable(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_protect(trial, src, 1, PROT_READ);
    gcp_trial_protect(trial, dst, 1, PROT_READ);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void protection_keys_must_be_the_same(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    long key = syscall(SYS_pkey_alloc, 0UL, 0UL);
    if (key < 0)
        gcp_trial_skip(trial, "no memory protection key: %s; this processor or kernel has none", strerror(errno));
    if (syscall(SYS_pkey_mprotect, src, trial->page, PROT_READ | PROT_WRITE, key) < 0)
        gcp_trial_skip(trial, "pkey_mprotect: %s", strerror(errno));
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void locked_must_be_the_same(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_lock(trial, src, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
    gcp_trial_unlock(trial, src, 1);
    gcp_trial_lock(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static void locked_pages_move_between_locked_mappings(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_lock(trial, src, 1);
    gcp_trial_lock(trial, dst, 1);
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void shared_src_is_einval(struct gcp_trial *trial)
{
    uint64_t *src = map(trial, trial->page, MAP_SHARED | MAP_ANONYMOUS, -1), dst = gcp_trial_target(trial, 1, 0);
    *src = 1;
    gcp_expect_failed(trial, dst, gcp_address_of(src), trial->page, 0, EINVAL);
}

static void shared_dst_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1);
    uint64_t dst = gcp_address_of(map(trial, trial->page, MAP_SHARED | MAP_ANONYMOUS, -1));
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static uint64_t *private_file(struct gcp_trial *trial)
{
    int fd = (int)syscall(SYS_memfd_create, "gcproto-contract", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)trial->page) < 0)
        gcp_trial_skip(trial, "memfd_create: %s", strerror(errno));
    return map(trial, trial->page, MAP_PRIVATE, fd);
}

static void private_file_src_is_einval(struct gcp_trial *trial)
{
    uint64_t *src = private_file(trial), dst = gcp_trial_target(trial, 1, 0);
    *src = 1; /* its page is now anonymous, its mapping is not */
    gcp_expect_failed(trial, dst, gcp_address_of(src), trial->page, 0, EINVAL);
}

static void private_file_dst_is_einval(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_address_of(private_file(trial));
    gcp_trial_register(trial, dst, 1);
    gcp_expect_failed(trial, dst, src, trial->page, 0, EINVAL);
}

static uint64_t hugetlb_size(struct gcp_trial *trial)
{
    char line[128];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        gcp_trial_skip(trial, "/proc/meminfo: %s", strerror(errno));
    while (!kib && fgets(line, sizeof(line), file))
        if (sscanf(line, "Hugepagesize: %lu kB", &kib) != 1)
            kib = 0;
    fclose(file);
    if (!kib)
        gcp_trial_skip(trial, "this kernel has no hugetlb (CONFIG_HUGETLBFS)");
    return kib * 1024UL;
}

/* MAP_NORESERVE: the mapping alone is refused; no huge page is needed. */
static void hugetlb_is_einval(struct gcp_trial *trial)
{
    uint64_t bytes = hugetlb_size(trial);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE;
    uint64_t huge = gcp_address_of(map(trial, bytes, flags, -1));
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_expect_failed(trial, dst, huge, trial->page, 0, EINVAL);
    gcp_trial_register(trial, huge, bytes / trial->page);
    gcp_expect_failed(trial, huge, src, trial->page, 0, EINVAL);
}

static void advice_is_not_compared(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_madvise(trial, src, 1, MADV_DONTFORK, "MADV_DONTFORK");
    gcp_trial_madvise(trial, src, 1, MADV_DONTDUMP, "MADV_DONTDUMP");
    gcp_trial_madvise(trial, src, 1, MADV_RANDOM, "MADV_RANDOM");
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static void thp_advice_is_not_compared(struct gcp_trial *trial)
{
    uint64_t src = gcp_trial_small(trial, 1), dst = gcp_trial_target(trial, 1, 0);
    gcp_trial_madvise(trial, src, 1, MADV_HUGEPAGE, "MADV_HUGEPAGE");
    gcp_expect_moved(trial, dst, src, trial->page, 0);
    gcp_expect_content(trial, dst, 0, 1);
    gcp_expect_empty(trial, src, 1);
}

static const struct gcp_row_entry ROWS[] = {
    {{"dst-unmapped", "No mapping at the destination gives ENOENT", "", ""}, unmapped_dst_is_enoent},
    {{"src-unmapped", "No mapping at the source gives ENOENT, also with ALLOW_SRC_HOLES", "", ""},
     unmapped_src_is_enoent},
    {{"dst-beyond-mapping", "A destination that extends beyond its mapping gives EINVAL, nothing moves", "", ""},
     dst_beyond_its_mapping_is_einval},
    {{"src-beyond-mapping", "A source that extends beyond its mapping gives EINVAL, nothing moves", "", ""},
     src_beyond_its_mapping_is_einval},
    {{"src-two-mappings", "A source in two adjacent mappings gives EINVAL; each part moves alone", "", ""},
     src_in_two_mappings_is_einval},
    {{"dst-two-mappings", "A destination in two adjacent mappings gives EINVAL; each part can be filled", "", ""},
     dst_in_two_mappings_is_einval},
    {{"protection-differs", "Mappings that differ in read, write or execute permission give EINVAL", "", ""},
     protection_must_be_the_same},
    {{"not-writable", "Mappings that are both read-only give EINVAL", "", ""}, both_must_be_writable},
    {{"pkey-differs", "Mappings with different protection keys give EINVAL", "", "pkeys"},
     protection_keys_must_be_the_same},
    {{"locked-differs", "Only one of the mappings locked gives EINVAL", "", ""}, locked_must_be_the_same},
    {{"locked-both", "Locked pages move if both mappings are locked", "", ""},
     locked_pages_move_between_locked_mappings},
    {{"src-shared-mapping", "A MAP_SHARED source gives EINVAL", "", ""}, shared_src_is_einval},
    {{"dst-shared-mapping", "A MAP_SHARED destination gives EINVAL, although it can be registered", "", ""},
     shared_dst_is_einval},
    {{"src-private-file", "A private file mapping as source gives EINVAL, whether or not its page is anonymous", "",
      ""},
     private_file_src_is_einval},
    {{"dst-private-file", "A private file mapping as destination gives EINVAL", "", ""}, private_file_dst_is_einval},
    {{"hugetlb", "A hugetlb mapping as source or destination gives EINVAL", "", "hugetlb"}, hugetlb_is_einval},
    {{"advice-differs", "DONTFORK, DONTDUMP and RANDOM of one mapping only do not matter", "", ""},
     advice_is_not_compared},
    {{"thp-advice-differs", "HUGEPAGE at the source and NOHUGEPAGE at the destination do not matter", "", "thp"},
     thp_advice_is_not_compared},
};

const struct gcp_row_table gcp_rows_mappings = GCP_ROW_TABLE(ROWS);
