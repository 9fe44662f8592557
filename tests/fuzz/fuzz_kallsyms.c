// SPDX-License-Identifier: GPL-2.0-or-later
// The symbol table where VMCOREINFO says it is.
#include "core/kallsyms.h"
#include "core/kallsyms_scan.h"
#include "fuzz_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_core *fuzz = fuzz_core_open(data, size_bytes);
	_cleanup_(kallsyms_destroyp) struct kallsyms *syms = NULL;
	struct kallsyms_query queries[] = {{.name = "_stext"}, {.name = "__start_BTF"}, {.name = "prb"}};
	struct error *err;

	if (!fuzz)
		return 0;
	err = kallsyms_create(fuzz->core, &fuzz->xlat, &fuzz->reader, &syms);

	if (!err) {
		fuzz_require(kallsyms_count(syms) && kallsyms_count(syms) <= KALLSYMS_MAX_SYMBOLS);
		err = kallsyms_lookup(syms, &fuzz->reader, queries, array_size(queries));
	}
	// What the table was verified with must be found in it again.
	fuzz_require(err || queries[0].is_found);
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_FAULT));
	fuzz_core_close(fuzz);
	return 0;
}
