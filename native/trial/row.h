/*
 * A row: one sentence of behaviour, the function that tries it, and the result.  The contract and the hazards consist
 * of rows.
 *
 * Each row is tried in its own child process under a SIGKILL watchdog, since a failing row may hang forever.  No row
 * changes a setting of the machine: if something is missing (an enabled folio size, a swap device), the row is skipped,
 * and the result says why.  Rows read counters of the whole system, so the machine should otherwise be idle.
 */
#ifndef GCP_TRIAL_ROW_H
#define GCP_TRIAL_ROW_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

#define GCP_ROW_TEXT 320

enum gcp_verdict {
    GCP_VERDICT_OK = 0,      /* the kernel does what the row says; `text` says in which of several documented ways */
    GCP_VERDICT_DIFFERS = 1, /* it behaves differently: `text` says how */
    GCP_VERDICT_SKIP = 2,    /* it can't be tested here: `text` says why, and the remedy */
    GCP_VERDICT_HANG = 3,    /* killed by the watchdog */
    GCP_VERDICT_CRASH = 4,   /* the child died of a signal, or without a verdict */
};

/*
 * name:    short-name-with-dashes, stable
 * rule:    one sentence: what the kernel does
 * kernels: how kernels differ, with the commit's title and release; "" if they don't
 * needs:   what the machine must have, comma separated, "" if nothing.  `gcproto contract` and the guests set up "thp",
 *          "mthp", "zram", "loop", "memcg" and "ksm".  The row itself skips if another is missing: "root", "pfn",
 *          "io_uring", "pkeys", "hugetlb", "guard", "soft_dirty", "uffd_wp", "secretmem", "rwp"
 */
struct gcp_row {
    const char *name;
    const char *rule;
    const char *kernels;
    const char *needs;
};

/*
 * attempts: children started.  A row that fails only because a system-wide counter grew too much is retried, since
 *           another process may have changed the counter
 */
struct gcp_row_result {
    uint32_t verdict; /* enum gcp_verdict */
    uint32_t attempts;
    uint64_t ns;
    char text[GCP_ROW_TEXT];
};

/* Try one of the rows that hang, crash and so on, to test the watchdog.  Returns what gcp_row_run returns. */
int gcp_drill_run(const char *name, uint32_t timeout_ms, struct gcp_row_result *ret);

/* cdef:end */

struct gcp_trial;

struct gcp_row_entry {
    struct gcp_row row;
    void (*check)(struct gcp_trial *trial);
};

struct gcp_row_table {
    const struct gcp_row_entry *rows;
    size_t n;
};

#define GCP_ROW_TABLE(rows) {(rows), sizeof(rows) / sizeof((rows)[0])}

/*
 * Try one row in a child, killed after `timeout_ms`.  Returns 0, or -errno if the child could not be started.
 * It is -EINTR if a signal handler of this process ran meanwhile, which may want to end the process: the row was killed
 * and can be retried.  Only the calling thread exists in the child: no other thread may hold a lock of the C library
 * that is not fork-safe.
 */
int gcp_row_run(const struct gcp_row_entry *entry, uint32_t timeout_ms, struct gcp_row_result *ret);

#endif
