#define _GNU_SOURCE
#include "hazards/stress/sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/pin.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/counters.h"
#include "hazards/stress/machine.h"
#include "hazards/stress/model.h"
#include "hazards/stress/parts.h"
#include "paths/sources.h"
#include "trial/kernel_file.h"

#define ALL GCP_MODEL_PAGES
#define LONGEST_RUN 10           /* log2, of pages */
#define MOST_PINNED 4            /* log2 */
#define COPIES "ksm_swpin_copy " /* of /proc/vmstat */
#define KHUGEPAGED_US 100000

static uint64_t draw(struct gcp_model *model, uint64_t limit)
{
    return gcp_stress_random(model->thread, limit);
}

/* A run of pages: often aligned, often as long as a folio. */
static uint64_t draw_run(struct gcp_model *model, uint64_t most_log2, uint64_t *ret_pages)
{
    uint64_t n = 1ULL << draw(model, most_log2), first = draw(model, ALL);
    if (draw(model, 3))
        first -= first % n;
    *ret_pages = first + n > ALL ? ALL - first : n;
    return first;
}

static bool all_at(const struct gcp_model *model, uint64_t place, uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++)
        if (model->place[i] != place)
            return false;
    return true;
}

static void write_page(struct gcp_model *model, uint64_t side, uint64_t i, uint64_t word)
{
    gcp_stress_mark(model->stress, gcp_model_at(model, side, i), word);
    model->word[i] = word;
    model->held[i] = 0;
    for (uint64_t k = 0; k < ALL && model->huge[model->fill[i]]; k++)
        if (model->fill[k] == model->fill[i])
            model->held[k] = 0;
    model->shared[i] = false;
}

static void made(struct gcp_model *model, uint64_t side, uint64_t i)
{
    model->place[i] = (uint8_t)side;
    model->fill[i] = model->step;
    model->held[i] = 0;
    model->shared[i] = model->forked[i] = false;
}

/* A folio where neither side has a page.  A fault would map all of it, so all of its pages must be holes. */
static void fill(struct gcp_model *model)
{
    static const unsigned ORDERS[] = {0, 2, 2, 3, 4, 4, 4, 5, 6, 7, 8, 9};
    unsigned order = ORDERS[draw(model, sizeof(ORDERS) / sizeof(ORDERS[0]))];
    uint64_t side = draw(model, 2), n = 1ULL << order, page = model->stress->page, first = draw(model, ALL);
    uint64_t number = gcp_model_at(model, side, first) / page;
    first += (n - number % n) % n;
    if (first + n > ALL || model->armed[side] || !all_at(model, GCP_MODEL_HOLE, first, n))
        return;
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    model->huge[model->step] = order == platform.pmd_order;
    gcp_stress_enable(order);
    for (uint64_t i = first; i < first + n; i++) {
        made(model, side, i);
        write_page(model, side, i, gcp_stress_word(model->stress, i + ((uint64_t)model->step << 16)));
    }
    gcp_stress_enable(0);
}

static void move(struct gcp_model *model)
{
    uint64_t n, first = draw_run(model, LONGEST_RUN, &n), from = draw(model, 2);
    if (draw(model, 2) && model->place[first] != GCP_MODEL_HOLE)
        from = model->place[first];
    gcp_model_move(model, from, first, n, draw(model, 2) ? GCP_MOVE_ALLOW_SRC_HOLES : 0);
}

static void write_some(struct gcp_model *model)
{
    uint64_t n, first = draw_run(model, 6, &n);
    for (uint64_t i = first; i < first + n; i++)
        if (model->place[i] != GCP_MODEL_HOLE)
            write_page(model, model->place[i], i, gcp_stress_word(model->stress, i + ((uint64_t)model->step << 16)));
}

/* UFFDIO_COPY or UFFDIO_ZEROPAGE of one page to a hole, or to where the page is: EEXIST. */
static void bring(struct gcp_model *model)
{
    static uint64_t buffer[(1 << 16) / sizeof(uint64_t)];
    struct gcp_stress *stress = model->stress;
    uint64_t i = draw(model, ALL), side = draw(model, 2), word = 0;
    bool zero = draw(model, 4) == 0;
    if (!model->armed[side] || stress->page > sizeof(buffer) || model->place[i] == !side)
        return;
    if (!zero)
        word = gcp_stress_word(stress, i + ((uint64_t)model->step << 16));
    gcp_stress_mark(stress, gcp_address_of(buffer), word);
    uint64_t at = gcp_model_at(model, side, i);
    struct gcp_outcome seen = zero ? gcp_uffd_zeropage(&stress->uffd, at, stress->page, 0)
                                   : gcp_uffd_copy(&stress->uffd, at, gcp_address_of(buffer), stress->page, 0);
    bool hole = model->place[i] == GCP_MODEL_HOLE;
    if (hole ? seen.err && seen.err != EAGAIN : seen.err != EEXIST)
        gcp_model_fail(model, "page %" PRIu64 ", %s: errno %d", i, hole ? "a hole" : "which is there", seen.err);
    if (!seen.err) {
        made(model, side, i);
        model->word[i] = word;
    }
}

static void reclaim(struct gcp_model *model)
{
    uint64_t n, first = draw_run(model, LONGEST_RUN, &n), at = gcp_model_at(model, draw(model, 2), first);
    static const int ADVICE[] = {GCP_MADV_COLD, MADV_WILLNEED};
    uint64_t kind = draw(model, 6);
    gcp_model_doubt(model, first, n);
    if (kind < 2)
        madvise(gcp_at(at), n * model->stress->page, ADVICE[kind]);
    else
        gcp_region_page_out(at, n * model->stress->page);
}

static void drop(struct gcp_model *model)
{
    uint64_t n, first = draw_run(model, 7, &n), side = draw(model, 2);
    if (model->ring >= 0 && first < model->pin_first + model->pin_pages && model->pin_first < first + n)
        return;
    gcp_region_discard(gcp_model_at(model, side, first), n * model->stress->page);
    for (uint64_t i = first; i < first + n; i++)
        if (model->place[i] == side)
            model->place[i] = GCP_MODEL_HOLE;
}

static void unpin(struct gcp_model *model)
{
    if (model->ring >= 0)
        gcp_unpin(model->ring);
    model->ring = -1;
}

/* The kernel unpins later, in a worker: EBUSY stays allowed. */
static void pin(struct gcp_model *model)
{
    if (model->ring >= 0) {
        unpin(model);
        return;
    }
    uint64_t n, first = draw_run(model, MOST_PINNED, &n), side = model->place[first];
    if (model->stress->held_spins)
        return;
    if (side == GCP_MODEL_HOLE || !all_at(model, side, first, n))
        return;
    gcp_model_doubt(model, first, n);
    model->ring = gcp_pin(gcp_model_at(model, side, first), n * model->stress->page);
    model->pin_side = side;
    model->pin_first = first;
    model->pin_pages = n;
    if (model->ring < 0 || !gcp_model_look(model))
        return;
    for (uint64_t i = first; i < first + n; i++) {
        model->frame[i] = GCP_PM_PFN(model->entries[side][i]);
        model->held[i] = 0;
    }
}

static void end_child(struct gcp_model *model)
{
    gcp_sharer_stop(model->child);
    model->child = 0;
}

/* What is or was pinned is copied for the child, and stays exclusive: nothing is expected of it. */
static void share(struct gcp_model *model)
{
    if (model->child > 0) {
        end_child(model);
        return;
    }
    model->child = gcp_sharer_start();
    if (model->child <= 0 || !gcp_model_look(model))
        return;
    for (uint64_t i = 0; i < ALL; i++) {
        uint64_t place = model->place[i];
        if (place == GCP_MODEL_HOLE)
            continue;
        model->shared[i] = model->forked[i] = true;
        if (model->word[i] && !model->unsure[model->fill[i]] && (model->entries[place][i] & GCP_PM_PRESENT))
            model->held[i] = GCP_PM_PFN(model->entries[place][i]);
    }
}

static void arm(struct gcp_model *model)
{
    uint64_t side = draw(model, 2), bytes = ALL * model->stress->page;
    const struct gcp_uffd *uffd = &model->stress->uffd;
    if (model->armed[side] && draw(model, 3))
        return;
    struct gcp_outcome seen = model->armed[side] ? gcp_uffd_unregister(uffd, model->side[side], bytes)
                                                 : gcp_uffd_register(uffd, model->side[side], bytes, NULL);
    if (seen.err)
        gcp_model_fail(model, "range %" PRIu64 ": %s", side, strerror(seen.err));
    model->armed[side] = !model->armed[side];
}

/* A child that ends at once: pages are not exclusive, and no other process has them. */
static void share_shortly(struct gcp_model *model)
{
    share(model);
    if (model->child > 0)
        end_child(model);
}

/* What is left of one folio at one place, around a random page.  0: a hole was drawn. */
static uint64_t draw_folio(struct gcp_model *model, uint64_t *ret_first)
{
    uint64_t first = draw(model, ALL), end = first + 1, place = model->place[first], number = model->fill[first];
    if (place == GCP_MODEL_HOLE)
        return 0;
    while (first && model->fill[first - 1] == number && model->place[first - 1] == place)
        first--;
    while (end < ALL && model->fill[end] == number && model->place[end] == place)
        end++;
    *ret_first = first;
    return end - first;
}

static void write_run(struct gcp_model *model, uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++)
        write_page(model, model->place[i], i, gcp_stress_word(model->stress, i + ((uint64_t)model->step << 16)));
}

/*
 * One folio is shared, pages of it are written while the child lives and after it, and it moves.  The first writes copy
 * pages, the others make them exclusive.  Cleared soft-dirty bits make all PTEs alike again.  Separate steps would
 * seldom be about one folio.
 */
static void share_and_move(struct gcp_model *model)
{
    uint64_t first = 0, n = draw_folio(model, &first), at;
    if (!n)
        return;
    if (model->child > 0)
        end_child(model);
    share(model);
    if (draw(model, 2))
        write_run(model, first, 1 + draw(model, n));
    if (model->child > 0)
        end_child(model);
    at = draw(model, 2) ? 0 : draw(model, n);
    write_run(model, first + at, 1 + draw(model, n - at));
    if (draw(model, 2))
        gcp_kernel_file_clear_soft_dirty();
    if (draw(model, 4) == 0)
        gcp_model_move(model, model->place[first], first + at, 1, 0);
    else
        gcp_model_move(model, model->place[first], first, n, 0);
}

static void swap_off(struct gcp_model *model)
{
    atomic_fetch_add_explicit(&model->stress->counts[GCP_STRESS_SWAPOFFS], gcp_stress_swap_off_and_on(model->stress),
                              memory_order_relaxed);
}

static void migrate(struct gcp_model *model)
{
    uint64_t n, first = draw_run(model, 6, &n), side = draw(model, 2);
    if (model->stress->parts->missing[GCP_STRESS_NODES][0])
        return;
    gcp_model_doubt(model, first, n);
    atomic_fetch_add_explicit(&model->stress->counts[GCP_STRESS_MIGRATED],
                              gcp_stress_migrate(gcp_model_at(model, side, first), model->stress->page, n),
                              memory_order_relaxed);
}

static void clear_soft_dirty(struct gcp_model *model)
{
    (void)model;
    gcp_kernel_file_clear_soft_dirty();
}

/* Only a block of which one side has all pages: otherwise a collapse would fill the holes with zeroes. */
static void collapse(struct gcp_model *model)
{
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t side = draw(model, 2), n = platform.pmd_size / model->stress->page;
    uint64_t first = (n - model->side[side] / model->stress->page % n) % n;
    if (first + n > ALL || !all_at(model, side, first, n))
        return;
    gcp_model_doubt(model, 0, ALL);
    madvise(gcp_at(gcp_model_at(model, side, first)), platform.pmd_size, GCP_MADV_COLLAPSE);
}

static const struct operation {
    const char *name;
    void (*run)(struct gcp_model *model);
    uint32_t share;
} OPERATIONS[] = {
    {"fill", fill, 20},
    {"move", move, 40},
    {"write", write_some, 6},
    {"bring", bring, 8},
    {"reclaim", reclaim, 8},
    {"drop", drop, 4},
    {"pin", pin, 4},
    {"share", share, 3},
    {"arm", arm, 6},
    {"soft-dirty", clear_soft_dirty, 3},
    {"collapse", collapse, 1},
    {"share shortly", share_shortly, 2},
    {"share and move", share_and_move, 6},
    {"swapoff", swap_off, 1},
    {"migrate", migrate, 2},
};

static const struct operation *draw_operation(struct gcp_model *model)
{
    enum { N = sizeof(OPERATIONS) / sizeof(OPERATIONS[0]) };
    uint64_t sum = 0;
    for (int i = 0; i < N; i++)
        sum += OPERATIONS[i].share;
    uint64_t left = draw(model, sum);
    int i = 0;
    while (left >= OPERATIONS[i].share)
        left -= OPERATIONS[i++].share;
    return &OPERATIONS[i];
}

static int one_sequence(struct gcp_model *model)
{
    static const int64_t SKEWS[] = {0, 0, 1, 3, 16, 100, -64};
    struct gcp_stress *stress = model->stress;
    struct gcp_platform platform;
    gcp_platform_get(&platform);
    uint64_t bytes = ALL * stress->page;
    *model = (struct gcp_model){.thread = model->thread, .stress = stress, .ring = -1, .what = "begin"};
    memset(model->place, GCP_MODEL_HOLE, sizeof(model->place));
    for (int side = 0; side < 2; side++) {
        int64_t skew = SKEWS[draw(model, sizeof(SKEWS) / sizeof(SKEWS[0]))] * (int64_t)stress->page;
        model->side[side] =
            gcp_address_of(gcp_region_alloc(bytes, (uint64_t)skew + (skew < 0 ? platform.pmd_size : 0)));
        if (!model->side[side])
            return -ENOMEM;
    }
    while (model->step < GCP_MODEL_STEPS && !atomic_load(&stress->failed)) {
        model->step++;
        const struct operation *next = draw_operation(model);
        model->what = next->name;
        next->run(model);
        gcp_model_check(model, false);
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_STEPS], 1, memory_order_relaxed);
    }
    model->what = "end";
    gcp_model_check(model, true);
    unpin(model);
    end_child(model);
    for (int side = 0; side < 2; side++)
        gcp_region_free(gcp_at(model->side[side]), bytes);
    return 0;
}

int gcp_stress_sequences(struct gcp_stress *stress, uint64_t seconds)
{
    static struct gcp_model model;
    static struct gcp_stress_thread thread;
    struct timespec begin, now;
    thread = (struct gcp_stress_thread){.stress = stress, .random = stress->seed * 1000 + 999};
    model.thread = &thread;
    model.stress = stress;
    stress->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (stress->pagemap_fd < 0)
        return -errno;
    int err = gcp_uffd_init(0, &stress->uffd);
    /* khugepaged would fill holes of a range that is not armed, and hold folios for no reason that the model knows. */
    gcp_stress_set("khugepaged/scan_sleep_millisecs", "3600000");
    gcp_stress_balance(stress->parts, 0);
    gcp_stress_sleep_us(KHUGEPAGED_US); /* it may be at work */
    int64_t copies = gcp_count_of_vmstat(COPIES);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    now = begin;
    while (!err && (uint64_t)(now.tv_sec - begin.tv_sec) < seconds && !atomic_load(&stress->failed)) {
        err = one_sequence(&model);
        atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_SEQUENCES], 1, memory_order_relaxed);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    /* KSM's kernel copies a page of the swap cache whose index or anon_vma a MOVE left behind, which hides it. */
    copies = gcp_count_of_vmstat(COPIES) - copies;
    if (copies && !err)
        gcp_stress_fail(stress, "random sequences: %" PRId64 " pages had to be copied at swap-in (ksm_swpin_copy)",
                        copies);
    gcp_stress_balance(stress->parts, 1);
    gcp_stress_set("khugepaged/scan_sleep_millisecs", "10");
    return err;
}
