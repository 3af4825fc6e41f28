/* Where the kernel's functions are, for a profiler outside of the guest. */
#define _GNU_SOURCE
#include "guest/functions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "guest/say.h"

/* Of the text that one line holds; gcp_guest_say has room for more. */
#define LINE_BYTES 8192

void gcp_guest_functions(void)
{
    static char line[LINE_BYTES];
    char name[512], type;
    uint64_t address, last = 0;
    size_t at = 0;

    int err = gcp_guest_write("/proc/sys/kernel/kptr_restrict", "0");
    if (err)
        gcp_guest_note("kptr_restrict: %s", strerror(-err));
    FILE *symbols = fopen("/proc/kallsyms", "re");
    if (!symbols) {
        gcp_guest_note("/proc/kallsyms: %s", strerror(errno));
        return;
    }
    /* A module's symbol has the module's name after its own. */
    while (fscanf(symbols, "%" SCNx64 " %c %511s%*[^\n]", &address, &type, name) == 3) {
        /* __pfx_NAME: room for patching before a function, which is never executed. */
        if (!strchr("tTwW", type) || address == 0 || strncmp(name, "__pfx_", 6) == 0)
            continue;
        if (at + sizeof(name) + 32 > sizeof(line)) {
            gcp_guest_say("functions", line);
            at = 0;
        }
        const char *plus = address >= last && last ? "+" : "";
        at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%" PRIx64 " %s ", plus,
                               *plus ? address - last : address, name);
        last = address;
    }
    if (at)
        gcp_guest_say("functions", line);
    fclose(symbols);
}
