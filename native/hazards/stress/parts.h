/* Stress: what it needs of the kernel beside UFFDIO_MOVE, and what of that this kernel lacks. */
#ifndef GCP_STRESS_PARTS_H
#define GCP_STRESS_PARTS_H

#include <stddef.h>
#include <stdint.h>

enum gcp_stress_part {
    GCP_STRESS_ZSWAP,
    GCP_STRESS_KSM,
    GCP_STRESS_NODES,     /* two of them, between which pages migrate */
    GCP_STRESS_BALANCING, /* NUMA balancing */
    GCP_STRESS_FAILURE,   /* memory failure */
    GCP_STRESS_SWAPOFF,
    GCP_STRESS_PARTS,
};

/*
 * missing: why a part is unavailable; "" if it is there
 * swap:    the device, "" without one
 * zswap:   used for this seed.  Once it was enabled, the kernel swaps in no large folio until the next boot
 */
struct gcp_stress_parts {
    char missing[GCP_STRESS_PARTS][96];
    char swap[64];
    int zswap;
    int64_t zswap_before, hints_before, balanced_before;
};

/* Find the parts, and set them up for a stress of that seed. */
void gcp_stress_parts_init(uint64_t seed, struct gcp_stress_parts *ret);

/* NUMA balancing on or off, if the kernel has it.  It marks and migrates pages on its own. */
void gcp_stress_balance(const struct gcp_stress_parts *parts, int on);

/* What the kernel itself counted, and which parts are unavailable. */
void gcp_stress_parts_print(const struct gcp_stress_parts *parts, char *text, size_t size);

#endif
