/* Where the kernel's functions are. */
#ifndef GCP_GUEST_FUNCTIONS_H
#define GCP_GUEST_FUNCTIONS_H

/*
 * Say the text symbols of /proc/kallsyms, several to a line: {"guest":{"functions":"ADDRESS NAME ADDRESS NAME ..."}}.
 * An address is hexadecimal.  After a plus sign it is the distance to the one before it.
 */
void gcp_guest_functions(void);

#endif
