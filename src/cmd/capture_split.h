// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The other targets of a dump that is split: each has a directory with one part of the memory. What tells of the crash, the log first,
 * is on the target that is tried. Whatever is done on the others is done in processes of their own, since disks hang.
 *
 * A target that is missing is left out: the dump is split over the others then, or not at all.
 */
#ifndef CMD_CAPTURE_SPLIT_H
#define CMD_CAPTURE_SPLIT_H

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/text.h"
#include "cmd/capture_target.h"

/** Mount the targets behind the one that is tried, and make their directories. @param[in,out] capture Its parts are filled. */
void capture_split_open(struct capture *capture);

/** Say which part lies where, for README.txt; nothing of a dump that is not split. @param[in] capture See there. @param[in,out] text Receives it. */
void capture_split_describe(const struct capture *capture, struct text *text);

/**
 * Write what is beside the parts, and give their directories their names.
 *
 * @param[in,out] capture See there.
 * @param[in] is_whole Whether they get their names; else they stay incomplete.
 * @return NULL; ERROR_OS: one has not got its name.
 */
struct error *capture_split_seal(struct capture *capture, bool is_whole) must_check;

/** Remove parts whose dumps are gone. @param[in,out] capture Its dump has its name, and old ones were removed. */
void capture_split_remove_old(struct capture *capture);

/** Let the targets go; directories that hold nothing are removed. @param[in,out] capture See there. */
void capture_split_close(struct capture *capture);

#endif
