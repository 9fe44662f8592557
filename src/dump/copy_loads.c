// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "core/arch.h"
#include "dump/copy_job.h"

enum {
	// One for the direct map, one for the kernel image.
	LOADS_MAX = 2,
	LOAD_FLAGS = 7, // PF_R, PF_W, PF_X: as the kernel's own headers.
};

// Virtual address of physical address 0: that of any table in the direct map tells it. 0: not known.
static uint64_t direct_map(const struct copy *copy, struct vmreader *reader)
{
	static const char *const tables[] = {"mem_section", "mem_map"};
	uint64_t mask = (UINT64_C(1) << copy->core->arch->direct_map_align_bits) - 1;

	for (size_t i = 0; i < array_size(tables); i++) {
		uint64_t vaddr, paddr;
		struct error *err;

		if (!vmcoreinfo_symbol(&copy->core->info, tables[i], &vaddr))
			continue;
		err = xlat_translate(&copy->scan.xlat, reader, vaddr, &paddr, NULL);
		if (!err && !((vaddr - paddr) & mask))
			return vaddr - paddr;
		error_free(err);
	}
	return 0;
}

// The kernel image is mapped apart from the direct map, in one piece. Gives its load, or one without bytes.
static struct vmcore_load image_load(const struct copy *copy, struct vmreader *reader)
{
	struct vmcore_load load = {.flags = LOAD_FLAGS};
	uint64_t vaddr, paddr = 0, run = 0, limit = UINT64_C(1) << 30;
	int64_t image_bytes;

	if (!vmcoreinfo_symbol(&copy->core->info, "_stext", &vaddr))
		return load;
	if (vmcoreinfo_number(&copy->core->info, "KERNEL_IMAGE_SIZE", &image_bytes) && image_bytes > 0 &&
	    (uint64_t)image_bytes < limit)
		limit = (uint64_t)image_bytes;
	while (load.memory_bytes < limit) {
		struct error *err = xlat_translate(&copy->scan.xlat, reader, vaddr + load.memory_bytes, &paddr, &run);

		if (err || (load.memory_bytes && paddr != load.paddr + load.memory_bytes)) {
			error_free(err);
			break;
		}
		if (!load.memory_bytes) {
			load.paddr = paddr;
			load.vaddr = vaddr;
		}
		load.memory_bytes += run;
	}
	load.file_bytes = load.memory_bytes;
	return load;
}

struct error *copy_make_loads(const struct copy *copy, struct vmcore_load **ret, size_t *count_ret)
{
	struct vmcore_load *loads = calloc(LOADS_MAX, sizeof(*loads));
	struct vmcore_load all = {.flags = LOAD_FLAGS};
	_cleanup_vmreader_ struct vmreader reader = {0};

	if (!loads)
		return error_new(ERROR_NOMEM, "no memory for program headers");
	vmreader_init(&reader, copy->core, VMREADER_WINDOW_TABLE_BYTES);
	all.file_bytes = all.memory_bytes = copy->max_pfn * copy->page_bytes;
	// Where page tables cannot be read, physical addresses are all there is to tell.
	if (copy->scan.xlat.core) {
		all.vaddr = direct_map(copy, &reader);
		loads[0] = image_load(copy, &reader);
	}
	// The image comes first, as in the kernel's own headers.
	*count_ret = loads[0].memory_bytes ? 1 : 0;
	loads[(*count_ret)++] = all;
	*ret = loads;
	return NULL;
}
