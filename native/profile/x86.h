/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the counted events an x86-64 instruction is, by its bytes (Intel SDM, volume 2, chapter 2). */
#ifndef GCP_PROFILE_X86_H
#define GCP_PROFILE_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/events.h"

static inline bool gcp_x86_is_string(uint8_t opcode)
{
    return (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
           (opcode >= 0xaa && opcode <= 0xaf);
}

/* Of an opcode after 0f;  `modrm`: 0 if the instruction ends before it. */
static inline unsigned gcp_x86_two_bytes(uint8_t opcode, uint8_t modrm, bool has_66)
{
    unsigned reg = modrm >> 3 & 7;
    bool memory = modrm >> 6 != 3;

    switch (opcode) {
    case 0x01:
        return modrm == 0xf9 ? GCP_EVENT_CLOCK : reg == 7 && memory ? GCP_EVENT_FLUSH_PAGE : 0;
    case 0x05:
        return GCP_EVENT_SYSCALL;
    case 0x22:
        return reg == 3 ? GCP_EVENT_SPACE : 0;
    case 0x31:
        return GCP_EVENT_CLOCK;
    case 0x38: /* the third byte of the opcode stands where a ModRM would */
        return modrm == 0x82 && has_66 ? GCP_EVENT_FLUSH_MORE : 0;
    default:
        return 0;
    }
}

/*
 * The events of an instruction, bits of enum gcp_event.  xchg with memory is locked without a prefix.
 * bytes, n: the whole instruction
 */
static inline unsigned gcp_x86_events(const uint8_t *bytes, size_t n)
{
    bool locked = false, repeated = false, has_66 = false;
    size_t i = 0;

    for (; i < n; i++) {
        uint8_t byte = bytes[i];
        if (byte == 0xf0)
            locked = true;
        else if (byte == 0xf2 || byte == 0xf3)
            repeated = true;
        else if (byte == 0x66)
            has_66 = true;
        else if (byte != 0x26 && byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x64 && byte != 0x65 &&
                 byte != 0x67)
            break;
    }
    if (i < n && (bytes[i] & 0xf0) == 0x40) /* REX */
        i++;
    if (i >= n)
        return 0;
    uint8_t opcode = bytes[i], next = i + 1 < n ? bytes[i + 1] : 0;
    if ((opcode == 0x86 || opcode == 0x87) && next >> 6 != 3)
        locked = true;
    unsigned found = locked ? GCP_EVENT_LOCKED : 0;
    if (opcode == 0x0f && i + 1 < n)
        found |= gcp_x86_two_bytes(next, i + 2 < n ? bytes[i + 2] : 0, has_66);
    else if (repeated && gcp_x86_is_string(opcode))
        found |= GCP_EVENT_REP;
    return found;
}

#endif
