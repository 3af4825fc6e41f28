/* Hazards: pages that another thread migrates between two NUMA nodes while they move. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "hazards/counters.h"
#include "hazards/race.h"
#include "hazards/tables.h"

#define RACE_MS 4000
#define NODES 2
#define MPOL_MF_MOVE 2
#define MPOL_BIND 2
#define MPOL_DEFAULT 0
#define BIND_EACH 16 /* turns of move_pages(2) for one of mbind(2) */

static void need_two_nodes(struct gcp_trial *trial)
{
    if (access("/sys/devices/system/node/node1", F_OK) < 0)
        gcp_trial_skip(trial, "one NUMA node: %s; the guest's kernel needs CONFIG_NUMA and ACPI", strerror(errno));
}

/* Ask for the pages at these steps of both ranges; those that are elsewhere are passed over. */
static void migrate(struct gcp_race *race, uint64_t step, int node)
{
    static void *pages[GCP_RACE_MAX_PAGES];
    static int nodes[GCP_RACE_MAX_PAGES], status[GCP_RACE_MAX_PAGES];
    unsigned long count = race->pages / step;
    for (int i = 0; i < 2; i++) {
        for (unsigned long k = 0; k < count; k++) {
            pages[k] = gcp_at(race->range[i] + k * step * race->trial->page);
            nodes[k] = node;
        }
        syscall(SYS_move_pages, 0, count, pages, nodes, status, MPOL_MF_MOVE);
    }
}

static void bind(struct gcp_race *race, int node)
{
    const unsigned long mask = 1UL << node;
    for (int i = 0; i < 2; i++) {
        uint64_t bytes = race->pages * race->trial->page;
        syscall(SYS_mbind, gcp_at(race->range[i]), bytes, MPOL_BIND, &mask, 8 * sizeof(mask), MPOL_MF_MOVE);
        syscall(SYS_mbind, gcp_at(race->range[i]), bytes, MPOL_DEFAULT, NULL, 0, 0);
    }
}

/* In `disturbed` is what the kernel counted, not what was asked for. */
static void migrate_until_it_stops(struct gcp_race *race, uint64_t step, int collapse, const char *counter)
{
    int64_t before = gcp_count_of_vmstat(counter);
    for (unsigned turn = 0; !atomic_load(&race->stop); turn++) {
        int node = (int)(turn / 2 % NODES);
        if (turn % BIND_EACH == 0)
            bind(race, node);
        else
            migrate(race, step, node);
        /* A THP that was split stays so. */
        for (int i = 0; collapse && i < 2; i++)
            gcp_region_collapse(race->range[i], race->pages * race->trial->page);
    }
    atomic_store(&race->disturbed, (uint64_t)(gcp_count_of_vmstat(counter) - before));
}

static void *migrate_pages(void *arg)
{
    migrate_until_it_stops(arg, 1, 0, "pgmigrate_success ");
    return NULL;
}

static void *migrate_thps(void *arg)
{
    const struct gcp_race *race = arg;
    migrate_until_it_stops(arg, race->pages, 1, "thp_migration_success ");
    return NULL;
}

static void small_pages(struct gcp_trial *trial)
{
    need_two_nodes(trial);
    gcp_race_run(trial, 1, 64, RACE_MS, 0, migrate_pages, "pages migrated");
}

/*
 * The entry of a THP that is being migrated is a migration entry.  MOVE of a part of the THP crashed on it before 6.17
 * ("userfaultfd: fix a crash in UFFDIO_MOVE when PMD is a migration entry", aba6faec0103, CVE-2025-38686).  MOVE of the
 * whole THP waits for it, but at a copy of the entry on its stack, to which no lock belongs.  "userfaultfd: wait on source
 * PMD during UFFDIO_MOVE" (4165b7d1c45c, 7.3) waits at the entry.  The race has both: a MOVE whose destination is not empty
 * yet splits the THP.
 *
 * Up to 6.16 MOVE refuses pages of DAX devices first, with ENOENT, by pmd_devmap().  On x86 that looks at a bit which a
 * migration entry has set as well, since x86 stores the offset of such an entry inverted.  So a THP that is being migrated
 * looks like a hole.  ("mm: remove devmap related functions and page table bits", 6.17, ended that.)
 */
static void whole_thps(struct gcp_trial *trial)
{
    need_two_nodes(trial);
    gcp_race_run(trial, 1, trial->platform.pmd_size / trial->page, RACE_MS, 1, migrate_thps, "THPs migrated");
}

static const struct gcp_row_entry ROWS[] = {
    {{"migrate-pages", "Pages that are migrated between NUMA nodes while they move keep their contents", "", ""},
     small_pages},
    {{"migrate-thps", "THPs that are migrated between NUMA nodes while they move whole keep their contents", "", "thp"},
     whole_thps},
};

const struct gcp_row_table gcp_hazards_migrate = GCP_ROW_TABLE(ROWS);
