#define _GNU_SOURCE
#include "hazards/stress/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/stress/parts.h"

#define ALL (GCP_STRESS_PAGES + GCP_STRESS_LOOSE)
#define MPOL_MF_MOVE 2
#define MOST_MIGRATED 64
#define OWN 16 /* pages of which one gets faulty */
#define BUSY_LIMIT 50
#define TRIES 16 /* to find a page that is present */
#define TURNS 5
#define MOST 6 /* times in a round that swap is off, and that a frame is lost in either way */

static void did(struct gcp_stress *stress, enum gcp_stress_count what, uint64_t n)
{
    atomic_fetch_add_explicit(&stress->counts[what], n, memory_order_relaxed);
}

uint64_t gcp_stress_migrate(uint64_t address, uint64_t page, uint64_t pages)
{
    void *at[MOST_MIGRATED];
    int nodes[MOST_MIGRATED], status[MOST_MIGRATED];
    uint64_t n = pages < MOST_MIGRATED ? pages : MOST_MIGRATED, moved = 0;
    for (uint64_t i = 0; i < n; i++)
        at[i] = gcp_at(address + i * page);
    if (syscall(SYS_move_pages, 0, n, at, NULL, status, MPOL_MF_MOVE) < 0)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        nodes[i] = status[i] == 0;
    if (syscall(SYS_move_pages, 0, n, at, nodes, status, MPOL_MF_MOVE) < 0)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        moved += status[i] == nodes[i];
    return moved;
}

bool gcp_stress_swap_off_and_on(const struct gcp_stress *stress)
{
    const char *device = stress->parts->swap;
    if (!device[0])
        return false;
    swapoff(device);
    return swapon(device, 0) == 0 || errno == EBUSY;
}

/* The page moves to another frame, and its frame is never used again.  A large folio is split for it. */
static void retire(struct gcp_stress_thread *thread)
{
    struct gcp_stress *stress = thread->stress;
    uint64_t at = 0;
    for (int tries = 0; tries < TRIES && !(gcp_stress_entry_at(stress, at) & GCP_PM_PRESENT); tries++)
        at = gcp_stress_at(stress, gcp_stress_random(thread, 2), gcp_stress_random(thread, ALL));
    if (madvise(gcp_at(at), stress->page, GCP_MADV_SOFT_OFFLINE) == 0)
        did(stress, GCP_STRESS_RETIRED, 1);
}

static void go_on(int number)
{
    (void)number;
}

/* Pages of its own, beside those that move: one gets faulty.  Those before it move, it does not, and those after it move. */
static void lose_one(struct gcp_stress_thread *thread)
{
    struct gcp_stress *stress = thread->stress;
    const uint64_t bytes = OWN * stress->page, lost = gcp_stress_random(thread, OWN);
    uint64_t src = gcp_address_of(gcp_region_alloc(bytes, 0)), dst = gcp_address_of(gcp_region_alloc(bytes, 0));
    if (src && dst && !gcp_uffd_register(&stress->uffd, dst, bytes, NULL).err) {
        memset(gcp_at(src), (int)thread->number + 1, bytes);
        signal(SIGBUS, go_on); /* the kernel tells this thread of the loss, though it does not read the page */
        int err = madvise(gcp_at(src + lost * stress->page), stress->page, MADV_HWPOISON);
        signal(SIGBUS, SIG_DFL);
        if (gcp_stress_entry_at(stress, src + lost * stress->page) & GCP_PM_PRESENT)
            err = -EBUSY; /* it was not taken away, and may stay */
        for (uint64_t i = 0; !err && i < OWN; i++) {
            uint64_t at = i * stress->page;
            struct gcp_outcome seen = {.err = EAGAIN};
            for (int tries = 0; (seen.err == EAGAIN || seen.err == EBUSY) && tries < BUSY_LIMIT; tries++)
                seen = gcp_uffd_move(&stress->uffd, dst + at, src + at, stress->page, 0);
            const char *text = gcp_at((seen.err ? src : dst) + at);
            if (i == lost ? !seen.err : seen.err && seen.err != EBUSY && seen.err != EAGAIN)
                gcp_stress_fail(stress, "page %" PRIu64 " beside a faulty one (%" PRIu64 "): errno %d", i, lost,
                                seen.err);
            else if (i != lost && (text[0] != (char)(thread->number + 1) || text[stress->page - 1] != text[0]))
                gcp_stress_fail(stress, "page %" PRIu64 " beside a faulty one has wrong contents", i);
        }
        did(stress, GCP_STRESS_LOST, !err);
    }
    if (src)
        gcp_region_free(gcp_at(src), bytes);
    if (dst)
        gcp_region_free(gcp_at(dst), bytes);
}

static bool may(const struct gcp_stress *stress, enum gcp_stress_part part, enum gcp_stress_count what)
{
    return !stress->parts->missing[part][0] && atomic_load(&stress->counts[what]) < MOST;
}

/* In turn, and not at random: in a slow guest a round has few turns. */
void *gcp_stress_machine(void *arg)
{
    struct gcp_stress_thread *thread = arg;
    struct gcp_stress *stress = thread->stress;
    for (uint64_t turn = gcp_stress_random(thread, TURNS); !atomic_load(&stress->stop); turn++) {
        gcp_stress_be_calm(stress);
        if (turn % TURNS == 0 && may(stress, GCP_STRESS_SWAPOFF, GCP_STRESS_SWAPOFFS)) {
            did(stress, GCP_STRESS_SWAPOFFS, gcp_stress_swap_off_and_on(stress));
        } else if (turn % TURNS == 1 && may(stress, GCP_STRESS_FAILURE, GCP_STRESS_LOST)) {
            lose_one(thread);
        } else if (turn % TURNS == 2 && may(stress, GCP_STRESS_FAILURE, GCP_STRESS_RETIRED) && !stress->held_spins) {
            retire(thread);
        } else if (!stress->parts->missing[GCP_STRESS_NODES][0]) {
            uint64_t n = 1 + gcp_stress_random(thread, MOST_MIGRATED), i = gcp_stress_random(thread, ALL - n);
            did(stress, GCP_STRESS_MIGRATED,
                gcp_stress_migrate(gcp_stress_at(stress, gcp_stress_random(thread, 2), i), stress->page, n));
        }
        gcp_stress_sleep_us(gcp_stress_random(thread, 8000));
    }
    if (!stress->parts->missing[GCP_STRESS_SWAPOFF][0])
        swapon(stress->parts->swap, 0);
    return NULL;
}
