/* Not in the list: these crash the machine, to test its watchdog. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "hazards/tables.h"

static void crash(struct gcp_trial *trial)
{
    int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "c", 1) != 1)
        gcp_trial_skip(trial, "/proc/sysrq-trigger can't be written");
}

static const struct gcp_row_entry ROWS[] = {
    {{"end-crash", "The kernel panics", "", ""}, crash},
};

const struct gcp_row_table gcp_hazards_ends = GCP_ROW_TABLE(ROWS);
