// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What is loaded for a crash, written down: so that what has not changed is not loaded again, and that what was loaded can be put
 * back where a load fails. The kernel frees the one before it loads the other: both lie in the same memory
 * (kernel/kexec_file.c: kexec_file_load(), v6.1).
 *
 * Does not know how a kernel is loaded (kexec.h).
 */
#ifndef BOOT_LOADED_H
#define BOOT_LOADED_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"
#include "boot/kexec.h"
#include "boot/plan.h"

/** What is loaded since this machine was booted. */
#define LOADED_PATH "/run/kdump/loaded"
/** The initramfs that is loaded; another name of INITRD_PATH until that is built anew. */
#define LOADED_INITRD_PATH "/var/lib/kdump/initrd.loaded"

/**
 * Describe what a load of the plan would load now, and the machine that it would be for: kernel and initramfs by size and time of
 * change, command line, the memory (/proc/iomem) and CPUs that the kernel tells its crash kernel of.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan; its image is built.
 * @param[out] text_ret free() it.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *loaded_describe(const struct host *host, const struct plan *plan, char **text_ret) must_check;

/** Whether that is what is loaded. @param[in] host The machine. @param[in] text Of loaded_describe(). @return false also where nothing is loaded, or it is not known what. */
bool loaded_is(const struct host *host, const char *text);

/**
 * Load the plan's kernel in place of what is loaded. If that fails, what was loaded is loaded again.
 *
 * @param[in] host The machine.
 * @param[in] plan The plan; its image is built.
 * @param[in] text Of loaded_describe(), right before.
 * @param[out] method_ret As kexec_load().
 * @param[out] late_ret It is loaded, but could not be written down, so that it could not be put back: why; else NULL. error_free() it.
 * @return As kexec_load(); the text says whether the machine has a capture kernel now.
 */
struct error *loaded_replace(const struct host *host, const struct plan *plan, const char *text,
                             enum kexec_method *method_ret, struct error **late_ret) must_check;

/**
 * Whether there is to be something loaded. While one is loaded in the place of another the kernel says that there is none, and after a
 * load that failed too.
 *
 * @param[in] host The machine.
 * @param[out] is_ret Whether.
 * @return NULL; ERROR_OS.
 */
struct error *loaded_is_meant(const struct host *host, bool *is_ret) must_check;

/** Nothing is loaded any more, or not by us. @param[in] host The machine. */
void loaded_forget(const struct host *host);

#endif
