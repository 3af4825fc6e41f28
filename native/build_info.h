/* What this library was built from and by what: results record it, and results of other code are another series. */
#ifndef GCP_BUILD_INFO_H
#define GCP_BUILD_INFO_H

/* cdef:begin */

/* Hash of the C sources; compiler and its version; flags.  Never NULL. */
const char *gcp_build_hash(void);
const char *gcp_build_compiler(void);
const char *gcp_build_flags(void);

/* cdef:end */

#endif
