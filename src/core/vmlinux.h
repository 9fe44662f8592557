// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * VMCOREINFO of a kernel, from its vmlinux with debugging information.
 *
 * Does not know what the kernel finds out when it runs: where it was loaded (KERNELOFFSET, phys_base), how many levels its page
 * tables have. Made with libdw; in kdump-copy only.
 * Source: Linux Documentation/admin-guide/kdump/vmcoreinfo.rst; makedumpfile(8), -g.
 */
#ifndef CORE_VMLINUX_H
#define CORE_VMLINUX_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"

#ifdef HAVE_LIBDW
/**
 * Write VMCOREINFO as text: what kernels of 5.10 to 7.2 write of it, and what makedumpfile 1.7.9 asks for.
 *
 * @param[in] path The vmlinux.
 * @param[in] out Where lines go. Errors of it are the caller's to look at.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (no kernel, or without symbols or types); ERROR_UNSUPPORTED (of an unknown machine, or
 *	   built without libdw).
 */
struct error *vmlinux_write_info(const char *path, FILE *out) must_check;
#else
/** Without the library. @param[in] path, out As there. @return ERROR_UNSUPPORTED. */
static inline must_check struct error *vmlinux_write_info(const char *path, FILE *out)
{
	(void)path;
	(void)out;
	return error_new(ERROR_UNSUPPORTED,
	                 "-g: this kdump-copy was built without libdw, which reads debugging information");
}
#endif

#endif
