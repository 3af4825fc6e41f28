/*
 * Addresses as numbers and as pointers.  Ranges are numbers here, as in the kernel's interface, since most are never
 * read by us: they are what ioctls are asked for.  What we read or write is a pointer, and becomes one in one place.
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
