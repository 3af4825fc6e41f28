/*
 * The contract: what UFFDIO_MOVE does, one row for each sentence of its behaviour, checked on the running kernel.
 *
 * Each row runs in a child process of its own with a SIGKILL watchdog, since a row that goes wrong may hang for ever.
 * No row changes a setting of the machine: what is not there (a folio size that is not enabled, a swap device) is a
 * reason to skip, said in the result.  Rows read counters of the whole system; they want an otherwise idle machine.
 */
#ifndef GCP_CONTRACT_H
#define GCP_CONTRACT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* cdef:begin */

#define GCP_CONTRACT_TEXT 320

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
struct gcp_contract_row {
    const char *name;
    const char *rule;
    const char *kernels;
    const char *needs;
};

/*
 * attempts: children that were started: a row whose only disagreement is a system-wide counter that grew too much is
 *           repeated, since another process may have moved it
 */
struct gcp_contract_result {
    uint32_t verdict; /* enum gcp_verdict */
    uint32_t attempts;
    uint64_t ns;
    char text[GCP_CONTRACT_TEXT];
};

size_t gcp_contract_count(void);

/* The row at `index`, NULL behind the last; index of the row of that name, or -ENOENT. */
const struct gcp_contract_row *gcp_contract_row(size_t index);
int64_t gcp_contract_find(const char *name);

/*
 * Run one row in a child; killed after `timeout_ms`.  0; -EINTR if a handler of this process ran meanwhile, which may
 * want to end it: the row was killed and can be run again; or -errno if the child could not be started.  Only the
 * calling thread lives on in the child: no other thread may hold a lock of the C library that is not fork-safe.
 */
int gcp_contract_run(size_t index, uint32_t timeout_ms, struct gcp_contract_result *ret);

/* As gcp_contract_run, for the runner's own tests: rows that hang, crash and so on, which are not in the list. */
int gcp_contract_run_drill(const char *name, uint32_t timeout_ms, struct gcp_contract_result *ret);

/*
 * The KTAP lines of one result, as a string of at most `size` bytes: diagnostics, then the numbered line.  Returns the
 * bytes needed without the final 0, as snprintf does.
 */
size_t gcp_contract_ktap_lines(size_t number, const struct gcp_contract_row *row,
                               const struct gcp_contract_result *result, char *ret, size_t size);

/* cdef:end */

/*
 * Run all rows, or the one named `only` (NULL for all), and print them as KTAP version 1.  Returns the number of rows
 * that are not OK and not skipped, or -errno: ENOENT no such row, others if a child could not be started.
 */
int gcp_contract_ktap(FILE *out, const char *only, uint32_t timeout_ms);

#endif
