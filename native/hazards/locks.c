/* Hazard: mremap and MOVE lock the same two page tables in different orders.  Both processors spin, the guest is lost. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/address.h"
#include "base/clock.h"
#include "hazards/tables.h"

#define PAGES 64
#define PLACE 256 /* in each table, the page where the range that is remapped begins */
#define RACE_NS (3 * UINT64_C(1000000000))

/*
 * In each of two page tables: `moved`, a range that MOVE uses, and `remapped`, one that mremap uses.  PROT_NONE between
 * them and after them keeps the four mappings apart: what mremap locks for writing is not what MOVE locks for reading.
 */
struct tables {
    struct gcp_trial *trial;
    uint64_t moved[2], remapped[2];
    atomic_int stop, err;
    atomic_uint_fast64_t turns;
};

static void *move_there_and_back(void *arg)
{
    struct tables *tables = arg;
    uint64_t page = tables->trial->page, bytes = PAGES * page, at = 0;
    for (unsigned from = 0; !atomic_load(&tables->stop);) {
        struct gcp_outcome did =
            gcp_uffd_move(&tables->trial->uffd, tables->moved[!from] + at, tables->moved[from] + at, bytes - at, 0);
        if (did.bytes > 0)
            at += (uint64_t)did.bytes;
        else if (did.err == EEXIST)
            at += page; /* this call moved it and did not count it (retry-eexist): no other thread fills it */
        else if (did.err != EAGAIN) {
            atomic_store(&tables->err, did.err);
            return NULL;
        }
        if (at == bytes) {
            atomic_fetch_add(&tables->turns, 1);
            at = 0;
            from = !from;
        }
    }
    return NULL;
}

/*
 * MOVE holds the locks of its mappings for reading, and takes those of two page tables in the order of their addresses.
 * The call mremap takes the source's first and relies on the mmap lock.  MOVE does not take that one since 6.9
 * ("userfaultfd: use per-vma locks in userfaultfd operations", 867a43a34ff8).  In one of both directions the orders differ:
 * "mm: fix deadlock of mremap() against UFFDIO_MOVE" (d03df42ddae1, CVE-2026-99652).
 *
 * lockdep can't report it: both take the second lock as nested (SINGLE_DEPTH_NESTING), by which the caller vouches for
 * the order.  The watchdog for soft lockups reports it.
 */
static void remaps_against_moves(struct gcp_trial *trial)
{
    static struct tables tables;
    pthread_t mover;
    uint64_t table = trial->platform.pmd_size / trial->page, bytes = PAGES * trial->page, remaps = 0;
    uint64_t area = gcp_trial_region(trial, 2 * table, 0);
    tables.trial = trial;
    for (uint64_t i = 0; i < 2; i++) {
        tables.moved[i] = area + i * trial->platform.pmd_size;
        tables.remapped[i] = tables.moved[i] + PLACE * trial->page;
        gcp_trial_protect(trial, tables.moved[i] + bytes, PLACE - PAGES, PROT_NONE);
        gcp_trial_protect(trial, tables.remapped[i] + bytes, table - PLACE - PAGES, PROT_NONE);
    }
    gcp_content_fill(tables.moved[0], 0, PAGES, GCP_TRIAL_SEED);
    gcp_content_fill(tables.remapped[0], PAGES, PAGES, GCP_TRIAL_SEED);
    for (int i = 0; i < 2; i++)
        gcp_trial_register(trial, tables.moved[i], PAGES);
    gcp_trial_thread(trial, &mover, move_there_and_back, &tables);
    for (uint64_t begin = gcp_now(); gcp_now() - begin < RACE_NS && !atomic_load(&tables.err); remaps++)
        if (mremap(gcp_at(tables.remapped[remaps % 2]), bytes, bytes,
                   MREMAP_MAYMOVE | MREMAP_FIXED | GCP_MREMAP_DONTUNMAP,
                   gcp_at(tables.remapped[!(remaps % 2)])) == MAP_FAILED)
            gcp_trial_skip(trial, "mremap: %s", strerror(errno));
    atomic_store(&tables.stop, 1);
    pthread_join(mover, NULL);
    uint64_t turns = atomic_load(&tables.turns);
    if (atomic_load(&tables.err))
        gcp_trial_differs(trial, "MOVE: %s after %" PRIu64 " turns", strerror(atomic_load(&tables.err)), turns);
    gcp_expect_content(trial, tables.remapped[remaps % 2], PAGES, PAGES);
    if (!turns)
        gcp_trial_skip(trial, "no race: MOVE made no turn beside %" PRIu64 " calls of mremap", remaps);
    gcp_trial_note(trial, "%" PRIu64 " calls of mremap beside %" PRIu64 " moves of %d pages, same page tables", remaps,
                   turns, PAGES);
}

static const struct gcp_row_entry ROWS[] = {
    {{"remap-locks", "mremap and MOVE between the same two page tables do not block each other", "", ""},
     remaps_against_moves},
};

const struct gcp_row_table gcp_hazards_locks = GCP_ROW_TABLE(ROWS);
