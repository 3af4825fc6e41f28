/*
 * The collector's mechanism: the state of every to-space page, and mapping pages whose contents are ready, in the
 * longest runs, by whoever comes first.
 *
 * States and transitions follow ART's CMC (art/runtime/gc/collector/mark_compact.h, PageState).  Claims are made on
 * *processing* a page, by compare-and-swap, never on mapping one: any number of threads may race the ioctl for a page
 * that is ready, and the kernel decides (EEXIST); all of them then store the same state (ART 89591d0bc4 took a
 * "mapping" state out because it inverted priorities).  It departs from ART in what it answers: a hole in the source is
 * filled by ZEROPAGE, where ART only counts it, and only if the source is mapped; EAGAIN without progress is bounded.
 * What an errno means is decided in uffd/answer.h.
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
    GCP_PAGE_PROCESSED_AND_MAPPING = 5,  /* a mutator has built it, its ioctl is under way */
    GCP_PAGE_PROCESSED_AND_MAPPED = 6,   /* done */
};

/*
 * What became of a to-space page, as a letter of the maps in results (gcproto/results/page_map.py has more, for what is
 * not known here).
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
 * How to map.  by: enum gcp_verb, MOVE or COPY, in compactions also REMAP (by the collector alone, COPY of the rest)
 * ebusy:    enum gcp_on_ebusy, all but LEAVE: threads would wait forever for a page that stays
 * discard:  give the source of a page back that was copied after EBUSY (ART: collector thread only)
 * tolerate: the range may not be registered any more: then nothing is mapped, and that is all right
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
 * granule:  pages of what is counted as `whole`; a power of two, 1: nothing is
 * orders:   of each from-page, log2 of the pages of the folio that it lies in, as far as that is known; 0: a small one
 * region:   from-space is cut into mappings of that many pages, which no MOVE may cross (EINVAL); 0: it is one mapping
 * fates:    of each to-space page, enum gcp_fate
 * words:    of each to-space page: its state in the low 8 bits, the index of the from-page with its contents above
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

/* Note how pages were mapped; whoever has mapped a page is the only one who does. */
void gcp_pages_note(const struct gcp_pages *pages, uint64_t first, uint64_t n, enum gcp_fate fate);

/* Ready pages from `first` on whose sources follow each other, at most `limit`; 0 if that one is not ready. */
uint64_t gcp_pages_ready(const struct gcp_pages *pages, uint64_t first, uint64_t limit, uint64_t *ret_from);

/*
 * Map ready pages from `first` on: one ioctl for the longest run of at most `limit` pages that are ready and whose
 * sources follow each other.  Returns the pages that are known to be mapped now (at least one; 0 only where `tolerate`
 * allows it), or a negative errno that has no answer.  Safe on any thread at any time, in a signal handler too.
 */
int64_t gcp_pages_map(struct gcp_pages *pages, uint64_t first, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_account *account);

/* The same of a run that gcp_pages_ready has found, from from-page `from` on; somebody may have mapped some since. */
int64_t gcp_pages_map_run(struct gcp_pages *pages, uint64_t first, uint64_t from, uint64_t n,
                          const struct gcp_map_how *how, struct gcp_account *account);

/*
 * Map `n` pages at `index` whose contents are ready at `src`, or, without a `src`, with zeroes.  Page states are the
 * caller's.  Returns as gcp_pages_map.
 */
int64_t gcp_pages_map_from(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                           const struct gcp_map_how *how, struct gcp_account *account);

/* One step of waiting for somebody else, the `tries`th: at first a yield, then longer and longer sleeps. */
void gcp_back_off(uint32_t tries);

#endif
