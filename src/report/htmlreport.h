// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A report of a crash as one HTML page that needs nothing else: no network, no other file.
 *
 * Nothing of the dump is ever markup or script in it: text is escaped, the rest is JSON in a form that no page takes for anything else,
 * and the page's policy (Content-Security-Policy) has digests of the one style sheet and the one script that may be used.
 */
#ifndef REPORT_HTMLREPORT_H
#define REPORT_HTMLREPORT_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/crashreport.h"

/** What the page is made of. */
struct htmlreport {
	const struct crashreport *report; /**< Borrowed. */
	const char *dump_name; /**< For people. */
	int map_fd; /**< The dump's page map, open for reading; -1: there is none. */
	const char *map_why; /**< Why it is not used where it is -1; "": there is none. */
};

/**
 * Write it.
 *
 * @param[in] page What it is made of.
 * @param[in] out Stream; its errors are left for who closes it.
 * @return NULL; ERROR_NOMEM; ERROR_OS (the dump cannot be read).
 */
struct error *htmlreport_write(const struct htmlreport *page, FILE *out) must_check;

#endif
