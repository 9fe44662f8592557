// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Loading while the machine starts, before its services: the image that is there, as it was planned when it was made.
 *
 * Does not read the configuration, makes no plan and builds nothing: kdump.service does that later, and replaces what was loaded.
 */
#ifndef CMD_CTL_EARLY_H
#define CMD_CTL_EARLY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/host.h"

/**
 * Load the capture initramfs if it is as it was made. One that is not there, or stale, is no error, and the line says why nothing was
 * loaded.
 *
 * The caller holds the lock.
 *
 * @param[in] host The machine.
 * @param[in] is_quiet Print nothing.
 * @return NULL; ERROR_BAD_DATA; ERROR_UNSUPPORTED; ERROR_OS; ERROR_TIMEOUT; ERROR_NOMEM: as initrd_recorded(), crashkernel_read(),
 *	   kexec_load() and hang_set().
 */
struct error *ctl_early(const struct host *host, bool is_quiet) must_check;

#endif
