/* What this library was built from, and how.  Results record it; results of other code form another series. */
#ifndef GCP_BUILD_INFO_H
#define GCP_BUILD_INFO_H

/* cdef:begin */

/* Hashes of the C sources of each lab, and of all declarations; compiler and its version; flags.  Never NULL. */
const char *gcp_build_paths(void);
const char *gcp_build_heap(void);
const char *gcp_build_contract(void);
const char *gcp_build_layout(void);
const char *gcp_build_compiler(void);
const char *gcp_build_flags(void);

/* cdef:end */

#endif
