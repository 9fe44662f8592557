// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Parts of split dumps, which lie on other targets than the dump that they belong to.
 *
 * Does not find the targets (ctl_dumps.h).
 */
#ifndef CMD_CTL_PARTS_H
#define CMD_CTL_PARTS_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cmd/ctl_place.h"
#include "report/dumps.h"

/** A part. */
struct ctl_part {
	char *dump; /**< Name of its dump, without DUMPDIR_INCOMPLETE. */
	char *shown; /**< Where it is, for a person. */
	unsigned int number; /**< From 2. */
	struct dumps_about about;
};

/** Parts that were found. Zeroed is none; ctl_parts_deinit() it. */
struct ctl_parts {
	struct ctl_part *list;
	size_t count;
};

/**
 * Look at the parts in a place.
 *
 * @param[in,out] parts Receives them.
 * @param[in] place Opened.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *ctl_parts_add(struct ctl_parts *parts, const struct ctl_place *place) must_check;

/**
 * What the parts of a dump mean for it: it is damaged if one is missing or is not whole.
 *
 * @param[in] parts All that were found.
 * @param[in] place The place of the dump.
 * @param[in] name Its directory there.
 * @param[in,out] about Of the dump.
 * @return NULL; ERROR_NOMEM.
 */
struct error *ctl_parts_judge(const struct ctl_parts *parts, const struct ctl_place *place, const char *name,
                              struct dumps_about *about) must_check;

/** Print a line for each part of a dump. @param[in] parts All. @param[in] dump Name of the dump. */
void ctl_parts_print(const struct ctl_parts *parts, const char *dump);

/** Write the parts of a dump as a member "parts". @param[in] parts All. @param[in] dump Name of the dump. @param[in,out] json An object is open. */
void ctl_parts_write(const struct ctl_parts *parts, const char *dump, struct json *json);

/** Free them. @param[in] parts Filled, or zeroed. */
void ctl_parts_deinit(struct ctl_parts *parts);

#endif
