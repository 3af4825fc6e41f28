/*
 * Hazards: what must not be run on a machine that somebody needs, since it may hang, panic or corrupt a kernel that has
 * the bug.  They run in guests, as root, and are written as rows of the contract are: each in a process of its own
 * under a watchdog.
 *
 * What whoever starts them has to set up (no hazard changes a setting): a swap device, on a loop device for those that
 * want the swap cache; hugepages-2048kB/enabled and one mTHP size `madvise`; ksm/run 1 for `ksm`.
 */
#ifndef GCP_HAZARDS_H
#define GCP_HAZARDS_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Run all, or the one named `only`, and print two lines of JSON for each: {"begin":{"hazard":NAME}} before it, and
 * after it {"verdict":{...}}, fields as in gcproto.results.schema.Verdict.  Whoever reads a beginning without a verdict
 * knows where the machine went down.  0, -ENOENT without such a hazard, -EPERM where this is no guest (there is no file
 * /gcproto.guest, and GCPROTO_HAZARDS is not "yes"), or -errno if a child could not be started.
 */
int gcp_hazards(FILE *out, const char *only);

/* Whether this machine is a guest of the kernel lab. */
bool gcp_in_guest(void);

/* Print the names, one a line. */
void gcp_hazards_list(FILE *out);

#endif
