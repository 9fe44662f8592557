// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/modlist.h"

#include <stdlib.h>
#include <string.h>

// Linux include/linux/module.h: enum mod_mem_type.
enum { MEM_TEXT = 0, MEM_INIT_TEXT = 4 };

static struct error *read_range(struct kernel *kernel, uint64_t vaddr, enum kernel_member base, enum kernel_member size,
                                bool is_code, struct modlist_module *module)
{
	struct modlist_range range = {.is_code = is_code};
	struct error *err = kernel_get(kernel, vaddr, base, &range.vaddr);

	if (!err)
		err = kernel_get(kernel, vaddr, size, &range.size_bytes);
	if (err || !range.vaddr || !range.size_bytes)
		return err;
	module->ranges[module->range_count++] = range;
	module->size_bytes += range.size_bytes;
	return NULL;
}

// Until Linux v6.4. Both begin with code.
static struct error *read_layouts(struct kernel *kernel, struct modlist_module *module)
{
	static const enum kernel_member layouts[] = {KERNEL_MODULE_CORE_LAYOUT, KERNEL_MODULE_INIT_LAYOUT};
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(layouts) && !err; i++)
		if (i == 0 || kernel_has(kernel, layouts[i]))
			err = read_range(kernel, kernel_at(kernel, module->vaddr, layouts[i]),
			                 KERNEL_MODULE_LAYOUT_BASE, KERNEL_MODULE_LAYOUT_SIZE, true, module);
	return err;
}

// Memory of initialization is given back, and has no size then.
static struct error *read_ranges(struct kernel *kernel, struct modlist_module *module)
{
	const struct btf_query *mem = &kernel->members[KERNEL_MODULE_MEM];
	uint64_t step = kernel->members[KERNEL_MODULE_MEMORY].size_bytes;
	struct error *err = NULL;

	if (!mem->is_found)
		return read_layouts(kernel, module);
	// What the types say of the array may be anything.
	for (uint64_t i = 0; step && !err && i < MODLIST_RANGES_MAX && (i + 1) * step <= mem->size_bytes; i++)
		err = read_range(kernel, kernel_at(kernel, module->vaddr, KERNEL_MODULE_MEM) + i * step,
		                 KERNEL_MODULE_MEMORY_BASE, KERNEL_MODULE_MEMORY_SIZE,
		                 i == MEM_TEXT || i == MEM_INIT_TEXT, module);
	return err;
}

// What a trace needs; kernels that were built without it have none.
static void read_tables(struct kernel *kernel, struct modlist_module *module)
{
	uint64_t arch = kernel_at(kernel, module->vaddr, KERNEL_MODULE_ARCH), count = 0;
	struct error *err = kernel_get(kernel, module->vaddr, KERNEL_MODULE_KALLSYMS, &module->kallsyms_vaddr);

	error_free(err);
	if (!kernel_has(kernel, KERNEL_MODULE_ARCH))
		return;
	err = kernel_get(kernel, arch, KERNEL_MODULE_NUM_ORCS, &count);
	if (!err)
		err = kernel_get(kernel, arch, KERNEL_MODULE_ORC_UNWIND, &module->orc_vaddr);
	if (!err)
		err = kernel_get(kernel, arch, KERNEL_MODULE_ORC_UNWIND_IP, &module->orc_ip_vaddr);
	module->orc_count = err ? 0 : (uint32_t)count;
	error_free(err);
}

static struct error *read_module(struct kernel *kernel, uint64_t vaddr, struct modlist_module *module)
{
	struct error *err;

	*module = (struct modlist_module){.vaddr = vaddr};
	err = vmemory_text(kernel->memory, kernel_at(kernel, vaddr, KERNEL_MODULE_NAME), module->name,
	                   sizeof(module->name));
	if (!err)
		err = read_ranges(kernel, module);
	if (!err && kernel_has(kernel, KERNEL_MODULE_TAINTS))
		err = kernel_get(kernel, vaddr, KERNEL_MODULE_TAINTS, &module->taints);
	if (!err)
		read_tables(kernel, module);
	return error_wrap(err, "module at %#jx", (uintmax_t)vaddr);
}

static bool is_known(const struct modlist *modules, uint64_t vaddr)
{
	for (size_t i = 0; i < modules->count; i++)
		if (modules->list[i].vaddr == vaddr)
			return true;
	return false;
}

static struct error *add(struct modlist *modules, struct kernel *kernel, uint64_t vaddr)
{
	struct modlist_module module;
	struct error *err;

	if (modules->count >= MODLIST_MAX || is_known(modules, vaddr))
		return error_new(ERROR_BAD_DATA, "the list of modules has no end");
	err = read_module(kernel, vaddr, &module);
	if (err)
		return err;
	// Room doubles whenever it is full: at each power of two from 16 on.
	if (modules->count == 0 || (modules->count >= 16 && (modules->count & (modules->count - 1)) == 0)) {
		size_t room = modules->count ? 2 * modules->count : 16;
		struct modlist_module *list = reallocarray(modules->list, room, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for the list of modules");
		modules->list = list;
	}
	modules->list[modules->count++] = module;
	return NULL;
}

static struct error *read_list(struct modlist *modules, struct kernel *kernel)
{
	static const enum kernel_member needed[] = {KERNEL_MODULE_LIST, KERNEL_MODULE_NAME};
	uint64_t head = 0, node = 0;
	struct error *err = kernel_need(kernel, needed, array_size(needed));

	if (!err)
		err = kernel_symbol(kernel, KERNEL_MODULES, &head);
	if (!err)
		err = vmemory_uint(kernel->memory, head, 8, &node);
	while (!err && node != head) {
		err = add(modules, kernel, node - kernel->members[KERNEL_MODULE_LIST].offset_bytes);
		if (!err)
			err = vmemory_uint(kernel->memory, node, 8, &node);
	}
	return err;
}

void modlist_init(struct modlist *ret, struct kernel *kernel)
{
	*ret = (struct modlist){0};
	kernel_explain(ret->why, read_list(ret, kernel));
}

void modlist_deinit(struct modlist *modules)
{
	free(modules->list);
}

static const struct modlist_range *find_range(const struct modlist_module *module, uint64_t vaddr)
{
	for (size_t i = 0; i < module->range_count; i++)
		if (vaddr - module->ranges[i].vaddr < module->ranges[i].size_bytes)
			return &module->ranges[i];
	return NULL;
}

const struct modlist_module *modlist_find(const struct modlist *modules, uint64_t vaddr)
{
	for (size_t i = 0; i < modules->count; i++)
		if (find_range(&modules->list[i], vaddr))
			return &modules->list[i];
	return NULL;
}

bool modlist_is_code(const struct modlist *modules, uint64_t vaddr)
{
	const struct modlist_module *module = modlist_find(modules, vaddr);

	return module && find_range(module, vaddr)->is_code;
}
