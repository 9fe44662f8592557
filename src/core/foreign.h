// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Dumps of formats that only an analyst meets (LKCD, sadump, s390 …), read through libkdumpfile.
 *
 * Not in libkdump.a: only programs that want it are linked with that library. A machine that has no row in core/arch.h is
 * refused, whatever the library makes of it.
 */
#ifndef CORE_FOREIGN_H
#define CORE_FOREIGN_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

#ifdef HAVE_LIBKDUMPFILE
/**
 * Open a dump of any format, also of those that libkdumpfile reads.
 *
 * Where it cannot tell which pages are in the dump, or where VMCOREINFO is, all pages are looked at, which takes as long as
 * reading the dump. One page is read at a time, whatever the number of threads: the library keeps pages for all of them.
 *
 * @param[in] paths, path_count, ret As vmcore_open_set().
 * @return As vmcore_open_set().
 */
struct error *foreign_open_set(const char *const *paths, size_t path_count, struct vmcore **ret) must_check;

/**
 * Check the headers of the pages of an LKCD dump (foreign_lkcd.c): libkdumpfile (0.5.1 to 0.5.4) reads what a header calls a
 * compressed page of up to 256 KiB into room for one page, and takes zeros behind the end of a file for headers.
 *
 * @param[in] file Any file; nothing is said of one of another format.
 * @return NULL; ERROR_BAD_DATA (the text has the offset); ERROR_OS.
 */
struct error *foreign_check_lkcd(const struct corefile *file) must_check;

/** Most disks of a sadump set. */
enum { FOREIGN_SADUMP_DISKS_MAX = 16 };

/** One disk of it. */
struct foreign_sadump_disk {
	const struct corefile *file;
	uint64_t start_bytes; /**< Where its pages start … */
	uint64_t size_bytes; /**< … and what they take; UINT64_MAX: all that follows. */
};

/**
 * Where the pages of a sadump dump are (foreign_sadump.c): libkdumpfile (0.5.1 to 0.5.4) knows which there are, but gives the first
 * one of a run for each of the others.
 */
struct foreign_sadump {
	size_t count; /**< 0: the dump is of another format. */
	struct foreign_sadump_disk disks[FOREIGN_SADUMP_DISKS_MAX]; /**< By their number. */
};

/**
 * Find the pages, and check what libkdumpfile takes for granted.
 *
 * @param[in] core With its files.
 * @param[out] ret Where they are; untouched where the dump is of another format, and on error.
 * @return NULL; ERROR_BAD_DATA; ERROR_UNSUPPORTED (too many disks); ERROR_OS.
 */
struct error *foreign_sadump_open(const struct vmcore *core, struct foreign_sadump *ret) must_check;

/**
 * Read a page.
 *
 * @param[in] sadump Of a sadump dump.
 * @param[in] at Bytes of all pages in front of it.
 * @param[out] page Its content.
 * @param[in] page_bytes Page size.
 * @return NULL; ERROR_FAULT (the dump ends before it); ERROR_OS.
 */
struct error *foreign_sadump_read(const struct foreign_sadump *sadump, uint64_t at, uint8_t *page,
                                  size_t page_bytes) must_check;
#else
/** Without the library: the formats that are our own. @param[in] paths, path_count, ret As vmcore_open_set(). @return As vmcore_open_set(). */
static inline must_check struct error *foreign_open_set(const char *const *paths, size_t path_count,
                                                        struct vmcore **ret)
{
	return vmcore_open_set(paths, path_count, ret);
}
#endif

#endif
