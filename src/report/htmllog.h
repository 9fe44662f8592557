// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The kernel's log in an HTML page: its text, with the levels of its lines, and marks where the crash is told of.
 *
 * Does not filter: the page's script does.
 */
#ifndef REPORT_HTMLLOG_H
#define REPORT_HTMLLOG_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/cause.h"

/** Most of the log that is in the page: the last bytes. */
enum { HTMLLOG_BYTES_MAX = 8 << 20 };

/** Write the part of the page. @param[in] core The dump. @param[in] cause What its lines say. @param[in] out Stream. @return NULL; ERROR_NOMEM. */
struct error *htmllog_write(const struct vmcore *core, const struct cause *cause, FILE *out) must_check;

#endif
