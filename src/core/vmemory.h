// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Kernel virtual memory, read through a small cache of pages: for lists, tables and stacks, of which little is read here and there.
 *
 * Does not translate by itself (core/xlat.h), and keeps no more than its few pages.
 */
#ifndef CORE_VMEMORY_H
#define CORE_VMEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** The cache, of half a MiB. Owned by one thread. */
struct vmemory;

/**
 * Make a cache.
 *
 * @param[in] xlat Borrowed.
 * @param[in] reader Borrowed; others may use it in between.
 * @param[out] ret The cache; vmemory_destroy() it.
 * @return NULL; ERROR_NOMEM.
 */
struct error *vmemory_create(const struct xlat *xlat, struct vmreader *reader, struct vmemory **ret) must_check;

/** Free. @param[in] memory May be NULL. */
void vmemory_destroy(struct vmemory *memory);

/** Guard form of vmemory_destroy(). @param[in] memory Address of the variable. */
static inline void vmemory_destroyp(struct vmemory **memory)
{
	vmemory_destroy(*memory);
}

/** How addresses are translated. @param[in] memory The cache. @return Borrowed. */
const struct xlat *vmemory_xlat(const struct vmemory *memory);

/** What reads physical memory. @param[in] memory The cache. @return Borrowed. */
struct vmreader *vmemory_reader(const struct vmemory *memory);

/**
 * Copy kernel virtual memory.
 *
 * @param[in,out] memory The cache.
 * @param[in] vaddr First byte.
 * @param[out] buf Bytes.
 * @param[in] size_bytes Their number; all come, or an error.
 * @return As xlat_read().
 */
struct error *vmemory_read(struct vmemory *memory, uint64_t vaddr, void *buf, size_t size_bytes) must_check;

/**
 * Read an unsigned integer of the crashed kernel.
 *
 * @param[in,out] memory The cache.
 * @param[in] vaddr Its address.
 * @param[in] size_bytes 1, 2, 4 or 8.
 * @param[out] ret The number, in our byte order.
 * @return As xlat_read(); ERROR_UNSUPPORTED (another size).
 */
struct error *vmemory_uint(struct vmemory *memory, uint64_t vaddr, size_t size_bytes, uint64_t *ret) must_check;

/**
 * Read a text that ends in NUL, cut to the room there is. Bytes that are not printable ASCII become "?": a terminal that shows it takes
 * no orders from the crashed machine.
 *
 * @param[in,out] memory The cache.
 * @param[in] vaddr First byte.
 * @param[out] text The text.
 * @param[in] room_bytes Room for it, with its NUL.
 * @return As xlat_read(): also if the text goes on where nothing can be read.
 */
struct error *vmemory_text(struct vmemory *memory, uint64_t vaddr, char *text, size_t room_bytes) must_check;

#endif
