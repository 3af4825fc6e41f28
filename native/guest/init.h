/* Between the files of the guest's init. */
#ifndef GCP_GUEST_INIT_H
#define GCP_GUEST_INIT_H

#include <stdbool.h>
#include <stdint.h>

/* The results' port, -1 until it is open. */
extern int gcp_guest_report;

/* {"guest":{"KEY":"TEXT"}} on the results' port; gcp_guest_note has the key "note". */
void gcp_guest_say(const char *key, const char *text);
__attribute__((format(printf, 1, 2))) void gcp_guest_note(const char *format, ...);

/*
 * The text symbols of /proc/kallsyms, several to a line: {"guest":{"functions":"ADDRESS NAME ADDRESS NAME ..."}}.  An
 * address is hexadecimal, or the distance to the one before it after a plus sign.
 */
void gcp_guest_functions(void);

/* Write a text into a file that is there.  0 or -errno. */
int gcp_guest_write(const char *path, const char *text);

/* Swap space of that many bytes; what is missing is noted. */
void gcp_guest_swap_on_zram(uint64_t bytes);
void gcp_guest_swap_on_loop(uint64_t bytes);
void gcp_guest_swap_off(void);

#endif
