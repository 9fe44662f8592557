// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

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

static void make_loads(const struct copy *copy, struct copy_loads *ret)
{
	struct vmcore_load all = {.flags = LOAD_FLAGS}, image = {0};
	_cleanup_vmreader_ struct vmreader reader = {0};

	vmreader_init(&reader, copy->core, VMREADER_WINDOW_TABLE_BYTES);
	all.file_bytes = all.memory_bytes = copy->max_pfn * copy->page_bytes;
	// Where page tables cannot be read, physical addresses are all there is to tell.
	if (copy->scan.xlat.core) {
		all.vaddr = direct_map(copy, &reader);
		image = image_load(copy, &reader);
	}
	if (image.memory_bytes)
		ret->list[ret->count++] = image;
	ret->list[ret->count++] = all;
}

// The image of the kernel lies above the direct map, and comes first, as in the kernel's own headers.
static int compare_groups(const struct vmcore_load *left, const struct vmcore_load *right)
{
	uint64_t left_delta = left->vaddr - left->paddr, right_delta = right->vaddr - right->paddr;

	if (left_delta != right_delta)
		return left_delta > right_delta ? -1 : 1;
	return left->flags < right->flags ? -1 : left->flags > right->flags;
}

static int compare_loads(const void *a, const void *b)
{
	const struct vmcore_load *left = a, *right = b;
	int order = compare_groups(left, right);

	if (order)
		return order;
	return left->paddr < right->paddr ? -1 : left->paddr > right->paddr;
}

static uint64_t end_of(const struct vmcore_load *load)
{
	return load->paddr + load->file_bytes;
}

// Joins loads of a group that have the same memory, or whose memory lies side by side; those without any go.
static void join(struct copy_loads *loads)
{
	size_t count = 0;

	for (size_t i = 0; i < loads->count; i++) {
		struct vmcore_load *last = count ? &loads->list[count - 1] : NULL, *load = &loads->list[i];

		if (!load->file_bytes)
			continue;
		if (!last || compare_groups(last, load) != 0 || load->paddr > end_of(last))
			loads->list[count++] = *load;
		else if (end_of(load) > end_of(last))
			last->file_bytes = end_of(load) - last->paddr;
	}
	loads->count = count;
}

struct error *copy_loads_init(const struct copy *copy, struct copy_loads *ret)
{
	size_t room = copy->core->load_count + LOADS_MAX;

	*ret = (struct copy_loads){.list = calloc(room, sizeof(*ret->list)),
	                           .group_ends = calloc(room, sizeof(*ret->group_ends)),
	                           .count = copy->core->load_count};
	if (!ret->list || !ret->group_ends)
		return error_new(ERROR_NOMEM, "no memory for program headers");
	if (ret->count)
		memcpy(ret->list, copy->core->loads, ret->count * sizeof(*ret->list));
	else
		make_loads(copy, ret);
	qsort(ret->list, ret->count, sizeof(*ret->list), compare_loads);
	join(ret);
	for (size_t i = ret->count; i-- > 0;) {
		bool is_last = i + 1 == ret->count || compare_groups(&ret->list[i], &ret->list[i + 1]) != 0;

		ret->group_ends[i] = is_last ? i + 1 : ret->group_ends[i + 1];
	}
	return NULL;
}

void copy_loads_deinit(struct copy_loads *loads)
{
	free(loads->list);
	free(loads->group_ends);
	*loads = (struct copy_loads){0};
}

// The first load of [from, end), of one group, that ends behind an address.
static size_t find_end(const struct copy_loads *loads, size_t from, size_t end, uint64_t paddr)
{
	while (from < end) {
		size_t mid = from + (end - from) / 2;

		if (end_of(&loads->list[mid]) > paddr)
			end = mid;
		else
			from = mid + 1;
	}
	return from;
}

size_t copy_loads_next(const struct copy_loads *loads, size_t from, uint64_t paddr_start, uint64_t paddr_end)
{
	while (from < loads->count) {
		size_t group_end = loads->group_ends[from], found = find_end(loads, from, group_end, paddr_start);

		if (found < group_end && loads->list[found].paddr < paddr_end)
			return found;
		from = group_end;
	}
	return loads->count;
}
