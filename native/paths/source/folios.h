/* Sources of present folios.  All functions return 0, or what gcp_source_fail returned. */
#ifndef GCP_PATHS_SOURCE_FOLIOS_H
#define GCP_PATHS_SOURCE_FOLIOS_H

#include "base/platform.h"
#include "paths/source/source.h"

/* Write all pages, in folios of the requested order and in the requested order of frames, and read the view. */
int gcp_source_populate(struct gcp_prover *prover, struct gcp_source *source, const struct gcp_platform *platform);

/* Check that the requested order of frames can be made of this source, and that it can be proven or is certain. */
int gcp_source_frames_fit(const struct gcp_prover *prover, struct gcp_source *source, uint64_t offset,
                          const struct gcp_platform *platform);

/* Check the order of frames by the view, when nothing is left that could migrate a page. */
int gcp_source_frames_prove(struct gcp_source *source);

#endif
