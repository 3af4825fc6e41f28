#define _GNU_SOURCE
#include "hazards/stress/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/platform.h"
#include "base/uapi.h"
#include "hazards/stress/work.h"

#define TEMPORARY_LIMIT 1000 /* calls in a row without progress, and with an answer that is temporary */
#define SELDOM 1024          /* one of so many swapped pages is read, as reading swaps them in */

uint64_t gcp_model_at(const struct gcp_model *model, uint64_t side, uint64_t i)
{
    return model->side[side] + i * model->stress->page;
}

void gcp_model_fail(struct gcp_model *model, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gcp_stress_fail(model->stress, "random sequence, step %u (%s): %s", model->step, model->what, text);
}

void gcp_model_doubt(struct gcp_model *model, uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++)
        model->unsure[model->fill[i]] = true;
}

bool gcp_model_look(struct gcp_model *model)
{
    const size_t bytes = sizeof(model->entries[0]);
    for (int side = 0; side < 2; side++) {
        off_t at = (off_t)(model->side[side] / model->stress->page * sizeof(model->entries[0][0]));
        if (pread(model->stress->pagemap_fd, model->entries[side], bytes, at) != (ssize_t)bytes) {
            gcp_model_fail(model, "pagemap: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

static bool is_there(const struct gcp_model *model, uint64_t side, uint64_t i)
{
    return (model->entries[side][i] & (GCP_PM_PRESENT | GCP_PM_SWAP)) != 0;
}

static void check_page(struct gcp_model *model, uint64_t i, bool all)
{
    for (uint64_t side = 0; side < 2; side++)
        if (is_there(model, side, i) != (model->place[i] == side)) {
            gcp_model_fail(model, "page %" PRIu64 " is %s range %" PRIu64, i,
                           is_there(model, side, i) ? "also in" : "not in", side);
            return;
        }
    if (model->place[i] == GCP_MODEL_HOLE)
        return;
    uint64_t entry = model->entries[model->place[i]][i];
    if (!(entry & GCP_PM_PRESENT) && !all && gcp_stress_random(model->thread, SELDOM))
        return;
    const volatile uint64_t *words = (const volatile uint64_t *)gcp_at(gcp_model_at(model, model->place[i], i));
    uint64_t first = words[0], last = words[gcp_stress_last(model->stress)];
    if (first != model->word[i] || last != model->word[i])
        gcp_model_fail(model, "page %" PRIu64 " reads %#" PRIx64 " and %#" PRIx64 ", right is %#" PRIx64, i, first,
                       last, model->word[i]);
}

void gcp_model_check(struct gcp_model *model, bool all)
{
    if (!gcp_model_look(model))
        return;
    for (uint64_t i = 0; i < GCP_MODEL_PAGES && !atomic_load(&model->stress->failed); i++)
        check_page(model, i, all);
    if (model->ring < 0)
        return;
    for (uint64_t i = model->pin_first; i < model->pin_first + model->pin_pages; i++) {
        uint64_t entry = model->entries[model->pin_side][i];
        if (!(entry & GCP_PM_PRESENT) || GCP_PM_PFN(entry) != model->frame[i])
            gcp_model_fail(model, "page %" PRIu64 " is pinned, and another frame is there: %#" PRIx64, i, entry);
    }
}

/* Pinned, or shared with a child and not written since: it must not move. */
static bool must_stay(const struct gcp_model *model, uint64_t from, uint64_t i)
{
    uint64_t entry = model->entries[from][i];
    if (!(entry & GCP_PM_PRESENT))
        return false;
    if (model->held[i] && GCP_PM_PFN(entry) == model->held[i] && !model->unsure[model->fill[i]])
        return true;
    return model->ring >= 0 && from == model->pin_side && i - model->pin_first < model->pin_pages;
}

/* The kernel has counted the page: it was there and may go, or the caller allows holes. */
static void count_as_moved(struct gcp_model *model, uint64_t from, uint64_t i, uint64_t mode)
{
    if (model->place[i] != from) {
        if (!(mode & GCP_MOVE_ALLOW_SRC_HOLES))
            gcp_model_fail(model, "page %" PRIu64 " is a hole, and was counted as moved", i);
        return;
    }
    if (must_stay(model, from, i))
        gcp_model_fail(model, "page %" PRIu64 " is pinned or shared, and was moved", i);
    model->place[i] = (uint8_t)!from;
}

/* Whether the state of the page allows that MOVE ends at it with this errno. */
static bool may_end(struct gcp_model *model, uint64_t from, uint64_t i, uint64_t mode, int32_t err)
{
    switch (err) {
    case EEXIST:
        return model->place[i] == !from;
    case ENOENT:
        return model->place[i] != from && !(mode & GCP_MOVE_ALLOW_SRC_HOLES);
    case EBUSY:
        if (model->place[i] != from || model->unsure[model->fill[i]] || model->shared[i])
            return model->place[i] == from;
        if (model->forked[i])
            atomic_fetch_add_explicit(&model->stress->counts[GCP_STRESS_UNDUE], 1, memory_order_relaxed);
        return model->forked[i];
    default:
        return false;
    }
}

/* A retry inside the kernel may find its own page at the destination (6.18 and later; the hazard retry-eexist). */
static bool moved_uncounted(struct gcp_model *model, uint64_t from, uint64_t i, int32_t err)
{
    if (err != EEXIST || model->place[i] != from || !gcp_model_look(model) || is_there(model, from, i) ||
        !is_there(model, !from, i))
        return false;
    model->place[i] = (uint8_t)!from;
    return true;
}

void gcp_model_move(struct gcp_model *model, uint64_t from, uint64_t first, uint64_t pages, uint64_t mode)
{
    struct gcp_stress *stress = model->stress;
    uint64_t end = first + pages;
    for (uint32_t row = 0; first < end && !atomic_load(&stress->failed); row++) {
        if (!gcp_model_look(model))
            return;
        struct gcp_outcome seen = gcp_uffd_move(&stress->uffd, gcp_model_at(model, !from, first),
                                                gcp_model_at(model, from, first), (end - first) * stress->page, mode);
        uint64_t done = seen.bytes > 0 ? (uint64_t)seen.bytes / stress->page : 0;
        if (!model->armed[!from]) {
            if (seen.err != EINVAL || done)
                gcp_model_fail(model, "to a range that is not registered: errno %d, %" PRIu64 " pages", seen.err, done);
            return;
        }
        gcp_stress_account(stress, seen);
        for (uint64_t i = first; i < first + done; i++)
            count_as_moved(model, from, i, mode);
        if (!model->armed[from])
            atomic_fetch_add_explicit(&stress->counts[GCP_STRESS_UNARMED], done, memory_order_relaxed);
        first += done;
        if (done)
            row = 0;
        else if (seen.err != EAGAIN && seen.err != EINVAL) {
            if (may_end(model, from, first, mode, seen.err))
                return;
            if (moved_uncounted(model, from, first, seen.err))
                first++;
            else
                gcp_model_fail(model, "page %" PRIu64 " (%s the source%s) gave %s", first,
                               model->place[first] == from ? "at" : "not at",
                               model->unsure[model->fill[first]] || model->shared[first] ? "" : ", nothing holds it",
                               strerror(seen.err));
        } else if (row > TEMPORARY_LIMIT)
            gcp_model_fail(model, "page %" PRIu64 " gave %s again and again", first, strerror(seen.err));
    }
}
