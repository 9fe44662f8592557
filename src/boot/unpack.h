// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * An initramfs as the kernel unpacks it: parts one behind the other, each as it is or compressed, with zeros between them
 * (Documentation/driver-api/early-userspace/buffer-format.rst; init/initramfs.c: unpack_to_rootfs(), v6.1).
 *
 * Does not know what is in the parts (boot/cpio_reader.h). gzip and zstd are understood where the build has zlib and libzstd; dracut
 * is told to use gzip.
 */
#ifndef BOOT_UNPACK_H
#define BOOT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

/** Most bytes that come out of a file, all parts together: what unpacks to more does not fit into a reservation. */
enum { UNPACK_MAX_BYTES = 1 << 30 };

/** A file that is being unpacked. */
struct unpack;

/**
 * Begin.
 *
 * @param[in] fd The file, at its start. Borrowed.
 * @param[out] ret Before its first part; unpack_close() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *unpack_open(int fd, struct unpack **ret) must_check;

/** Free what unpack_open() made. @param[in] unpack May be NULL. */
void unpack_close(struct unpack *unpack);

/** Guard form of unpack_close(). @param[in] unpack Address of the variable. */
static inline void unpack_closep(struct unpack **unpack)
{
	unpack_close(*unpack);
}

/**
 * Go to the next part. One that is not compressed has no end of its own: the next one begins where reading stopped.
 *
 * @param[in,out] unpack At the end of a part.
 * @param[out] is_part_ret false: the file ends here.
 * @param[out] is_plain_ret It is not compressed.
 * @return NULL; ERROR_UNSUPPORTED (compressed in a way that is not understood: its name); ERROR_BAD_DATA (neither an archive nor
 *	   compressed); ERROR_OS; ERROR_NOMEM.
 */
struct error *unpack_next(struct unpack *unpack, bool *is_part_ret, bool *is_plain_ret) must_check;

/**
 * Read on in a part.
 *
 * @param[in,out] unpack In a part.
 * @param[out] buf Bytes.
 * @param[in] size_bytes Wanted.
 * @param[out] got_ret Less only at the end of the part.
 * @return NULL; ERROR_BAD_DATA (damaged, cut off, or more than UNPACK_MAX_BYTES); ERROR_OS.
 */
struct error *unpack_read(struct unpack *unpack, void *buf, size_t size_bytes, size_t *got_ret) must_check;

#endif
