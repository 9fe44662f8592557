// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * Logs of crashed kernels that firmware or a piece of memory kept (pstore), where there may be no dump.
 *
 * Does not remove them, and does not put the parts of a log together.
 * Source: Documentation/ABI/testing/pstore; systemd-pstore.service(8), which moves them away.
 */
#ifndef REPORT_PSTORE_H
#define REPORT_PSTORE_H

#include <stddef.h>

#include "base/error.h"
#include "base/host.h"
#include "report/dumps.h"

/** A place with records, all of one crash or of a few. */
struct pstore_place {
	char *path; /**< Directory. */
	char *key; /**< Another one when other records are there. */
	struct dumps_about about; /**< What they tell. */
};

/** All of them. pstore_deinit() it. */
struct pstore {
	struct pstore_place *places;
	size_t count;
};

/**
 * Find records: in /sys/fs/pstore, and where systemd puts them.
 *
 * @param[in] host The machine.
 * @param[out] ret What is there; pstore_deinit() it, also on error.
 * @return NULL; ERROR_OS; ERROR_NOMEM.
 */
struct error *pstore_find(const struct host *host, struct pstore *ret) must_check;

/** Free what pstore_find() made. @param[in] pstore Filled, or zeroed. */
void pstore_deinit(struct pstore *pstore);

#define _cleanup_pstore_ _cleanup_(pstore_deinit)

#endif
