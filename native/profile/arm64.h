/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the counted events an arm64 instruction is, by its word (Arm ARM, C4.1, "A64 instruction set encoding"). */
#ifndef GCP_PROFILE_ARM64_H
#define GCP_PROFILE_ARM64_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/events.h"

/* Atomic changes of memory.  Loads exclusive are omitted: their stores exclusive count. */
static inline bool gcp_arm64_is_atomic(uint32_t word)
{
    if ((word & 0x3f200c00) == 0x38200000) /* LDADD and its kind, SWP; not LDAPR, which only loads */
        return (word & 0x00fffc00) != 0x00bfc000;
    if ((word & 0x3fa07c00) == 0x08a07c00 || (word & 0xbfa07c00) == 0x08207c00) /* CAS, CASP */
        return true;
    return (word & 0x3fe00000) == 0x08000000 || (word & 0xbfe00000) == 0x88200000; /* STXR, STXP */
}

/* TLBI is SYS with CRn 8, or 9 for nXS.  Those by address have an odd op2: VAE1, VAAE1, VALE1, VAALE1 and ranges. */
static inline unsigned gcp_arm64_flush(uint32_t word)
{
    if ((word & 0xfff8e000) != 0xd5088000)
        return 0;
    return word >> 5 & 1 ? GCP_EVENT_FLUSH_PAGE : GCP_EVENT_FLUSH_MORE;
}

/* The events of an instruction, bits of enum gcp_event. */
static inline unsigned gcp_arm64_events(uint32_t word)
{
    if (gcp_arm64_is_atomic(word))
        return GCP_EVENT_LOCKED;
    if ((word & 0xffe0001f) == 0xd4000001) /* SVC */
        return GCP_EVENT_SYSCALL;
    if ((word & 0xffffff60) == 0xd53be040) /* MRS Xt, CNTVCT_EL0 or CNTVCTSS_EL0 */
        return GCP_EVENT_CLOCK;
    return gcp_arm64_flush(word);
}

#endif
