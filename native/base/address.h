/*
 * Addresses as numbers and as pointers.  Ranges are numbers, as in the kernel's interface: most are only arguments of
 * ioctls and are never dereferenced here.  An address that is read or written becomes a pointer by gcp_at.
 */
#ifndef GCP_ADDRESS_H
#define GCP_ADDRESS_H

#include <stdint.h>

static inline void *gcp_at(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static inline uint64_t gcp_address_of(const volatile void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

#endif
