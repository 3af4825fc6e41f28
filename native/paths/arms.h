/* The table of arms. */
#ifndef GCP_ARMS_H
#define GCP_ARMS_H

#include "paths/work.h"

/* cdef:begin */

/* Names as in results, NULL beyond the last;  enum gcp_arm_flag bits, 0 beyond the last. */
const char *gcp_arm_name(uint32_t arm);
uint32_t gcp_arm_flags(uint32_t arm);

/* The number of an arm, -1 if there is none of that name. */
int32_t gcp_arm_find(const char *name);

/* cdef:end */

/* NULL beyond the last. */
const struct gcp_arm *gcp_arm_at(uint32_t arm);

#endif
