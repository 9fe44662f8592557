// SPDX-License-Identifier: GPL-2.0-or-later
// Types, found through the symbol table.
#include "core/btf.h"
#include "fuzz_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_core *fuzz = fuzz_core_open(data, size_bytes);
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = NULL;
	struct btf_query queries[] = {
		{.type = "page"},
		{.type = "page", .member = "flags"},
		{.type = "page", .member = "compound_head"},
		{.member = "PG_head", .is_enumerator = true},
		{.type = "wide", .member = "WIDE", .is_enumerator = true},
	};
	struct error *err;

	if (!fuzz)
		return 0;
	err = kallsyms_create(fuzz->core, &fuzz->xlat, &fuzz->reader, &syms);

	if (!err)
		err = btf_lookup(fuzz->core, &fuzz->xlat, syms, &fuzz->reader, queries, array_size(queries));
	fuzz_end(err, FUZZ_CODE(ERROR_UNSUPPORTED) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
	fuzz_core_close(fuzz);
	return 0;
}
