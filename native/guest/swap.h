/* Swap space of a guest. */
#ifndef GCP_GUEST_SWAP_H
#define GCP_GUEST_SWAP_H

#include <stdint.h>

/* Swap space of that many bytes; errors are noted. */
void gcp_guest_swap_on_zram(uint64_t bytes);
void gcp_guest_swap_on_loop(uint64_t bytes);
void gcp_guest_swap_off(void);

#endif
