/*
 * A row: one sentence of behaviour with the function that tries it, and what became of it.  The contract's rows and the
 * hazards are rows.
 *
 * Each is tried in a child process of its own with a SIGKILL watchdog, since a row that goes wrong may hang for ever.  No
 * row changes a setting of the machine: what is not there (a folio size that is not enabled, a swap device) is a reason
 * to skip, said in the result.  Rows read counters of the whole system; they want an otherwise idle machine.
 */
#ifndef GCP_TRIAL_ROW_H
#define GCP_TRIAL_ROW_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

#define GCP_ROW_TEXT 320

enum gcp_verdict {
    GCP_VERDICT_OK = 0,      /* the kernel does what the row says; `text` says which of several documented ways */
    GCP_VERDICT_DIFFERS = 1, /* it does something else: `text` says what was seen */
    GCP_VERDICT_SKIP = 2,    /* not testable here: `text` says why and what would help */
    GCP_VERDICT_HANG = 3,    /* killed by the watchdog */
    GCP_VERDICT_CRASH = 4,   /* the child died of a signal, or without a verdict */
};

/*
 * name:    short-name-with-dashes, stable
 * rule:    one sentence: what the kernel does
 * kernels: where kernels differ: which does what, with the commit's title and release; "" if all are alike
 * needs:   capability words, comma separated: "pfn", "thp", "mthp", "io_uring", "zram", "loop"; "" if none
 */
struct gcp_row {
    const char *name;
    const char *rule;
    const char *kernels;
    const char *needs;
};

/*
 * attempts: children that were started: a row whose only disagreement is a system-wide counter that grew too much is
 *           repeated, since another process may have moved it
 */
struct gcp_row_result {
    uint32_t verdict; /* enum gcp_verdict */
    uint32_t attempts;
    uint64_t ns;
    char text[GCP_ROW_TEXT];
};

/* Try one of the rows that hang, crash and so on, for the tests of the watchdog; as gcp_row_run. */
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
 * Try one row in a child; killed after `timeout_ms`.  0; -EINTR if a handler of this process ran meanwhile, which may
 * want to end it: the row was killed and can be tried again; or -errno if the child could not be started.  Only the
 * calling thread lives on in the child: no other thread may hold a lock of the C library that is not fork-safe.
 */
int gcp_row_run(const struct gcp_row_entry *entry, uint32_t timeout_ms, struct gcp_row_result *ret);

#endif
