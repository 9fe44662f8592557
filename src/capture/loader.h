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
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "capture/log.h"

/** What to load. */
struct loader_request {
	const char *root; /**< Directory that holds lib/modules, "" for the root. */
	const char *kernel_version; /**< uname -r of the running kernel. */
	char *const *
		modules; /**< Paths relative to lib/modules/VERSION, NULL-terminated; may be NULL. At most 256 are loaded. */
	bool is_dropping; /**< Remove each file after it was loaded: in an initramfs it is memory. */
	char *const *const *
		kept; /**< Lists of those that other processes load too, and that stay; NULL-terminated; may be NULL. */
	uint64_t slow_ms; /**< For loader_run_apart(): then the next module is loaded without waiting for this one. */
};

/**
 * Load modules. One that cannot be loaded is tried again after the others, then told and passed over: the target may come
 * without it.
 *
 * @param[in] request What.
 * @param[in,out] log What is told.
 */
void loader_run(const struct loader_request *request, struct log *log);

/**
 * As loader_run(), in processes of their own: a driver that is slow, or hangs, must not cost the targets that need another one,
 * nor may what the kernel takes for want of memory be the capture. One that takes long is left behind, not killed, since it
 * may find its disk yet, and the next module is loaded; where the process was killed, that module is tried once more.
 *
 * @param[in] request What.
 * @param[in] end_ms Deadline, a time of clock_now_ms(); 0: none.
 * @param[in,out] log What is told.
 * @return NULL; ERROR_OS, ERROR_NOMEM (no process could be made).
 */
struct error *loader_run_apart(const struct loader_request *request, uint64_t end_ms, struct log *log) must_check;

#endif
