// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The only error that needs no memory. Nobody writes to it: every function below compares with its address first.
static const struct error error_nomem = {
	.code = ERROR_NOMEM,
	.errnum = ENOMEM,
	.text = "out of memory",
};

static bool error_is_static(const struct error *err)
{
	return err == &error_nomem;
}

static struct error *error_alloc(enum error_code code, int errnum)
{
	struct error *err = malloc(sizeof(*err));

	if (!err)
		return (struct error *)&error_nomem;
	err->code = code;
	err->errnum = errnum;
	err->text[0] = '\0';
	return err;
}

static void mark_cut(char *text, int wanted_bytes)
{
	static const char cut[] = "…";

	if (wanted_bytes >= ERROR_TEXT_BYTES)
		memcpy(text + ERROR_TEXT_BYTES - sizeof(cut), cut, sizeof(cut));
}

struct error *error_new(enum error_code code, const char *fmt, ...)
{
	struct error *err = error_alloc(code, 0);
	va_list args;

	if (error_is_static(err))
		return err;
	va_start(args, fmt);
	mark_cut(err->text, vsnprintf(err->text, sizeof(err->text), fmt, args));
	va_end(args);
	return err;
}

static enum error_code code_of_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: // Of files: FAT ends at 4 GiB.
		return ERROR_NOSPC;
	case ENOMEM:
		return ERROR_NOMEM;
	default:
		return ERROR_OS;
	}
}

struct error *error_os(int errnum, const char *fmt, ...)
{
	struct error *err = error_alloc(code_of_errno(errnum), errnum);
	va_list args;
	int used;

	if (error_is_static(err))
		return err;
	va_start(args, fmt);
	used = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (used >= 0 && used < ERROR_TEXT_BYTES)
		used += snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %s", strerror(errnum));
	mark_cut(err->text, used);
	return err;
}

struct error *error_wrap(struct error *err, const char *fmt, ...)
{
	char fact[ERROR_TEXT_BYTES];
	char inner[ERROR_TEXT_BYTES];
	va_list args;

	if (!err || error_is_static(err))
		return err;
	va_start(args, fmt);
	vsnprintf(fact, sizeof(fact), fmt, args);
	va_end(args);
	memcpy(inner, err->text, sizeof(inner));
	mark_cut(err->text, snprintf(err->text, sizeof(err->text), "%s: %s", fact, inner));
	return err;
}

bool error_catch(struct error **err, enum error_code code)
{
	if (!*err || (*err)->code != code)
		return false;
	error_free(*err);
	*err = NULL;
	return true;
}

bool error_catch_os(struct error **err, int errnum)
{
	return *err && (*err)->errnum == errnum && error_catch(err, ERROR_OS);
}

void error_free(struct error *err)
{
	if (err && !error_is_static(err))
		free(err);
}

int error_exit_code(const struct error *err)
{
	if (!err)
		return EXIT_OK;
	switch (err->code) {
	case ERROR_USAGE:
		return EXIT_USAGE;
	case ERROR_CONFIG:
		return EXIT_CONFIG;
	case ERROR_NOSPC:
		return EXIT_NOSPC;
	case ERROR_UNSUPPORTED:
		return EXIT_UNSUPPORTED;
	case ERROR_BAD_DATA:
	case ERROR_FAULT:
		return EXIT_BAD_DATA;
	case ERROR_TIMEOUT:
		return EXIT_TIMEOUT;
	case ERROR_NOMEM:
	case ERROR_OS:
	case ERROR_CANCELED:
		return EXIT_FAILED;
	}
	return EXIT_FAILED;
}
