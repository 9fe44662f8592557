// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A search for bytes in the image of the crashed kernel: what it says nowhere where it is.
 *
 * Does not know what the bytes are.
 */
#ifndef CORE_IMAGESEARCH_H
#define CORE_IMAGESEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmreader.h"
#include "core/xlat.h"

/** Most bytes that can be searched. */
enum { IMAGESEARCH_BYTES_MAX = 32 };

/**
 * Search from the start of the code on.
 *
 * @param[in] core The dump.
 * @param[in] xlat Shared.
 * @param[in,out] reader Owned by the calling thread; @p is_it may use it.
 * @param[in] bytes What.
 * @param[in] size_bytes Its size, 1 to IMAGESEARCH_BYTES_MAX.
 * @param[in] is_it Called for each place with its virtual address, lower ones first: whether that is the one.
 * @param[in] context For @p is_it.
 * @return Whether one was; false too if VMCOREINFO lacks SYMBOL(_stext), or if there are more than 256 places.
 */
bool imagesearch(const struct vmcore *core, const struct xlat *xlat, struct vmreader *reader, const void *bytes,
                 size_t size_bytes, bool (*is_it)(void *context, uint64_t vaddr), void *context);

#endif
