#define _GNU_SOURCE
#include "paths/evacuate.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/*
 * The engine's position: one page of one run.
 * left:             bytes of the run that are still undecided
 * row:              answers without progress, in a row
 * source_is_mapped: checked once a run
 *
 * dst, src and left change together after every call, and the next call reads them singly.  If they were adjacent, the
 * compiler would combine them in a vector register, which costs more than it saves.
 */
struct cursor {
    const struct gcp_uffd *uffd;
    const struct gcp_policy *policy;
    uint64_t dst;
    struct gcp_account *account;
    uint64_t src;
    uint64_t page;
    uint64_t left;
    uint32_t row;
    bool source_is_mapped;
};

static void advance(struct cursor *at, uint64_t bytes)
{
    at->dst += bytes;
    at->src += bytes;
    at->left -= bytes;
    at->row = 0;
}

/* One page is decided: count it in `*column`, and go on after it. */
static void decide_page(struct cursor *at, uint64_t *column)
{
    *column += 1;
    advance(at, at->page);
}

/* Only a hole may be filled with zeroes. */
static bool is_hole(struct cursor *at)
{
    at->source_is_mapped = at->source_is_mapped || gcp_is_mapped(at->src, at->left, at->page);
    return at->source_is_mapped;
}

/* Handle an answer without progress, of any verb.  0 or an errno. */
static int without_progress(struct cursor *at, enum gcp_answer answer, const struct gcp_outcome *did)
{
    uint32_t limit = at->policy->eagain_limit ? at->policy->eagain_limit : GCP_AGAIN_LIMIT;
    if (answer == GCP_ANSWER_THERE) {
        decide_page(at, &at->account->already);
        return 0;
    }
    return gcp_answer_repeats(answer, &at->row, limit) ? 0 : gcp_answer_errno(did);
}

static int copy_bytes(struct cursor *at, uint64_t bytes, uint64_t *column)
{
    struct gcp_outcome did = gcp_uffd_copy(at->uffd, at->dst, at->src, bytes, 0);
    enum gcp_answer answer = gcp_answer(GCP_VERB_COPY, &did);
    gcp_account_call(at->account, GCP_VERB_COPY, &did);
    if (answer != GCP_ANSWER_DONE)
        return without_progress(at, answer, &did);
    *column += (uint64_t)did.bytes / at->page;
    advance(at, (uint64_t)did.bytes);
    return 0;
}

static int zero_bytes(struct cursor *at, uint64_t bytes)
{
    struct gcp_outcome did = gcp_uffd_zeropage(at->uffd, at->dst, bytes, 0);
    enum gcp_answer answer = gcp_answer(GCP_VERB_ZEROPAGE, &did);
    gcp_account_call(at->account, GCP_VERB_ZEROPAGE, &did);
    if (answer != GCP_ANSWER_DONE)
        return without_progress(at, answer, &did);
    at->account->zeroed += (uint64_t)did.bytes / at->page;
    advance(at, (uint64_t)did.bytes);
    return 0;
}

static int busy_page(struct cursor *at)
{
    struct gcp_account *account = at->account;
    if (at->policy->on_ebusy == GCP_EBUSY_LEAVE) {
        decide_page(at, &account->left);
        return 0;
    }
    /* After EAGAIN the next turn tries MOVE again: the page may no longer be busy. */
    return copy_bytes(at, at->page, &account->copied_after_ebusy);
}

static int move_bytes(struct cursor *at, uint64_t bytes)
{
    struct gcp_outcome did = gcp_uffd_move(at->uffd, at->dst, at->src, bytes, at->policy->mode);
    enum gcp_answer answer = gcp_answer(GCP_VERB_MOVE, &did);
    gcp_account_call(at->account, GCP_VERB_MOVE, &did);
    switch (answer) {
    case GCP_ANSWER_DONE:
        at->account->moved += (uint64_t)did.bytes / at->page;
        advance(at, (uint64_t)did.bytes);
        return 0;
    case GCP_ANSWER_BUSY:
        return busy_page(at);
    case GCP_ANSWER_HOLE:
        if (gcp_is_resident(at->src, at->page))
            return busy_page(at); /* it is being migrated */
        return is_hole(at) ? zero_bytes(at, at->page) : ENOENT;
    default:
        return without_progress(at, answer, &did);
    }
}

static int evacuate_run(struct cursor *at)
{
    uint64_t granule = at->policy->granule ? at->policy->granule : at->left;
    while (at->left) {
        /* After a busy page the rest of its granule goes on as one batch. */
        uint64_t chunk_end = at->left > granule ? at->left - granule : 0;
        while (at->left > chunk_end) {
            uint64_t bytes = at->left - chunk_end;
            int err;
            switch (at->policy->first) {
            case GCP_VERB_COPY:
                err = copy_bytes(at, bytes, &at->account->copied);
                break;
            case GCP_VERB_ZEROPAGE:
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

static bool is_known(const struct gcp_policy *policy, uint64_t page)
{
    bool verb = policy->first == GCP_VERB_MOVE || policy->first == GCP_VERB_COPY || policy->first == GCP_VERB_ZEROPAGE;
    bool busy = policy->on_ebusy == GCP_EBUSY_COPY || policy->on_ebusy == GCP_EBUSY_LEAVE;
    return verb && busy && policy->granule % page == 0;
}

int gcp_evacuate(const struct gcp_uffd *uffd, const struct gcp_run *runs, size_t n, const struct gcp_policy *policy,
                 struct gcp_account *account, struct gcp_run *ret_stopped)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), asked = 0;

    for (size_t i = 0; i < n; i++)
        asked += runs[i].pages;
    account->asked += asked;
    if (!is_known(policy, page)) {
        account->left += asked;
        if (ret_stopped)
            *ret_stopped = n ? runs[0] : (struct gcp_run){0};
        return -EINVAL;
    }

    for (size_t i = 0; i < n; i++) {
        struct cursor at = {
            .uffd = uffd,
            .policy = policy,
            .account = account,
            .page = page,
            .dst = runs[i].dst,
            .src = runs[i].src,
            .left = runs[i].pages * page,
        };
        int err = evacuate_run(&at);
        if (!err)
            continue;
        account->left += at.left / page;
        for (size_t rest = i + 1; rest < n; rest++)
            account->left += runs[rest].pages;
        if (ret_stopped)
            *ret_stopped = (struct gcp_run){at.dst, at.src, at.left / page};
        return -err;
    }
    return 0;
}
