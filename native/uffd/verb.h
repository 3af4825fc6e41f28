/* One list of system calls, for policies, decisions and injected faults. */
#ifndef GCP_VERB_H
#define GCP_VERB_H

/* cdef:begin */

/* System calls that put pages somewhere, or prepare it. */
enum gcp_verb {
    GCP_VERB_MOVE = 0,
    GCP_VERB_COPY = 1,
    GCP_VERB_REMAP = 2, /* mremap, of long runs (heap/compaction/remap.c) */
    GCP_VERB_ZEROPAGE = 3,
    GCP_VERB_REGISTER = 4,
    GCP_VERB_UNREGISTER = 5,
    GCP_VERB_MADVISE = 6,
    GCP_VERB_COUNT = 7,
};

/* cdef:end */

#endif
