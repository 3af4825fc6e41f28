/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events that an instruction can be, for every architecture (x86.h, arm64.h). */
#ifndef GCP_PROFILE_EVENTS_H
#define GCP_PROFILE_EVENTS_H

/*
 * LOCKED:     an atomic change of memory: a locked instruction, an LSE atomic, a store exclusive
 * FLUSH_PAGE: of TLB entries of one page or a range: INVLPG, TLBI by address
 * FLUSH_MORE: of all entries or an address space: INVPCID, other TLBIs
 * SPACE:      a change of the address space: a write to CR3
 * SYSCALL:    SYSCALL, SVC
 * REP:        an iteration of a string instruction
 * CLOCK:      the clock that programs read: rdtsc, rdtscp, CNTVCT_EL0
 */
enum gcp_event {
    GCP_EVENT_LOCKED = 1 << 0,
    GCP_EVENT_FLUSH_PAGE = 1 << 1,
    GCP_EVENT_FLUSH_MORE = 1 << 2,
    GCP_EVENT_SPACE = 1 << 3,
    GCP_EVENT_SYSCALL = 1 << 4,
    GCP_EVENT_REP = 1 << 5,
    GCP_EVENT_CLOCK = 1 << 6,
};

#endif
