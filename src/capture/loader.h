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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/log.h"

/** What to load. */
struct loader_request {
	const char *root; /**< Directory that holds lib/modules, "" for the root. */
	const char *kernel_version; /**< uname -r of the running kernel. */
	char *const *
		modules; /**< Paths relative to lib/modules/VERSION, NULL-terminated; may be NULL. At most 256 are loaded. */
	size_t first; /**< The first of them that is loaded. */
	bool is_dropping; /**< Remove each file after it was loaded: in an initramfs it is memory. */
	char *const *const *
		kept; /**< Lists of those that other processes load too, and that stay; NULL-terminated; may be NULL. */
	_Atomic size_t *at; /**< Number of the module that is being loaded, for who waits; may be NULL. */
};

/**
 * Load modules. One that cannot be loaded is tried again after the others, then told and passed over: the target may come
 * without it.
 *
 * @param[in] request What.
 * @param[in,out] log What is told.
 */
void loader_run(const struct loader_request *request, struct log *log);

#endif
