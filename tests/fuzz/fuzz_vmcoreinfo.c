// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of VMCOREINFO. The first one also gives a name to look for.
#include "core/vmcoreinfo.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct fuzz_input input = {data, size_bytes};
	_cleanup_free_ char *key = fuzz_line(&input);
	_cleanup_(vmcoreinfo_deinit) struct vmcoreinfo info = {0};
	// A block of exactly the size: the text need not end in a NUL.
	_cleanup_free_ char *exact = malloc(size_bytes ? size_bytes : 1);
	char value[16];
	uint64_t number;
	int64_t sign;
	size_t size;

	fuzz_require(exact);
	if (size_bytes)
		memcpy(exact, data, size_bytes);
	fuzz_end(vmcoreinfo_init(&info, exact, size_bytes), 0);
	key[strcspn(key, "=")] = '\0';
	if (vmcoreinfo_find(&info, key, &size))
		fuzz_require(size < size_bytes);
	vmcoreinfo_string(&info, key, value, sizeof(value));
	fuzz_require(memchr(value, 0, sizeof(value)));
	vmcoreinfo_symbol(&info, "swapper_pg_dir", &number);
	vmcoreinfo_size(&info, "page", &number);
	vmcoreinfo_offset(&info, "page.flags", &number);
	vmcoreinfo_length(&info, "mem_section", &number);
	vmcoreinfo_number(&info, "phys_base", &sign);
	vmcoreinfo_number(&info, key, &sign);
	return 0;
}
