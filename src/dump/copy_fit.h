// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Whether a dump will fit on its target, before anything is written, and what else could be left out.
 *
 * Private to copy_kdump.c and copy_fit.c. Does not know what the target has room for.
 */
#ifndef DUMP_COPY_FIT_H
#define DUMP_COPY_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "dump/compress.h"
#include "dump/copy_job.h"

/**
 * Guess what a saved page takes in the dump, from some pages of a window.
 *
 * @param[in,out] copy The copy.
 * @param[in] compressor What they will be compressed with.
 * @param[in] set Frames that are saved.
 * @param[in] base_pfn Of bit 0.
 * @param[in] end_pfn One past the last frame.
 * @param[out] mean_bytes_ret Mean size; that of a page if none could be read.
 * @return NULL; ERROR_NOMEM; ERROR_UNSUPPORTED.
 */
struct error *copy_fit_sample(struct copy *copy, const struct compressor *compressor, const uint64_t *set,
                              uint64_t base_pfn, uint64_t end_pfn, uint64_t *mean_bytes_ret) must_check;

/**
 * Leave out one kind of pages more: free ones first, those of processes last, then struct pages of what is left out.
 *
 * @param[in,out] copy Its dump level changes.
 * @return false: there is nothing more.
 */
bool copy_fit_denser(struct copy *copy);

#endif
