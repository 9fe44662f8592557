// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The parts of an HTML page that tell of the crash: its head, facts of the machine, stacks and registers, other CPUs, modules.
 *
 * Does not tell of tasks, memory and the log (report/htmltasks.h, report/htmlmemory.h, report/htmllog.h).
 */
#ifndef REPORT_HTMLCRASH_H
#define REPORT_HTMLCRASH_H

#include <stdio.h>

#include "report/crashreport.h"

/** Room for htmlcrash_title(). */
enum { HTMLCRASH_TITLE_BYTES = CAUSE_TEXT_BYTES + 32 };

/** The crash in one line. @param[in] report The report. @param[out] text Not escaped. */
void htmlcrash_title(const struct crashreport *report, char text[HTMLCRASH_TITLE_BYTES]);

/** What happened: head of the page. @param[in] report The report. @param[in] out Stream. */
void htmlcrash_head(const struct crashreport *report, FILE *out);

/** Where it happened: stack, code, registers. @param[in] report The report. @param[in] out Stream. */
void htmlcrash_stack(const struct crashreport *report, FILE *out);

/** The machine. @param[in] report The report. @param[in] dump_name What the dump is called. @param[in] out Stream. */
void htmlcrash_machine(const struct crashreport *report, const char *dump_name, FILE *out);

/** The other CPUs. @param[in] report The report, its machine known. @param[in] out Stream. */
void htmlcrash_cpus(const struct crashreport *report, FILE *out);

/** The modules. @param[in] report The report, its machine known. @param[in] out Stream. */
void htmlcrash_modules(const struct crashreport *report, FILE *out);

#endif
