/*
 * A range pair of its own, whose pages have few different contents, so that KSM merges them.  A merged page does not move
 * until a write has given it a frame of its own; then it moves, and is merged again.  Only this thread touches the pair,
 * each page where it is, so no fault of userfaultfd occurs.
 */
#define _GNU_SOURCE
#include "hazards/stress/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/stress/parts.h"
#include "hazards/stress/state.h"
#include "hazards/stress/work.h"

#define PAGES 64
#define CONTENTS 3

struct twins {
    struct gcp_stress_thread *thread;
    struct gcp_stress *stress;
    uint64_t side[2];
    uint8_t place[PAGES];
};

static uint64_t at(const struct twins *twins, uint64_t side, uint64_t i)
{
    return twins->side[side] + i * twins->stress->page;
}

static uint64_t word_of(const struct twins *twins, uint64_t i)
{
    return gcp_stress_word(twins->stress, 0x20000 + i % CONTENTS);
}

/* The same contents again: a write gives a merged page a frame of its own. */
static void write_again(const struct twins *twins, uint64_t i)
{
    gcp_stress_mark(twins->stress, at(twins, twins->place[i], i), word_of(twins, i));
}

static int fill(struct twins *twins)
{
    uint64_t bytes = PAGES * twins->stress->page;
    for (uint64_t side = 0; side < 2; side++) {
        twins->side[side] = gcp_address_of(gcp_region_alloc(bytes, 0));
        if (!twins->side[side])
            return -ENOMEM;
        struct gcp_outcome seen = gcp_uffd_register(&twins->stress->uffd, twins->side[side], bytes, NULL);
        if (seen.err)
            return -seen.err;
        if (madvise(gcp_at(twins->side[side]), bytes, MADV_MERGEABLE) < 0)
            return -errno;
    }
    static uint64_t zeroes[(1 << 16) / sizeof(uint64_t)];
    for (uint64_t i = 0; i < PAGES; i++) {
        struct gcp_outcome seen =
            gcp_uffd_copy(&twins->stress->uffd, at(twins, 0, i), gcp_address_of(zeroes), twins->stress->page, 0);
        if (seen.err)
            return -seen.err;
        write_again(twins, i);
    }
    return 0;
}

static uint64_t count_merged(const struct twins *twins)
{
    uint64_t merged = 0;
    for (uint64_t i = 0; i < PAGES; i++)
        merged += gcp_stress_flags_at(twins->stress, at(twins, twins->place[i], i)) & GCP_KPF_KSM ? 1 : 0;
    return merged;
}

static void move_run(struct twins *twins)
{
    struct gcp_stress *stress = twins->stress;
    uint64_t n = 1 + gcp_stress_random(twins->thread, 8), i = gcp_stress_random(twins->thread, PAGES - n), end = i + n;
    while (i < end && !atomic_load(&stress->stop)) {
        uint64_t from = twins->place[i], run = 1;
        while (i + run < end && twins->place[i + run] == from)
            run++;
        struct gcp_outcome seen =
            gcp_uffd_move(&stress->uffd, at(twins, !from, i), at(twins, from, i), run * stress->page, 0);
        uint64_t done = seen.bytes > 0 ? (uint64_t)seen.bytes / stress->page : 0;
        gcp_stress_account(stress, seen);
        for (uint64_t k = i; k < i + done; k++)
            twins->place[k] = (uint8_t)!from;
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_TWINS], done, memory_order_relaxed);
        i += done;
        if (!done && seen.err == EBUSY)
            write_again(twins, i);
        else if (!done && seen.err == EEXIST) /* moved, and not counted (the hazard retry-eexist) */
            twins->place[i] = (uint8_t)!from;
    }
}

static void check(const struct twins *twins)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        const volatile uint64_t *words = (const volatile uint64_t *)gcp_at(at(twins, twins->place[i], i));
        uint64_t last = gcp_stress_last(twins->stress);
        if (words[0] != word_of(twins, i) || words[last / 2] || words[last] != word_of(twins, i)) {
            gcp_stress_fail(twins->stress, "page %" PRIu64 " of those that are merged reads %#" PRIx64, i, words[0]);
            return;
        }
    }
}

void *gcp_stress_merge(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    struct twins twins = {.thread = thread, .stress = stress};
    if (stress->parts->missing[GCP_STRESS_KSM][0])
        return NULL;
    int err = fill(&twins);
    if (err) {
        gcp_stress_fail(stress, "the pair that is merged: %s", strerror(-err));
        return NULL;
    }
    while (!atomic_load(&stress->stop)) {
        /* KSM merges what two of its scans found at the same place. */
        gcp_stress_sleep_us(100000 + gcp_stress_random(thread, 200000));
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_MERGED], count_merged(&twins), memory_order_relaxed);
        for (int turn = 0; turn < 16 && !atomic_load(&stress->stop); turn++)
            move_run(&twins);
        if (gcp_stress_random(thread, 4) == 0)
            gcp_region_page_out(at(&twins, gcp_stress_random(thread, 2), 0), PAGES * stress->page);
        check(&twins);
    }
    return NULL;
}
