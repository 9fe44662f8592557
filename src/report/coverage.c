// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/coverage.h"

#include <string.h>

#include "core/memmap.h"
#include "core/page.h"

static struct error *count_struct_pages(struct kernel *kernel, struct coverage *coverage)
{
	_cleanup_(page_layout_destroyp) struct page_layout *layout = NULL;
	struct memmap map;
	uint64_t frames = 0;
	struct error *err = page_layout_create(kernel->core, &kernel->xlat, &kernel->reader, &layout);

	if (!err)
		err = memmap_init(&map, kernel->core, &kernel->xlat, &kernel->reader, page_layout_bytes(layout));
	for (uint64_t pfn = 0; !err && pfn < map.max_pfn;) {
		struct memmap_run run = {0};

		err = memmap_next_readable(&map, &kernel->reader, pfn, map.max_pfn, &run);
		if (err || run.pfn_start >= run.pfn_end || run.pfn_end <= pfn)
			break;
		frames += run.pfn_end - (run.pfn_start > pfn ? run.pfn_start : pfn);
		pfn = run.pfn_end;
	}
	if (err)
		return err;
	coverage->described_bytes = frames * vmcore_page_bytes(kernel->core);
	coverage->struct_page_bytes = frames * page_layout_bytes(layout);
	return NULL;
}

void coverage_init(struct coverage *ret, struct kernel *kernel)
{
	uint64_t page_bytes = vmcore_page_bytes(kernel->core);

	*ret = (struct coverage){.level = kernel->core->dump_level};
	ret->memory_bytes = vmcore_count_frames(kernel->core, VMCORE_FRAMES_RAM) * page_bytes;
	ret->dump_bytes = vmcore_count_frames(kernel->core, VMCORE_FRAMES_PRESENT) * page_bytes;
	kernel_explain(ret->why, count_struct_pages(kernel, ret));
}

void coverage_level(unsigned int level, char text[COVERAGE_LEVEL_BYTES])
{
	static const struct {
		unsigned int bit;
		const char *words;
	} names[] = {
		{1, "zero pages"}, {2, "cache"}, {4, "cache with private data"}, {8, "processes"}, {16, "free pages"}};

	text[0] = '\0';
	for (size_t i = 0; i < array_size(names); i++) {
		if (!(level & names[i].bit))
			continue;
		if (text[0])
			strcat(text, ", ");
		strcat(text, names[i].words);
	}
}
