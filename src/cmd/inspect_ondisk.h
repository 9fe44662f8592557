// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A trace that was partially written to a disk before the machine crashed: how far its files have whole packets, and a copy of these.
 *
 * Does not change it. The last packet of a file may be the half of one, or a hole that a file system left.
 */
#ifndef CMD_INSPECT_ONDISK_H
#define CMD_INSPECT_ONDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "report/ctf.h"

/** Most files. A machine of 8192 CPUs has as many of each channel, and there may be several for each. */
enum { INSPECT_ONDISK_FILES_MAX = 1 << 20 };

/** A file of a stream. */
struct inspect_ondisk_file {
	char *name; /**< Owned. */
	struct ctf_file found;
};

/** The trace. */
struct inspect_ondisk {
	int dir_fd; /**< Owned; -1: none. */
	uint8_t uuid[CTF_UUID_BYTES];
	struct inspect_ondisk_file *files; /**< Those that have packets of the trace. */
	size_t file_count;
	uint64_t packets; /**< Whole ones. */
	uint64_t bytes; /**< Of them. */
	uint64_t cut_bytes; /**< Behind them. */
	uint64_t cut_files; /**< That have such. */
	uint64_t other_files; /**< That have no whole packet of the trace, other than metadata. */
};

/**
 * Look at it.
 *
 * @param[in] path The directory with its files, or the one with the directory "kernel" that LTTng made.
 * @param[in] is_big Byte order of the machine.
 * @param[out] ret inspect_ondisk_deinit() it, also on error.
 * @return NULL; ERROR_OS; ERROR_BAD_DATA (no file of it has a packet); ERROR_NOMEM.
 */
struct error *inspect_ondisk_open(const char *path, bool is_big, struct inspect_ondisk *ret) must_check;

#define INSPECT_ONDISK_NONE ((struct inspect_ondisk){.dir_fd = -1})

/** Close. @param[in] trace INSPECT_ONDISK_NONE, or of inspect_ondisk_open(). */
void inspect_ondisk_deinit(struct inspect_ondisk *trace);

#define _cleanup_inspect_ondisk_ _cleanup_(inspect_ondisk_deinit)

/** The last packet that it has of a stream. @param[in] trace See there. @param[in] stream Number of the channel. @param[in] instance Of the CPU. @param[out] ret Its number. @return false: none. */
bool inspect_ondisk_last(const struct inspect_ondisk *trace, uint32_t stream, uint64_t instance, uint64_t *ret);

/** Copy whole packets, each file to one of its name. @param[in] trace See there. @param[in] dir_fd An empty directory. @return NULL; ERROR_OS; ERROR_BAD_DATA (a file became shorter); ERROR_NOSPC; ERROR_NOMEM. */
struct error *inspect_ondisk_copy(const struct inspect_ondisk *trace, int dir_fd) must_check;

#endif
