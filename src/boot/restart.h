// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A restart without the firmware: the next kernel is loaded by kexec, the system goes down in order, and the kernel jumps to the next one.
 *
 * Does not know why (cmd/ctl_crashkernel.h).
 */
#ifndef BOOT_RESTART_H
#define BOOT_RESTART_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/parameters.h"
#include "boot/words.h"

/** What would be started. restart_deinit() it. */
struct restart {
	char *kernel, *initrd; /**< Files, absolute. */
	char *command_line;
	const char *const *down; /**< The program that takes the system down, with its arguments; static. */
	bool is_locked; /**< kexec_file_load(2) only. */
};

/**
 * Find out. Changes nothing.
 *
 * The command line is the running kernel's, without what its boot loader has added, and with a change.
 *
 * @param[in] host The machine.
 * @param[in] kernel Image of the kernel, absolute; NULL: the running one's.
 * @param[in] change Of its parameters.
 * @param[out] ret Filled; zeroed on error.
 * @return NULL; ERROR_UNSUPPORTED (it cannot be done here: loading is switched off, a unified kernel image, no initramfs, nobody who would call
 *	   kexec at the end); ERROR_CONFIG (no such kernel); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *restart_find(const struct host *host, const char *kernel, const struct parameters_change *change,
                           struct restart *ret) must_check;

/** Tell it, a line for each program. @param[in] restart Filled. @param[in,out] ret The lines. */
void restart_tell(const struct restart *restart, struct words *ret);

/**
 * Load the kernel, and take the system down.
 *
 * @param[in] host The machine.
 * @param[in] restart Filled.
 * @return NULL (the system is going down); ERROR_UNSUPPORTED; ERROR_OS (nothing is loaded, or it is and the system does not go down: the text says
 *	   which); ERROR_TIMEOUT; ERROR_NOMEM.
 */
struct error *restart_run(const struct host *host, const struct restart *restart) must_check;

/** Free what it owns. @param[in] restart Filled, or zeroed. */
void restart_deinit(struct restart *restart);

#define _cleanup_restart_ _cleanup_(restart_deinit)

#endif
