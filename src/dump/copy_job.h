// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * What the copier's writers share: one running copy, its pages, its progress.
 *
 * Private to copy.c and copy_*.c: copy.c calls the writers, they call what is here. Does not choose pages (filter.h, scan.h) and knows no format of a dump.
 */
#ifndef DUMP_COPY_JOB_H
#define DUMP_COPY_JOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/copy.h"
#include "dump/keep.h"
#include "dump/scan.h"
#include "dump/unused.h"

/** Sizes of the pieces in which a copy works. */
enum {
	/**
	 * Page frames looked at in one piece. Their set takes 4.25 MiB, half of the copier's budget; 136 GiB with pages of
	 * 4 KiB: a machine of 128 GiB, whose memory has holes for devices. Larger machines are scanned twice: once to count,
	 * once to copy. A multiple of SCAN_JOB_PAGES.
	 */
	COPY_WINDOW_PAGES = (1 << 25) + (1 << 21),
	/** Pages that a worker takes at a time: some milliseconds of work, so that threads end together. */
	COPY_UNIT_PAGES = 1024,
	/** Bytes that a worker gathers before it writes. */
	COPY_BUFFER_BYTES = 1 << 20,
};

/** A running copy. */
struct copy {
	const struct vmcore *core;
	const struct copy_options *options;
	struct sink *sink; /**< The first file; copy_sink() gives all. */
	struct copy_stats *stats;
	struct scan scan;
	unsigned int dump_level; /**< What is left out: at least what the options say. */
	bool is_unused_dropped; /**< The same of struct pages. */
	struct keep keep; /**< Processes whose memory stays. */
	struct unused unused; /**< struct pages that are left out. */
	uint64_t pages_unused; /**< Their pages. */
	uint64_t max_pfn;
	uint64_t page_bytes;
	uint64_t start_ms;
	uint64_t pages_total;
	_Atomic uint64_t pages_done;
	_Atomic uint64_t bytes_written;
	_Atomic uint64_t pages_zero;
	_Atomic uint64_t pages_unreadable;
	_Atomic uint64_t pages_saved; /**< Pages whose bytes and descriptors are written. */
	pthread_mutex_t progress_lock; /**< Guards next_report_ms and the call of the progress function. */
	uint64_t next_report_ms;
};

/**
 * Write bytes of the dump and count them.
 *
 * @param[in,out] copy The copy; any thread.
 * @param[in,out] sink One of its files.
 * @param[in] offset_bytes Where in the file.
 * @param[in] buf Bytes.
 * @param[in] size_bytes Their number.
 * @return NULL; ERROR_OS; ERROR_NOSPC.
 */
struct error *copy_write(struct copy *copy, struct sink *sink, uint64_t offset_bytes, const void *buf,
                         size_t size_bytes) must_check;

/** Write pieces, one behind the other, and count them. @param[in,out] copy The copy; any thread. @param[in,out] sink One of its files. @param[in] offset_bytes Where in the file. @param[in] parts Pieces. @param[in] count Their number. @param[in] size_bytes Bytes of all. @return As copy_write(). */
struct error *copy_writev(struct copy *copy, struct sink *sink, uint64_t offset_bytes, const struct iovec *parts,
                          size_t count, uint64_t size_bytes) must_check;

/** Files that the dump is written to. @param[in] copy The copy. @return Their number, at least 1. */
size_t copy_sink_count(const struct copy *copy);

/** One of the files. @param[in] copy The copy. @param[in] index Below copy_sink_count(). @return Its sink; NULL in a dry run. */
struct sink *copy_sink(const struct copy *copy, size_t index);

/**
 * Get the bytes of a page.
 *
 * @param[in] copy The copy; any thread.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] pfn Page frame.
 * @param[out] bounce Room for a page: bytes of a page that is only partly in the dump, the rest zeros.
 * @param[out] ret The bytes; valid until the next call with @p reader or @p bounce.
 * @return NULL; ERROR_FAULT (nothing of it can be read; counted); ERROR_UNSUPPORTED (all pages of its kind are so); ERROR_NOMEM.
 */
struct error *copy_page(struct copy *copy, struct vmreader *reader, uint64_t pfn, uint8_t *bounce,
                        const uint8_t **ret) must_check;

/**
 * Look at pages that follow one another, where they lie.
 *
 * @param[in] copy The copy; any thread.
 * @param[in,out] reader Owned by the calling thread.
 * @param[in] pfn First page frame.
 * @param[in] count Pages that are wanted.
 * @param[out] ret Their bytes; valid until the next call with @p reader.
 * @return Pages that the reader shows at once, at most @p count; 0: the first one is not there in one piece, copy_page() says more.
 */
uint64_t copy_look(const struct copy *copy, struct vmreader *reader, uint64_t pfn, uint64_t count, const uint8_t **ret);

/** Whether a page holds only zeros. @param[in] page Bytes. @param[in] page_bytes Their number, a multiple of 4096. @return See there. */
bool copy_is_zero(const uint8_t *page, uint64_t page_bytes);

/** Whether there is time for more. @param[in] copy The copy; any thread. @return NULL; ERROR_TIMEOUT. */
struct error *copy_check_time(const struct copy *copy) must_check;

/** Count pages that are done, and report if it is time to. @param[in,out] copy The copy; any thread. @param[in] pages Pages done since the last call. */
void copy_advance(struct copy *copy, uint64_t pages);

/**
 * Scan one window.
 *
 * @param[in,out] copy The copy.
 * @param[in] pfn_start First frame, a multiple of COPY_WINDOW_PAGES.
 * @param[in] is_final This set is what is copied; else it is only counted, and the page map is not told.
 * @param[out] set The set of frames to save; room for a window.
 * @param[in,out] result Sums.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *copy_scan_window(struct copy *copy, uint64_t pfn_start, bool is_final, uint64_t *set,
                               struct scan_result *result) must_check;

/** Find the struct pages that are left out, on a machine of several windows. @param[in,out] copy The copy. @return NULL; ERROR_OS; ERROR_NOMEM. */
struct error *copy_find_unused(struct copy *copy) must_check;

/** One past the last frame of a window. @param[in] copy The copy. @param[in] pfn_start Its first. @return A pfn. */
uint64_t copy_window_end(const struct copy *copy, uint64_t pfn_start);

/** The next window that has memory. @param[in] copy The copy. @param[in] pfn 0, or copy_window_end() of the last one. @return Its first frame; copy->max_pfn: there is none. */
uint64_t copy_window_next(const struct copy *copy, uint64_t pfn);

/** Words of the set of a window. @param[in] copy The copy. @return 64-bit words. */
size_t copy_window_words(const struct copy *copy);

/** Whether nothing is missing that the dump should hold, as far as it is copied. @param[in] copy The copy. @return See there. */
bool copy_is_complete(const struct copy *copy);

/** Note what a scan found in the statistics. @param[in,out] copy The copy. @param[in] result Sums over all windows. */
void copy_note_scan(struct copy *copy, const struct scan_result *result);

/** Number of CPUs that left registers in the notes. @param[in] core The dump. @return NT_PRSTATUS notes, at least 1. */
uint32_t copy_cpu_count(const struct vmcore *core);

/**
 * Write a kdump-compressed dump (copy_kdump.c).
 *
 * @param[in,out] copy The copy.
 * @return As copy_run().
 */
struct error *copy_kdump_run(struct copy *copy) must_check;

/** Anonymous memory that copy_kdump_run() takes beside the set of frames. @param[in] options What would be done. @param[in] max_pfn Page frames of the machine. @return Bytes. */
uint64_t copy_kdump_memory_bytes(const struct copy_options *options, uint64_t max_pfn);

/** Where memory is in the address space (copy_loads.c). */
struct copy_loads {
	struct vmcore_load
		*list; /**< By what is between the two addresses, the image of the kernel first; then by address. */
	size_t *group_ends; /**< For each, one past the last that has the same between them. Such loads are disjoint. */
	size_t count;
};

/**
 * Program headers of the input; of one that has none: all memory in the direct map, and the kernel image.
 *
 * @param[in] copy The copy.
 * @param[out] ret Program headers without offsets; copy_loads_deinit() them. Virtual addresses that are not known are 0.
 * @return NULL; ERROR_NOMEM.
 */
struct error *copy_loads_init(const struct copy *copy, struct copy_loads *ret) must_check;

/** Free. @param[in] loads May be zeroed. */
void copy_loads_deinit(struct copy_loads *loads);

/**
 * Next load that has some of a piece of memory.
 *
 * @param[in] loads Loads.
 * @param[in] from From this one on.
 * @param[in] paddr_start First byte of the piece.
 * @param[in] paddr_end One past the last.
 * @return Its index; copy_loads.count: there is none.
 */
size_t copy_loads_next(const struct copy_loads *loads, size_t from, uint64_t paddr_start, uint64_t paddr_end);

/**
 * Write an ELF dump (copy_elf.c).
 *
 * @param[in,out] copy The copy.
 * @return As copy_run().
 */
struct error *copy_elf_run(struct copy *copy) must_check;

#endif
