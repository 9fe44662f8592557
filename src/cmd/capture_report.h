// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The report of the crash, made before the memory is saved: report.txt and report.json in the dump directory.
 *
 * Does not know what is in it (report/crashreport.h). Whatever goes wrong with it, the capture goes on.
 */
#ifndef CMD_CAPTURE_REPORT_H
#define CMD_CAPTURE_REPORT_H

#include "cmd/capture_target.h"

/** Names of its files; encrypted ones end in ENCRYPT_SUFFIX. */
#define CAPTURE_REPORT_TEXT "report.txt"
/** See above. */
#define CAPTURE_REPORT_JSON "report.json"

/** Make it, in a process of its own with a deadline and little memory, and say in the log how that went. @param[in,out] capture Its directory is there. */
void capture_report_save(struct capture *capture);

#endif
