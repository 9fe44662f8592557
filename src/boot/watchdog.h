// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The hardware watchdogs of this machine: one that runs goes on running when the kernel crashes.
 *
 * Does not feed them (capture/watchdog.h).
 */
#ifndef BOOT_WATCHDOG_H
#define BOOT_WATCHDOG_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/modules.h"
#include "boot/words.h"

/**
 * Find their drivers. A watchdog in software ends with its kernel and is none.
 *
 * @param[in] host The machine.
 * @param[in] modules Lists of the capture kernel.
 * @param[in,out] ordered As modules_add(). Some drivers do not say which device is theirs: all that are loaded count.
 * @param[in,out] reasons One line for each watchdog, for a person.
 * @return NULL; ERROR_CONFIG (the kernel lacks a driver); ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *watchdog_find(const struct host *host, const struct modules *modules, struct words *ordered,
                            struct words *reasons) must_check;

#endif
