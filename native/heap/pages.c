#define _GNU_SOURCE
#include "heap/pages.h"
#include "base/address.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STATE_BITS GCP_PAGE_STATE_BITS
#define TOUCH_LIMIT 100
#define BACKOFF_LIMIT 10
#define YIELDS 5

static uint32_t word_of(uint64_t from_index, enum gcp_page_state state)
{
    return (uint32_t)(from_index << STATE_BITS) | (uint32_t)state;
}

int gcp_pages_init(const struct gcp_uffd *uffd, uint64_t to, uint64_t from, uint64_t count, struct gcp_pages *ret)
{
    if (!count || count > GCP_PAGES_MAX)
        return -EINVAL;
    *ret = (struct gcp_pages){.uffd = uffd, .to = to, .from = from, .count = count};
    ret->page = (uint64_t)sysconf(_SC_PAGESIZE);
    ret->words = calloc(count, sizeof(*ret->words));
    ret->fates = calloc(count, sizeof(*ret->fates));
    ret->orders = calloc(count, sizeof(*ret->orders));
    return ret->words && ret->fates && ret->orders ? 0 : -ENOMEM;
}

void gcp_pages_deinit(struct gcp_pages *pages)
{
    free(pages->words);
    free(pages->fates);
    free(pages->orders);
    pages->words = NULL;
    pages->fates = NULL;
    pages->orders = NULL;
}

void gcp_pages_publish(struct gcp_pages *pages, uint64_t index, uint64_t from_index)
{
    atomic_store_explicit(&pages->words[index], word_of(from_index, GCP_PAGE_PROCESSED), memory_order_release);
}

/* The run that one ioctl can take: ready pages with consecutive from-pages. */
static uint64_t run_at(const struct gcp_pages *pages, uint64_t first, uint64_t limit, uint32_t word)
{
    uint64_t n = 1;
    if (limit > pages->count - first)
        limit = pages->count - first;
    if (pages->region) {
        uint64_t to_the_cut = pages->region - (word >> STATE_BITS) % pages->region;
        if (limit > to_the_cut)
            limit = to_the_cut;
    }
    while (n < limit &&
           atomic_load_explicit(&pages->words[first + n], memory_order_acquire) == word + (uint32_t)(n << STATE_BITS))
        n++;
    return n;
}

uint64_t gcp_pages_ready(const struct gcp_pages *pages, uint64_t first, uint64_t limit, uint64_t *ret_from)
{
    uint32_t word = atomic_load_explicit(&pages->words[first], memory_order_acquire);
    *ret_from = word >> STATE_BITS;
    return (word & 0xff) == GCP_PAGE_PROCESSED ? run_at(pages, first, limit, word) : 0;
}

void gcp_pages_note(const struct gcp_pages *pages, uint64_t first, uint64_t n, enum gcp_fate fate)
{
    memset(pages->fates + first, (int)fate, n);
}

/* Pages of a move that lie in granules moved whole and aligned on both sides. */
static uint64_t whole_pages(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n)
{
    uint64_t granule = pages->granule, from = (src - pages->from) / pages->page;
    if (granule < 2 || src < pages->from || from >= pages->count || (index - from) % granule)
        return 0;
    uint64_t first = (index + granule - 1) / granule * granule, end = (index + n) / granule * granule;
    return end > first ? end - first : 0;
}

/* The from-page at an address, or the number of pages if there is none. */
static uint64_t from_page_at(const struct gcp_pages *pages, uint64_t src)
{
    uint64_t from = (src - pages->from) / pages->page;
    return src >= pages->from && from < pages->count ? from : pages->count;
}

/* Count the granules moved whole, and record those that lie in folios as large. */
static void count_whole(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                        struct gcp_account *account)
{
    uint64_t granule = pages->granule, whole = whole_pages(pages, index, src, n);
    if (!whole)
        return;
    uint64_t first = (index + granule - 1) / granule * granule, delta = (src - pages->from) / pages->page - index;
    account->whole += whole;
    for (uint64_t at = first; at < first + whole; at += granule) {
        /* Folios are aligned: a folio that holds the first page holds all, unless it was split since. */
        if (1ULL << pages->orders[at + delta] < granule || 1ULL << pages->orders[at + delta + granule - 1] < granule)
            continue;
        account->whole_large += granule;
        gcp_pages_note(pages, at, granule, GCP_FATE_WHOLE);
    }
}

/* Count the pages moved as parts of their folios, by reason. */
static void count_parts(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                        struct gcp_account *account)
{
    uint64_t from = from_page_at(pages, src);
    if (from == pages->count)
        return;
    const uint8_t *orders = pages->orders + from;
    bool alike = memcmp(orders, orders + 1, n - 1) == 0; /* nearly always */
    for (uint64_t at = 0, next; at < n; at = next) {
        uint64_t folio = 1ULL << orders[at], first, end;
        for (next = alike ? n : at + 1; next < n && orders[next] == orders[at];)
            next++;
        if (folio == 1)
            continue;
        first = (index + at + folio - 1) / folio * folio;
        end = (index + next) / folio * folio;
        if (n == 1)
            account->part_one++;
        else if ((index - from) % folio)
            account->part_skewed += next - at;
        else
            account->part_edge += next - at - (end > first ? end - first : 0);
    }
}

static void mark_mapped(struct gcp_pages *pages, uint64_t first, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        atomic_store_explicit(&pages->words[first + i], GCP_PAGE_PROCESSED_AND_MAPPED, memory_order_release);
}

void gcp_back_off(uint32_t tries)
{
    /* ART's BackOff: five yields, then 10 us more each time. */
    if (tries < YIELDS) {
        sched_yield();
    } else {
        uint32_t steps = tries - YIELDS + 1;
        nanosleep(&(struct timespec){.tv_nsec = (steps < 100 ? steps : 100) * 10000L}, NULL);
    }
}

/* The range may be unregistered: EINVAL of MOVE can mean it, ENOENT of COPY and ZEROPAGE means it. */
static bool is_gone(enum gcp_answer answer)
{
    return answer == GCP_ANSWER_GONE || answer == GCP_ANSWER_UNCLEAR;
}

/* COPY after EBUSY of one page, or ZEROPAGE.  Returns the pages done, 0 if that is tolerated, or a negative errno. */
static int64_t map_other(const struct gcp_pages *pages, uint64_t dst, uint64_t src, uint64_t n, enum gcp_verb verb,
                         const struct gcp_map_how *how, struct gcp_account *account)
{
    for (uint32_t row = 0;;) {
        bool zero = verb == GCP_VERB_ZEROPAGE;
        struct gcp_outcome did = zero ? gcp_uffd_zeropage(pages->uffd, dst, n * pages->page, 0)
                                      : gcp_uffd_copy(pages->uffd, dst, src, n * pages->page, 0);
        enum gcp_answer answer = gcp_answer(verb, &did);
        gcp_account_call(account, verb, &did);
        if (answer == GCP_ANSWER_DONE) {
            uint64_t done = (uint64_t)did.bytes / pages->page;
            *(zero ? &account->zeroed : &account->copied_after_ebusy) += done;
            gcp_pages_note(pages, (dst - pages->to) / pages->page, done, zero ? GCP_FATE_ZEROED : GCP_FATE_BUSY);
            return (int64_t)done;
        }
        if (answer == GCP_ANSWER_THERE) {
            account->already++;
            return 1;
        }
        if (how->tolerate && is_gone(answer))
            return 0;
        /* Nothing was copied: the page must not count as mapped (ART does not check). */
        if (!gcp_answer_repeats(answer, &row, GCP_AGAIN_LIMIT))
            return -gcp_answer_errno(&did);
    }
}

/*
 * Retry the MOVE as the policy says, before COPY.  1: the page is mapped; 0: it is not; or a negative errno.
 *
 * The number of retries is bounded, for pages that stay busy (pinned); ART's first policy retried forever.
 */
static int64_t move_again(const struct gcp_pages *pages, uint64_t dst, uint64_t src, const struct gcp_map_how *how,
                          struct gcp_account *account)
{
    uint32_t limit = how->ebusy == GCP_EBUSY_TOUCH ? TOUCH_LIMIT : how->ebusy == GCP_EBUSY_BACKOFF ? BACKOFF_LIMIT : 0;
    for (uint32_t tries = 0; tries < limit; tries++) {
        if (how->ebusy == GCP_EBUSY_TOUCH) {
            uint64_t zero = 0;
            __atomic_compare_exchange_n((uint64_t *)gcp_at(src), &zero, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        } else if (tries < YIELDS) {
            sched_yield();
        } else {
            nanosleep(&(struct timespec){.tv_nsec = (tries - YIELDS + 1) * 1000000L}, NULL);
        }
        struct gcp_outcome did = gcp_uffd_move(pages->uffd, dst, src, pages->page, 0);
        enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &did);
        gcp_account_call(account, GCP_VERB_MOVE, &did);
        if (answer == GCP_ANSWER_DONE) {
            account->moved++;
            account->moved_after_ebusy++;
            uint64_t from = from_page_at(pages, src);
            account->part_busy += from < pages->count && pages->orders[from];
            gcp_pages_note(pages, (dst - pages->to) / pages->page, 1, GCP_FATE_MOVED);
            return 1;
        }
        if (answer == GCP_ANSWER_THERE) {
            account->already++;
            return 1;
        }
        /* COPY handles everything else: its errors are less ambiguous. */
        if (answer != GCP_ANSWER_BUSY && answer != GCP_ANSWER_AGAIN)
            break;
    }
    return 0;
}

static int64_t after_ebusy(const struct gcp_pages *pages, uint64_t dst, uint64_t src, const struct gcp_map_how *how,
                           struct gcp_account *account)
{
    int64_t one = move_again(pages, dst, src, how, account);
    if (one)
        return one;
    one = map_other(pages, dst, src, 1, GCP_VERB_COPY, how, account);
    if (one > 0 && how->discard)
        madvise(gcp_at(src), pages->page, MADV_DONTNEED);
    return one;
}

/* MOVE found no page at the source. */
static int64_t fill_hole(const struct gcp_pages *pages, uint64_t dst, uint64_t src, const struct gcp_map_how *how,
                         struct gcp_account *account)
{
    if (gcp_is_resident(src, pages->page)) /* it is being migrated */
        return after_ebusy(pages, dst, src, how, account);
    if (gcp_is_mapped(src, pages->page, pages->page))
        return map_other(pages, dst, 0, 1, GCP_VERB_ZEROPAGE, how, account);
    return how->tolerate ? 0 : -ENOENT;
}

/* Account for pages that a call has mapped. */
static int64_t count_done(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t done, bool move,
                          struct gcp_account *account)
{
    *(move ? &account->moved : &account->copied) += done;
    gcp_pages_note(pages, index, done, move ? GCP_FATE_MOVED : GCP_FATE_COPIED);
    if (move) {
        count_whole(pages, index, src, done, account);
        count_parts(pages, index, src, done, account);
    }
    return (int64_t)done;
}

int64_t gcp_pages_map_from(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                           const struct gcp_map_how *how, struct gcp_account *account)
{
    uint64_t page = pages->page, dst = pages->to + index * page;
    bool move = how->by == GCP_VERB_MOVE;
    enum gcp_verb verb = move ? GCP_VERB_MOVE : GCP_VERB_COPY;
    if (!src)
        return map_other(pages, dst, 0, n, GCP_VERB_ZEROPAGE, how, account);

    for (uint32_t row = 0;;) {
        struct gcp_outcome did = move ? gcp_uffd_move(pages->uffd, dst, src, n * page, 0)
                                      : gcp_uffd_copy(pages->uffd, dst, src, n * page, 0);
        enum gcp_answer answer = gcp_answer(verb, &did);
        gcp_account_call(account, verb, &did);
        switch (answer) {
        case GCP_ANSWER_DONE:
            return count_done(pages, index, src, (uint64_t)did.bytes / page, move, account);
        case GCP_ANSWER_THERE:
            account->already++;
            return 1;
        case GCP_ANSWER_BUSY:
            return after_ebusy(pages, dst, src, how, account);
        case GCP_ANSWER_HOLE:
            return fill_hole(pages, dst, src, how, account);
        default:
            if (how->tolerate && is_gone(answer))
                return 0;
            if (!gcp_answer_repeats(answer, &row, GCP_AGAIN_LIMIT))
                return -gcp_answer_errno(&did);
        }
    }
}

int64_t gcp_pages_map_run(struct gcp_pages *pages, uint64_t first, uint64_t from, uint64_t n,
                          const struct gcp_map_how *how, struct gcp_account *account)
{
    int64_t done = gcp_pages_map_from(pages, first, pages->from + from * pages->page, n, how, account);
    if (done > 0)
        mark_mapped(pages, first, (uint64_t)done);
    return done;
}

int64_t gcp_pages_map(struct gcp_pages *pages, uint64_t first, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_account *account)
{
    uint32_t word = atomic_load_explicit(&pages->words[first], memory_order_acquire);
    if ((word & 0xff) == GCP_PAGE_PROCESSED_AND_MAPPED)
        return 1;
    if ((word & 0xff) != GCP_PAGE_PROCESSED)
        return -EINVAL;
    return gcp_pages_map_run(pages, first, word >> STATE_BITS, run_at(pages, first, limit, word), how, account);
}
