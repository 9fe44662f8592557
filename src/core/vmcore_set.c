// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/elfcore.h"
#include "core/infosearch.h"
#include "core/kdumpcore.h"
#include "core/vmcore.h"

// In a file of its own, so that a program that calls only vmcore_open() is linked without the decompressors.
static const struct core_format *const formats[] = {
	&elfcore_format,
	&kdumpcore_format,
	NULL,
};

struct error *vmcore_open_set(const char *const *paths, size_t path_count, struct vmcore **ret)
{
	return infosearch_open(formats, paths, path_count, ret);
}
