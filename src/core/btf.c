// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"

struct error *btf_lookup(const struct vmcore *core, const struct xlat *xlat, const struct kallsyms *syms,
			 struct vmreader *reader, struct btf_query *queries, size_t count)
{
	(void)core;
	(void)xlat;
	(void)syms;
	(void)reader;
	(void)queries;
	(void)count;
	return error_new(ERROR_UNSUPPORTED, "BTF cannot be read yet");
}
