#include "build_info.h"

#ifndef GCP_BUILD_HASH
#define GCP_BUILD_HASH "unknown"
#endif
#ifndef GCP_BUILD_FLAGS
#define GCP_BUILD_FLAGS "unknown"
#endif

const char *gcp_build_hash(void)
{
    return GCP_BUILD_HASH;
}

const char *gcp_build_compiler(void)
{
#ifdef __clang__
    return "clang " __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}

const char *gcp_build_flags(void)
{
    return GCP_BUILD_FLAGS;
}
