// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Memory and CPUs that come and go: each event is a request, which is noted and returns at once; whoever serves them does it once
 * for all that came until then.
 *
 * Does not load anything, and does not know how a server is started.
 */
#ifndef BOOT_HOTPLUG_H
#define BOOT_HOTPLUG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/host.h"

/** Requests so far; locked for as long as it is read or written. */
#define HOTPLUG_PATH "/run/kdump/hotplug"
/** Locked by who serves. */
#define HOTPLUG_SERVER_PATH "/run/kdump/hotplug-server"

/** Who does not begin to serve in this time, in milliseconds, never will. */
enum { HOTPLUG_CLAIM_MS = 60000 };

/** What is done for requests. */
struct hotplug_work {
	struct error *(*run)(void *context); /**< What is requested. An error ends the service. */
	void *context;
	uint64_t quiet_ms; /**< So long no request must have come before it is run … */
	uint64_t most_ms; /**< … unless that takes longer than this. */
};

/**
 * Note a request.
 *
 * @param[in] host The machine.
 * @param[out] is_first_ret Nobody serves: the caller must start somebody, who calls hotplug_serve().
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *hotplug_request(const struct host *host, bool *is_first_ret) must_check;

/**
 * Serve requests until there is none that is not done. Who comes while another one serves returns when that has ended, having done
 * nothing unless a request is left.
 *
 * @param[in] host The machine.
 * @param[in] work What is done.
 * @return NULL; ERROR_OS; what the work returned: requests that it was for are not tried again.
 */
struct error *hotplug_serve(const struct host *host, const struct hotplug_work *work) must_check;

#endif
