/*
 * Where every live word goes: what prepare computes about the moving space, for the producer of pages.
 *
 * None of it lies in from-space.  ART reads object headers in from-space while other threads move those pages away.  A
 * read after a MOVE finds the shared zero page (mark_compact.cc, the comment on black-dense pages), so ART needs
 * never-zero fields, fences and a second read.  Here a producer reads only the from-space words that go into its own
 * page.  What it must know of an object that began on an earlier page is in lead_words and lead_refs.
 */
#ifndef GCP_PLAN_H
#define GCP_PLAN_H

#include <stdint.h>

/* cdef:begin */

#define GCP_CHUNK_WORDS 64 /* words of 8 bytes that one word of the live bitmap covers: 512 bytes, as in ART */
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
#define GCP_WRITTEN 0xffffffff

/*
 * Indexes of pages and words count from the start of either space.
 *
 * to, from:    addresses of the moving space and of from-space
 * dense_end:   page indexes.  Pages below dense_end are updated in place, pages below compact_end are compacted, pages
 *              below used_end are slid; no page from used_end on has objects
 * black_shift: to-space page i in [compact_end, used_end) has its contents in from-page i + black_shift
 * black_begin: first word allocated after marking
 * kept:        compacted to-space pages that keep their layout (GCP_KEPT)
 * live:        bitmap of live words, a word for each chunk; starts: likewise, of the first words of live objects
 * offsets:     of each chunk, the to-space word of its first live word
 * first:       of each to-space page, the from-space word at which its contents begin
 * lead_words:  of each page, how many of its words belong to an object that began before it
 * lead_refs:   how many of these, counted from the first, are references
 * skip, fill:  of each compacted page, the first word of its contents, and the word after the last.  A page with fill 0
 *              has no contents and is not mapped.  A page with fill GCP_KEPT belongs to a dense region: it is updated
 *              in place like one of the dense prefix, and moved from the from-page that `first` names
 * held:        of each from-page, 1 if it is such a page, which must not be recycled
 * reach:       of each from-page, 1 + the farthest page that a reference on it leads to, as marking found them; 0: no
 *              reference of a live object on it leads anywhere;  GCP_WRITTEN: one was perhaps written since.  No
 *              reference on a page whose reach is dense_end or less changes
 * young:       1 in a young collection: of the dense prefix, only objects on cards that are not clean can refer to
 *              what moves.  old_end: to-space pages below it are the old generation after this collection; 0 without
 *              generations.  cards: the card table
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
    uint32_t *reach;
    uint64_t young;
    uint64_t old_end;
    uint8_t *cards;
};

/* cdef:end */

#endif
