/*
 * The contract: what UFFDIO_MOVE does, one row for each sentence of its behaviour, checked on the running kernel.
 *
 * Each row runs in a child process of its own with a SIGKILL watchdog, since a row that goes wrong may hang for ever.
 */
#ifndef GCP_CONTRACT_H
#define GCP_CONTRACT_H

#include <stddef.h>
#include <stdint.h>

/* cdef:begin */

enum gcp_verdict {
    GCP_VERDICT_OK = 0,      /* the kernel does what the row says */
    GCP_VERDICT_DIFFERS = 1, /* it does something else: `text` says what was seen */
    GCP_VERDICT_SKIP = 2,    /* not testable here: `text` says why and what would help */
    GCP_VERDICT_HANG = 3,    /* killed by the watchdog */
    GCP_VERDICT_CRASH = 4,   /* the child died of a signal */
};

struct gcp_contract_row {
    const char *name;    /* short-name-with-dashes, stable */
    const char *rule;    /* one sentence: what the kernel does */
    const char *kernels; /* where kernels differ: which does what; "" if all are alike */
    const char
        *needs; /* capability words, comma separated: "root", "thp", "mthp", "io_uring", "zram", "loop"; "" if none */
};

struct gcp_contract_result {
    uint32_t verdict; /* enum gcp_verdict */
    uint64_t ns;
    char text[240];
};

size_t gcp_contract_count(void);
const struct gcp_contract_row *gcp_contract_row(size_t index);

/* Run one row in a child; killed after `timeout_ms`.  0, or -errno if the child could not be started. */
int gcp_contract_run(size_t index, uint32_t timeout_ms, struct gcp_contract_result *ret);

/* cdef:end */

#endif
