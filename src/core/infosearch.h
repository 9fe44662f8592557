// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * VMCOREINFO of a dump whose file does not hold it: hypervisors and other dumpers write memory and registers only.
 *
 * The kernel keeps the note in its memory, ready to be found. Does not search where the file tells it.
 */
#ifndef CORE_INFOSEARCH_H
#define CORE_INFOSEARCH_H

#include "base/cleanup.h"
#include "base/error.h"
#include "core/vmcore.h"

/** Longest VMCOREINFO. The kernel's is a page; some hypervisors join several. */
enum { INFOSEARCH_BYTES_MAX = 1 << 20 };

/**
 * Search all memory, if there is no VMCOREINFO, and add it to the notes.
 *
 * It must be that of the kernel that crashed, not one of a kernel that ran before: its page tables must lead to its own name.
 *
 * @param[in,out] core An opened dump, before it is used. As it was if nothing is found.
 * @return NULL, also if nothing is found; ERROR_OS; ERROR_NOMEM; ERROR_UNSUPPORTED (all pages are of a kind that cannot be read).
 */
struct error *infosearch(struct vmcore *core) must_check;

/**
 * Take VMCOREINFO from elsewhere, if it is that of the kernel that crashed, and add it to the notes.
 *
 * @param[in,out] core An opened dump without VMCOREINFO, before it is used. As it was after an error.
 * @param[in] text Its lines.
 * @param[in] size_bytes Their size.
 * @return NULL; ERROR_BAD_DATA (the page tables that it tells of do not lead to a kernel of its name); ERROR_NOMEM.
 */
struct error *infosearch_take(struct vmcore *core, const char *text, size_t size_bytes) must_check;

/** As vmcore_open_formats(), and search. @param[in] formats, paths, path_count, ret As there. @return As there, and as infosearch(). */
struct error *infosearch_open(const struct core_format *const *formats, const char *const *paths, size_t path_count,
                              struct vmcore **ret) must_check;

#endif
