/* What all threads of the stress share. */
#ifndef GCP_STRESS_STATE_H
#define GCP_STRESS_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "uffd/answer.h"

struct gcp_stress_parts;

#define GCP_STRESS_PAGES 1024 /* that are accounted for */
#define GCP_STRESS_LOOSE 64   /* pages after them, which are also discarded: their contents are right or zero */
#define GCP_STRESS_READERS 2

enum gcp_stress_count {
    GCP_STRESS_MOVES, /* ioctls that moved everything */
    GCP_STRESS_SHORT, /* ioctls that moved a part */
    GCP_STRESS_MOVED, /* pages */
    GCP_STRESS_EBUSY,
    GCP_STRESS_OTHER,  /* EEXIST, ENOENT, EAGAIN, and EINVAL that may be temporary */
    GCP_STRESS_FAULTS, /* of readers, served */
    GCP_STRESS_READS,
    GCP_STRESS_PINS,
    GCP_STRESS_SPLICES,
    GCP_STRESS_FORKS,
    GCP_STRESS_PAGEOUTS,
    GCP_STRESS_LARGE, /* pages in large folios at the end of a round */
    GCP_STRESS_COLLAPSES,
    GCP_STRESS_COMPACTIONS,
    GCP_STRESS_REPLACED, /* pages that had to be copied before they moved again */
    GCP_STRESS_TURNS,    /* of the range pair that is swapped in while it is not armed */
    GCP_STRESS_SWAPIN_MOVES,
    GCP_STRESS_COPIED,    /* pages of that pair that UFFDIO_COPY had to take in the end */
    GCP_STRESS_SEQUENCES, /* random ones, of one thread (sequence.c) */
    GCP_STRESS_STEPS,     /* operations in them */
    GCP_STRESS_UNARMED,   /* pages that moved from a range that is not armed, of all kinds of work */
    GCP_STRESS_SWAPOFFS,
    GCP_STRESS_MIGRATED, /* pages that move_pages(2) took to the other node */
    GCP_STRESS_RETIRED,  /* pages that MADV_SOFT_OFFLINE took off their frames */
    GCP_STRESS_LOST,     /* pages that MADV_HWPOISON made faulty, beside pages that moved */
    GCP_STRESS_MERGED,   /* looks at a page that KSM had merged */
    GCP_STRESS_TWINS,    /* moves of pages that KSM merges */
    GCP_STRESS_UNDUE,    /* EBUSY for a page that was shared once, and is exclusive again (hazard whole-first-page) */
    GCP_STRESS_COUNTS,
};

/*
 * side:  the two ranges; page i is at side[k] + i * page
 * why:   the first fault, "" as long as there is none
 * tally: what each reader added to its own word of each page
 * busy:  a fault on the page got EBUSY: a healer should write to it in place
 * stubborn: how often that did not help, in a row
 * parts: what this kernel has beside UFFDIO_MOVE, set up before the first round
 * held_spins: this kernel's UFFDIO_MOVE of a part of a large folio that is held does not return, or may not (known bug
 *       livelock-references).  It keeps the VMA's lock meanwhile.  A thread that holds such a folio and needs a lock of
 *       the address space then waits for the mover, and the mover for it.
 * swapin: two ranges more, of which one is not armed, and where `open` - 1 is the number of that one (swapin.c)
 */
struct gcp_stress {
    uint64_t page;
    uint64_t seed;
    uint64_t side[2];
    struct gcp_uffd uffd;
    int pagemap_fd;
    int kpageflags_fd;
    const struct gcp_stress_parts *parts;
    int held_spins;
    atomic_int holding; /* the pinning thread has chosen a small folio, and no collapse may make it a large one */
    int wake_fd;        /* readable when the handler must end */
    atomic_int stop;
    atomic_int calm; /* movers and readers wait while a thread gathers pages for a THP */
    atomic_int failed;
    char why[240];
    atomic_uint_fast64_t counts[GCP_STRESS_COUNTS];
    uint64_t tally[GCP_STRESS_READERS][GCP_STRESS_PAGES];
    atomic_uchar busy[GCP_STRESS_PAGES + GCP_STRESS_LOOSE];
    atomic_uint stubborn[GCP_STRESS_PAGES + GCP_STRESS_LOOSE];
    struct {
        uint64_t side[2];
        atomic_int open, inside; /* inside: touching threads that may be reading */
    } swapin;
};

struct gcp_stress_thread {
    struct gcp_stress *stress;
    uint64_t random;
    uint32_t number;
};

/* A random number of the thread's own sequence, below `limit`. */
uint64_t gcp_stress_random(struct gcp_stress_thread *thread, uint64_t limit);

uint64_t gcp_stress_at(const struct gcp_stress *stress, uint64_t side, uint64_t i);

/* Content of a page's first and last word. */
uint64_t gcp_stress_word(const struct gcp_stress *stress, uint64_t i);

/* Index of a page's last word.  Pages have different sizes. */
static inline uint64_t gcp_stress_last(const struct gcp_stress *stress)
{
    return stress->page / sizeof(uint64_t) - 1;
}

/* Write to both words. */
void gcp_stress_mark(const struct gcp_stress *stress, uint64_t address, uint64_t word);

__attribute__((format(printf, 2, 3))) void gcp_stress_fail(struct gcp_stress *stress, const char *format, ...);

/* Write to a file of /sys/kernel/mm/transparent_hugepage.  Enable folios of that order for the next touches, 0: small
 * ones. */
void gcp_stress_set(const char *name, const char *value);
void gcp_stress_enable(unsigned order);

void gcp_stress_sleep_us(uint64_t us);

/* Wait while `calm` is set. */
void gcp_stress_be_calm(struct gcp_stress *stress);

/* The pagemap word of a page: by its address, and by its number. */
uint64_t gcp_stress_entry_at(struct gcp_stress *stress, uint64_t address);
uint64_t gcp_stress_entry(struct gcp_stress *stress, uint64_t side, uint64_t i);

/* The kpageflags word of the page at an address; 0 if it is not present, or that can't be read. */
uint64_t gcp_stress_flags_at(struct gcp_stress *stress, uint64_t address);

/* Whether the page is present in a folio of one page; false if that can't be read. */
bool gcp_stress_is_small(struct gcp_stress *stress, uint64_t side, uint64_t i);

#endif
