/*
 * The meaning of the kernel's answers: the table of decisions, and that the engine and the pages of the heap agree.
 * Prints one line per check; exit code 1 if one fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/platform.h"
#include "heap/pages.h"
#include "paths/evacuate.h"
#include "uffd/answer.h"
#include "uffd/inject.h"
#include "base/address.h"

static int failures;

static void check(int good, const char *what)
{
    printf("%s %s\n", good ? "ok" : "FAILED", what);
    failures += !good;
}

#define ALL (-1)

static const struct {
    const char *what;
    int32_t err;
    int touched; /* ALL: the same in both cases */
    enum gcp_answer move, copy, zeropage;
} DECISIONS[] = {
    {"success without progress", 0, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"EAGAIN", EAGAIN, ALL, GCP_ANSWER_AGAIN, GCP_ANSWER_AGAIN, GCP_ANSWER_AGAIN},
    {"EEXIST", EEXIST, ALL, GCP_ANSWER_THERE, GCP_ANSWER_THERE, GCP_ANSWER_THERE},
    {"EBUSY", EBUSY, ALL, GCP_ANSWER_BUSY, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"ENOENT", ENOENT, ALL, GCP_ANSWER_HOLE, GCP_ANSWER_GONE, GCP_ANSWER_GONE},
    {"EINVAL before any work", EINVAL, 0, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"EINVAL at work", EINVAL, 1, GCP_ANSWER_UNCLEAR, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"EFAULT", EFAULT, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"ENOMEM", ENOMEM, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"EINTR", EINTR, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"ESRCH", ESRCH, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
    {"an errno of a newer kernel", 4095, ALL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL, GCP_ANSWER_FATAL},
};

static void test_decisions(void)
{
    for (size_t i = 0; i < sizeof(DECISIONS) / sizeof(DECISIONS[0]); i++) {
        int good = 1, progress = 1;
        for (uint32_t touched = 0; touched < 2; touched++) {
            struct gcp_outcome did = {.err = DECISIONS[i].err, .touched = touched};
            struct gcp_outcome some = {.bytes = 4096, .err = DECISIONS[i].err, .touched = 1};
            if (DECISIONS[i].touched == ALL || DECISIONS[i].touched == (int)touched)
                good &= gcp_answer(GCP_VERB_MOVE, &did) == DECISIONS[i].move &&
                        gcp_answer(GCP_VERB_COPY, &did) == DECISIONS[i].copy &&
                        gcp_answer(GCP_VERB_ZEROPAGE, &did) == DECISIONS[i].zeropage;
            progress &= gcp_answer(GCP_VERB_MOVE, &some) == GCP_ANSWER_DONE;
            good &= gcp_answer_errno(&did) == (did.err ? did.err : EIO);
        }
        check(good, DECISIONS[i].what);
        check(progress, "with progress it is progress");
    }
}

static uint32_t repeats_of(enum gcp_answer answer, uint32_t limit)
{
    uint32_t row = 0, n = 0;
    while (gcp_answer_repeats(answer, &row, limit))
        n++;
    return n;
}

static void test_repeats(void)
{
    check(repeats_of(GCP_ANSWER_AGAIN, 1000) == 1000, "AGAIN is repeated as often as allowed");
    check(repeats_of(GCP_ANSWER_UNCLEAR, GCP_AGAIN_LIMIT) == GCP_UNCLEAR_LIMIT, "UNCLEAR is repeated a few times");
    check(repeats_of(GCP_ANSWER_UNCLEAR, 3) == 3, "and less often where that is asked");
    for (int answer = GCP_ANSWER_THERE; answer <= GCP_ANSWER_FATAL; answer++)
        check(repeats_of((enum gcp_answer)answer, 1000) == 0, "other answers are not");
}

static void test_accounts(void)
{
    struct gcp_account sum = {0}, one;
    uint64_t *counts = (uint64_t *)&one;
    size_t n = sizeof(one) / sizeof(*counts), good = 0;
    for (size_t i = 0; i < n; i++)
        counts[i] = i + 1;
    for (int times = 0; times < 3; times++)
        gcp_account_add(&sum, &one);
    for (size_t i = 0; i < n; i++)
        good += ((uint64_t *)&sum)[i] == 3 * (i + 1);
    check(good == n, "every field of an account is added");

    static const struct gcp_outcome CALLS[] = {
        {.bytes = 4096}, {.bytes = 4096, .err = EAGAIN},
        {.err = EAGAIN}, {.err = EBUSY},
        {.err = EEXIST}, {.err = ENOENT},
        {.err = EFAULT},
    };
    memset(&sum, 0, sizeof(sum));
    for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++)
        gcp_account_call(&sum, GCP_VERB_MOVE, &CALLS[i]);
    check(sum.move_calls == 7 && sum.short_results == 1 && sum.eagain == 1 && sum.ebusy == 1 && sum.eexist == 1 &&
              sum.enoent == 1 && sum.other_errors == 1,
          "calls and errnos are counted once each");
    gcp_account_call(&sum, GCP_VERB_ZEROPAGE, &CALLS[5]);
    check(sum.zeropage_calls == 1 && sum.enoent == 1, "a hole's ENOENT is counted once");
}

/* Two pages, and a registered destination for them. */
struct pair {
    uint64_t page, src, dst;
    struct gcp_uffd uffd;
};

static void pair_init(struct pair *ret)
{
    ret->page = (uint64_t)sysconf(_SC_PAGESIZE);
    ret->src = gcp_address_of(gcp_region_alloc(2 * ret->page, 0));
    ret->dst = gcp_address_of(gcp_region_alloc(2 * ret->page, 0));
    gcp_region_small(ret->src, 2 * ret->page);
    gcp_region_small(ret->dst, 2 * ret->page);
    memset(gcp_at(ret->src), 7, 2 * ret->page);
    gcp_uffd_init(0, &ret->uffd);
    gcp_uffd_register(&ret->uffd, ret->dst, 2 * ret->page, NULL);
}

static void pair_deinit(struct pair *pair)
{
    gcp_uffd_deinit(&pair->uffd);
    gcp_region_free(gcp_at(pair->src), 2 * pair->page);
    gcp_region_free(gcp_at(pair->dst), 2 * pair->page);
}

/* A state of the first page, and the expected result of the engine and of the pages: 0 or -errno. */
struct situation {
    const char *what;
    void (*make)(struct pair *pair);
    int32_t result;
    uint64_t moved, copied_after_ebusy, zeroed, already;
};

static void nothing(struct pair *pair)
{
    (void)pair;
}

static void hole(struct pair *pair)
{
    madvise(gcp_at(pair->src), pair->page, MADV_DONTNEED);
}

static void unmapped(struct pair *pair)
{
    munmap(gcp_at(pair->src), pair->page);
}

static void unregistered(struct pair *pair)
{
    gcp_uffd_unregister(&pair->uffd, pair->dst, 2 * pair->page);
}

static void taken(struct pair *pair)
{
    gcp_uffd_zeropage(&pair->uffd, pair->dst, pair->page, 0);
}

static void busy_once(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, 1, EBUSY);
}

static void migrating_once(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, 1, ENOENT);
}

static void again_long(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, 5000, EAGAIN);
}

static void again_for_ever(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, UINT32_MAX, EAGAIN);
}

static void refused(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, 1, EINVAL);
}

static void no_memory(struct pair *pair)
{
    (void)pair;
    gcp_inject(GCP_VERB_MOVE, 0, 1, ENOMEM);
}

static const struct situation SITUATIONS[] = {
    {"nothing in the way", nothing, 0, 1, 0, 0, 0},
    {"a hole", hole, 0, 0, 0, 1, 0},
    {"a source that is not mapped", unmapped, -ENOENT, 0, 0, 0, 0},
    {"a destination that is not registered", unregistered, -EINVAL, 0, 0, 0, 0},
    {"a destination that is taken", taken, 0, 0, 0, 0, 1},
    {"a busy page", busy_once, 0, 0, 1, 0, 0},
    {"a page that is there and gives ENOENT", migrating_once, 0, 0, 1, 0, 0},
    {"EAGAIN for a while", again_long, 0, 1, 0, 0, 0},
    {"EAGAIN without end", again_for_ever, -EAGAIN, 0, 0, 0, 0},
    {"arguments refused", refused, -EINVAL, 0, 0, 0, 0},
    {"no memory", no_memory, -ENOMEM, 0, 0, 0, 0},
};

static void look(const struct situation *at, const char *who, int64_t got, const struct gcp_account *account)
{
    char text[160];
    snprintf(text, sizeof(text), "%s, %s", at->what, who);
    check(got == at->result && account->moved == at->moved && account->zeroed == at->zeroed &&
              account->copied_after_ebusy == at->copied_after_ebusy && account->already == at->already,
          text);
}

/* Returns the calls of MOVE. */
static uint64_t by_engine(const struct situation *at)
{
    struct pair pair;
    struct gcp_account account = {0};
    struct gcp_policy policy = {0};
    pair_init(&pair);
    at->make(&pair);
    struct gcp_run run = {pair.dst, pair.src, 1};
    int got = gcp_evacuate(&pair.uffd, &run, 1, &policy, &account, NULL);
    gcp_inject(GCP_VERB_MOVE, 0, 0, 0);
    look(at, "by the engine", got, &account);
    pair_deinit(&pair);
    return account.move_calls;
}

static uint64_t by_pages(const struct situation *at, uint32_t tolerate)
{
    struct pair pair;
    struct gcp_pages pages;
    struct gcp_account account = {0};
    const struct gcp_map_how how = {.tolerate = tolerate};
    pair_init(&pair);
    gcp_pages_init(&pair.uffd, pair.dst, pair.src, 2, &pages);
    at->make(&pair);
    int64_t got = gcp_pages_map_from(&pages, 0, pair.src, 1, &how, &account);
    gcp_inject(GCP_VERB_MOVE, 0, 0, 0);
    if (!tolerate)
        look(at, "by the pages", got > 0 ? 0 : got, &account);
    else
        check(got == 0 && account.move_calls == 1, at->what);
    gcp_pages_deinit(&pages);
    pair_deinit(&pair);
    return account.move_calls;
}

static void test_both(void)
{
    for (size_t i = 0; i < sizeof(SITUATIONS) / sizeof(SITUATIONS[0]); i++)
        check(by_engine(&SITUATIONS[i]) == by_pages(&SITUATIONS[i], 0), "with as many calls");
    puts("  what is tolerated where a registration may have ended:");
    by_pages(&SITUATIONS[2], 1);
    by_pages(&SITUATIONS[3], 1);
}

static void test_mapped(void)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), bytes = 1000 * page;
    char *area = gcp_region_alloc(bytes, 0);
    uint64_t start = gcp_address_of(area);
    check(gcp_is_mapped(start, bytes, page), "memory that was never touched is mapped");
    check(!gcp_is_resident(start, page), "but not in memory");
    area[0] = 1;
    check(gcp_is_resident(start, page), "until it is written to");
    munmap(area + 700 * page, page);
    check(!gcp_is_resident(start + 700 * page, page), "what is not mapped is not in memory");
    check(!gcp_is_mapped(start, bytes, page), "with a gap it is not");
    check(gcp_is_mapped(start, 700 * page, page) && gcp_is_mapped(start + 701 * page, 299 * page, page),
          "but before and after the gap");
    gcp_region_free(area, bytes);
}

int main(void)
{
    test_decisions();
    test_repeats();
    test_accounts();
    test_mapped();
    test_both();
    return failures != 0;
}
