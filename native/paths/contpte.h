/*
 * Blocks of contpte: where PTEs map an aligned block of one folio, arm64 sets their contiguous bit, and the block takes
 * one TLB entry.  CONT_PTE_SIZE is 64 KiB with pages of 4 KiB, and 2 MiB with pages of 16 KiB and of 64 KiB
 * (arch/arm64/include/asm/pgtable-hwdef.h).  The kernel folds and unfolds blocks by itself ("arm64/mm: wire up PTE_CONT
 * for user mappings", 6.9), and no file shows the bit.
 *
 * Kprobes on the functions that set and clear it show each block with its address.  A probe costs instructions, so
 * rounds that are watched are not measured.  Probes are a setting of the whole machine: only guests are watched.
 */
#ifndef GCP_CONTPTE_H
#define GCP_CONTPTE_H

#include <stddef.h>
#include <stdint.h>

/*
 * page, block: bytes
 * enable_fd, trace_fd: files of tracefs
 */
struct gcp_contpte {
    uint64_t page;
    uint64_t block;
    int enable_fd;
    int trace_fd;
};

/* Ranges of one size whose blocks are counted. */
struct gcp_contpte_ranges {
    uint64_t source;
    uint64_t target;
    uint64_t bytes;
};

/* folded: blocks that got the contiguous bit;  unfolded: that lost it while their PTEs stayed */
struct gcp_contpte_count {
    uint64_t folded;
    uint64_t unfolded;
};

/*
 * Set the probes.  0, or -errno and why: -ENOENT: the kernel has no contpte;  -ENOTSUP: it has no kprobe events.
 * Without success there is nothing to deinit.
 */
int gcp_contpte_init(struct gcp_contpte *ret, char *why, size_t size);
void gcp_contpte_deinit(struct gcp_contpte *contpte);

/* Watch the calling process.  0 or -errno. */
int gcp_contpte_begin(struct gcp_contpte *contpte);

/* Stop, and count.  0; -EOVERFLOW: events were lost;  or -errno. */
int gcp_contpte_end(struct gcp_contpte *contpte, const struct gcp_contpte_ranges *ranges,
                    struct gcp_contpte_count *ret);

/* Count the events of a text as the file `trace` of tracefs has it.  0, or -EOVERFLOW as above. */
int gcp_contpte_read(const struct gcp_contpte *contpte, const struct gcp_contpte_ranges *ranges, const char *text,
                     struct gcp_contpte_count *ret);

#endif
