#define _GNU_SOURCE
#include "heap/pages.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STATE_BITS GCP_PAGE_STATE_BITS
#define EAGAIN_LIMIT 100000
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

/* The run that one ioctl can take: ready pages whose from-pages follow each other. */
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

void gcp_pages_note(const struct gcp_pages *pages, uint64_t first, uint64_t n, char fate)
{
    memset(pages->fates + first, fate, n);
}

/* Pages of a move that lie in granules which it took whole, and which are aligned on both sides. */
static uint64_t whole_pages(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n)
{
    uint64_t granule = pages->granule, from = (src - pages->from) / pages->page;
    if (granule < 2 || src < pages->from || from >= pages->count || (index - from) % granule)
        return 0;
    uint64_t first = (index + granule - 1) / granule * granule, end = (index + n) / granule * granule;
    return end > first ? end - first : 0;
}

/* The from-page at an address, or the number of pages there are. */
static uint64_t from_page_at(const struct gcp_pages *pages, uint64_t src)
{
    uint64_t from = (src - pages->from) / pages->page;
    return src >= pages->from && from < pages->count ? from : pages->count;
}

/* Granules that a move took whole: counted, and noted where they lie in folios as large. */
static void count_whole(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                        struct gcp_map_account *account)
{
    uint64_t granule = pages->granule, whole = whole_pages(pages, index, src, n);
    if (!whole)
        return;
    uint64_t first = (index + granule - 1) / granule * granule, delta = (src - pages->from) / pages->page - index;
    account->whole += whole;
    for (uint64_t at = first; at < first + whole; at += granule) {
        /* Folios are aligned: one that holds the first page holds all, unless it was cut off since. */
        if (1ULL << pages->orders[at + delta] < granule || 1ULL << pages->orders[at + delta + granule - 1] < granule)
            continue;
        account->whole_large += granule;
        gcp_pages_note(pages, at, granule, 'W');
    }
}

/* Why pages of a move are only parts of the folios that they lie in. */
static void count_parts(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                        struct gcp_map_account *account)
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

/* ENOENT of COPY and ZEROPAGE, EINVAL of MOVE: nothing is registered there any more. */
static bool gone(int32_t err, bool move)
{
    return err == (move ? EINVAL : ENOENT);
}

enum single {
    COPY_AFTER_EBUSY,
    ZEROPAGE,
};

/* Pages by COPY (one, after EBUSY) or ZEROPAGE.  The pages done, or a negative errno. */
static int64_t map_other(const struct gcp_pages *pages, uint64_t dst, uint64_t src, uint64_t n, enum single way,
                         const struct gcp_map_how *how, struct gcp_map_account *account)
{
    for (uint32_t tries = 0; tries < EAGAIN_LIMIT; tries++) {
        struct gcp_outcome did = way == ZEROPAGE ? gcp_uffd_zeropage(pages->uffd, dst, n * pages->page, 0)
                                                 : gcp_uffd_copy(pages->uffd, dst, src, n * pages->page, 0);
        *(way == ZEROPAGE ? &account->zeropage_calls : &account->copy_calls) += 1;
        if (did.bytes > 0) {
            uint64_t done = (uint64_t)did.bytes / pages->page;
            *(way == ZEROPAGE ? &account->zeroed : &account->copied_after_ebusy) += done;
            gcp_pages_note(pages, (dst - pages->to) / pages->page, done, way == ZEROPAGE ? 'z' : 'e');
            account->short_results += did.err != 0;
            return (int64_t)done;
        }
        if (did.err == EEXIST) {
            account->lost++;
            return 1;
        }
        if (how->tolerate && gone(did.err, false))
            return 0;
        if (did.err != EAGAIN)
            return did.err ? -did.err : -EIO;
        /* Nothing was copied: the page must not be taken for mapped (ART does not look). */
        account->eagain++;
        sched_yield();
    }
    return -EAGAIN;
}

/*
 * What the policy says before COPY.  1: the page is mapped, 0: it is not, or a negative errno.
 *
 * A page that stays busy (pinned) is given up after a bounded number of tries; ART's first policy tried for ever.
 */
static int64_t move_again(const struct gcp_pages *pages, uint64_t dst, uint64_t src, const struct gcp_map_how *how,
                          struct gcp_map_account *account)
{
    uint32_t limit = how->ebusy == GCP_BUSY_TOUCH ? TOUCH_LIMIT : how->ebusy == GCP_BUSY_BACKOFF ? BACKOFF_LIMIT : 0;
    for (uint32_t tries = 0; tries < limit; tries++) {
        if (how->ebusy == GCP_BUSY_TOUCH) {
            uint64_t zero = 0;
            __atomic_compare_exchange_n((uint64_t *)(uintptr_t)src, &zero, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        } else if (tries < YIELDS) {
            sched_yield();
        } else {
            nanosleep(&(struct timespec){.tv_nsec = (tries - YIELDS + 1) * 1000000L}, NULL);
        }
        struct gcp_outcome did = gcp_uffd_move(pages->uffd, dst, src, pages->page, 0);
        account->move_calls++;
        if (did.bytes > 0) {
            account->moved++;
            account->moved_after_ebusy++;
            uint64_t from = from_page_at(pages, src);
            account->part_busy += from < pages->count && pages->orders[from];
            gcp_pages_note(pages, (dst - pages->to) / pages->page, 1, 'm');
            return 1;
        }
        account->ebusy += did.err == EBUSY;
        account->eagain += did.err == EAGAIN;
        if (did.err == EBUSY || did.err == EAGAIN)
            continue;
        if (did.err == EEXIST) {
            account->lost++;
            return 1;
        }
        /* Anything else is for COPY to find out: it has the plainer errors. */
        break;
    }
    return 0;
}

static int64_t after_ebusy(const struct gcp_pages *pages, uint64_t dst, uint64_t src, const struct gcp_map_how *how,
                           struct gcp_map_account *account)
{
    int64_t one = move_again(pages, dst, src, how, account);
    if (one)
        return one;
    one = map_other(pages, dst, src, 1, COPY_AFTER_EBUSY, how, account);
    if (one > 0 && how->discard)
        madvise((void *)(uintptr_t)src, pages->page, MADV_DONTNEED);
    return one;
}

int64_t gcp_pages_map_from(const struct gcp_pages *pages, uint64_t index, uint64_t src, uint64_t n,
                           const struct gcp_map_how *how, struct gcp_map_account *account)
{
    uint64_t page = pages->page, dst = pages->to + index * page;
    bool move = how->by == GCP_MAP_MOVE;
    if (!src)
        return map_other(pages, dst, 0, n, ZEROPAGE, how, account);

    for (uint32_t tries = 0; tries < EAGAIN_LIMIT; tries++) {
        struct gcp_outcome did = move ? gcp_uffd_move(pages->uffd, dst, src, n * page, 0)
                                      : gcp_uffd_copy(pages->uffd, dst, src, n * page, 0);
        *(move ? &account->move_calls : &account->copy_calls) += 1;
        if (did.bytes > 0) {
            /* What hides behind a short result is seen by whoever asks for the rest. */
            uint64_t done = (uint64_t)did.bytes / page;
            *(move ? &account->moved : &account->copied) += done;
            gcp_pages_note(pages, index, done, move ? 'm' : 'c');
            if (move) {
                count_whole(pages, index, src, done, account);
                count_parts(pages, index, src, done, account);
            }
            account->short_results += did.err != 0;
            return (int64_t)done;
        }
        if (how->tolerate && gone(did.err, move))
            return 0;
        switch (did.err) {
        case EAGAIN:
            account->eagain++;
            sched_yield();
            continue;
        case EEXIST: /* proves one base page, no more */
            account->lost++;
            return 1;
        case EBUSY:
            account->ebusy++;
            return after_ebusy(pages, dst, src, how, account);
        case ENOENT:
            account->enoent++;
            if (move) /* a hole in the source; of COPY it means that nothing is registered */
                return map_other(pages, dst, 0, 1, ZEROPAGE, how, account);
            return -ENOENT;
        default:
            return did.err ? -did.err : -EIO;
        }
    }
    return -EAGAIN;
}

int64_t gcp_pages_map_run(struct gcp_pages *pages, uint64_t first, uint64_t from, uint64_t n,
                          const struct gcp_map_how *how, struct gcp_map_account *account)
{
    int64_t done = gcp_pages_map_from(pages, first, pages->from + from * pages->page, n, how, account);
    if (done > 0)
        mark_mapped(pages, first, (uint64_t)done);
    return done;
}

int64_t gcp_pages_map(struct gcp_pages *pages, uint64_t first, uint64_t limit, const struct gcp_map_how *how,
                      struct gcp_map_account *account)
{
    uint32_t word = atomic_load_explicit(&pages->words[first], memory_order_acquire);
    if ((word & 0xff) == GCP_PAGE_PROCESSED_AND_MAPPED)
        return 1;
    if ((word & 0xff) != GCP_PAGE_PROCESSED)
        return -EINVAL;
    return gcp_pages_map_run(pages, first, word >> STATE_BITS, run_at(pages, first, limit, word), how, account);
}

void gcp_map_account_add(struct gcp_map_account *to, const struct gcp_map_account *from)
{
    to->moved += from->moved;
    to->moved_after_ebusy += from->moved_after_ebusy;
    to->copied += from->copied;
    to->copied_after_ebusy += from->copied_after_ebusy;
    to->zeroed += from->zeroed;
    to->lost += from->lost;
    to->whole += from->whole;
    to->whole_large += from->whole_large;
    to->part_busy += from->part_busy;
    to->part_one += from->part_one;
    to->part_skewed += from->part_skewed;
    to->part_edge += from->part_edge;
    to->remapped += from->remapped;
    to->remap_calls += from->remap_calls;
    to->move_calls += from->move_calls;
    to->copy_calls += from->copy_calls;
    to->zeropage_calls += from->zeropage_calls;
    to->short_results += from->short_results;
    to->eagain += from->eagain;
    to->ebusy += from->ebusy;
    to->enoent += from->enoent;
}
