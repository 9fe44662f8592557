// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The directory of dumps on a target, as this program can read it.
 *
 * Does not look at what is in it.
 */
#ifndef CMD_CTL_PLACE_H
#define CMD_CTL_PLACE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/host.h"
#include "boot/config.h"
#include "boot/destination.h"

/** A target's directory of dumps. ctl_place_deinit() it. */
struct ctl_place {
	int fd; /**< -1: there is no such directory, since there was no dump. */
	char *path; /**< While this program runs. */
	char *shown; /**< For a person: what it is when this program has ended. */
	bool is_mounted; /**< By us. */
};

/** A value with which ctl_place_deinit() does nothing. */
#define CTL_PLACE_NONE ((struct ctl_place){.fd = -1})

/**
 * Open it. A target that is not mounted is mounted read-only in a name space of our own.
 *
 * @param[in] host The machine.
 * @param[in] config The configuration.
 * @param[in] target A disk, or a raw partition: then it is the directory to which dumps are taken from there.
 * @param[in,out] place CTL_PLACE_NONE; ctl_place_deinit() it, also after an error.
 * @return NULL; ERROR_UNSUPPORTED (under --root nothing is mounted); ERROR_CONFIG; ERROR_OS; ERROR_NOMEM.
 */
struct error *ctl_place_open(const struct host *host, const struct config *config, const struct destination *target,
                             struct ctl_place *place) must_check;

/** Close it, and unmount what was mounted. @param[in] place Opened, or CTL_PLACE_NONE. */
void ctl_place_deinit(struct ctl_place *place);

#endif
