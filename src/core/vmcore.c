// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/vmcore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "core/arch.h"
#include "core/elfcore.h"

static const struct core_format *const formats[] = {
	&elfcore_format,
};

// mmap offsets must be multiples of our own page size; 64 KiB is one on every machine.
enum { MAP_ALIGN_BYTES = 64 << 10 };

static int compare_loads(const void *a, const void *b)
{
	const struct vmcore_load *left = a, *right = b;

	return left->paddr < right->paddr ? -1 : left->paddr > right->paddr;
}

static void append_region(struct vmcore *core, struct vmcore_region region)
{
	struct vmcore_region *last = core->region_count ? &core->regions[core->region_count - 1] : NULL;

	if (last && last->paddr_end == region.paddr_start &&
	    last->offset_bytes + (last->paddr_end - last->paddr_start) == region.offset_bytes)
		last->paddr_end = region.paddr_end;
	else
		core->regions[core->region_count++] = region;
}

// Loads may overlap: the kernel image has one of its own beside the memory it lies in (Linux kernel/kexec_file.c,
// crash_prepare_elf64_headers()). The bytes are the same, so what an earlier region holds is left out of later ones.
static struct error *make_regions(struct vmcore *core)
{
	_cleanup_free_ struct vmcore_load *sorted = malloc((core->load_count + 1) * sizeof(*sorted));
	uint64_t covered = 0;

	core->regions = calloc(core->load_count + 1, sizeof(*core->regions));
	if (!sorted || !core->regions)
		return error_new(ERROR_NOMEM, "no memory for %zu regions", core->load_count);
	memcpy(sorted, core->loads, core->load_count * sizeof(*sorted));
	qsort(sorted, core->load_count, sizeof(*sorted), compare_loads);
	for (size_t i = 0; i < core->load_count; i++) {
		struct vmcore_load load = sorted[i];
		uint64_t room = load.offset_bytes < core->file_bytes ? core->file_bytes - load.offset_bytes : 0;
		uint64_t skip = load.paddr < covered ? covered - load.paddr : 0;

		if (load.file_bytes > room) {
			core->missing_bytes += load.file_bytes - room;
			load.file_bytes = room;
		}
		if (skip >= load.file_bytes)
			continue;
		covered = load.paddr + load.file_bytes;
		append_region(core, (struct vmcore_region){load.paddr + skip, covered, load.offset_bytes + skip});
	}
	if (!core->region_count)
		return error_new(ERROR_BAD_DATA, "holds no memory (file ends at offset %#jx)",
		                 (uintmax_t)core->file_bytes);
	return NULL;
}

static bool try_map(const struct vmcore *core)
{
	uint64_t at = core->regions[0].offset_bytes & ~(uint64_t)(MAP_ALIGN_BYTES - 1);
	void *map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, core->fd, (off_t)at);

	if (map == MAP_FAILED)
		return false;
	munmap(map, 1);
	return true;
}

static const struct core_format *find_format(const uint8_t *head, size_t size_bytes)
{
	for (size_t i = 0; i < array_size(formats); i++) {
		if (formats[i]->probe(head, size_bytes))
			return formats[i];
	}
	return NULL;
}

static struct error *open_format(struct vmcore *core)
{
	uint8_t head[64];
	struct statfs fs;
	struct stat st;
	struct error *err;
	size_t got;

	if (fstat(core->fd, &st) < 0)
		return error_os(errno, "stat");
	core->file_bytes = (uint64_t)st.st_size;
	core->is_paged = fstatfs(core->fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC;
	err = io_pread(core->fd, head, sizeof(head), 0, &got);
	if (err)
		return err;
	core->format = find_format(head, got);
	if (!core->format)
		return error_new(ERROR_UNSUPPORTED, "not a dump in a format that can be read (ELF)");
	err = core->format->open(core);
	if (err)
		return err;
	err = make_regions(core);
	if (err)
		return err;
	core->can_map = try_map(core);
	return vmcoreinfo_init(&core->info,
	                       core->notes ? (const char *)core->notes + core->vmcoreinfo_offset_bytes : "",
	                       core->vmcoreinfo_bytes);
}

struct error *vmcore_open(const char *path, struct vmcore **ret)
{
	_cleanup_(vmcore_closep) struct vmcore *core = calloc(1, sizeof(*core));
	struct error *err;

	if (!core)
		return error_new(ERROR_NOMEM, "no memory for a dump");
	core->name = path;
	core->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (core->fd < 0)
		return error_os(errno, "%s", path);
	err = open_format(core);
	if (err)
		return error_wrap(err, "%s", path);
	*ret = take_ptr(core);
	return NULL;
}

void vmcore_close(struct vmcore *core)
{
	if (!core)
		return;
	if (core->fd >= 0)
		close(core->fd);
	vmcoreinfo_deinit(&core->info);
	free(core->notes);
	free(core->regions);
	free(core->loads);
	free(core);
}

unsigned int vmcore_page_shift(const struct vmcore *core)
{
	return core->arch->page_shift;
}

uint64_t vmcore_page_bytes(const struct vmcore *core)
{
	return UINT64_C(1) << core->arch->page_shift;
}

uint64_t vmcore_max_pfn(const struct vmcore *core)
{
	uint64_t end = core->regions[core->region_count - 1].paddr_end;

	return (end + vmcore_page_bytes(core) - 1) >> vmcore_page_shift(core);
}

const struct vmcore_region *vmcore_region_from(const struct vmcore *core, uint64_t paddr)
{
	size_t low = 0, high = core->region_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (core->regions[mid].paddr_end > paddr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < core->region_count ? &core->regions[low] : NULL;
}
