// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The crashed machine at a glance: its name, its kernel, since when it ran, its memory, and whether its kernel was tainted.
 *
 * Does not say why it crashed (report/cause.h).
 */
#ifndef REPORT_OVERVIEW_H
#define REPORT_OVERVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/kernel.h"

/** Limits. */
enum {
	OVERVIEW_NAME_BYTES = 66, /**< Room for a name of uname(2) (Linux include/uapi/linux/utsname.h: 65). */
	OVERVIEW_TAINTS_MAX = 32, /**< Most flags; v6.12 has 20. */
	OVERVIEW_COMMAND_LINE_BYTES = 4096, /**< Room for a command line (COMMAND_LINE_SIZE, 2048 on x86-64). */
};

/** Kinds of memory, in pages. */
enum overview_pages {
	OVERVIEW_TOTAL,
	OVERVIEW_FREE,
	OVERVIEW_FILE, /**< Of files, and shared. */
	OVERVIEW_ANON, /**< Of processes. */
	OVERVIEW_SHMEM, /**< Shared, tmpfs. */
	OVERVIEW_SLAB, /**< Of the kernel. */
	OVERVIEW_PAGE_TABLES,
	OVERVIEW_SWAP_TOTAL,
	OVERVIEW_SWAP_FREE,
	OVERVIEW_PAGES_COUNT,
};

/** The machine. Text is "" and is_known false where something is not known. */
struct overview {
	char host[OVERVIEW_NAME_BYTES];
	char release[OVERVIEW_NAME_BYTES];
	char version[OVERVIEW_NAME_BYTES];
	char machine[OVERVIEW_NAME_BYTES];
	char names_why[KERNEL_WHY_BYTES]; /**< Why names are not known; "": they are. */
	int64_t crash_time_s; /**< Since 1970, UTC; 0: not known. */
	uint64_t uptime_s; /**< Without time that the machine slept; 0: not known. */
	char uptime_why[KERNEL_WHY_BYTES];
	uint64_t taints; /**< Flags. */
	char taint_letters[OVERVIEW_TAINTS_MAX]; /**< Of each flag; from the kernel itself where it tells. */
	char taints_why[KERNEL_WHY_BYTES];
	struct {
		uint64_t value;
		bool is_known;
	} pages[OVERVIEW_PAGES_COUNT];
	char memory_why[KERNEL_WHY_BYTES]; /**< Why the first thing is not known that is not; "": all is. */
	uint64_t page_bytes;
	uint32_t cpus; /**< Online when it crashed. */
};

/** Look. @param[in,out] kernel The kernel. @param[out] ret What is known. */
void overview_init(struct overview *ret, struct kernel *kernel);

/**
 * A counter of the kernel's memory. Where it is a little below 0, since CPUs keep parts of it, it is 0.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] array KERNEL_ZONE_STAT or KERNEL_NODE_STAT.
 * @param[in] item Its place, an enumerator.
 * @param[out] ret Its value.
 * @return NULL; as kernel_variable().
 */
struct error *overview_counter(struct kernel *kernel, enum kernel_symbol array, int64_t item, uint64_t *ret) must_check;

/** The kernel's command line. @param[in,out] kernel The kernel. @param[out] text Text, printable. @return NULL; as kernel_variable(). */
struct error *overview_command_line(struct kernel *kernel, char text[OVERVIEW_COMMAND_LINE_BYTES]) must_check;

/** Letters of flags. @param[in] overview For the letters. @param[in] taints Flags, of the kernel or of a module. @param[out] text The letters; "": none is set. */
void overview_taint_letters(const struct overview *overview, uint64_t taints, char text[OVERVIEW_TAINTS_MAX + 1]);

/** What a letter means. @param[in] letter The letter. @return Words; static. */
const char *overview_taint_meaning(char letter);

#endif
