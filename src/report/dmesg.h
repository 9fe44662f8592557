// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The log of the crashed kernel as text, read from its memory by VMCOREINFO alone.
 *
 * Does not print facilities and dictionaries, and does not repair a log: what cannot be read is skipped and counted.
 */
#ifndef REPORT_DMESG_H
#define REPORT_DMESG_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** What was found. */
struct dmesg_stats {
	uint64_t records; /**< Written as text. */
	uint64_t unreadable; /**< Skipped: their memory is damaged or missing. */
};

/**
 * Takes a piece of the text; pieces are cut anywhere.
 *
 * @param[in] context Of the caller.
 * @param[in] bytes The piece.
 * @param[in] size_bytes Its size.
 * @return NULL, or what ends the reading.
 */
typedef struct error *dmesg_put(void *context, const char *bytes, size_t size_bytes);

/**
 * Tell the kernel log as text, as dmesg_write() writes it.
 *
 * @param[in] core The dump.
 * @param[in] put Takes the text.
 * @param[in] context For @p put.
 * @param[out] ret As there.
 * @return As there; errors of @p put.
 */
struct error *dmesg_tell(const struct vmcore *core, dmesg_put *put, void *context, struct dmesg_stats *ret) must_check;

/**
 * Called before the pieces of each record; no piece has text of two records then.
 *
 * @param[in] context Of the caller.
 * @param[in] level Its level, 0 to 7 as of syslog(3); DMESG_LEVEL_UNKNOWN.
 * @return As of dmesg_put.
 */
typedef struct error *dmesg_note(void *context, unsigned int level);

/** Where the layout of a record is not the one that is known: the level has no name in VMCOREINFO, it is known from those of its neighbours. */
enum { DMESG_LEVEL_UNKNOWN = 8 };

/** As dmesg_tell(), with the level of each record. @param[in] core The dump. @param[in] note Told of each record. @param[in] put Takes the text. @param[in] context For both. @param[out] ret As there. @return As there; errors of @p note and @p put. */
struct error *dmesg_tell_levels(const struct vmcore *core, dmesg_note *note, dmesg_put *put, void *context,
                                struct dmesg_stats *ret) must_check;

/**
 * Write the kernel log, "[    1.234567] text" per line; further lines of a record are indented by the time's width.
 *
 * Two forms are known, told apart by the symbols in VMCOREINFO:
 * - the printk ring buffer, since Linux kernel v5.10 (kernel/printk/printk_ringbuffer.h);
 * - records in a byte buffer, v3.5 to v5.9 (struct printk_log, before v3.11 struct log).
 *
 * The text is what the crash utility's "log" prints. Characters that are neither printable ASCII nor white space become
 * ".": a terminal that shows the file takes no orders from the crashed machine.
 *
 * @param[in] core The dump.
 * @param[in] fd Open for writing; borrowed.
 * @param[out] ret What was found; filled as far as it got on error too.
 * @return NULL; ERROR_UNSUPPORTED (no known form; the text names what is missing); ERROR_BAD_DATA (sizes that cannot be);
 *	   ERROR_FAULT (the log is not in the dump); ERROR_OS, ERROR_NOSPC (writing); ERROR_NOMEM.
 */
struct error *dmesg_write(const struct vmcore *core, int fd, struct dmesg_stats *ret) must_check;

#endif
