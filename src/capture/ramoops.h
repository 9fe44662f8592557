// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * The end of a log in memory that outlives a reset, as the kernel's ramoops leaves it there: the next boot finds it like any other
 * record of pstore.
 *
 * Does not read or remove records, and does not write into an area with ECC. The area is told by ramoops's own parameters on the
 * capture kernel's command line, whose values boot/cmdline takes from the running system.
 * Source: Linux fs/pstore/ram.c (ramoops_probe(), ramoops_init_przs(), ramoops_write_kmsg_hdr()), fs/pstore/ram_core.c (struct
 * persistent_ram_buffer), Documentation/admin-guide/ramoops.rst.
 */
#ifndef CAPTURE_RAMOOPS_H
#define CAPTURE_RAMOOPS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"

/** The memory of the machine, by physical address. */
#define RAMOOPS_MEMORY_PATH "/dev/mem"

/** Where records of the kernel's log are. */
struct ramoops_area {
	uint64_t paddr;
	uint64_t zone_bytes; /**< Of each, its header counted. */
	unsigned int zones;
};

/**
 * Read the area from a command line.
 *
 * @param[in] command_line Of the kernel.
 * @param[out] ret The area.
 * @return Whether there is one that can be used.
 */
bool ramoops_parse(const char *command_line, struct ramoops_area *ret);

/**
 * Write the end of a log, the last lines first, into zones that hold nothing, until it is there or none is left.
 *
 * @param[in] path The memory; RAMOOPS_MEMORY_PATH.
 * @param[in] area Where.
 * @param[in] fd The log.
 * @param[in] time Of the records.
 * @param[out] count_ret Records that were written.
 * @return NULL (at least one was); ERROR_OS (EPERM: the kernel is locked down); ERROR_NOSPC (records that nobody has read yet are in
 *	   all of them).
 */
struct error *ramoops_write(const char *path, const struct ramoops_area *area, int fd, time_t time,
                            unsigned int *count_ret) must_check;

#endif
