// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A raw partition in memory, and what is put there.
 *
 * Does not know what the code under test makes of it: places and sums are those of capture/partition_format.h.
 */
#ifndef FAKEPARTITION_H
#define FAKEPARTITION_H

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/partition.h"
#include "base/sha256.h"
#include "test.h"

/** A size with room for some dumps, and names of them. */
enum { FAKEPARTITION_BYTES = 32 << 20 };
#define FAKEPARTITION_NAME "node1-2026-01-02T03-04-05Z-0a1b2c3d"
/** The one that a dump of this name gets where something has it. */
#define FAKEPARTITION_NEXT_NAME "node1-2026-01-02T03-04-05Z-0a1b2c3e"
/** See above. */
#define FAKEPARTITION_SECOND "node1-2026-01-02T04-04-05Z-0a1b2c3e"

/** A file in memory. */
static inline int fakepartition_memory(uint64_t size_bytes)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	check(fd >= 0 && ftruncate(fd, (off_t)size_bytes) == 0);
	return fd;
}

/** A partition whose every byte is old content. */
static inline void fakepartition_init(struct partition *ret, uint64_t size_bytes)
{
	int fd = fakepartition_memory(0);

	for (uint64_t at = 0; at < size_bytes; at += 4096) {
		uint8_t old[4096];

		memset(old, 0x5a, sizeof(old));
		check_ok(io_pwrite(fd, old, size_bytes - at < 4096 ? size_bytes - at : 4096, at));
	}
	check_ok(partition_init(fd, ret));
}

/** Free it. */
static inline void fakepartition_deinit(struct partition *partition)
{
	close(partition->fd);
	partition_deinit(partition);
}

/** Put a text into a dump. */
static inline void fakepartition_put(struct partition *partition, struct partition_record *record, const char *name,
                                     const char *text)
{
	int fd = fakepartition_memory(0);

	check_ok(io_pwrite(fd, text, strlen(text), 0));
	check_ok(partition_put(partition, record, fd, name));
	close(fd);
}

/** Make the sum of a block right, wherever it came from. */
static inline void fakepartition_sum(uint8_t block[4096])
{
	struct sha256 sha;

	memset(block + 312, 0, 32);
	sha256_init(&sha);
	sha256_update(&sha, block, 4096);
	sha256_final(&sha, block + 312);
}

#endif
