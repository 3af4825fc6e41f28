/*
 * What the kernel's answer to one ioctl means, and the account of pages and calls.
 *
 * A verb and an outcome give one answer.  The engine of the path lab, the pages of the heap, abilities, races and
 * stress use it; each has its own policy for an answer.
 *
 * According to mm/userfaultfd.c and fs/userfaultfd.c of 6.12, 7.2 and 7.3, and to the behaviour of 6.18:
 *
 *   EAGAIN   nothing was done, because the address space is changing: an event (fork, remap, remove) was not yet read,
 *            or a VMA lock was contended.  The kernel itself retries steps that fail with EAGAIN inside a MOVE, so this
 *            one has an outside cause and ends with it.  The thread that changes the address space decides how long
 *            that takes; a fork of a large heap takes milliseconds.  A thousand calls, the engine's old limit, may take
 *            less.  There must be a limit: the event's reader may be this thread itself.
 *   EINVAL   of MOVE has two meanings.  With the out-field untouched, the arguments were refused before any work: this
 *            is permanent, also if the range may be gone.  With the field written, MOVE failed during its work:
 *            mappings do not fit, the destination is not registered, or a page table changed during a step.  Only the
 *            last is temporary, and a retry succeeds at once, since the next call reads the tables again:
 *            GCP_UNCLEAR_LIMIT calls tell them apart.
 *   ENOENT   of MOVE has two meanings too: a hole in the source, or no mapping at the source or the destination.  Only
 *            a hole may be filled with zeroes: if the source is unmapped, zeroes would hide the loss of contents.
 *            mincore() tells them apart (gcp_is_mapped).  ZEROPAGE refuses an unmapped destination.  Before 6.17 a THP
 *            that is being migrated gives ENOENT too, on x86 (gcp_is_resident): then the page is copied.
 *   ENOENT   of COPY and ZEROPAGE: the destination is not mapped, or not registered.
 *   EEXIST   a page is there.  It proves one base page, no more.  Another thread was first; since 6.18 possibly this
 *            call itself, if the kernel retried a step (gcp_ability_retry).
 *   EBUSY    of MOVE: this page can't be moved now (shared, pinned, in the swap cache, referenced).
 */
#ifndef GCP_ANSWER_H
#define GCP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "uffd/uffd.h"
#include "uffd/verb.h"

/* cdef:begin */

/*
 * What to do after EBUSY of MOVE.  The first three are ART's, newest first:
 * COPY:    COPY that page at once (cd0ea1157b, ART today)
 * TOUCH:   write to the source, which un-shares it and swaps it in, and retry MOVE (2c1c1d0a7c, there without limit)
 * BACKOFF: yield, sleep longer each time, retry MOVE, and finally COPY (08eed04290, collector thread)
 * LEAVE:   the page stays where it is
 */
enum gcp_on_ebusy {
    GCP_EBUSY_COPY = 0,
    GCP_EBUSY_TOUCH = 1,
    GCP_EBUSY_BACKOFF = 2,
    GCP_EBUSY_LEAVE = 3,
};

/*
 * Where pages went, and the kernel's answers.  All fields are counts, so accounts can be added: gcp_account_add.
 *
 * In pages, of the engine (gcp_evacuate), whatever fails in between:
 *   asked = moved + copied_after_ebusy + copied + zeroed + already + left
 * `moved` includes holes that ALLOW_SRC_HOLES skipped, and moved_after_ebusy.  `already` counts pages that were there
 * before (EEXIST).  `left` counts pages not evacuated: busy pages under GCP_EBUSY_LEAVE, and all pages after the error
 * that stopped the engine.  The heap does not add up the pages it asks for: `asked` and `left` stay 0 there.
 *
 * Only of the heap, in pages: remapped;  whole: part of moved, by a call that moved a complete aligned granule to an
 * aligned place;  whole_large: part of whole, in folios as large, as far as known.  The other pages moved out of large
 * folios count by the first cause that holds.  part_busy: retried after EBUSY;  part_one: a call for a single page;
 * part_skewed: to a place that is not congruent;  part_edge: in the folio in which a longer run begins or ends.
 *
 * In calls: *_calls;  short_results: some progress, then an error that EAGAIN hides.  Errnos of calls without progress:
 * eagain to other_errors, without ZEROPAGE's ENOENT, which follows one of MOVE that was counted.
 */
struct gcp_account {
    /* The fields that every call updates share a cache line: one line is touched between two ioctls. */
    uint64_t moved;
    uint64_t move_calls;
    uint64_t short_results;
    uint64_t copied;
    uint64_t copy_calls;
    uint64_t zeroed;
    uint64_t zeropage_calls;
    uint64_t asked;
    uint64_t moved_after_ebusy;
    uint64_t copied_after_ebusy;
    uint64_t already;
    uint64_t left;
    uint64_t eagain;
    uint64_t ebusy;
    uint64_t eexist;
    uint64_t enoent;
    uint64_t remapped;
    uint64_t remap_calls;
    uint64_t whole;
    uint64_t whole_large;
    uint64_t part_busy;
    uint64_t part_one;
    uint64_t part_skewed;
    uint64_t part_edge;
    uint64_t other_errors;
};

void gcp_account_add(struct gcp_account *to, const struct gcp_account *from);

/* cdef:end */

/* Retries of AGAIN and UNCLEAR in a row, without progress. */
#define GCP_AGAIN_LIMIT 100000
#define GCP_UNCLEAR_LIMIT 100

enum gcp_answer {
    GCP_ANSWER_DONE,    /* outcome.bytes are done; the errno of a short result appears when the rest is asked */
    GCP_ANSWER_AGAIN,   /* nothing was done, and the cause is temporary: retry */
    GCP_ANSWER_UNCLEAR, /* temporary, or the destination is no longer registered: retry a few times */
    GCP_ANSWER_THERE,   /* the first page is at the destination already */
    GCP_ANSWER_BUSY,    /* the first page can't be moved now */
    GCP_ANSWER_HOLE,    /* the first page is a hole in the source, if the source is mapped */
    GCP_ANSWER_GONE,    /* the destination is not registered, or not mapped */
    GCP_ANSWER_FATAL,   /* permanent: gcp_answer_errno */
};

/* What a call without progress means. */
enum gcp_answer gcp_answer_to_nothing(enum gcp_verb verb, int32_t err, uint32_t touched);

/* What an outcome of MOVE, COPY or ZEROPAGE means. */
static inline enum gcp_answer gcp_answer(enum gcp_verb verb, const struct gcp_outcome *did)
{
    return did->bytes > 0 ? GCP_ANSWER_DONE : gcp_answer_to_nothing(verb, did->err, did->touched);
}

/* The errno to give up with.  Success without progress should not occur: EIO. */
int32_t gcp_answer_errno(const struct gcp_outcome *did);

/*
 * Whether to retry the call after this answer: true for AGAIN and UNCLEAR, until the limit; it yields the processor
 * first.  `*row` counts them; set it to 0 before the first call and at any progress.
 * limit: GCP_AGAIN_LIMIT, or less
 */
bool gcp_answer_repeats(enum gcp_answer answer, uint32_t *row, uint32_t limit);

/* Count the errno of a call that did nothing. */
void gcp_account_error(struct gcp_account *account, enum gcp_verb verb, int32_t err);

/* Count a call of MOVE, COPY or ZEROPAGE, and its errno if it did nothing. */
static inline void gcp_account_call(struct gcp_account *account, enum gcp_verb verb, const struct gcp_outcome *did)
{
    *(verb == GCP_VERB_MOVE   ? &account->move_calls
      : verb == GCP_VERB_COPY ? &account->copy_calls
                              : &account->zeropage_calls) += 1;
    if (did->bytes > 0)
        account->short_results += did->err != 0;
    else
        gcp_account_error(account, verb, did->err);
}

/* Whether all of [start, start + bytes) is mapped, touched or not. */
bool gcp_is_mapped(uint64_t start, uint64_t bytes, uint64_t page);

/*
 * Whether a page is in memory; mincore counts one that is being migrated.  Then ENOENT of MOVE was no hole: before 6.17 a
 * THP that is being migrated gives it on x86.  A page in swap is not in memory, but MOVE knows it.
 */
bool gcp_is_resident(uint64_t address, uint64_t page);

#endif
