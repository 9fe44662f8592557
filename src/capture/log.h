// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The story of a capture: each message goes to the console, and to capture.log as soon as there is one.
 *
 * Does not decide what is told, and never fails: a capture goes on when nobody can listen.
 */
#ifndef CAPTURE_LOG_H
#define CAPTURE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Messages kept until there is a file, in bytes. Later ones go to the console only. */
enum { LOG_EARLY_BYTES = 16384 };

/** Where messages go. A child process may go on with its copy: the file is opened for appending. */
struct log {
	int console_fd; /**< Borrowed; -1: none. */
	int file_fd; /**< capture.log, owned; -1: not yet. */
	bool is_finished; /**< What was told before is in a file. */
	struct log_early *early; /**< Of all processes that have the log; NULL: there was no memory for it. */
};

/** What is kept until there is a file. */
struct log_early {
	_Atomic size_t bytes; /**< Claimed; more than there is room for: the last ones are lost. */
	char text[LOG_EARLY_BYTES];
};

/** Start a story. @param[out] ret The log; log_deinit() it. @param[in] console_fd Borrowed; -1 for none. */
void log_init(struct log *ret, int console_fd);

/** Close the file. @param[in] log The log. */
void log_deinit(struct log *log);

/**
 * Tell one thing.
 *
 * On the console it becomes "kdump: TEXT", in the file "[   12.345] TEXT" with the time since the capture kernel started.
 *
 * @param[in,out] log The log.
 * @param[in] fmt Text without an end of line, as printf.
 */
void log_print(struct log *log, const char *fmt, ...) printf_format(2, 3);

/** Tell one thing on the console only. @param[in] log The log. @param[in] fmt Text without an end of line, as printf. */
void log_console(const struct log *log, const char *fmt, ...) printf_format(2, 3);

/**
 * Go on in a file. What was told before is written to it first, but for what is in a file already.
 *
 * @param[in,out] log The log.
 * @param[in] fd Open for appending; the log owns it from here, also on error.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *log_attach(struct log *log, int fd) must_check;

/** Put the file on the disk and close it; later messages go to the console only. @param[in,out] log The log. @return NULL; ERROR_OS; ERROR_NOSPC. */
struct error *log_finish(struct log *log) must_check;

#endif
