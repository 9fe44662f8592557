// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Loads kernel modules in the order that was worked out before the crash.
 *
 * Does not resolve dependencies and reads no modules.dep.
 */
#ifndef CAPTURE_LOADER_H
#define CAPTURE_LOADER_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/log.h"

/**
 * Load modules. One that cannot be loaded is tried again after the others, then told and passed over: the target may come
 * without it. At most 256 are loaded.
 *
 * @param[in] root Directory that holds lib/modules, "" for the root.
 * @param[in] kernel_version uname -r of the running kernel.
 * @param[in] modules Paths relative to lib/modules/VERSION, NULL-terminated; may be NULL.
 * @param[in] is_dropping Remove each file after it was loaded: in an initramfs it is memory.
 * @param[in] kept Lists of those that other processes load too, and that stay; NULL-terminated; may be NULL.
 * @param[in,out] log What is told.
 */
void loader_run(const char *root, const char *kernel_version, char *const *modules, bool is_dropping,
                char *const *const *kept, struct log *log);

#endif
