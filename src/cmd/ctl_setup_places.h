// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Directories of the running system to which dumps could go.
 *
 * Does not choose one.
 */
#ifndef CMD_CTL_SETUP_PLACES_H
#define CMD_CTL_SETUP_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/ctl.h"

/** A place. */
struct ctl_setup_place {
	char *directory; /**< For KDUMP_SAVEDIR. */
	char *device, *fstype; /**< For a person. */
	char *number; /**< "MAJOR:MINOR". */
	uint64_t free_bytes, size_bytes;
};

/** Places. Zeroed is none; ctl_setup_places_deinit() it. */
struct ctl_setup_places {
	struct ctl_setup_place *list;
	size_t count;
};

/**
 * Find the mounted file systems that a capture can write to, each once.
 *
 * @param[in] ctl The call.
 * @param[out] ret The places, in the order of their mounts; ctl_setup_places_deinit() it, also after an error.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA; ERROR_NOMEM.
 */
struct error *ctl_setup_places_find(const struct ctl *ctl, struct ctl_setup_places *ret) must_check;

/** The one with the most room. @param[in] places The places. @return Its index; their count if there are none. */
size_t ctl_setup_places_best(const struct ctl_setup_places *places);

/** Free them. @param[in] places Filled, or zeroed. */
void ctl_setup_places_deinit(struct ctl_setup_places *places);

#endif
