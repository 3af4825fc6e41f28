#include "base/build_info.h"

/* build/code_hash.py gives them to the compiler. */
#ifndef GCP_HASH_PATHS
#define GCP_HASH_PATHS "unknown"
#endif
#ifndef GCP_HASH_HEAP
#define GCP_HASH_HEAP "unknown"
#endif
#ifndef GCP_HASH_CONTRACT
#define GCP_HASH_CONTRACT "unknown"
#endif
#ifndef GCP_HASH_LAYOUT
#define GCP_HASH_LAYOUT "unknown"
#endif
#ifndef GCP_BUILD_FLAGS
#define GCP_BUILD_FLAGS "unknown"
#endif

const char *gcp_build_paths(void)
{
    return GCP_HASH_PATHS;
}

const char *gcp_build_heap(void)
{
    return GCP_HASH_HEAP;
}

const char *gcp_build_contract(void)
{
    return GCP_HASH_CONTRACT;
}

const char *gcp_build_layout(void)
{
    return GCP_HASH_LAYOUT;
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
