/*
 * The model of the stress's random sequences against a kernel that is played here: what it must accuse, and what it must
 * accept.  The pagemap is a file in memory.  Prints one line per check; exit code 1 if one fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/address.h"
#include "base/uapi.h"
#include "hazards/stress/model.h"
#include "hazards/stress/work.h"

#define PAGE ((uint64_t)4096)
#define WORD 77 /* contents of all pages */

static struct gcp_stress stress;
static struct gcp_stress_thread thread = {.stress = &stress};
static struct gcp_model model;

/* The played kernel: moves `pages` of what it is asked for, counts `counted` of them, and says `err`. */
static struct {
    uint64_t pages, counted;
    int32_t err;
} kernel;

static void set_entry(uint64_t address, uint64_t entry)
{
    if (pwrite(stress.pagemap_fd, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) < 0)
        perror("pagemap");
}

static uint64_t entry_at(uint64_t address)
{
    uint64_t entry = 0;
    if (pread(stress.pagemap_fd, &entry, sizeof(entry), (off_t)(address / PAGE * sizeof(entry))) < 0)
        perror("pagemap");
    return entry;
}

struct gcp_outcome gcp_uffd_move(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t bytes, uint64_t mode)
{
    (void)uffd, (void)bytes, (void)mode;
    for (uint64_t i = 0; i < kernel.pages; i++) {
        set_entry(dst + i * PAGE, entry_at(src + i * PAGE));
        set_entry(src + i * PAGE, 0);
    }
    return (struct gcp_outcome){.err = kernel.err, .bytes = (int64_t)(kernel.counted * PAGE)};
}

enum gcp_answer gcp_stress_account(struct gcp_stress *unused, struct gcp_outcome seen)
{
    (void)unused, (void)seen;
    return GCP_ANSWER_DONE;
}

uint64_t gcp_stress_random(struct gcp_stress_thread *unused, uint64_t limit)
{
    (void)unused;
    return limit - 1;
}

void gcp_stress_fail(struct gcp_stress *unused, const char *format, ...)
{
    va_list args;
    (void)unused;
    if (atomic_exchange(&stress.failed, 1))
        return;
    va_start(args, format);
    vsnprintf(stress.why, sizeof(stress.why), format, args);
    va_end(args);
}

/* All pages are on side 0, in one folio, exclusive. */
static void begin(void)
{
    atomic_store(&stress.failed, 0);
    stress.why[0] = '\0';
    uint64_t sides[2] = {model.side[0], model.side[1]};
    model = (struct gcp_model){.thread = &thread, .stress = &stress, .ring = -1, .what = "move", .armed = {true, true}};
    for (uint64_t side = 0; side < 2; side++) {
        model.side[side] = sides[side];
        for (uint64_t i = 0; i < GCP_MODEL_PAGES; i++) {
            volatile uint64_t *words = (volatile uint64_t *)gcp_at(gcp_model_at(&model, side, i));
            words[0] = words[PAGE / sizeof(*words) - 1] = WORD;
            set_entry(gcp_model_at(&model, side, i), side ? 0 : GCP_PM_PRESENT | (i + 1));
        }
    }
    for (uint64_t i = 0; i < GCP_MODEL_PAGES; i++)
        model.word[i] = WORD;
}

static void nothing(void)
{
}

static void fork_now(void)
{
    for (uint64_t i = 0; i < GCP_MODEL_PAGES; i++) {
        model.shared[i] = model.forked[i] = true;
        model.held[i] = i + 1;
    }
}

/* Page 1 was written after the child had ended; the others were not. */
static void fork_and_write(void)
{
    fork_now();
    model.shared[1] = false;
    model.held[1] = 0;
}

static void doubt(void)
{
    gcp_model_doubt(&model, 0, 1);
}

static void doubt_after_fork(void)
{
    fork_now();
    doubt();
}

static void pin(void)
{
    model.ring = 0;
    model.pin_side = 0;
    model.pin_first = 2;
    model.pin_pages = 1;
}

static void hole(void)
{
    model.place[1] = GCP_MODEL_HOLE;
    set_entry(gcp_model_at(&model, 0, 1), 0);
}

static void disarm(void)
{
    model.armed[1] = false;
}

static const struct {
    const char *what;
    void (*state)(void);
    uint64_t first, pages, mode;
    uint64_t moves, counts;
    int32_t err;
    const char *why; /* "": accepted */
} CASES[] = {
    {"a whole folio", nothing, 0, 4, 0, 4, 4, 0, ""},
    {"a folio after a fork", fork_now, 0, 4, 0, 4, 4, 0, "page 0 is pinned or shared, and was moved"},
    {"a folio of which one page is exclusive again", fork_and_write, 1, 3, 0, 3, 3, 0, "page 2 is pinned or shared"},
    {"the page that is exclusive again", fork_and_write, 1, 1, 0, 1, 1, 0, ""},
    {"EBUSY for the others", fork_and_write, 2, 1, 0, 0, 0, EBUSY, ""},
    {"EBUSY for no reason", nothing, 0, 4, 0, 0, 0, EBUSY, "page 0 (at the source, nothing holds it) gave"},
    {"EBUSY after a page-out", doubt, 0, 4, 0, 0, 0, EBUSY, ""},
    {"a page that reclaim may have made exclusive", doubt_after_fork, 0, 1, 0, 1, 1, 0, ""},
    {"a pinned page", pin, 0, 4, 0, 4, 4, 0, "page 2 is pinned or shared, and was moved"},
    {"a hole", hole, 0, 4, 0, 4, 4, 0, "page 1 is a hole, and was counted as moved"},
    {"a hole that may be", hole, 0, 4, GCP_MOVE_ALLOW_SRC_HOLES, 4, 4, 0, ""},
    {"ENOENT for a page", nothing, 0, 1, 0, 0, 0, ENOENT, "page 0 (at the source, nothing holds it) gave"},
    {"EEXIST for a hole", nothing, 0, 1, 0, 0, 0, EEXIST, "page 0 (at the source, nothing holds it) gave"},
    {"EEXIST for a page that the retry found", nothing, 0, 1, 0, 1, 0, EEXIST, ""},
    {"a destination that is not registered", disarm, 0, 1, 0, 1, 1, 0, "to a range that is not registered"},
    {"a page that is counted, and stays", nothing, 0, 2, 0, 1, 2, 0, "page 1 is also in range 0"},
};

int main(void)
{
    int failures = 0;
    stress.page = PAGE;
    stress.pagemap_fd = memfd_create("pagemap", MFD_CLOEXEC);
    for (int side = 0; side < 2; side++)
        model.side[side] = gcp_address_of(
            mmap(NULL, GCP_MODEL_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        begin();
        CASES[i].state();
        kernel.pages = CASES[i].moves;
        kernel.counted = CASES[i].counts;
        kernel.err = CASES[i].err;
        gcp_model_move(&model, 0, CASES[i].first, CASES[i].pages, CASES[i].mode);
        if (!stress.why[0])
            gcp_model_check(&model, true);
        int good = CASES[i].why[0] ? strstr(stress.why, CASES[i].why) != NULL : !stress.why[0];
        printf("%s %s: %s\n", good ? "ok" : "FAILED", CASES[i].what, stress.why[0] ? stress.why : "accepted");
        failures += !good;
    }
    begin();
    fork_and_write();
    kernel.pages = kernel.counted = 0;
    kernel.err = EBUSY;
    gcp_model_move(&model, 0, 1, 1, 0);
    int good = !stress.why[0] && atomic_load(&stress.counts[GCP_STRESS_UNDUE]) == 1;
    printf("%s EBUSY for a page that is exclusive again is counted\n", good ? "ok" : "FAILED");
    return failures + !good ? 1 : 0;
}
