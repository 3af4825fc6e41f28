/* Not in the list: these crash the machine, to test its watchdog. */

#include "hazards/tables.h"
#include "trial/kernel_file.h"

static void crash(struct gcp_trial *trial)
{
    if (gcp_kernel_file_write("/proc/sysrq-trigger", "c"))
        gcp_trial_skip(trial, "/proc/sysrq-trigger can't be written");
}

static const struct gcp_row_entry ROWS[] = {
    {{"end-crash", "The kernel panics", "", ""}, crash},
};

const struct gcp_row_table gcp_hazards_ends = GCP_ROW_TABLE(ROWS);
