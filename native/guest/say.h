/* What the guest's init reports, and how it writes files. */
#ifndef GCP_GUEST_SAY_H
#define GCP_GUEST_SAY_H

/* The results' port, -1 until it is open. */
extern int gcp_guest_report;

/* {"guest":{"KEY":"TEXT"}} on the results' port; gcp_guest_note has the key "note". */
void gcp_guest_say(const char *key, const char *text);
__attribute__((format(printf, 1, 2))) void gcp_guest_note(const char *format, ...);

/* Write a text into an existing file.  0 or -errno. */
int gcp_guest_write(const char *path, const char *text);

#endif
