#define _GNU_SOURCE
#include "paths/evacuate.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uffd/uffd.h"

#define DEFAULT_EAGAIN_LIMIT 1000

/* Where the engine stands: in one run, at one page of it. */
struct cursor {
    const struct gcp_uffd *uffd;
    const struct gcp_policy *policy;
    struct gcp_account *account;
    uint64_t page;
    uint64_t dst;
    uint64_t src;
    uint64_t left;         /* bytes of the run that are not decided */
    uint32_t eagain_row;   /* EAGAIN without progress, in a row */
    bool source_is_mapped; /* asked once a run */
};

static void advance(struct cursor *at, uint64_t bytes)
{
    at->dst += bytes;
    at->src += bytes;
    at->left -= bytes;
    at->eagain_row = 0;
}

/* One page is decided: count it in `*column` and stand behind it. */
static void decide_page(struct cursor *at, uint64_t *column)
{
    *column += 1;
    advance(at, at->page);
}

static void count_errno(struct gcp_account *account, int32_t err)
{
    switch (err) {
    case EAGAIN:
        account->eagain++;
        break;
    case EBUSY:
        account->ebusy++;
        break;
    case EEXIST:
        account->eexist++;
        break;
    case ENOENT:
        account->enoent++;
        break;
    default:
        account->other_errors++;
    }
}

/*
 * EAGAIN without progress means that the address space is being changed (a fork, remap or remove event not yet read) or
 * that a VMA lock was contended: worth another try, but not for ever.
 */
static int repeat_later(struct cursor *at)
{
    uint32_t limit = at->policy->eagain_limit ? at->policy->eagain_limit : DEFAULT_EAGAIN_LIMIT;
    if (++at->eagain_row > limit)
        return EAGAIN;
    sched_yield();
    return 0;
}

/*
 * The kernel says ENOENT for a hole in the source and for a range with no mapping at all.  Only the first may be filled
 * with zeroes; mincore() tells them apart (ENOMEM: not mapped).
 */
static bool source_is_mapped(struct cursor *at)
{
    if (!at->source_is_mapped) {
        unsigned char resident[256];
        uint64_t window = sizeof(resident) * at->page;
        for (uint64_t done = 0; done < at->left; done += window) {
            uint64_t bytes = at->left - done < window ? at->left - done : window;
            if (mincore((void *)(uintptr_t)(at->src + done), bytes, resident) < 0)
                return false;
        }
        at->source_is_mapped = true;
    }
    return true;
}

static int copy_bytes(struct cursor *at, uint64_t bytes, uint64_t *column)
{
    struct gcp_account *account = at->account;
    struct gcp_outcome did = gcp_uffd_copy(at->uffd, at->dst, at->src, bytes, 0);
    account->copy_calls++;
    if (did.bytes > 0) {
        *column += (uint64_t)did.bytes / at->page;
        account->short_copies += did.err != 0;
        advance(at, (uint64_t)did.bytes);
        return 0;
    }
    count_errno(account, did.err);
    switch (did.err) {
    case EEXIST:
        decide_page(at, &account->already);
        return 0;
    case EAGAIN:
        return repeat_later(at);
    case 0:
        return EIO; /* success without progress is no answer the kernel gives */
    default:
        return did.err;
    }
}

static int zero_bytes(struct cursor *at, uint64_t bytes)
{
    struct gcp_account *account = at->account;
    struct gcp_outcome did = gcp_uffd_zeropage(at->uffd, at->dst, bytes, 0);
    account->zeropage_calls++;
    if (did.bytes > 0) {
        account->zeroed += (uint64_t)did.bytes / at->page;
        advance(at, (uint64_t)did.bytes);
        return 0;
    }
    /* A hole's ENOENT was counted where MOVE said it. */
    if (did.err != ENOENT)
        count_errno(account, did.err);
    switch (did.err) {
    case EEXIST:
        decide_page(at, &account->already);
        return 0;
    case EAGAIN:
        return repeat_later(at);
    case 0:
        return EIO;
    default:
        return did.err;
    }
}

static int busy_page(struct cursor *at)
{
    struct gcp_account *account = at->account;
    if (at->policy->on_ebusy == GCP_EBUSY_LEAVE) {
        decide_page(at, &account->left);
        return 0;
    }
    /* EAGAIN leaves the page to the next turn, which asks MOVE again: it may no longer be busy. */
    return copy_bytes(at, at->page, &account->copied_after_ebusy);
}

static int move_bytes(struct cursor *at, uint64_t bytes)
{
    struct gcp_account *account = at->account;
    struct gcp_outcome did = gcp_uffd_move(at->uffd, at->dst, at->src, bytes, at->policy->mode);
    account->move_calls++;
    if (did.bytes > 0) {
        /* The error behind a short move is hidden; asking for the rest shows it. */
        account->moved += (uint64_t)did.bytes / at->page;
        account->short_moves += did.err != 0;
        advance(at, (uint64_t)did.bytes);
        return 0;
    }
    count_errno(account, did.err);
    switch (did.err) {
    case EBUSY:
        return busy_page(at);
    case EEXIST:
        /* Somebody was first; since 6.18 also this very call, if the kernel had to repeat a step (gcp_ability_retry).
         */
        decide_page(at, &account->already);
        return 0;
    case ENOENT:
        return source_is_mapped(at) ? zero_bytes(at, at->page) : ENOENT;
    case EAGAIN:
        return repeat_later(at);
    case EINVAL:
        /* Refused arguments leave the out-field alone.  Written, it may be a page table that changed underfoot. */
        return did.touched ? (repeat_later(at) ? EINVAL : 0) : EINVAL;
    case 0:
        return EIO;
    default:
        return did.err;
    }
}

static int evacuate_run(struct cursor *at)
{
    uint64_t granule = at->policy->granule ? at->policy->granule : at->left;
    while (at->left) {
        /* Behind a busy page the rest of its granule goes on as one batch. */
        uint64_t chunk_end = at->left > granule ? at->left - granule : 0;
        while (at->left > chunk_end) {
            uint64_t bytes = at->left - chunk_end;
            int err;
            switch (at->policy->first) {
            case GCP_BY_COPY:
                err = copy_bytes(at, bytes, &at->account->copied);
                break;
            case GCP_BY_ZEROPAGE:
                err = zero_bytes(at, bytes);
                break;
            default:
                err = move_bytes(at, bytes);
            }
            if (err)
                return err;
        }
    }
    return 0;
}

int gcp_evacuate(const struct gcp_uffd *uffd, const struct gcp_run *runs, size_t n, const struct gcp_policy *policy,
                 struct gcp_account *ret)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; i < n; i++)
        ret->asked += runs[i].pages;
    if (policy->granule % page || policy->first > GCP_BY_ZEROPAGE || policy->on_ebusy > GCP_EBUSY_LEAVE) {
        ret->left = ret->asked;
        ret->err = EINVAL;
        return -EINVAL;
    }

    for (size_t i = 0; i < n; i++) {
        struct cursor at = {
            .uffd = uffd,
            .policy = policy,
            .account = ret,
            .page = page,
            .dst = runs[i].dst,
            .src = runs[i].src,
            .left = runs[i].pages * page,
        };
        int err = evacuate_run(&at);
        if (err) {
            ret->left += at.left / page;
            for (size_t rest = i + 1; rest < n; rest++)
                ret->left += runs[rest].pages;
            ret->err = err;
            ret->err_dst = at.dst;
            ret->err_src = at.src;
            return -err;
        }
    }
    return 0;
}
