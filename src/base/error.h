// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Errors as values: what failed, where, and what its caller can decide on.
 *
 * Does not print and does not end the program; only cmd/ does.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/** A code exists only where some caller decides on it. */
enum error_code {
	ERROR_NOMEM, /**< Memory is exhausted. */
	ERROR_OS, /**< A system call failed; the number is in struct error. */
	ERROR_USAGE, /**< The command line is wrong. */
	ERROR_CONFIG, /**< The configuration is wrong; the text says where and what is allowed. */
	ERROR_UNSUPPORTED, /**< Understood, but not possible here (kernel, format, option). */
	ERROR_BAD_DATA, /**< A file or crashed memory does not hold what it must. */
	ERROR_FAULT, /**< An address that is not in the dump. */
	ERROR_NOSPC, /**< The target is full, or takes no file so large. */
	ERROR_TIMEOUT, /**< A deadline passed. */
	ERROR_CANCELED, /**< Another part failed first or somebody asked to stop. */
};

/** Longest text of an error, with its final NUL, in bytes. Longer texts end in "…". */
enum { ERROR_TEXT_BYTES = 1024 };

/** One failure. Owned by who holds it; ends in error_free(). */
struct error {
	enum error_code code;
	int errnum; /**< errno value for ERROR_OS and ERROR_NOSPC, else 0. */
	char text[ERROR_TEXT_BYTES]; /**< Outermost fact first; lower case; no period. */
};

/**
 * Make an error.
 *
 * @param[in] code What a caller may decide on.
 * @param[in] fmt Text, as printf.
 * @return Never NULL; the static "out of memory" error if there is no memory for another.
 */
struct error *error_new(enum error_code code, const char *fmt, ...) printf_format(2, 3) must_check;

/**
 * Make an error from a failed system call.
 *
 * ENOSPC, EDQUOT and EFBIG become ERROR_NOSPC, ENOMEM becomes ERROR_NOMEM, all others ERROR_OS.
 *
 * @param[in] errnum The errno value.
 * @param[in] fmt What was tried, as printf; ": " and the system's text are added.
 * @return Never NULL.
 */
struct error *error_os(int errnum, const char *fmt, ...) printf_format(2, 3) must_check;

/**
 * Put the one fact that this layer knows in front of an error's text.
 *
 * @param[in] err Error to extend, or NULL.
 * @param[in] fmt The fact, as printf; ": " is added.
 * @return @p err, or NULL if it is NULL.
 */
struct error *error_wrap(struct error *err, const char *fmt, ...) printf_format(2, 3) must_check;

/**
 * Swallow an error of one code.
 *
 * @param[in,out] err Set to NULL if it had the code; else untouched.
 * @param[in] code The code to swallow.
 * @return Whether an error was swallowed.
 */
bool error_catch(struct error **err, enum error_code code);

/** As error_catch(), of an ERROR_OS with one errno value. @param[in,out] err As there. @param[in] errnum ENOENT … @return As there. */
bool error_catch_os(struct error **err, int errnum);

/** End of an error's life. @param[in] err May be NULL. */
void error_free(struct error *err);

/** Guard form of error_free(). @param[in] err Address of the variable. */
static inline void error_freep(struct error **err)
{
	error_free(*err);
}

#define _cleanup_error_ _cleanup_(error_freep)

/** Documented exit codes of all our programs. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3, /**< kdumpctl status: not operational. */
	EXIT_NOSPC = 4,
	EXIT_UNSUPPORTED = 5, /**< Kernel, format or option that we cannot handle: fall back. */
	EXIT_TIMEOUT = 7, /**< A deadline passed; what there was is saved. */
	EXIT_BAD_DATA = 6, /**< The dump is bad or incomplete. */
};

/** Exit code for an error. @param[in] err May be NULL (EXIT_OK). @return One of enum exit_code. */
int error_exit_code(const struct error *err);

#endif
