// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Reads what is in an initramfs, entry by entry: archives ("newc", as in boot/cpio.h) one behind the other, in parts that may be
 * compressed.
 *
 * Does not write anything and follows no links. What it reads may be anything: all is bounded.
 */
#ifndef BOOT_CPIO_READER_H
#define BOOT_CPIO_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Most entries of an initramfs; dracut's full form has some two thousand. */
enum { CPIO_READER_ENTRIES_MAX = 1 << 16 };

/** An entry. */
struct cpio_reader_entry {
	const char *
		name; /**< As it stands there, without "./" or slashes at its start; "" for the root. Until the next one. */
	mode_t mode; /**< Type and permission bits. */
	unsigned int links; /**< Of more than one with the same inode only the last one has the content. */
	uint64_t size_bytes; /**< Of the content that is here. */
};

/** An initramfs that is being read. */
struct cpio_reader;

/** Begin. @param[in] fd The file, at its start. Borrowed. @param[out] ret Before the first entry; cpio_reader_close() it. @return NULL; ERROR_NOMEM. */
struct error *cpio_reader_open(int fd, struct cpio_reader **ret) must_check;

/** Free what cpio_reader_open() made. @param[in] reader May be NULL. */
void cpio_reader_close(struct cpio_reader *reader);

/** Guard form of cpio_reader_close(). @param[in] reader Address of the variable. */
static inline void cpio_reader_closep(struct cpio_reader **reader)
{
	cpio_reader_close(*reader);
}

/**
 * Go to the next entry.
 *
 * @param[in,out] reader The reader.
 * @param[out] ret It, the reader's; NULL at the end.
 * @return NULL; ERROR_UNSUPPORTED (compressed in a way that is not understood, or an old form of archive); ERROR_BAD_DATA; ERROR_OS;
 *	   ERROR_NOMEM.
 */
struct error *cpio_reader_next(struct cpio_reader *reader, const struct cpio_reader_entry **ret) must_check;

/**
 * Read the content of the entry, once.
 *
 * @param[in,out] reader At an entry.
 * @param[in] max_bytes More are ERROR_BAD_DATA.
 * @param[out] ret Bytes and a final NUL; free() it.
 * @return NULL; ERROR_BAD_DATA; ERROR_OS; ERROR_NOMEM.
 */
struct error *cpio_reader_content(struct cpio_reader *reader, size_t max_bytes, char **ret) must_check;

#endif
