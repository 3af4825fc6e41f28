/*
 * What the kernel's answer to one ioctl means, and the account of pages and calls.
 *
 * A verb and an outcome give one answer.  The engine of the path lab, the pages of the heap, abilities, races and
 * stress all use it; what they do about an answer is their own policy.
 *
 * By mm/userfaultfd.c and fs/userfaultfd.c of 6.12, 7.2 and 7.3, and by what 6.18 does:
 *
 *   EAGAIN   nothing was done because the address space is being changed: an event (fork, remap, remove) was not yet
 *            read, or the lock of a VMA was contended.  The kernel itself retries steps that fail with EAGAIN inside a
 *            MOVE, so this one has a cause outside and passes with it.  The thread that changes the address space
 *            decides how long that takes; a fork of a large heap takes milliseconds.  A thousand calls, the engine's
 *            old limit, may be over before.  There must be a limit: the event's reader may be this very thread.
 *   EINVAL   of MOVE has two meanings.  With the out-field untouched the arguments were refused before any work: that
 *            stays so, also where the range may be gone.  With the field written it is what MOVE found at work:
 *            mappings that do not fit, a destination that is not registered, or a page table that changed in the middle
 *            of a step.  Only the last one passes, and it passes at once, since the next call reads the tables anew:
 *            GCP_UNCLEAR_LIMIT calls tell them apart.
 *   ENOENT   of MOVE has two meanings as well: a hole in the source, or no mapping at the source or the destination.
 *            Only a hole may be filled with zeroes: where the source is not mapped, they would hide that contents are
 *            lost.  mincore() tells them apart (gcp_is_mapped).  ZEROPAGE refuses a destination without a mapping.
 *   ENOENT   of COPY and ZEROPAGE: the destination is not mapped, or not registered.
 *   EEXIST   a page is there.  It proves one base page, no more.  Another thread was first; since 6.18 also this very
 *            call, if the kernel had to repeat a step (gcp_ability_retry).
 *   EBUSY    of MOVE: this page can't be moved now (shared, pinned, in the swap cache, referenced).
 */
#ifndef GCP_ANSWER_H
#define GCP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "uffd/uffd.h"

/* cdef:begin */

/* System calls that pages are asked for, in policies, decisions and injected faults. */
enum gcp_verb {
    GCP_VERB_MOVE = 0,
    GCP_VERB_COPY = 1,
    GCP_VERB_REMAP = 2, /* mremap, of long runs (heap/compaction/remap.c) */
    GCP_VERB_ZEROPAGE = 3,
    GCP_VERB_REGISTER = 4,
    GCP_VERB_UNREGISTER = 5,
    GCP_VERB_MADVISE = 6,
    GCP_VERB_COUNT = 7,
};

/*
 * What follows on EBUSY of MOVE.  The first three are ART's, in the reverse of the order in which it had them:
 * COPY:    COPY that page at once (cd0ea1157b, ART today)
 * TOUCH:   write to the source, which un-shares it and swaps it in, and MOVE again (2c1c1d0a7c, there without end)
 * BACKOFF: yield and sleep a little longer each time, MOVE again, in the end COPY (08eed04290, collector thread)
 * LEAVE:   the page stays where it is
 */
enum gcp_on_ebusy {
    GCP_EBUSY_COPY = 0,
    GCP_EBUSY_TOUCH = 1,
    GCP_EBUSY_BACKOFF = 2,
    GCP_EBUSY_LEAVE = 3,
};

/*
 * Where pages went and what the kernel said.  All fields are counts, so that accounts add up: gcp_account_add.
 *
 * In pages, of the engine (gcp_evacuate), whatever fails in between:
 *   asked = moved + copied_after_ebusy + copied + zeroed + already + left
 * `moved` includes holes that ALLOW_SRC_HOLES let through and moved_after_ebusy; `already` is what was there before
 * (EEXIST); `left` was not evacuated: busy pages under GCP_EBUSY_LEAVE, and all behind the error that stopped the
 * engine.  The heap asks in runs that it does not add up: `asked` and `left` stay 0 there.
 *
 * Of the heap alone, in pages: remapped;  whole (part of moved: by a call that took all of an aligned granule to where
 * it is aligned as well), whole_large (part of whole: in folios as large, as far as is known).  Of the pages that were
 * moved out of large folios without taking all of one to where it is aligned, by the first cause that holds:
 * part_busy: again after EBUSY;  part_one: a call for one page alone;  part_skewed: to where they are not congruent;
 * part_edge: in the folio that a longer run begins or ends in.
 *
 * In calls: *_calls;  short_results: some progress, then an error hidden behind EAGAIN.  Errnos of calls without
 * progress: eagain to other_errors; ZEROPAGE's ENOENT is not among them, as MOVE's was counted before it.
 */
struct gcp_account {
    /* What every call counts stands together: one cache line is touched between two ioctls. */
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

/* How often AGAIN and UNCLEAR are repeated in a row, without progress. */
#define GCP_AGAIN_LIMIT 100000
#define GCP_UNCLEAR_LIMIT 100

enum gcp_answer {
    GCP_ANSWER_DONE,    /* outcome.bytes are done; what hides behind a short result appears when the rest is asked */
    GCP_ANSWER_AGAIN,   /* nothing was done, and it will pass: the same call again */
    GCP_ANSWER_UNCLEAR, /* it may pass, or the destination is no longer registered: again, a few times */
    GCP_ANSWER_THERE,   /* the first page is at the destination already */
    GCP_ANSWER_BUSY,    /* the first page can't be moved now */
    GCP_ANSWER_HOLE,    /* the first page is a hole in the source, if the source is mapped */
    GCP_ANSWER_GONE,    /* the destination is not registered, or not mapped */
    GCP_ANSWER_FATAL,   /* nothing can be done about it: gcp_answer_errno */
};

/* What a call without progress means. */
enum gcp_answer gcp_answer_to_nothing(enum gcp_verb verb, int32_t err, uint32_t touched);

/* What an outcome of MOVE, COPY or ZEROPAGE means. */
static inline enum gcp_answer gcp_answer(enum gcp_verb verb, const struct gcp_outcome *did)
{
    return did->bytes > 0 ? GCP_ANSWER_DONE : gcp_answer_to_nothing(verb, did->err, did->touched);
}

/* The errno to give up with.  Success without progress is nothing that a kernel says: EIO. */
int32_t gcp_answer_errno(const struct gcp_outcome *did);

/*
 * Whether an answer is worth the same call once more: true for AGAIN and UNCLEAR, until they came too often, and only
 * after another thread had its turn.  *row counts them; set it to 0 before the first call and at any progress.
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

#endif
