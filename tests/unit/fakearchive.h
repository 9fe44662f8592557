// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * An initramfs that a test makes, entry by entry.
 *
 * Does not check that it makes sense. Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#ifndef FAKEARCHIVE_H
#define FAKEARCHIVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#include "test.h"

/** Bytes that grow. Zeroed is none; fakearchive_deinit() it. */
struct fakearchive {
	char *buf;
	size_t size_bytes;
};

/** What an entry has beside its name and content. */
struct fakearchive_entry {
	const char *name;
	unsigned int mode, links;
	const char *text; /**< Content; NULL is none. */
};

static inline void fakearchive_bytes(struct fakearchive *archive, const void *buf, size_t size_bytes)
{
	archive->buf = realloc(archive->buf, archive->size_bytes + size_bytes + 1);
	check(archive->buf != NULL);
	if (size_bytes)
		memcpy(archive->buf + archive->size_bytes, buf, size_bytes);
	archive->size_bytes += size_bytes;
}

static inline void fakearchive_zeros(struct fakearchive *archive, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fakearchive_bytes(archive, "", 1);
}

static inline void fakearchive_entry(struct fakearchive *archive, const struct fakearchive_entry *entry)
{
	size_t size = entry->text ? strlen(entry->text) : 0, name_size = strlen(entry->name) + 1;
	char header[111];

	snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, entry->mode,
	         0, 0, entry->links, 0, (unsigned int)size, 0, 0, 0, 0, (unsigned int)name_size, 0);
	fakearchive_bytes(archive, header, 110);
	fakearchive_bytes(archive, entry->name, name_size);
	fakearchive_zeros(archive, (4 - (110 + name_size) % 4) % 4);
	fakearchive_bytes(archive, entry->text, size);
	fakearchive_zeros(archive, (4 - size % 4) % 4);
}

/** A file. */
static inline void fakearchive_file(struct fakearchive *archive, const char *name, unsigned int mode, const char *text)
{
	fakearchive_entry(archive, &(struct fakearchive_entry){name, S_IFREG | mode, 1, text});
}

/** A directory. */
static inline void fakearchive_dir(struct fakearchive *archive, const char *name)
{
	fakearchive_entry(archive, &(struct fakearchive_entry){name, S_IFDIR | 0755, 2, NULL});
}

/** A symbolic link. */
static inline void fakearchive_link(struct fakearchive *archive, const char *name, const char *target)
{
	fakearchive_entry(archive, &(struct fakearchive_entry){name, S_IFLNK | 0777, 1, target});
}

/** Its end. */
static inline void fakearchive_end(struct fakearchive *archive)
{
	fakearchive_entry(archive, &(struct fakearchive_entry){"TRAILER!!!", 0, 1, NULL});
}

#ifdef HAVE_ZLIB
/** The same, compressed by gzip, behind another one. */
static inline void fakearchive_gzip(struct fakearchive *archive, const struct fakearchive *from)
{
	z_stream stream = {0};
	size_t room = 2 * from->size_bytes + 1024;
	char *buf = malloc(room);

	check(buf && deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	stream.next_in = (Bytef *)from->buf;
	stream.avail_in = (uInt)from->size_bytes;
	stream.next_out = (Bytef *)buf;
	stream.avail_out = (uInt)room;
	check(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	fakearchive_bytes(archive, buf, stream.total_out);
	deflateEnd(&stream);
	free(buf);
}
#endif

#ifdef HAVE_ZSTD
/** By zstd. */
static inline void fakearchive_zstd(struct fakearchive *archive, const struct fakearchive *from)
{
	size_t room = ZSTD_compressBound(from->size_bytes), size;
	char *buf = malloc(room);

	check(buf != NULL);
	size = ZSTD_compress(buf, room, from->buf, from->size_bytes, 3);
	check(!ZSTD_isError(size));
	fakearchive_bytes(archive, buf, size);
	free(buf);
}
#endif

static inline void fakearchive_deinit(struct fakearchive *archive)
{
	free(archive->buf);
	*archive = (struct fakearchive){0};
}

#define _cleanup_fakearchive_ _cleanup_(fakearchive_deinit)

#endif
