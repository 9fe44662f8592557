// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Loading and unloading the capture kernel, by kexec-tools.
 *
 * Does not decide what is loaded (plan.h) and does not build the initramfs (initrd.h).
 */
#ifndef BOOT_KEXEC_H
#define BOOT_KEXEC_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/plan.h"

/** Which system call a kernel was loaded with. */
enum kexec_method {
	KEXEC_FILE, /**< kexec_file_load(2): the kernel reads and verifies the files. */
	KEXEC_LOAD, /**< kexec_load(2), for kernels without the other. */
};

/**
 * Whether a capture kernel is loaded.
 *
 * @param[in] host The machine.
 * @param[out] is_loaded_ret Whether.
 * @return NULL; ERROR_UNSUPPORTED (the kernel has no kexec for crashes); ERROR_OS; ERROR_NOMEM.
 */
struct error *kexec_is_loaded(const struct host *host, bool *is_loaded_ret) must_check;

/**
 * Load the plan's kernel, initramfs and command line, in place of what is loaded, and ask this kernel to run its panic notifiers
 * before it starts that, if the plan says so.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan.
 * @param[out] method_ret How it was loaded.
 * @return NULL; ERROR_UNSUPPORTED (loading is switched off on this system until the next boot; no panic notifiers); ERROR_OS (kexec is not
 *	   there, or failed; the text has what it said); ERROR_TIMEOUT; ERROR_NOMEM.
 */
struct error *kexec_load(const struct host *host, const struct plan *plan, enum kexec_method *method_ret) must_check;

/**
 * Load a kernel that is started when the system is down, in place of the firmware; not one for a crash.
 *
 * @param[in] host The machine.
 * @param[in] kernel, initrd Files, absolute.
 * @param[in] command_line Its parameters.
 * @param[in] is_file_only By kexec_file_load(2) only: this kernel is locked down.
 * @return NULL; ERROR_UNSUPPORTED (switched off until the next boot); ERROR_OS; ERROR_TIMEOUT; ERROR_NOMEM.
 */
struct error *kexec_load_next(const struct host *host, const char *kernel, const char *initrd, const char *command_line,
                              bool is_file_only) must_check;

/**
 * Unload the capture kernel. It is no error if none is loaded.
 *
 * @param[in] host The machine.
 * @return NULL; ERROR_UNSUPPORTED (switched off until the next boot); ERROR_OS; ERROR_TIMEOUT; ERROR_NOMEM.
 */
struct error *kexec_unload(const struct host *host) must_check;

#endif
