/*
 * Marks in the timed regions, for a profiler that watches the program from outside (native/profile/gcprof.c).  Each is
 * one instruction without effect, with a number that no compiler emits.
 */
#ifndef GCP_MARK_H
#define GCP_MARK_H

#include <stdint.h>

/*
 * ARM:            a program that measures has begun; until then nothing is counted, so that a boot costs nothing
 * ROUND, END:     around a round;  BIT0, BIT1: after ROUND its number, from the highest bit on
 * START, STARTED: around the reading of the clock that begins a timed region;  STOP, STOPPED: that ends one
 */
#define GCP_MARK_ARM 0x01
#define GCP_MARK_ROUND 0x02
#define GCP_MARK_START 0x03
#define GCP_MARK_STARTED 0x04
#define GCP_MARK_STOP 0x05
#define GCP_MARK_STOPPED 0x06
#define GCP_MARK_END 0x07
#define GCP_MARK_BIT0 0x08
#define GCP_MARK_BIT1 0x09

/* The upper three bytes of the displacement: "gcp". */
#define GCP_MARK_MAGIC 0x67637000

/* movz xzr, #0x6700; a mark is added to the immediate, which begins at bit 5. */
#define GCP_MARK_ARM64 (0xd280001fu + (0x6700u << 5))

/* nopl GCP_MARK_MAGIC + mark(%rax) */
#ifdef __x86_64__
#define GCP_MARK(mark)                                                                                                 \
    __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.long %c0" : : "i"(GCP_MARK_MAGIC + (mark)) : "memory")
#elif defined(__aarch64__)
#define GCP_MARK(mark) __asm__ volatile(".inst %c0" : : "i"(GCP_MARK_ARM64 + ((mark) << 5)) : "memory")
#else
#define GCP_MARK(mark) __asm__ volatile("" : : "i"(mark) : "memory")
#endif

/* A round begins; `number` is unique in the guest. */
static inline void gcp_mark_round(uint64_t number)
{
    GCP_MARK(GCP_MARK_ROUND);
    for (int bit = 63; bit >= 0; bit--)
        if (number >> bit & 1)
            GCP_MARK(GCP_MARK_BIT1);
        else
            GCP_MARK(GCP_MARK_BIT0);
}

#endif
