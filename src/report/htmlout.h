// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Writes what stands in an HTML page: text of the dump so that it stays text, and digests for the page's policy.
 *
 * Does not know what the page tells (report/htmlreport.h). Errors of the stream are the stream's: who closes it looks.
 */
#ifndef REPORT_HTMLOUT_H
#define REPORT_HTMLOUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "report/backtrace.h"

/** Room for htmlout_size(). */
enum { HTMLOUT_SIZE_BYTES = 32 };

/** Of a stack: no frame of it stands out. */
#define HTMLOUT_NO_FRAME SIZE_MAX

/**
 * Write text, between tags or between the quotes of an attribute.
 *
 * @param[in] out Stream.
 * @param[in] text Any bytes: markup in it becomes text, what is neither printable ASCII nor a newline or tab becomes "?".
 */
void htmlout_text(FILE *out, const char *text);

/** Write a row of a description list. @param[in] out Stream. @param[in] name Trusted. @param[in] text As htmlout_text(); NULL or "": "not known". */
void htmlout_fact(FILE *out, const char *name, const char *text);

/** Write why something is not known, as a paragraph. @param[in] out Stream. @param[in] what Trusted. @param[in] why As htmlout_text(); "": nothing is written. */
void htmlout_problem(FILE *out, const char *what, const char *why);

/** Write a digest as a Content-Security-Policy has it: 'sha256-...'. @param[in] out Stream. @param[in] bytes Of what. @param[in] size_bytes Its size. */
void htmlout_digest(FILE *out, const uint8_t *bytes, size_t size_bytes);

/** Words for a size. @param[in] bytes The size. @param[out] text "12.3 MiB" … */
void htmlout_size(uint64_t bytes, char text[HTMLOUT_SIZE_BYTES]);

/**
 * Write a stack as an ordered list.
 *
 * @param[in] out Stream.
 * @param[in] tools For the names.
 * @param[in] trace The stack.
 * @param[in] first Where the crash began: frames before it handle that, and are set back; HTMLOUT_NO_FRAME.
 */
void htmlout_stack(FILE *out, const struct backtrace_tools *tools, const struct backtrace *trace, size_t first);

#endif
