// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The memory of the crashed machine in an HTML page: the kernel's own counters, and what each page frame was and whether it was kept.
 *
 * Does not look at page frames itself (report/framekinds.h).
 */
#ifndef REPORT_HTMLMEMORY_H
#define REPORT_HTMLMEMORY_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "report/framekinds.h"
#include "report/overview.h"

/** Write the part of the page. @param[in] kinds Frames; NULL: they are not known. @param[in] overview The kernel's counters. @param[in] out Stream. */
void htmlmemory_write(const struct framekinds *kinds, const struct overview *overview, FILE *out);

/**
 * Write the picture as an object of JSON: for each run the letter of its kind, A to Z and a to z, and its number of frames where that is
 * not 1.
 *
 * @param[in] kinds Frames.
 * @param[in,out] json In an object.
 * @return NULL; ERROR_NOMEM.
 */
struct error *htmlmemory_json(const struct framekinds *kinds, struct json *json) must_check;

#endif
