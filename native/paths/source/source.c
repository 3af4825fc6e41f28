#include "paths/source/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gcp_source_fail(struct gcp_source *source, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(source->why, sizeof(source->why), format, args);
    va_end(args);
    return -err;
}

int gcp_source_look(struct gcp_prover *prover, struct gcp_source *source)
{
    int err = gcp_view_read(prover, source->start, source->pages, &source->view);
    return err ? gcp_source_fail(source, -err, "/proc/self/pagemap can't be read: %s", strerror(-err)) : 0;
}
