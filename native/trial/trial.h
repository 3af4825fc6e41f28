/*
 * The functions that rows of the contract and of the hazards are written with.
 *
 * A row's function runs in a process of its own.  A function that reaches a verdict ends that process at once (it is
 * marked noreturn), so a row reads as the steps of one experiment.  Memory, threads, pins and children end with the
 * process.  If a row's function returns, its rule holds.
 */
#ifndef GCP_TRIAL_H
#define GCP_TRIAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/platform.h"
#include "base/proof.h"
#include "paths/sources.h"
#include "trial/row.h"
#include "base/uapi.h"
#include "uffd/uffd.h"

/* Seed of the contents of every source. */
#define GCP_TRIAL_SEED 0x6D6F7665ULL

/*
 * prover, platform: filled by the runner
 * page:             platform.page_size
 * uffd:             filled by the runner, without features; every target is registered with it
 * report_fd:        where the verdict goes
 * text:             what is reported if the function returns
 */
struct gcp_trial {
    struct gcp_prover prover;
    struct gcp_platform platform;
    uint64_t page;
    struct gcp_uffd uffd;
    int32_t report_fd;
    char text[GCP_ROW_TEXT];
};

/* Rows that hang, crash and so on. */
extern const struct gcp_row_table gcp_rows_drill;

/* --- verdict.c: how a row ends ------------------------------------------------------------------------------------ */

/* What the runner reads from the pipe; small enough to be written at once. */
enum gcp_report_kind {
    GCP_REPORT_FINAL = 0,
    GCP_REPORT_IF_KILLED = 1, /* counts only if the watchdog kills the row later */
    GCP_REPORT_NOISE = 2,     /* final, but based only on a system-wide counter */
};

struct gcp_report {
    uint32_t kind;
    uint32_t verdict;
    char text[GCP_ROW_TEXT];
};

#define GCP_PRINTF(text, first) __attribute__((format(printf, text, first)))

__attribute__((noreturn)) void gcp_trial_end(struct gcp_trial *trial, uint32_t verdict);
__attribute__((noreturn)) GCP_PRINTF(2, 3) void gcp_trial_differs(struct gcp_trial *trial, const char *format, ...);
__attribute__((noreturn)) GCP_PRINTF(2, 3) void gcp_trial_skip(struct gcp_trial *trial, const char *format, ...);

/* DIFFERS because of a counter of the whole system: the runner retries the row. */
__attribute__((noreturn)) GCP_PRINTF(2, 3) void gcp_trial_noise(struct gcp_trial *trial, const char *format, ...);

/* Which of several documented behaviours was seen; reported with OK. */
GCP_PRINTF(2, 3) void gcp_trial_note(struct gcp_trial *trial, const char *format, ...);

/*
 * From here on a documented kernel bug may make the row spin until it is killed; that is then OK, with this text.  It is
 * killed after three seconds, or earlier if its time is over.
 */
GCP_PRINTF(2, 3) void gcp_trial_if_killed(struct gcp_trial *trial, const char *format, ...);

/* --- memory.c: regions and sources -------------------------------------------------------------------------------- */

/*
 * Fresh anonymous memory, `offset` bytes after a PMD boundary, without THP, untouched; and the same, registered with
 * the trial's userfaultfd.  Touching a missing page of a registered range blocks.
 */
uint64_t gcp_trial_region(struct gcp_trial *trial, uint64_t pages, uint64_t offset);
uint64_t gcp_trial_target(struct gcp_trial *trial, uint64_t pages, uint64_t offset);
void gcp_trial_register(struct gcp_trial *trial, uint64_t start, uint64_t pages);

/* Open another userfaultfd.  Skips the row if the kernel lacks one of the features. */
void gcp_trial_open(struct gcp_trial *trial, uint64_t features, struct gcp_uffd *ret);

/* A source proven to be in its state (see sources.h), with contents of GCP_TRIAL_SEED; skips if it can't be made. */
uint64_t gcp_trial_source(struct gcp_trial *trial, uint32_t kind, uint32_t order, uint64_t pages,
                          struct gcp_source *ret);
uint64_t gcp_trial_source_at(struct gcp_trial *trial, uint32_t kind, uint32_t order, uint64_t pages, uint64_t offset,
                             struct gcp_source *ret);

/* `pages` present small pages: a source for rows without further needs. */
uint64_t gcp_trial_small(struct gcp_trial *trial, uint64_t pages);

/* System calls on ranges; a failure ends the row. */
void gcp_trial_madvise(struct gcp_trial *trial, uint64_t start, uint64_t pages, int advice, const char *what);
void gcp_trial_protect(struct gcp_trial *trial, uint64_t start, uint64_t pages, int prot);
void gcp_trial_lock(struct gcp_trial *trial, uint64_t start, uint64_t pages);
void gcp_trial_unlock(struct gcp_trial *trial, uint64_t start, uint64_t pages);

/* All pages are clean again for soft-dirty tracking; skips the row without it.  The page at `written` was soft-dirty. */
void gcp_trial_clear_soft_dirty(struct gcp_trial *trial, uint64_t written);

/* Put a range into a pipe by vmsplice(2): an ordinary reference (FOLL_GET) to each page.  Returns its read end. */
int gcp_trial_splice(struct gcp_trial *trial, uint64_t start, uint64_t bytes);

/* The largest enabled folio order below that of the PMD; skips if there is none. */
uint32_t gcp_trial_mthp_order(struct gcp_trial *trial);

/* Whether the running release is in [since, until), both as GCP_RELEASE. */
#define GCP_RELEASE(version, patch, sub) (((version) << 20) + ((patch) << 10) + (sub))
int gcp_trial_release_in(uint32_t since, uint32_t until);

/* --- expect.c: the result of MOVE, and the pages afterwards ------------------------------------------------------- */

/* A value of the out-field that the kernel never writes. */
#define GCP_OUT_UNTOUCHED INT64_C(0x7777777777777777)

/* One MOVE: errno (0 if it succeeded) and the out-field `move` itself. */
struct gcp_move_call {
    int32_t err;
    int64_t out;
};

struct gcp_move_call gcp_trial_move_by(const struct gcp_uffd *uffd, uint64_t dst, uint64_t src, uint64_t len,
                                       uint64_t mode);
struct gcp_move_call gcp_trial_move(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode);

/*
 * moved:    success, and the out-field is `len`
 * short:    EAGAIN, and the out-field is `bytes`
 * failed:   errno `err`, and the out-field is -err: nothing moved
 * rejected: errno `err`, and the out-field is untouched: refused before any work
 */
void gcp_expect_moved(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode);
void gcp_expect_short(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, uint64_t bytes);
void gcp_expect_failed(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, int err);
void gcp_expect_rejected(struct gcp_trial *trial, uint64_t dst, uint64_t src, uint64_t len, uint64_t mode, int err);
void gcp_expect_outcome(struct gcp_trial *trial, struct gcp_move_call seen, int err, int64_t out);

/* Contents of pages `first`... of the seed; all zeroes; neither present nor swapped. */
void gcp_expect_content(struct gcp_trial *trial, uint64_t start, uint64_t first, uint64_t pages);
void gcp_expect_zeroes(struct gcp_trial *trial, uint64_t start, uint64_t pages);
void gcp_expect_empty(struct gcp_trial *trial, uint64_t start, uint64_t pages);

/* --- evidence.c: page frames, folio orders, counters -------------------------------------------------------------- */

/* Skip unless all of these can be read (enum gcp_proof_access). */
void gcp_trial_need(struct gcp_trial *trial, uint32_t access);

/* The pagemap word of the page at `address`; a view of a range, which lives as long as the row. */
uint64_t gcp_trial_entry(struct gcp_trial *trial, uint64_t address);
struct gcp_view gcp_trial_view(struct gcp_trial *trial, uint64_t start, uint64_t pages);

/* `pages` entries of two views, from the given indices on, have the same page frame or swap slot, and state. */
void gcp_expect_frames(struct gcp_trial *trial, const struct gcp_view *before, uint64_t first_before,
                       const struct gcp_view *after, uint64_t first_after, uint64_t pages);

/*
 * How many of the present pages are on no LRU list, because they wait in a processor's batch.  Such a page can't be
 * swapped out, whatever its reverse map is like.  Skips without /proc/kpageflags.
 */
uint64_t gcp_trial_off_lru(struct gcp_trial *trial, uint64_t start, uint64_t pages);

/* Every page of the view is present, in folios of the order. */
void gcp_expect_order(struct gcp_trial *trial, const struct gcp_view *view, uint32_t order);

/*
 * Splits since `before`: `folios` folios of `order`, and `pmds` PMD mappings.  Fewer is a difference; another process
 * may cause more.
 */
void gcp_expect_splits(struct gcp_trial *trial, const struct gcp_counters *before, uint32_t order, uint64_t folios,
                       uint64_t pmds);

/* --- waiter.c: a thread that faults on a missing page, and messages ---------------------------------------------- */

struct gcp_waiter {
    pthread_t thread;
    volatile const uint64_t *word;
    uint64_t value;
    atomic_int awake;
};

/* Returns when the kernel has reported the thread's fault, and the thread sleeps. */
void gcp_waiter_start(struct gcp_trial *trial, uint64_t address, struct gcp_waiter *ret);

/* _awake: it wakes within seconds, and has read page 0 of the seed.  _asleep: it still sleeps after a while. */
void gcp_expect_awake(struct gcp_trial *trial, struct gcp_waiter *waiter, const char *after_what);
void gcp_expect_asleep(struct gcp_trial *trial, struct gcp_waiter *waiter, const char *after_what);

/* Wait for a message without reading it; read one (another event ends the row). */
void gcp_trial_await_message(struct gcp_trial *trial, const struct gcp_uffd *uffd);
struct gcp_uapi_msg gcp_trial_read_message(struct gcp_trial *trial, const struct gcp_uffd *uffd, uint8_t event);

void gcp_trial_thread(struct gcp_trial *trial, pthread_t *thread, void *(*run)(void *), void *arg);

#endif
