// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The other targets of a dump that is split: each has a directory of the same name with one part of the memory. What tells of the
 * crash, the log first, is on the target that is tried.
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
 * Write the manifests of the other directories and give these their names.
 *
 * @param[in,out] capture Its dump is split.
 * @return NULL; ERROR_OS, ERROR_NOSPC, ERROR_NOMEM: a part is not whole.
 */
struct error *capture_split_seal(struct capture *capture) must_check;

/** Let the targets go; directories that hold nothing are removed. @param[in,out] capture See there. */
void capture_split_close(struct capture *capture);

#endif
