/*
 * A range pair of its own.  Pages are in the range that is not armed, since only there the kernel swaps in large folios.
 * That range is armed when it becomes the destination, and the other one is disarmed.  While pages are swapped out and
 * move, other threads read them: what has moved away reads as zeroes.  Soft-dirty bits are cleared meanwhile, so that
 * swap-ins find another PTE than they began with, and leave their folio in the swap cache.
 */
#define _GNU_SOURCE
#include "hazards/stress/swapin.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/stress/work.h"
#include "trial/kernel_file.h"

#define PAGES 512
#define STEPS 60 /* moves and disturbances of a turn */
#define REFILL 4 /* turns between fresh folios */
#define PATIENCE 400

static uint64_t at(const struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    return stress->swapin.side[side] + i * stress->page;
}

static uint64_t word_of(const struct gcp_stress *stress, uint64_t i)
{
    return gcp_stress_word(stress, i + 0x10000);
}

static bool there(struct gcp_stress *stress, uint64_t side, uint64_t i)
{
    return gcp_stress_entry_at(stress, at(stress, side, i)) & (GCP_PM_PRESENT | GCP_PM_SWAP);
}

/* Reads the range that is not armed, as long as it is open. */
void *gcp_stress_touch(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    while (!atomic_load(&stress->stop)) {
        atomic_fetch_add(&stress->swapin.inside, 1);
        int open = atomic_load(&stress->swapin.open);
        if (open) {
            uint64_t i = gcp_stress_random(thread, PAGES);
            const volatile uint64_t *words = (const volatile uint64_t *)gcp_at(at(stress, (uint64_t)open - 1, i));
            uint64_t first = words[0], last = words[gcp_stress_last(stress)];
            if ((first && first != word_of(stress, i)) || (last && last != word_of(stress, i)))
                gcp_stress_fail(stress, "page %" PRIu64 " of the range that is not armed reads %#" PRIx64, i, first);
        }
        atomic_fetch_sub(&stress->swapin.inside, 1);
        if (!open)
            gcp_stress_sleep_us(200);
    }
    return NULL;
}

static void fill(struct gcp_stress_thread *thread, uint64_t side)
{
    static const unsigned ORDERS[] = {2, 3, 4, 4, 5, 6, 7, 8};
    struct gcp_stress *stress = thread->stress;
    gcp_region_discard(at(stress, side, 0), PAGES * stress->page);
    gcp_stress_enable(ORDERS[gcp_stress_random(thread, sizeof(ORDERS) / sizeof(ORDERS[0]))]);
    for (uint64_t i = 0; i < PAGES; i++)
        gcp_stress_mark(stress, at(stress, side, i), word_of(stress, i));
}

static void move(struct gcp_stress_thread *thread, uint64_t from, uint64_t first, uint64_t n)
{
    struct gcp_stress *stress = thread->stress;
    struct gcp_outcome seen = gcp_uffd_move(&stress->uffd, at(stress, !from, first), at(stress, from, first),
                                            n * stress->page, GCP_MOVE_ALLOW_SRC_HOLES);
    gcp_stress_account(stress, seen);
    if (seen.bytes > 0)
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_UNARMED], (uint64_t)seen.bytes / stress->page,
                                  memory_order_relaxed);
    atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_SWAPIN_MOVES], 1, memory_order_relaxed);
}

/* Pages move, are swapped out and in, and lose their soft-dirty bits. */
static void disturb(struct gcp_stress_thread *thread, uint64_t from)
{
    struct gcp_stress *stress = thread->stress;
    for (int step = 0; step < STEPS && !atomic_load(&stress->stop); step++) {
        uint64_t n = 1ULL << gcp_stress_random(thread, 9), first = gcp_stress_random(thread, PAGES / n) * n;
        switch (gcp_stress_random(thread, 4)) {
        case 0:
            gcp_region_page_out(at(stress, from, first), n * stress->page);
            break;
        case 1:
            gcp_kernel_file_clear_soft_dirty();
            break;
        default:
            move(thread, from, first, n);
        }
        gcp_stress_sleep_us(gcp_stress_random(thread, 400));
    }
}

/* A zero page that a reading thread made is not content: it is dropped, so that the page itself can come back. */
static bool take(struct gcp_stress_thread *thread, uint64_t from, uint64_t i)
{
    struct gcp_stress *stress = thread->stress;
    volatile uint64_t *words = (volatile uint64_t *)gcp_at(at(stress, from, i));
    for (int tries = 0; tries < PATIENCE && !there(stress, !from, i); tries++) {
        if (!there(stress, from, i)) {
            gcp_stress_fail(stress, "page %" PRIu64 " of the pair that is swapped in is lost", i);
            return false;
        }
        move(thread, from, i, 1);
        if (!there(stress, !from, i)) {
            words[1] = i; /* exclusive again, and out of the swap cache */
            gcp_stress_sleep_us(100);
        }
    }
    if (!there(stress, !from, i)) {
        gcp_uffd_copy(&stress->uffd, at(stress, !from, i), at(stress, from, i), stress->page, 0);
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_COPIED], 1, memory_order_relaxed);
    }
    return there(stress, !from, i);
}

/* One turn: everything that is in range `from` ends in the other one, with its contents. */
static int turn(struct gcp_stress_thread *thread, uint64_t from)
{
    struct gcp_stress *stress = thread->stress;
    uint64_t bytes = PAGES * stress->page;
    gcp_region_page_out(at(stress, from, 0), bytes);
    atomic_store(&stress->swapin.open, (int)from + 1);
    disturb(thread, from);
    atomic_store(&stress->swapin.open, 0);
    while (atomic_load(&stress->swapin.inside))
        sched_yield();
    for (uint64_t i = 0; i < PAGES; i++)
        if (!take(thread, from, i))
            return -EIO;
    for (uint64_t i = 0; i < PAGES; i++) {
        const volatile uint64_t *words = (const volatile uint64_t *)gcp_at(at(stress, !from, i));
        if (words[0] != word_of(stress, i) || words[gcp_stress_last(stress)] != word_of(stress, i))
            gcp_stress_fail(stress, "page %" PRIu64 " of the pair that is swapped in has wrong contents", i);
    }
    gcp_region_discard(at(stress, from, 0), bytes);
    struct gcp_outcome seen = gcp_uffd_unregister(&stress->uffd, at(stress, !from, 0), bytes);
    if (!seen.err)
        seen = gcp_uffd_register(&stress->uffd, at(stress, from, 0), bytes, NULL);
    atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_TURNS], 1, memory_order_relaxed);
    return -seen.err;
}

void *gcp_stress_swap_in(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    uint64_t bytes = PAGES * stress->page, from = 0;
    for (int side = 0; side < 2; side++)
        stress->swapin.side[side] = gcp_address_of(gcp_region_alloc(bytes, 0));
    if (!stress->swapin.side[0] || !stress->swapin.side[1])
        return NULL;
    int err = -gcp_uffd_register(&stress->uffd, stress->swapin.side[1], bytes, NULL).err;
    for (uint64_t turns = 0; !err && !atomic_load(&stress->stop); turns++, from = !from) {
        if (turns % REFILL == 0)
            fill(thread, from);
        err = turn(thread, from);
    }
    atomic_store(&stress->swapin.open, 0);
    if (err && !atomic_load(&stress->failed))
        gcp_stress_fail(stress, "the pair that is swapped in: error %d", -err);
    return NULL;
}
