/*
 * Hazards: tests that may hang, panic or corrupt a kernel with the bug, so they must not run on a machine in use.  They
 * run in guests, as root.  Like rows of the contract, each runs in a process of its own under a watchdog.
 *
 * No hazard changes a setting.  The caller sets up:
 * - a swap device, on a loop device for hazards that need the swap cache;
 * - hugepages-*kB/enabled of THPs and one mTHP size, as `madvise`;
 * - ksm/run, as 1, for `ksm`.
 */
#ifndef GCP_HAZARDS_H
#define GCP_HAZARDS_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Run all, or the one named `only`, and print two lines of JSON for each: {"begin":{"hazard":NAME}} before it, and
 * after it {"verdict":{...}}, fields as in gcproto.results.schema.Verdict.  A beginning without a verdict shows where
 * the machine crashed.  0; -ENOENT if there is no such hazard; -EPERM outside a guest (no file /gcproto.guest, and
 * GCPROTO_HAZARDS is not "yes"); or -errno if a child could not be started.
 */
int gcp_hazards(FILE *out, const char *only);

/* Whether this machine is a guest of the kernel lab. */
bool gcp_in_guest(void);

/* Print the names, one a line. */
void gcp_hazards_list(FILE *out);

#endif
