// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What never changes of an HTML page: the files of src/report/html/, put into the program when it is built (src/Makefile.am).
 *
 * Nothing of a dump is in it.
 */
#ifndef REPORT_HTMLPARTS_H
#define REPORT_HTMLPARTS_H

#include <stddef.h>
#include <stdint.h>

/** page.css */
extern const uint8_t htmlparts_css[];
/** Its size in bytes. */
extern const size_t htmlparts_css_bytes;
/** page.js */
extern const uint8_t htmlparts_js[];
/** Its size in bytes. */
extern const size_t htmlparts_js_bytes;

#endif
