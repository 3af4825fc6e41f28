#define _GNU_SOURCE
#include "probe/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/platform.h"
#include "paths/arms.h"
#include "paths/sources.h"
#include "probe/json.h"
#include "probe/measure.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define WARMUP 1
#define MAX_WORK 64

/* As in gcproto/experiments/paths/grid.py: larger folios need ranges of hundreds of MiB. */
#define MOST_FOLIO (64 * MIB)
#define CALL (2 * MIB)

/* Granules that follow from the page size; the others are bytes. */
enum granule { PAGE = 1, LARGE = 2 };

struct row {
    const char *arm;
    uint64_t granule;
    bool skewed;
    bool live;
    bool twice;
};

static const struct row MAIN[] = {
    {.arm = "move", .granule = PAGE},
    {.arm = "copy", .granule = PAGE},
    {.arm = "copy_discard", .granule = PAGE},
    {.arm = "move", .granule = 64 * KIB, .twice = true},
    {.arm = "copy", .granule = 64 * KIB, .twice = true},
    {.arm = "copy_discard", .granule = 64 * KIB},
    {.arm = "move", .granule = LARGE, .twice = true},
    {.arm = "copy", .granule = LARGE, .twice = true},
    {.arm = "copy_discard", .granule = LARGE},
    {.arm = "mremap", .granule = LARGE},
    {.arm = "memcpy_touched", .granule = LARGE},
    {.arm = "memcpy_untouched", .granule = LARGE},
    {.arm = "move", .granule = LARGE, .skewed = true},
    {.arm = "copy", .granule = LARGE, .skewed = true},
    {.arm = "move", .granule = PAGE, .live = true},
    {.arm = "copy", .granule = PAGE, .live = true},
    {.arm = "copy_discard", .granule = PAGE, .live = true},
    {.arm = "move", .granule = LARGE, .live = true},
    {.arm = "copy", .granule = LARGE, .live = true},
    {.arm = "copy_discard", .granule = LARGE, .live = true},
    {.arm = NULL},
};
static const struct row SPLIT[] = {{.arm = "split_move", .granule = LARGE}, {.arm = NULL}};
static const struct row SHARED[] = {{.arm = "move", .granule = 64 * KIB},
                                    {.arm = "copy", .granule = 64 * KIB},
                                    {.arm = "move_fallback", .granule = 64 * KIB},
                                    {.arm = NULL}};
static const struct row HOLES[] = {{.arm = "move", .granule = 64 * KIB},
                                   {.arm = "move_holes", .granule = 64 * KIB},
                                   {.arm = "zeropage", .granule = 64 * KIB},
                                   {.arm = "copy", .granule = 64 * KIB},
                                   {.arm = NULL}};

struct bench {
    struct gcp_platform platform;
    struct gcp_prover prover;
    struct gcprobe_plan plan;
    struct gcprobe_tally tally;
    uint64_t seed;
    int32_t cpu;
    int32_t touch_cpu;
    FILE *out;
};

/* The processor to work on (the last allowed, as in gcproto/host/machine.py), and one for the second thread or -1. */
static void choose_cpus(struct bench *bench)
{
    cpu_set_t allowed;
    bench->cpu = bench->touch_cpu = -1;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed)) {
            if (bench->touch_cpu < 0)
                bench->touch_cpu = (int32_t)cpu;
            bench->cpu = (int32_t)cpu;
        }
    if (bench->touch_cpu == bench->cpu)
        bench->touch_cpu = -1;
}

static uint64_t granule_bytes(const struct bench *bench, uint64_t granule, uint64_t folio)
{
    if (granule == PAGE)
        return bench->platform.page_size;
    return granule != LARGE ? granule : CALL > folio ? CALL : folio;
}

static void add(const struct bench *bench, const char *source, uint32_t order, const struct row *rows,
                struct gcprobe_work *work, size_t *n)
{
    const struct gcp_platform *platform = &bench->platform;
    uint64_t page = platform->page_size, folio = page << order;
    uint64_t least = platform->pmd_size > MOST_FOLIO ? CALL : platform->pmd_size;
    uint64_t range = 4 * MIB > least ? 4 * MIB : least;
    struct gcp_scenario scenario = {.order = order, .cpu = bench->cpu, .seed = bench->seed};
    while (gcp_source_name(scenario.source) && strcmp(gcp_source_name(scenario.source), source) != 0)
        scenario.source++;
    for (const struct row *row = rows; row->arm; row++) {
        uint64_t granule = granule_bytes(bench, row->granule, folio);
        int32_t arm = gcp_arm_find(row->arm);
        /* On pages of 64 KiB the granule of 64 KiB is the page, which has rows already. */
        if (arm < 0 || (row->live && bench->touch_cpu < 0) ||
            (rows == MAIN && row->granule == 64 * KIB && page == granule))
            continue;
        scenario.arm = (uint32_t)arm;
        scenario.granule = granule;
        scenario.pages = (folio > range ? folio : range) / page;
        scenario.skew_pages = row->skewed;
        scenario.touch_cpu = row->live ? bench->touch_cpu : -1;
        for (unsigned replica = 0; replica <= row->twice && *n < MAX_WORK; replica++)
            work[(*n)++] = (struct gcprobe_work){.scenario = scenario, .replica = replica};
    }
}

static void measure(struct bench *bench, const char *source, uint32_t order, const struct row *rows,
                    const struct row *more)
{
    struct gcprobe_work work[MAX_WORK];
    size_t n = 0;
    add(bench, source, order, rows, work, &n);
    if (more)
        add(bench, source, order, more, work, &n);
    gcprobe_measure(&bench->prover, work, n, bench->plan, bench->out, &bench->tally);
    fflush(bench->out);
}

/* The mTHP of 64 KiB or the nearest above it; 0: this kernel has none. */
static uint32_t mid_order(const struct gcp_platform *platform)
{
    uint32_t found = 0;
    for (uint32_t order = 1; order < platform->pmd_order; order++)
        if (platform->anon_orders >> order & 1) {
            found = order;
            if (platform->page_size << order >= 64 * KIB)
                break;
        }
    return found;
}

static void omit(struct bench *bench, const char *what, const char *reason)
{
    fprintf(bench->out, "{\"skip\":{\"what\":\"%s\",\"reason\":\"%s\"}}\n", what, reason);
    bench->tally.lines++;
}

static void print_head(const struct bench *bench)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * bench->platform.page_size / KIB;
    fprintf(bench->out,
            "{\"bench\":{\"format\":1,\"rounds\":%zu,\"warmup\":%zu,\"seed\":%" PRIu64 ",\"cpu\":%d,\"touch_cpu\":%d,"
            "\"started\":%" PRIu64 ",\"memory_kib\":%" PRIu64 ",\"privileged\":%s}}\n",
            bench->plan.rounds, bench->plan.warmup, bench->seed, bench->cpu, bench->touch_cpu, (uint64_t)time(NULL),
            memory, geteuid() == 0 ? "true" : "false");
    gcprobe_print_info(bench->out);
    fflush(bench->out);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int gcprobe_bench(FILE *out, size_t rounds, uint64_t seed)
{
    struct bench bench = {.plan = {.rounds = rounds, .warmup = WARMUP, .unit = "ns/page"}, .seed = seed, .out = out};
    int err = gcp_prover_init(&bench.prover);
    if (err) {
        fprintf(stderr, "gcprobe: /proc/self/pagemap: %s; nothing could be proven\n", strerror(-err));
        return 3;
    }
    double begin = seconds_now();
    gcp_platform_get(&bench.platform);
    choose_cpus(&bench);
    print_head(&bench);

    const struct gcp_platform *platform = &bench.platform;
    uint32_t mid = mid_order(platform);
    measure(&bench, "small", 0, MAIN, NULL);
    if (mid)
        measure(&bench, "mthp", mid, MAIN, SPLIT);
    else
        omit(&bench, "mthp", "this kernel has no folio sizes below that of a THP");
    if (!(platform->anon_orders >> platform->pmd_order & 1))
        omit(&bench, "thp", "this kernel has no transparent huge pages");
    else if (platform->pmd_size > MOST_FOLIO)
        omit(&bench, "thp", "its THPs are larger than 64 MiB, so its ranges would need hundreds of MiB");
    else
        measure(&bench, "thp", platform->pmd_order, MAIN, SPLIT);
    if (bench.touch_cpu < 0)
        omit(&bench, "a second live thread", "this process may run on one processor only");
    static const char *const SHARED_SOURCES[] = {"zero", "forked", "pinned"};
    for (size_t i = 0; i < sizeof(SHARED_SOURCES) / sizeof(*SHARED_SOURCES); i++)
        measure(&bench, SHARED_SOURCES[i], 0, SHARED, NULL);
    measure(&bench, "hole", 0, HOLES, NULL);

    fprintf(out, "{\"end\":{\"lines\":%zu,\"seconds\":%.3f}}\n", bench.tally.lines, seconds_now() - begin);
    gcp_prover_deinit(&bench.prover);
    return gcprobe_end(out, &bench.tally);
}
