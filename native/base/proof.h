/*
 * Proof: what the kernel did, read from pagemap, kpageflags, mincore and the split counters.
 *
 * Nothing here judges; paths/verdict.c compares what was read before and after a round.
 */
#ifndef GCP_PROOF_H
#define GCP_PROOF_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

#define GCP_MAX_ORDER 20
#define GCP_MTHP_STATS 5

enum gcp_proof_access {
    GCP_PROOF_PAGEMAP = 1, /* present and swapped bits of own pages */
    GCP_PROOF_PFN = 2,     /* page frame numbers (CAP_SYS_ADMIN) */
    GCP_PROOF_KPF = 4,     /* /proc/kpageflags (root): folio orders */
    GCP_PROOF_VMSTAT = 8,  /* thp_split_page, thp_split_pmd */
    GCP_PROOF_MTHP = 16,   /* hugepages-*kB/stats/split */
    GCP_PROOF_SWPIN = 32,  /* hugepages-*kB/stats/swpin ("mm: add per-order mTHP swpin counters", 6.13) */
};

/*
 * Counters of the whole system at one moment.  split[n] is hugepages-<2^n pages>kB/stats/split: folios of order n that
 * were split.  Counters that the kernel lacks stay 0; `have` says which are valid.
 */
struct gcp_counters {
    uint32_t have; /* GCP_PROOF_VMSTAT | GCP_PROOF_MTHP | GCP_PROOF_SWPIN */
    uint64_t split[GCP_MAX_ORDER + 1];
    uint64_t split_failed[GCP_MAX_ORDER + 1];
    uint64_t anon_fault_alloc[GCP_MAX_ORDER + 1];
    uint64_t swpout[GCP_MAX_ORDER + 1];
    uint64_t swpin[GCP_MAX_ORDER + 1];
    uint64_t thp_split_page;
    uint64_t thp_split_pmd;
    uint64_t pswpin;
    uint64_t pswpout;
};

/*
 * A range at one moment, one entry per page.
 * entries:  pagemap words (bit 63 present, 62 swapped; PFN in bits 0-54 when present and permitted; a swap entry's type
 *           and offset when swapped and permitted)
 * orders:   folio order of a present page; -1 if absent or unknown
 * cached:   1 if mincore() reports the page resident; for a swapped page, its folio is then in the swap cache
 */
struct gcp_view {
    uint64_t start;
    uint64_t pages;
    uint32_t have;
    uint64_t *entries;
    int8_t *orders;
    uint8_t *cached;
    uint64_t present;
    uint64_t swapped;
    uint64_t swapped_cached;
    uint64_t zero_pages;
    uint64_t order_histogram[GCP_MAX_ORDER + 1]; /* present pages by folio order, without zero pages */
};

/* Descriptors kept open for the life of the process; fill with gcp_prover_init. */
struct gcp_prover {
    int32_t pagemap_fd;
    int32_t kpageflags_fd;
    int32_t vmstat_fd;
    int32_t stat_fd[GCP_MTHP_STATS][GCP_MAX_ORDER + 1]; /* in the order of STAT_NAMES in proof.c */
    uint32_t have;                                      /* enum gcp_proof_access */
};

int gcp_prover_init(struct gcp_prover *ret);
void gcp_prover_deinit(struct gcp_prover *prover);

void gcp_counters_read(const struct gcp_prover *prover, struct gcp_counters *ret);

/* _init: allocate room for `pages`.  _read: read a range of at most that many pages; may be repeated.  0 or -errno. */
int gcp_view_init(uint64_t pages, struct gcp_view *ret);
void gcp_view_deinit(struct gcp_view *view);
int gcp_view_read(const struct gcp_prover *prover, uint64_t start, uint64_t pages, struct gcp_view *view);

/* cdef:end */

#endif
