#define _GNU_SOURCE
#include "hazards/stress/disturb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/pin.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/stress/state.h"
#include "trial/kernel_file.h"

#define ALL (GCP_STRESS_PAGES + GCP_STRESS_LOOSE)

static void did(struct gcp_stress *stress, enum gcp_stress_count what)
{
    atomic_fetch_add_explicit(&stress->counts[what], 1, memory_order_relaxed);
}

/* A pinned page must stay in place: its entry is the same at the pin and at the unpin. */
static void pin_once(struct gcp_stress_thread *thread, uint64_t side, uint64_t i, uint64_t n)
{
    struct gcp_stress *stress = thread->stress;
    int32_t ring = gcp_pin(gcp_stress_at(stress, side, i), n * stress->page);
    if (ring < 0) {
        gcp_stress_sleep_us(1000);
        return;
    }
    uint64_t held = gcp_stress_entry(stress, side, i);
    gcp_stress_sleep_us(gcp_stress_random(thread, 2000));
    uint64_t still = gcp_stress_entry(stress, side, i);
    if (!(held & GCP_PM_PRESENT) || GCP_PM_PFN(held) != GCP_PM_PFN(still) || !(still & GCP_PM_PRESENT))
        gcp_stress_fail(stress, "page %" PRIu64 " was moved while it was pinned: %#" PRIx64 " became %#" PRIx64, i,
                        held, still);
    gcp_unpin(ring);
    did(stress, GCP_STRESS_PINS);
}

/*
 * Where a held large folio makes MOVE spin, only folios of one page are pinned.  Page by page, since a pin that waits for
 * a fault holds the pages before it.
 */
static void pin_small(struct gcp_stress_thread *thread, uint64_t side, uint64_t i)
{
    struct gcp_stress *stress = thread->stress;
    atomic_store(&stress->holding, 1);
    if (!atomic_load(&stress->calm) && gcp_stress_is_small(stress, side, i))
        pin_once(thread, side, i, 1);
    atomic_store(&stress->holding, 0);
}

void *gcp_stress_pin(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    while (!atomic_load(&stress->stop)) {
        static const uint64_t LENGTHS[] = {1, 1, 4, 32};
        uint64_t n = LENGTHS[gcp_stress_random(thread, 4)], i = gcp_stress_random(thread, GCP_STRESS_PAGES - n);
        uint64_t side = gcp_stress_random(thread, 2);
        if (stress->held_spins)
            pin_small(thread, side, i);
        else
            pin_once(thread, side, i, n);
        gcp_stress_sleep_us(gcp_stress_random(thread, 2000));
    }
    return NULL;
}

/* A reference that is not a pin; check the contents through it. */
void *gcp_stress_splice(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    while (!atomic_load(&stress->stop)) {
        uint64_t i = gcp_stress_random(thread, GCP_STRESS_PAGES), word = 0;
        struct iovec part = {gcp_at(gcp_stress_at(stress, gcp_stress_random(thread, 2), i)), stress->page};
        if (vmsplice(ends[1], &part, 1, 0) != (ssize_t)stress->page)
            continue;
        gcp_stress_sleep_us(gcp_stress_random(thread, 500));
        for (uint64_t at = 0; at < stress->page; at += sizeof(word)) {
            if (read(ends[0], &word, sizeof(word)) != (ssize_t)sizeof(word))
                break;
            if (at == 0 && word != gcp_stress_word(stress, i))
                gcp_stress_fail(stress, "page %" PRIu64 " reads %#" PRIx64 " through a pipe", i, word);
        }
        did(stress, GCP_STRESS_SPLICES);
    }
    close(ends[0]);
    close(ends[1]);
    return NULL;
}

/* In the child the ranges are not registered: a page is right, or it reads as zeroes. */
static void look_as_child(struct gcp_stress_thread *thread)
{
    struct gcp_stress *stress = thread->stress;
    for (int k = 0; k < 16; k++) {
        uint64_t i = gcp_stress_random(thread, GCP_STRESS_PAGES);
        for (uint64_t side = 0; side < 2; side++) {
            uint64_t word = *(volatile uint64_t *)gcp_at(gcp_stress_at(stress, side, i));
            if (word != 0 && word != gcp_stress_word(stress, i))
                _exit(1);
        }
    }
    _exit(0);
}

void *gcp_stress_fork(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    /*
     * A write after a fork turns large folios into small ones: every other round has no forks, so some folios survive.
     */
    if (stress->seed % 2)
        return NULL;
    while (!atomic_load(&stress->stop)) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            look_as_child(thread);
        if (child > 0 && waitpid(child, &status, 0) == child && status != 0)
            gcp_stress_fail(stress, "a forked child ended with status %#x", (unsigned)status);
        did(stress, GCP_STRESS_FORKS);
        /* All pages are now shared, and none moves until it is written to: have all of them written. */
        for (uint64_t i = 0; i < ALL; i++)
            atomic_store(&stress->busy[i], 1);
        for (uint64_t wait = 10 + gcp_stress_random(thread, 30); wait && !atomic_load(&stress->stop); wait--)
            gcp_stress_sleep_us(50000);
    }
    return NULL;
}

void *gcp_stress_reclaim(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    /* Pages come back from swap as small folios too. */
    if (stress->seed % 3 == 0)
        return NULL;
    while (!atomic_load(&stress->stop)) {
        uint64_t n = 1ULL << gcp_stress_random(thread, 8), i = gcp_stress_random(thread, GCP_STRESS_PAGES - n);
        uint64_t side = gcp_stress_random(thread, 2), at = gcp_stress_at(stress, side, i), loose;
        switch (gcp_stress_random(thread, 8)) {
        case 0:
            madvise(gcp_at(at), n * stress->page, GCP_MADV_COLD);
            break;
        case 1:
            madvise(gcp_at(at), n * stress->page, MADV_WILLNEED);
            break;
        case 2:
            loose = GCP_STRESS_PAGES + gcp_stress_random(thread, GCP_STRESS_LOOSE);
            madvise(gcp_at(gcp_stress_at(stress, side, loose)), stress->page, MADV_DONTNEED);
            break;
        case 3:
            if (gcp_stress_random(thread, 16) == 0)
                gcp_kernel_file_clear_soft_dirty();
            break;
        default:
            gcp_region_page_out(at, n * stress->page);
            did(stress, GCP_STRESS_PAGEOUTS);
        }
        gcp_stress_sleep_us(gcp_stress_random(thread, 1000));
    }
    return NULL;
}

/*
 * A THP needs all its pages in one range: the other threads wait while the pages of one PMD are gathered and collapsed.
 * The movers then find a PMD-mapped THP.  On pages of 16 KiB the ranges are smaller than one, and none is made.
 */
static void collapse(struct gcp_stress_thread *thread)
{
    struct gcp_stress *stress = thread->stress;
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    const uint64_t pmd = platform.pmd_size, pages = pmd / stress->page;
    uint64_t side = gcp_stress_random(thread, 2), start = (stress->side[side] + pmd - 1) / pmd * pmd;
    uint64_t first = (start - stress->side[side]) / stress->page;
    if (first + pages > ALL)
        return;
    atomic_store(&stress->calm, 1);
    while (stress->held_spins && atomic_load(&stress->holding))
        gcp_stress_sleep_us(100);
    gcp_stress_sleep_us(20000);
    for (uint64_t i = first; i < first + pages; i++)
        if (!(gcp_stress_entry(stress, side, i) & (GCP_PM_PRESENT | GCP_PM_SWAP)))
            gcp_uffd_move(&stress->uffd, gcp_stress_at(stress, side, i), gcp_stress_at(stress, !side, i), stress->page,
                          0);
    if (madvise(gcp_at(start), pmd, GCP_MADV_COLLAPSE) == 0)
        did(stress, GCP_STRESS_COLLAPSES);
    atomic_store(&stress->calm, 0);
}

void *gcp_stress_compact(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    while (!atomic_load(&stress->stop)) {
        if (gcp_stress_random(thread, 2)) {
            collapse(thread);
        } else if (!gcp_kernel_file_write("/proc/sys/vm/compact_memory", "1")) {
            did(stress, GCP_STRESS_COMPACTIONS);
        }
        gcp_stress_sleep_us(50000 + gcp_stress_random(thread, 100000));
    }
    return NULL;
}
