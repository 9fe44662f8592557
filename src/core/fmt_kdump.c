// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/fmt_kdump.h"

#include <assert.h>

static_assert(sizeof(struct fmt_kdump_header) == 464, "kdump header");
static_assert(offsetof(struct fmt_kdump_header, utsname) == 12, "kdump header");
static_assert(offsetof(struct fmt_kdump_header, timestamp_sec) == 408, "kdump header");
static_assert(offsetof(struct fmt_kdump_header, status) == 424, "kdump header");
static_assert(offsetof(struct fmt_kdump_header, nr_cpus) == 460, "kdump header");
static_assert(sizeof(struct fmt_kdump_sub_header) == 104, "kdump sub header");
static_assert(offsetof(struct fmt_kdump_sub_header, offset_vmcoreinfo) == 32, "kdump sub header");
static_assert(offsetof(struct fmt_kdump_sub_header, max_mapnr_64) == 96, "kdump sub header");
static_assert(sizeof(struct fmt_kdump_page_desc) == 24, "page descriptor");

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

struct fmt_kdump_layout fmt_kdump_layout(uint64_t block_bytes, uint64_t max_pfn, uint64_t notes_bytes,
                                         uint64_t page_count)
{
	struct fmt_kdump_layout layout = {.block_bytes = block_bytes, .max_pfn = max_pfn};

	layout.sub_blocks = divide_up(sizeof(struct fmt_kdump_sub_header) + notes_bytes, block_bytes);
	layout.bitmap_blocks = divide_up(divide_up(max_pfn, 8), block_bytes);
	layout.note_offset = block_bytes + sizeof(struct fmt_kdump_sub_header);
	layout.bitmap1_offset = (1 + layout.sub_blocks) * block_bytes;
	layout.bitmap2_offset = layout.bitmap1_offset + layout.bitmap_blocks * block_bytes;
	layout.desc_offset = layout.bitmap2_offset + layout.bitmap_blocks * block_bytes;
	layout.zero_page_offset =
		divide_up(layout.desc_offset + page_count * sizeof(struct fmt_kdump_page_desc), block_bytes) *
		block_bytes;
	layout.data_offset = layout.zero_page_offset + block_bytes;
	return layout;
}
