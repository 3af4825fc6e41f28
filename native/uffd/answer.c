#define _GNU_SOURCE
#include "uffd/answer.h"
#include "base/address.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>

enum gcp_answer gcp_answer_to_nothing(enum gcp_verb verb, int32_t err, uint32_t touched)
{
    bool move = verb == GCP_VERB_MOVE;
    switch (err) {
    case EAGAIN:
        return GCP_ANSWER_AGAIN;
    case EEXIST:
        return GCP_ANSWER_THERE;
    case EBUSY:
        return move ? GCP_ANSWER_BUSY : GCP_ANSWER_FATAL;
    case ENOENT:
        return move ? GCP_ANSWER_HOLE : GCP_ANSWER_GONE;
    case EINVAL:
        return move && touched ? GCP_ANSWER_UNCLEAR : GCP_ANSWER_FATAL;
    default:
        return GCP_ANSWER_FATAL;
    }
}

int32_t gcp_answer_errno(const struct gcp_outcome *did)
{
    return did->err ? did->err : EIO;
}

bool gcp_answer_repeats(enum gcp_answer answer, uint32_t *row, uint32_t limit)
{
    if (answer != GCP_ANSWER_AGAIN && answer != GCP_ANSWER_UNCLEAR)
        return false;
    if (answer == GCP_ANSWER_UNCLEAR && limit > GCP_UNCLEAR_LIMIT)
        limit = GCP_UNCLEAR_LIMIT;
    if (++*row > limit)
        return false;
    sched_yield();
    return true;
}

void gcp_account_error(struct gcp_account *account, enum gcp_verb verb, int32_t err)
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
        account->enoent += verb != GCP_VERB_ZEROPAGE;
        break;
    default:
        account->other_errors++;
    }
}

void gcp_account_add(struct gcp_account *to, const struct gcp_account *from)
{
    /* All fields are counts of one type, so they can be added as an array. */
    _Static_assert(sizeof(*to) == offsetof(struct gcp_account, other_errors) + sizeof(uint64_t) &&
                       sizeof(*to) % sizeof(uint64_t) == 0,
                   "all fields of an account are counts");
    uint64_t *sums = (uint64_t *)to;
    const uint64_t *more = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof(*to) / sizeof(*sums); i++)
        sums[i] += more[i];
}

bool gcp_is_mapped(uint64_t start, uint64_t bytes, uint64_t page)
{
    unsigned char resident[256];
    uint64_t window = sizeof(resident) * page;
    for (uint64_t done = 0; done < bytes; done += window) {
        uint64_t part = bytes - done < window ? bytes - done : window;
        if (mincore(gcp_at(start + done), part, resident) < 0)
            return false; /* ENOMEM: not mapped */
    }
    return true;
}

bool gcp_is_resident(uint64_t address, uint64_t page)
{
    unsigned char resident;
    return mincore(gcp_at(address), page, &resident) == 0 && (resident & 1);
}
