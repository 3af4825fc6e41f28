#include "pages.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define STATE_BITS 8
#define EAGAIN_LIMIT 100000

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
    return ret->words ? 0 : -ENOMEM;
}

void gcp_pages_deinit(struct gcp_pages *pages)
{
    free(pages->words);
    pages->words = NULL;
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

static void mark_mapped(struct gcp_pages *pages, uint64_t first, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        atomic_store_explicit(&pages->words[first + i], GCP_PAGE_PROCESSED_AND_MAPPED, memory_order_release);
}

/* One page by COPY (after EBUSY) or ZEROPAGE (after ENOENT).  1, or a negative errno. */
static int64_t map_one(struct gcp_pages *pages, uint64_t dst, uint64_t src, bool zero, struct gcp_map_account *account)
{
    for (uint32_t tries = 0; tries < EAGAIN_LIMIT; tries++) {
        struct gcp_outcome did = zero ? gcp_uffd_zeropage(pages->uffd, dst, pages->page, 0)
                                      : gcp_uffd_copy(pages->uffd, dst, src, pages->page, 0);
        *(zero ? &account->zeropage_calls : &account->copy_calls) += 1;
        if (did.bytes > 0) {
            *(zero ? &account->zeroed : &account->copied_after_ebusy) += 1;
            return 1;
        }
        if (did.err == EEXIST) {
            account->lost++;
            return 1;
        }
        if (did.err != EAGAIN)
            return -did.err;
        /* Nothing was copied: the page must not be taken for mapped (ART does not look). */
        account->eagain++;
        sched_yield();
    }
    return -EAGAIN;
}

int64_t gcp_pages_map(struct gcp_pages *pages, uint64_t first, uint64_t limit, enum gcp_map_by by,
                      struct gcp_map_account *account)
{
    uint32_t word = atomic_load_explicit(&pages->words[first], memory_order_acquire);
    if ((word & 0xff) == GCP_PAGE_PROCESSED_AND_MAPPED)
        return 1;
    if ((word & 0xff) != GCP_PAGE_PROCESSED)
        return -EINVAL;
    uint64_t n = run_at(pages, first, limit, word), page = pages->page;
    uint64_t dst = pages->to + first * page, src = pages->from + (uint64_t)(word >> STATE_BITS) * page;

    for (uint32_t tries = 0; tries < EAGAIN_LIMIT; tries++) {
        struct gcp_outcome did = by == GCP_MAP_MOVE ? gcp_uffd_move(pages->uffd, dst, src, n * page, 0)
                                                    : gcp_uffd_copy(pages->uffd, dst, src, n * page, 0);
        *(by == GCP_MAP_MOVE ? &account->move_calls : &account->copy_calls) += 1;
        if (did.bytes > 0) {
            /* What hides behind a short result is seen by whoever asks for the rest. */
            uint64_t done = (uint64_t)did.bytes / page;
            *(by == GCP_MAP_MOVE ? &account->moved : &account->copied) += done;
            account->short_results += did.err != 0;
            mark_mapped(pages, first, done);
            return (int64_t)done;
        }
        int64_t one;
        switch (did.err) {
        case EAGAIN:
            account->eagain++;
            sched_yield();
            continue;
        case EEXIST: /* proves one base page, no more */
            account->lost++;
            one = 1;
            break;
        case EBUSY:
            account->ebusy++;
            one = map_one(pages, dst, src, false, account);
            break;
        case ENOENT:
            account->enoent++;
            one = map_one(pages, dst, src, true, account);
            break;
        default:
            return did.err ? -did.err : -EIO;
        }
        if (one > 0)
            mark_mapped(pages, first, 1);
        return one;
    }
    return -EAGAIN;
}

void gcp_map_account_add(struct gcp_map_account *to, const struct gcp_map_account *from)
{
    to->moved += from->moved;
    to->copied += from->copied;
    to->copied_after_ebusy += from->copied_after_ebusy;
    to->zeroed += from->zeroed;
    to->lost += from->lost;
    to->move_calls += from->move_calls;
    to->copy_calls += from->copy_calls;
    to->zeropage_calls += from->zeropage_calls;
    to->short_results += from->short_results;
    to->eagain += from->eagain;
    to->ebusy += from->ebusy;
    to->enoent += from->enoent;
}
