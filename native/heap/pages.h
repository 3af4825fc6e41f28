/*
 * The collector's mechanism: the state of every to-space page, and the mapping of pages whose contents are ready, in
 * the longest possible runs, by the first thread that needs them.
 *
 * States and transitions follow ART's CMC (art/runtime/gc/collector/mark_compact.h, PageState).  A thread claims the
 * *processing* of a page, by compare-and-swap, never its mapping.  Any number of threads may issue the ioctl for a
 * ready page; the kernel decides (EEXIST), and all store the same state afterwards.  (ART 89591d0bc4 removed a
 * "mapping" state because it inverted priorities.)  Departures from ART: a hole in a mapped source is filled by
 * ZEROPAGE, where ART only counts it; EAGAIN without progress is bounded. uffd/answer.h decides what an errno means.
 */
#ifndef GCP_PAGES_H
#define GCP_PAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "uffd/answer.h"

/* cdef:begin */

enum gcp_page_state {
    GCP_PAGE_UNPROCESSED = 0,            /* zero, so that a fresh array is right */
    GCP_PAGE_PROCESSING = 1,             /* the collector builds its contents and will map it later */
    GCP_PAGE_PROCESSED = 2,              /* contents ready in the from-page that the word names; not mapped */
    GCP_PAGE_PROCESSING_AND_MAPPING = 3, /* the collector builds it and maps it at once */
    GCP_PAGE_MUTATOR_PROCESSING = 4,     /* a faulting mutator builds it */
    GCP_PAGE_PROCESSED_AND_MAPPING = 5,  /* a mutator has built it and is mapping it */
    GCP_PAGE_PROCESSED_AND_MAPPED = 6,   /* done */
};

/*
 * How a to-space page was mapped, as a letter of the maps in results (gcproto/results/page_map.py has further letters,
 * for what this library does not know).
 */
enum gcp_fate {
    GCP_FATE_NONE = 0,    /* not mapped yet */
    GCP_FATE_WHOLE = 'W', /* moved with all of an aligned granule, in folios as large */
    GCP_FATE_COPIED = 'c',
    GCP_FATE_BUSY = 'e',  /* copied after EBUSY */
    GCP_FATE_MOVED = 'm', /* by MOVE or by mremap */
    GCP_FATE_ZEROED = 'z',
};

/*
 * How to map.
 * by:       enum gcp_verb, MOVE or COPY; in compactions also REMAP (only by the collector, with COPY of the rest)
 * ebusy:    enum gcp_on_ebusy, except LEAVE: threads would wait forever for a page that stays
 * discard:  discard the source of a page that was copied after EBUSY (ART: collector thread only)
 * tolerate: the range may be unregistered by now; mapping nothing is then no error
 */
struct gcp_map_how {
    uint32_t by;
    uint32_t ebusy;
    uint32_t discard;
    uint32_t tolerate;
};

/* cdef:end */

/*
 * to, from: starts of the two spaces, of `count` pages each
 * granule:  unit of the count `whole`, in pages, a power of two; 1: nothing is counted
 * orders:   of each from-page, order of its folio, as far as known; 0: a small folio
 * region:   from-space consists of mappings of that many pages, which a MOVE must not cross (EINVAL); 0: one mapping
 * fates:    of each to-space page, enum gcp_fate
 * words:    of each to-space page: its state in the low 8 bits; above them, the index of the from-page with its
 *           contents
 */
struct gcp_pages {
    const struct gcp_uffd *uffd;
    uint64_t to;
    uint64_t from;
    uint64_t count;
    uint64_t page;
    uint64_t granule;
    uint64_t region;
    uint8_t *fates;
    uint8_t *orders;
    _Atomic uint32_t *words;
};

/* The low bits of a word hold the state, the others the from-page.  2^24 pages: 64 GiB of 4 KiB pages. */
#define GCP_PAGE_STATE_BITS 8
#define GCP_PAGES_MAX (1ULL << 24)

int gcp_pages_init(const struct gcp_uffd *uffd, uint64_t to, uint64_t from, uint64_t count, struct gcp_pages *ret);
void gcp_pages_deinit(struct gcp_pages *pages);

static inline enum gcp_page_state gcp_page_state(const struct gcp_pages *pages, uint64_t index)
{
    return (enum gcp_page_state)(atomic_load_explicit(&pages->words[index], memory_order_acquire) & 0xff);
}

/* The contents of `index` are ready in page `from_index` of from-space. */
void gcp_pages_publish(struct gcp_pages *pages, uint64_t index, uint64_t from_index);

/* Record how pages were mapped; only the thread that mapped a page does so. */
void gcp_pages_note(const struct gcp_pages *pages, uint64_t first, uint64_t n, enum gcp_fate fate);

/*
 * Length of the run of ready pages from `first` on with consecutive sources, at most `limit`; 0 if `first` is not
 * ready.
 */
uint64_t gcp_pages_ready(const struct gcp_pages *pages, uint64_t first, uint64_t limit, uint64_t *ret_from);

/*
 * Map ready pages from `first` on: one ioctl for the longest run of at most `limit` ready pages with consecutive
 * sources.  Returns the number of pages known to be mapped now, or a negative errno that has no answer.  That number is
 * 0 only if `tolerate` allows it.  Safe on any thread at any time, also in a signal handler.
 */
int64_t gcp_pages_map(struct gcp_pages *pages, uint64_t first, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_account *account);

/*
 * The same for a run that gcp_pages_ready has found, from from-page `from` on; others may have mapped some of it since.
 */
int64_t gcp_pages_map_run(struct gcp_pages *pages, uint64_t first, uint64_t from, uint64_t n,
                          const struct gcp_map_how *how, struct gcp_account *account);

/*
 * Map `n` pages at `index` with the contents at `src`, or with zeroes if `src` is 0.  The caller updates page states.
 * Returns what gcp_pages_map returns.
 */
int64_t gcp_pages_map_from(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                           const struct gcp_map_how *how, struct gcp_account *account);

/* One step of waiting for another thread, the `tries`th: first yields, then growing sleeps. */
void gcp_back_off(uint32_t tries);

#endif
