// SPDX-License-Identifier: GPL-2.0-or-later
// The search for a symbol table by its shape.
#include "core/kallsyms_scan.h"
#include "fuzz_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_core *fuzz = fuzz_core_open(data, size_bytes);
	struct kallsyms_place place = {0};
	struct error *err;

	if (!fuzz)
		return 0;
	err = kallsyms_scan(fuzz->core, &fuzz->xlat, &fuzz->reader, &place);

	fuzz_require(err || (place.names && place.token_table && place.count <= KALLSYMS_MAX_SYMBOLS));
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
	fuzz_core_close(fuzz);
	return 0;
}
