// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/process.h"

// A message with its prefix; longer ones are cut.
enum { LINE_BYTES = ERROR_TEXT_BYTES + 256 };

void log_init(struct log *ret, int console_fd)
{
	void *early = NULL;

	ret->console_fd = console_fd;
	ret->file_fd = -1;
	ret->is_finished = false;
	// Without it only the console is told.
	error_free(process_share(sizeof(*ret->early), &early));
	ret->early = early;
}

void log_deinit(struct log *log)
{
	closep(&log->file_fd);
	log->file_fd = -1;
}

// Formats "PREFIX TEXT\n". Always ends in one end of line. Returns the number of bytes.
static printf_format(3, 0) size_t format_line(char *line, const char *prefix, const char *fmt, va_list args)
{
	size_t used = strlen(prefix);
	int more;

	memcpy(line, prefix, used);
	more = vsnprintf(line + used, LINE_BYTES - used, fmt, args);
	if (more > 0)
		used += (size_t)more;
	if (used > LINE_BYTES - 2)
		used = LINE_BYTES - 2;
	line[used] = '\n';
	return used + 1;
}

static void put(int fd, const char *line, size_t size_bytes)
{
	// There is nobody left to tell that telling failed.
	if (fd >= 0)
		error_free(io_write(fd, line, size_bytes));
}

static printf_format(2, 0) void print_file(struct log *log, const char *fmt, va_list args)
{
	struct timespec now = {0};
	char prefix[32], line[LINE_BYTES];
	size_t used;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(prefix, sizeof(prefix), "[%5lld.%03ld] ", (long long)now.tv_sec, now.tv_nsec / 1000000);
	used = format_line(line, prefix, fmt, args);
	if (log->file_fd >= 0) {
		put(log->file_fd, line, used);
	} else if (!log->is_finished && log->early) {
		size_t at = atomic_fetch_add(&log->early->bytes, used);

		if (at < LOG_EARLY_BYTES && used <= LOG_EARLY_BYTES - at)
			memcpy(log->early->text + at, line, used);
	}
}

void log_print(struct log *log, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	put(log->console_fd, line, format_line(line, "kdump: ", fmt, args));
	va_end(args);
	va_start(args, fmt);
	print_file(log, fmt, args);
	va_end(args);
}

void log_console(const struct log *log, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	put(log->console_fd, line, format_line(line, "kdump: ", fmt, args));
	va_end(args);
}

struct error *log_attach(struct log *log, int fd)
{
	size_t size = log->early ? log->early->bytes : 0;

	log_deinit(log);
	log->file_fd = fd;
	if (log->is_finished || !size)
		return NULL;
	size = size < LOG_EARLY_BYTES ? size : strnlen(log->early->text, LOG_EARLY_BYTES);
	return error_wrap(io_write(fd, log->early->text, size), "capture.log");
}

struct error *log_finish(struct log *log)
{
	struct error *err = NULL;

	if (log->file_fd >= 0 && fsync(log->file_fd) < 0)
		err = error_os(errno, "fsync capture.log");
	log_deinit(log);
	log->is_finished = true;
	return err;
}
