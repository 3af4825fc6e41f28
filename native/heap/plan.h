/*
 * Where everything goes: what prepare has found out about the moving space, for the producer of pages.
 *
 * Nothing in here lies in from-space.  ART reads object headers in from-space while other threads move those pages
 * away, and a read behind a MOVE finds the shared zero page (mark_compact.cc, the comment on black-dense pages): it
 * needs never-zero fields, fences and second looks.  Here a producer reads nothing in from-space but the words that go
 * into its own page: what it must know of an object that began on an earlier page stands in lead_words and lead_refs.
 */
#ifndef GCP_PLAN_H
#define GCP_PLAN_H

#include <stdint.h>

/* cdef:begin */

#define GCP_CHUNK_WORDS 64 /* words of 8 bytes that one word of the live bitmap stands for: 512 bytes, as in ART */
#define GCP_CARD_BYTES 1024

/*
 * A card, of as many bytes as in ART (CardTable::kCardShift 10).
 * DIRTY: a reference of an object that begins on it has been written
 * AGED:  the same, seen by the marking of a young collection, and needed again by its compaction
 */
#define GCP_CARD_CLEAN 0
#define GCP_CARD_DIRTY 1
#define GCP_CARD_AGED 2

#define GCP_KEPT 0xffff

/*
 * Indexes of pages and words count from the start of either space.
 *
 * to, from:    addresses of the moving space and of from-space
 * dense_end:   to-space pages below are updated in place; compact_end: below are compacted; used_end: below are slid,
 *              from there on no page has objects.  page indexes
 * black_shift: to-space page i in [compact_end, used_end) has its contents in from-page i + black_shift
 * black_begin: first word allocated after marking
 * kept:        compacted to-space pages that keep their layout (GCP_KEPT)
 * live:        of each chunk, its live words;  starts: likewise, the first words of live objects
 * offsets:     of each chunk, the to-space word of its first live word
 * first:       of each to-space page, the from-space word with which its contents begin
 * lead_words:  of each page, how many of its words belong to an object that began before it
 * lead_refs:   and how many of these, from the first one on, are references
 * skip, fill:  of each compacted page, the word of it that its contents begin at, and the one that they
 *              end before; fill 0: it has none, and nothing is mapped there.  fill GCP_KEPT: a page of a dense
 *              region, updated in place like one of the dense prefix, and moved from the from-page that `first` names
 * held:        of each from-page, 1 if it is such a page, and so nobody's to recycle
 * young:       1 in a young collection: of the dense prefix, only objects on cards that are not clean can refer to
 *              what moves.  old_end: to-space pages below belong to the old generation once this collection is over;
 *              0 where there are no generations.  cards: the card table
 */
struct gcp_plan {
    uint64_t to;
    uint64_t from;
    uint64_t dense_end;
    uint64_t compact_end;
    uint64_t used_end;
    uint64_t black_shift;
    uint64_t black_begin;
    uint64_t kept;
    uint64_t *live;
    uint64_t *starts;
    uint32_t *offsets;
    uint64_t *first;
    uint16_t *lead_words;
    uint16_t *lead_refs;
    uint16_t *skip;
    uint16_t *fill;
    uint8_t *held;
    uint64_t young;
    uint64_t old_end;
    uint8_t *cards;
};

/* cdef:end */

#endif
