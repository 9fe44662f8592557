// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The copier: reads a dump, drops what the dump level says, compresses, writes.
 *
 * Does not open files and does not print; progress goes to a function of the caller.
 */
#ifndef DUMP_COPY_H
#define DUMP_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"
#include "dump/compress.h"
#include "dump/filter.h"
#include "dump/pagemap.h"
#include "dump/sink.h"

/** Formats of dumps that can be written. */
enum copy_format {
	COPY_KDUMP, /**< kdump-compressed. */
	COPY_ELF,
};

/** How far the copy is. */
struct copy_progress {
	uint64_t pages_done;
	uint64_t pages_total; /**< Pages to be read. */
	uint64_t bytes_written;
	uint64_t elapsed_ms;
};

/** What to do. */
struct copy_options {
	unsigned int dump_level; /**< 0…31, makedumpfile's bits. */
	enum copy_format format;
	const struct compressor *compressor; /**< COPY_KDUMP only. NULL: what is best for the target, page by page. */
	bool has_level; /**< The compressor is to use … */
	int level; /**< … this level, in its range. */
	unsigned int thread_count; /**< At least 1. */
	/** What the target has room for, as far as it is known; UINT64_MAX: more than enough; 0: unknown. */
	uint64_t room_bytes;
	/** COPY_ELF: what the list of pieces of memory may take, 64 bytes each; more of them are ERROR_NOMEM. 0: as much as it needs. */
	uint64_t segments_bytes;
	bool is_unused_dropped; /**< Leave out struct pages that describe only pages that are left out (-e). */
	struct sink *const *more_sinks; /**< COPY_KDUMP: more files, over which the dump is split. */
	size_t more_sink_count;
	/** Names of processes whose memory is kept at every level, NULL after the last; NULL: none. 15 bytes of a name count. */
	const char *const *keep_names;
	uint64_t deadline_ms; /**< Time, as clock_now_ms(), at which the copy ends as it is; 0: none. */
	bool is_dry_run; /**< Classify and count; write nothing. The sink may be NULL. */
	bool is_zero_counted; /**< A dry run of COPY_ELF reads the pages that would be kept, and counts those of zeros. */
	struct pagemap *pagemap; /**< Receives why each page is in the dump or is not; NULL: not wanted. */
	/** Called now and then, on any thread, one call at a time; NULL: not wanted. */
	void (*progress)(void *context, const struct copy_progress *progress);
	void *progress_context;
	uint64_t progress_interval_ms; /**< Least time between two calls. */
	/** More kept than this share of the input is COPY_WARN_KEPT, at levels that drop free, user and cache; 0: never. */
	unsigned int warn_kept_percent;
};

/** Something the user must know although the copy did not fail. */
enum copy_warning {
	COPY_WARN_NO_FILTER = 1 << 0, /**< The layout of struct page is unknown: nothing was dropped but zero pages. */
	COPY_WARN_NO_FREE = 1 << 1, /**< Not one free page was found: the kernel marks them in an unknown way. */
	COPY_WARN_UNREADABLE = 1 << 2, /**< Some pages could not be read and are missing. */
	COPY_WARN_BAD_MEMMAP = 1 << 3, /**< Some struct pages could not be read; their pages were kept. */
	COPY_WARN_TRUNCATED = 1 << 4, /**< The input file ends before the memory it announces. */
	COPY_WARN_INCOMPLETE = 1 << 5, /**< The input says of itself that pages are missing. */
	COPY_WARN_NO_PAGEMAP = 1 << 6, /**< The page map could not be written (pagemap_error()): it is worth nothing. */
	COPY_WARN_NO_TASKS = 1 << 7, /**< No process could be found, so that none is kept. */
	COPY_WARN_NO_PROCESS = 1 << 8, /**< Processes that are to be kept are not there. */
	COPY_WARN_DENSER = 1 << 14, /**< The target is too small for what was asked for: more was left out. */
	COPY_WARN_BAD_PROCESS = 1 << 9, /**< Lists of processes, or page tables of one, could not be read. */
	/**
	 * Not one page of processes, of the page cache, in use by the kernel was found, and there must be some. The first two
	 * are looked for only where VMCOREINFO has CRASHTIME: the kernel adds it when it starts a crash kernel
	 * (crash_save_vmcoreinfo() in __crash_kexec(), Linux v6.1 kernel/kexec_core.c), which a process loaded from files. A
	 * kernel that died before its first process has none, nor does what a hypervisor dumps.
	 */
	COPY_WARN_NO_USER = 1 << 10,
	COPY_WARN_NO_CACHE = 1 << 11, /**< See above. */
	COPY_WARN_NO_KERNEL = 1 << 12, /**< See above. */
	COPY_WARN_KEPT = 1 << 13, /**< More is kept than copy_options.warn_kept_percent. */
	COPY_WARN_FILLED = 1 << 15, /**< What the input leaves out is taken for zeros (vmcore_fill()). */
};

/**
 * For copy_options.warn_kept_percent. What is the kernel's own is 2 to 7 % of the pages on idle machines (1.5 and 128 GiB), and
 * more where it has little memory or much to do; a kernel whose pages are not recognised keeps nearly all. Where half of the
 * memory is the kernel's own, drivers have taken it, and whoever waits for the dump wants to know.
 */
enum { COPY_WARN_KEPT_PERCENT = 50 };

/** For copy_options.segments_bytes in the capture kernel: 65536 pieces. With more of them the dump is kdump-compressed. */
enum { COPY_CAPTURE_SEGMENTS_BYTES = 4 << 20 };

/** Longest text of the notes in copy_stats, with its NUL. */
enum { COPY_NOTE_BYTES = 256 };

/** What was done. */
struct copy_stats {
	struct filter_counts counts; /**< Pages of each class, kept and dropped. */
	uint64_t pages_written; /**< Pages in the dump, zero pages included. */
	bool is_partial; /**< On error: what was written is a dump, marked incomplete; readers miss the other pages. */
	uint64_t pages_unreadable;
	unsigned int dump_level; /**< What was left out: at least what was asked for. */
	bool is_unused_dropped; /**< The same of struct pages. */
	uint64_t pages_unclassified; /**< Pages whose struct page could not be read; they are kept. */
	uint64_t bytes_written;
	uint64_t elapsed_ms;
	uint64_t filter_us; /**< Of it, time to tell which pages are kept, over all passes. */
	unsigned int warnings; /**< Bits of enum copy_warning. */
	char note[COPY_NOTE_BYTES]; /**< Text behind COPY_WARN_NO_FILTER, else "". */
	char missing[COPY_NOTE_BYTES]; /**< Names behind COPY_WARN_NO_PROCESS, else "". */
	char keep_note[COPY_NOTE_BYTES]; /**< Text behind COPY_WARN_NO_TASKS or COPY_WARN_BAD_PROCESS, else "". */
};

/**
 * Copy a dump.
 *
 * @param[in] core Input.
 * @param[in] options What to do.
 * @param[in,out] sink Output; not finished on error.
 * @param[out] stats_ret What was done; filled as far as it got on error too.
 * @return NULL; ERROR_BAD_DATA; ERROR_FAULT; ERROR_UNSUPPORTED; ERROR_NOSPC; ERROR_OS; ERROR_NOMEM; ERROR_TIMEOUT. Memory of the kernel
 *	   that is damaged is no error: what it describes is kept, and counted in the warnings.
 */
struct error *copy_run(const struct vmcore *core, const struct copy_options *options, struct sink *sink,
                       struct copy_stats *stats_ret) must_check;

/**
 * Anonymous memory that copy_run() takes at most, for sizing the reservation. For COPY_ELF with its segments_bytes only: how many
 * pieces memory is in is not known in advance.
 *
 * @param[in] options What would be done.
 * @param[in] max_pfn Page frames of the machine.
 * @return Bytes.
 */
uint64_t copy_memory_bytes(const struct copy_options *options, uint64_t max_pfn);

/** Room for any text of copy_warning_describe(), in bytes. */
enum { COPY_WARNING_BYTES = 512 };

/** Text for one warning. @param[in] warning One bit. @return Static text. */
const char *copy_warning_text(enum copy_warning warning);

/** Name of a warning for programs; it does not change. @param[in] warning One bit. @return Static text, such as "no-free-pages". */
const char *copy_warning_name(enum copy_warning warning);

/**
 * Text for one warning, with the numbers of a copy.
 *
 * @param[in] stats Of the copy.
 * @param[in] warning One bit.
 * @param[out] buf Receives the text.
 * @param[in] room_bytes Size of @p buf, at least 1.
 */
void copy_warning_describe(const struct copy_stats *stats, enum copy_warning warning, char *buf, size_t room_bytes);

/** Next warning. @param[in] stats Of a copy. @param[in] after The last one; 0 at first. @return One bit; 0: there are no more. */
unsigned int copy_warning_next(const struct copy_stats *stats, unsigned int after);

#endif
