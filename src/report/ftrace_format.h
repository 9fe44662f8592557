// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Formats of the kernel's trace events, as its files events/SYSTEM/NAME/format have them, from its memory.
 *
 * Does not read events, and does not understand how they are printed (report/ftrace_print.h).
 * Source: Linux kernel/trace/trace_events.c: f_show(); kernel/trace/trace.h.
 */
#ifndef REPORT_FTRACE_FORMAT_H
#define REPORT_FTRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ftrace_kernel.h"

/** Limits. */
enum {
	FTRACE_FORMAT_MAX = 32768, /**< Most events; their numbers have 16 bits. */
	FTRACE_FORMAT_FIELDS_MAX = 128, /**< Most fields of an event. */
	FTRACE_FORMAT_NAME_BYTES = 256, /**< Longest name, or type, with its NUL. */
	FTRACE_FORMAT_PRINT_BYTES = 64 << 10, /**< Longest print format. */
	FTRACE_FORMAT_TEXT_BYTES = 64 << 20, /**< Most text of all; a kernel's are 1 MiB. */
};

/** A field of an event. */
struct ftrace_format_field {
	char *name, *type;
	uint32_t offset, size_bytes; /**< In the record. */
	uint32_t length; /**< Elements of an array; 0: none, or only its type tells. */
	bool is_signed;
	bool has_length; /**< The kernel keeps lengths of arrays. */
};

/** A list of fields. */
struct ftrace_format_fields {
	struct ftrace_format_field *list;
	size_t count;
};

/** An event's format. */
struct ftrace_format {
	uint32_t id; /**< What its records have as common_type. */
	char *system, *name;
	char *print_fmt; /**< May have newlines and tabs. */
	struct ftrace_format_fields fields;
};

/** All of them, in the order of the kernel's list. */
struct ftrace_format_list {
	struct ftrace_format *list;
	size_t count;
	struct ftrace_format_fields common; /**< What all records have first. */
	uint32_t *by_id; /**< For each number one more than the place in the list; 0: none. */
	size_t unreadable; /**< Events whose format cannot be read. */
	char why[KERNEL_WHY_BYTES]; /**< Why there may be more; "": these are all. */
};

/**
 * Read them.
 *
 * @param[out] ret They; ftrace_format_list_deinit() it, also on error.
 * @param[in,out] tables The kernel's.
 * @return NULL; ERROR_UNSUPPORTED (types or symbols are missing; the text names them); ERROR_BAD_DATA, ERROR_FAULT (the fields of all records); ERROR_NOMEM.
 */
struct error *ftrace_format_list_init(struct ftrace_format_list *ret, struct ftrace_kernel *tables) must_check;

/** Free. @param[in] formats May be zeroed. */
void ftrace_format_list_deinit(struct ftrace_format_list *formats);

/** The format of a record. @param[in] formats All. @param[in] id Its number. @return NULL: not known. */
const struct ftrace_format *ftrace_format_find(const struct ftrace_format_list *formats, uint32_t id);

/** A field of an event, or of all. @param[in] fields List. @param[in] name Name. @return NULL: none. */
const struct ftrace_format_field *ftrace_format_field(const struct ftrace_format_fields *fields, const char *name);

/** Value of a field that is a number. @param[in] field The field. @param[in] data Of the record. @param[in] size_bytes Of it. @param[in] is_big_endian The kernel's byte order. @param[out] ret It, extended to 64 bits by its sign. @return false: it is not in the record, or is no number. */
bool ftrace_format_value(const struct ftrace_format_field *field, const uint8_t *data, size_t size_bytes,
                         bool is_big_endian, uint64_t *ret);

/** Write the text of the file "format". @param[in] formats All. @param[in] format One. @param[in,out] out Stream. */
void ftrace_format_write(const struct ftrace_format_list *formats, const struct ftrace_format *format, FILE *out);

/** Write the text of the file "header_page". @param[in] formats All. @param[in] page_bytes Of a sub-buffer. @param[in,out] out Stream. */
void ftrace_format_write_header_page(const struct ftrace_format_list *formats, size_t page_bytes, FILE *out);

/** Write the text of the file "header_event". @param[in,out] out Stream. */
void ftrace_format_write_header_event(FILE *out);

#endif
