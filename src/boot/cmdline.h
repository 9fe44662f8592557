// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The command line of the capture kernel.
 *
 * Does not know what kexec-tools adds to it (elfcorehdr= and the like).
 */
#ifndef BOOT_CMDLINE_H
#define BOOT_CMDLINE_H

#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"

/**
 * Make the command line: KDUMP_COMMANDLINE, or that of the running kernel without what does harm in the capture
 * kernel and with what keeps it small; then KDUMP_COMMANDLINE_APPEND.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] cpus Parameters of the capture kernel's CPUs.
 * @param[out] ret The line; free() it.
 * @param[out] reason_ret Why, for a person; free() it.
 * @return NULL; ERROR_CONFIG (too long for a kernel); ERROR_OS; ERROR_NOMEM.
 */
struct error *cmdline_make(const struct host *host, const struct config *config, const char *cpus, char **ret,
                           char **reason_ret) must_check;

/**
 * Value of a parameter of the running kernel.
 *
 * @param[in] host The machine.
 * @param[in] name Name without "=".
 * @param[out] ret Value of its last appearance, "" for one without a value, NULL if it is not there; free() it.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *cmdline_running(const struct host *host, const char *name, char **ret) must_check;

/** Whether the machine's parameters are those of x86. @param[in] host The machine. @return Also true where it does not say. */
bool cmdline_is_x86(const struct host *host);

#endif
