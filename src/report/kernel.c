// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/prstatus.h"

static const char *const symbol_names[KERNEL_SYMBOL_COUNT] = {
	[KERNEL_STEXT] = "_stext",
	[KERNEL_ETEXT] = "_etext",
	[KERNEL_BTF_START] = "__start_BTF",
	[KERNEL_BTF_STOP] = "__stop_BTF",
	[KERNEL_INIT_TASK] = "init_task",
	[KERNEL_RUNQUEUES] = "runqueues",
	[KERNEL_PER_CPU_OFFSET] = "__per_cpu_offset",
	[KERNEL_NR_CPU_IDS] = "nr_cpu_ids",
	[KERNEL_CPU_POSSIBLE_MASK] = "__cpu_possible_mask",
	[KERNEL_CPU_ONLINE_MASK] = "__cpu_online_mask",
	[KERNEL_PANIC_CPU] = "panic_cpu",
	[KERNEL_CRASH_NOTES] = "crash_notes",
	[KERNEL_TAINTED_MASK] = "tainted_mask",
	[KERNEL_TAINT_FLAGS] = "taint_flags",
	[KERNEL_MODULES] = "modules",
	[KERNEL_ORC_IP_START] = "__start_orc_unwind_ip",
	[KERNEL_ORC_IP_STOP] = "__stop_orc_unwind_ip",
	[KERNEL_ORC_START] = "__start_orc_unwind",
	[KERNEL_ORC_HEADER] = "__start_orc_header",
	[KERNEL_ZONE_STAT] = "vm_zone_stat",
	[KERNEL_NODE_STAT] = "vm_node_stat",
	[KERNEL_TOTALRAM_PAGES] = "_totalram_pages",
	[KERNEL_NR_SWAP_PAGES] = "nr_swap_pages",
	[KERNEL_TOTAL_SWAP_PAGES] = "total_swap_pages",
	[KERNEL_INIT_UTS_NS] = "init_uts_ns",
	[KERNEL_SAVED_COMMAND_LINE] = "saved_command_line",
	[KERNEL_TK_CORE] = "tk_core",
	[KERNEL_RET_FROM_FORK] = "ret_from_fork",
	[KERNEL_RET_FROM_FORK_ASM] = "ret_from_fork_asm",
	[KERNEL_SCHED_TEXT_START] = "__sched_text_start",
	[KERNEL_SCHED_TEXT_END] = "__sched_text_end",
};

#define MEMBER(type_, member_)                                                                                         \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}
#define ENUMERATOR(name_)                                                                                              \
	{                                                                                                              \
		.member = (name_), .is_enumerator = true                                                               \
	}

// What has another name, or another place, in some kernels is told apart by who uses it.
static const struct btf_query member_names[KERNEL_MEMBER_COUNT] = {
	[KERNEL_TASK] = {.type = "task_struct"},
	// Since Linux kernel commit 2f064a59a11f ("sched: Change task_struct::state") (in v5.14).
	[KERNEL_TASK___STATE] = MEMBER("task_struct", "__state"),
	[KERNEL_TASK_STATE] = MEMBER("task_struct", "state"),
	[KERNEL_TASK_STACK] = MEMBER("task_struct", "stack"),
	[KERNEL_TASK_FLAGS] = MEMBER("task_struct", "flags"),
	[KERNEL_TASK_TASKS] = MEMBER("task_struct", "tasks"),
	[KERNEL_TASK_MM] = MEMBER("task_struct", "mm"),
	[KERNEL_TASK_EXIT_STATE] = MEMBER("task_struct", "exit_state"),
	[KERNEL_TASK_PID] = MEMBER("task_struct", "pid"),
	[KERNEL_TASK_TGID] = MEMBER("task_struct", "tgid"),
	[KERNEL_TASK_THREAD_NODE] = MEMBER("task_struct", "thread_node"),
	[KERNEL_TASK_COMM] = MEMBER("task_struct", "comm"),
	[KERNEL_TASK_SIGNAL] = MEMBER("task_struct", "signal"),
	[KERNEL_TASK_THREAD] = MEMBER("task_struct", "thread"),
	// Until Linux kernel commit bcf9033e5449 ("sched: move CPU field back into thread_info if THREAD_INFO_IN_TASK=y") (in
	// v5.16).
	[KERNEL_TASK_CPU] = MEMBER("task_struct", "cpu"),
	[KERNEL_TASK_PARENT] = MEMBER("task_struct", "parent"),
	[KERNEL_SIGNAL_THREAD_HEAD] = MEMBER("signal_struct", "thread_head"),
	[KERNEL_THREAD_SP] = MEMBER("thread_struct", "sp"),
	[KERNEL_THREAD_INFO_CPU] = MEMBER("thread_info", "cpu"),
	[KERNEL_FRAME] = {.type = "inactive_task_frame"},
	[KERNEL_FRAME_BP] = MEMBER("inactive_task_frame", "bp"),
	[KERNEL_FRAME_RET_ADDR] = MEMBER("inactive_task_frame", "ret_addr"),
	// Of arm64, as stackframe in struct pt_regs.
	[KERNEL_THREAD_CPU_CONTEXT] = MEMBER("thread_struct", "cpu_context"),
	[KERNEL_CPU_CONTEXT_FP] = MEMBER("cpu_context", "fp"),
	[KERNEL_CPU_CONTEXT_SP] = MEMBER("cpu_context", "sp"),
	[KERNEL_CPU_CONTEXT_PC] = MEMBER("cpu_context", "pc"),
	[KERNEL_PT_REGS] = {.type = "pt_regs"},
	[KERNEL_PT_REGS_STACKFRAME] = MEMBER("pt_regs", "stackframe"),
	// Since Linux kernel commit c2c6b27b5aa1 ("arm64: stacktrace: unwind exception boundaries") (in v6.13).
	[KERNEL_FRAME_META_TYPE] = MEMBER("frame_record_meta", "type"),
	[KERNEL_RQ_CURR] = MEMBER("rq", "curr"),
	[KERNEL_RQ_IDLE] = MEMBER("rq", "idle"),
	[KERNEL_MM_PGD] = MEMBER("mm_struct", "pgd"),
	[KERNEL_MM_TOTAL_VM] = MEMBER("mm_struct", "total_vm"),
	[KERNEL_MODULE_LIST] = MEMBER("module", "list"),
	[KERNEL_MODULE_NAME] = MEMBER("module", "name"),
	[KERNEL_MODULE_TAINTS] = MEMBER("module", "taints"),
	// Until Linux kernel commit ac3b43283923 ("module: replace module_layout with module_memory") (in v6.4).
	[KERNEL_MODULE_CORE_LAYOUT] = MEMBER("module", "core_layout"),
	[KERNEL_MODULE_INIT_LAYOUT] = MEMBER("module", "init_layout"),
	[KERNEL_MODULE_MEM] = MEMBER("module", "mem"),
	[KERNEL_MODULE_ARCH] = MEMBER("module", "arch"),
	[KERNEL_MODULE_KALLSYMS] = MEMBER("module", "kallsyms"),
	[KERNEL_MODULE_LAYOUT_BASE] = MEMBER("module_layout", "base"),
	[KERNEL_MODULE_LAYOUT_SIZE] = MEMBER("module_layout", "size"),
	[KERNEL_MODULE_MEMORY] = {.type = "module_memory"},
	[KERNEL_MODULE_MEMORY_BASE] = MEMBER("module_memory", "base"),
	[KERNEL_MODULE_MEMORY_SIZE] = MEMBER("module_memory", "size"),
	[KERNEL_MODULE_NUM_ORCS] = MEMBER("mod_arch_specific", "num_orcs"),
	[KERNEL_MODULE_ORC_UNWIND] = MEMBER("mod_arch_specific", "orc_unwind"),
	[KERNEL_MODULE_ORC_UNWIND_IP] = MEMBER("mod_arch_specific", "orc_unwind_ip"),
	[KERNEL_KALLSYMS_SYMTAB] = MEMBER("mod_kallsyms", "symtab"),
	[KERNEL_KALLSYMS_NUM_SYMTAB] = MEMBER("mod_kallsyms", "num_symtab"),
	[KERNEL_KALLSYMS_STRTAB] = MEMBER("mod_kallsyms", "strtab"),
	[KERNEL_ORC_ENTRY] = {.type = "orc_entry"},
	[KERNEL_ORC_ENTRY_SIGNAL] = MEMBER("orc_entry", "signal"),
	[KERNEL_ORC_ENTRY_END] = MEMBER("orc_entry", "end"),
	[KERNEL_TAINT_FLAG] = {.type = "taint_flag"},
	[KERNEL_TAINT_FLAG_TRUE] = MEMBER("taint_flag", "c_true"),
	[KERNEL_TIMEKEEPER_XTIME_SEC] = MEMBER("timekeeper", "xtime_sec"),
	[KERNEL_TIMEKEEPER_WALL_TO_MONOTONIC] = MEMBER("timekeeper", "wall_to_monotonic"),
	[KERNEL_UTS_NAME] = MEMBER("uts_namespace", "name"),
	[KERNEL_UTSNAME_NODENAME] = MEMBER("new_utsname", "nodename"),
	[KERNEL_UTSNAME_RELEASE] = MEMBER("new_utsname", "release"),
	[KERNEL_UTSNAME_VERSION] = MEMBER("new_utsname", "version"),
	[KERNEL_UTSNAME_MACHINE] = MEMBER("new_utsname", "machine"),
	[KERNEL_NR_FREE_PAGES] = ENUMERATOR("NR_FREE_PAGES"),
	[KERNEL_NR_FILE_PAGES] = ENUMERATOR("NR_FILE_PAGES"),
	[KERNEL_NR_ANON_MAPPED] = ENUMERATOR("NR_ANON_MAPPED"),
	[KERNEL_NR_SHMEM] = ENUMERATOR("NR_SHMEM"),
	// The _B: since Linux kernel commit d42f3245c7e2 ("mm: memcg: convert vmstat slab counters to bytes") (in v5.9); these
	// two are still counted in pages.
	[KERNEL_NR_SLAB_RECLAIMABLE] = ENUMERATOR("NR_SLAB_RECLAIMABLE_B"),
	[KERNEL_NR_SLAB_UNRECLAIMABLE] = ENUMERATOR("NR_SLAB_UNRECLAIMABLE_B"),
	// Counted by zones until Linux kernel commit f0c0c115fb81 ("mm: memcontrol: account pagetables per node") (in v5.11).
	[KERNEL_NR_PAGETABLE] = {.type = "node_stat_item", .member = "NR_PAGETABLE", .is_enumerator = true},
	[KERNEL_NR_PAGETABLE_OF_ZONES] = {.type = "zone_stat_item", .member = "NR_PAGETABLE", .is_enumerator = true},
};

void kernel_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void kernel_explain(char why[KERNEL_WHY_BYTES], struct error *err)
{
	snprintf(why, KERNEL_WHY_BYTES, "%.*s", KERNEL_WHY_BYTES - 1, err ? err->text : "");
	kernel_plain(why);
	error_free(err);
}

struct error *kernel_find_symbols(struct kernel *kernel, const char *const *names, size_t count, uint64_t *ret)
{
	_cleanup_free_ struct kallsyms_query *queries = calloc(count + 1, sizeof(*queries));
	struct error *err;

	memset(ret, 0, count * sizeof(*ret));
	if (!queries)
		return error_new(ERROR_NOMEM, "out of memory");
	if (!kernel->syms)
		return error_new(ERROR_UNSUPPORTED, "%s", kernel->symbols_why);
	for (size_t i = 0; i < count; i++)
		queries[i].name = names[i];
	err = kallsyms_lookup(kernel->syms, &kernel->reader, queries, count);
	for (size_t i = 0; i < count; i++)
		if (queries[i].is_found)
			ret[i] = queries[i].vaddr;
	return err;
}

struct error *kernel_find_members(struct kernel *kernel, struct btf_query *queries, size_t count)
{
	struct kallsyms_extent place = {kernel->symbols[KERNEL_BTF_START], kernel->symbols[KERNEL_BTF_STOP]};

	if (!kernel->syms)
		return error_new(ERROR_UNSUPPORTED, "no types without symbols");
	if (place.vaddr && place.vaddr_end)
		return btf_lookup_at(kernel->core, &kernel->xlat, &place, &kernel->reader, queries, count);
	return btf_lookup(kernel->core, &kernel->xlat, kernel->syms, &kernel->reader, queries, count);
}

static struct error *find_symbols(struct kernel *kernel)
{
	struct error *err = kallsyms_create(kernel->core, &kernel->xlat, &kernel->reader, &kernel->syms);

	return err ? err : kernel_find_symbols(kernel, symbol_names, KERNEL_SYMBOL_COUNT, kernel->symbols);
}

static uint32_t count_cpus(struct kernel *kernel)
{
	uint64_t count = 0;
	struct error *err = kernel_variable(kernel, KERNEL_NR_CPU_IDS, 4, &count);

	error_free(err);
	// Where it is a constant nobody needs the variable: that of a kernel for one CPU. Others may not tell of variables at all.
	if (err || !count)
		count = prstatus_count(kernel->core);
	if (!count)
		return 1;
	return count < KERNEL_CPUS_MAX ? (uint32_t)count : KERNEL_CPUS_MAX;
}

struct error *kernel_open(const struct vmcore *core, struct kernel **ret)
{
	_cleanup_(kernel_closep) struct kernel *kernel = calloc(1, sizeof(*kernel));
	struct error *err;

	if (!kernel)
		return error_new(ERROR_NOMEM, "out of memory");
	kernel->core = core;
	memcpy(kernel->members, member_names, sizeof(kernel->members));
	vmreader_init(&kernel->reader, core, VMREADER_WINDOW_TABLE_BYTES);
	err = xlat_init(&kernel->xlat, core);
	if (!err)
		err = vmemory_create(&kernel->xlat, &kernel->reader, &kernel->memory);
	if (err)
		return err;
	kernel_explain(kernel->symbols_why, find_symbols(kernel));
	kernel_explain(kernel->types_why, kernel_find_members(kernel, kernel->members, KERNEL_MEMBER_COUNT));
	kernel->cpu_count = count_cpus(kernel);
	*ret = take_ptr(kernel);
	return NULL;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	kallsyms_destroy(kernel->syms);
	vmemory_destroy(kernel->memory);
	vmreader_deinit(&kernel->reader);
	free(kernel);
}

bool kernel_has_symbol(const struct kernel *kernel, enum kernel_symbol which)
{
	return kernel->symbols[which];
}

bool kernel_has(const struct kernel *kernel, enum kernel_member which)
{
	return kernel->members[which].is_found;
}

struct error *kernel_need(const struct kernel *kernel, const enum kernel_member *which, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct btf_query *query = &kernel->members[which[i]];

		if (query->is_found)
			continue;
		if (kernel->types_why[0])
			return error_new(ERROR_UNSUPPORTED, "%s", kernel->types_why);
		return error_new(ERROR_UNSUPPORTED, "the kernel's types have no %s%s%s", query->type ? query->type : "",
		                 query->type && query->member ? "." : "", query->member ? query->member : "");
	}
	return NULL;
}

struct error *kernel_symbol(const struct kernel *kernel, enum kernel_symbol which, uint64_t *ret)
{
	if (!kernel->symbols[which] && kernel->symbols_why[0])
		return error_new(ERROR_UNSUPPORTED, "%s", kernel->symbols_why);
	if (!kernel->symbols[which])
		return error_new(ERROR_UNSUPPORTED, "the kernel has no symbol %s", symbol_names[which]);
	*ret = kernel->symbols[which];
	return NULL;
}

uint64_t kernel_at(const struct kernel *kernel, uint64_t vaddr, enum kernel_member which)
{
	return vaddr + kernel->members[which].offset_bytes;
}

struct error *kernel_get(struct kernel *kernel, uint64_t vaddr, enum kernel_member which, uint64_t *ret)
{
	const struct btf_query *query = &kernel->members[which];
	struct error *err = kernel_need(kernel, &which, 1);

	if (!err)
		err = vmemory_uint(kernel->memory, vaddr + query->offset_bytes, query->size_bytes, ret);
	return error_wrap(err, "%s.%s", query->type, query->member);
}

struct error *kernel_variable(struct kernel *kernel, enum kernel_symbol which, size_t size_bytes, uint64_t *ret)
{
	uint64_t vaddr = 0;
	struct error *err = kernel_symbol(kernel, which, &vaddr);

	return err ? err : error_wrap(vmemory_uint(kernel->memory, vaddr, size_bytes, ret), "%s", symbol_names[which]);
}

struct error *kernel_cpu_copy(struct kernel *kernel, uint64_t vaddr, uint32_t cpu, uint64_t *ret)
{
	uint64_t offsets = 0, offset = 0;
	struct error *err = kernel_symbol(kernel, KERNEL_PER_CPU_OFFSET, &offsets);

	if (!err)
		err = vmemory_uint(kernel->memory, offsets + 8 * (uint64_t)cpu, 8, &offset);
	if (!err)
		*ret = vaddr + offset;
	return error_wrap(err, "CPU %u", cpu);
}

struct error *kernel_per_cpu(struct kernel *kernel, enum kernel_symbol which, uint32_t cpu, uint64_t *ret)
{
	uint64_t vaddr = 0;
	struct error *err = kernel_symbol(kernel, which, &vaddr);

	return err ? error_wrap(err, "CPU %u", cpu) : kernel_cpu_copy(kernel, vaddr, cpu, ret);
}

bool kernel_cpu_is_in(struct kernel *kernel, enum kernel_symbol which, uint32_t cpu)
{
	uint64_t mask = 0, word = 0;
	struct error *err = kernel_symbol(kernel, which, &mask);

	if (!err)
		err = vmemory_uint(kernel->memory, mask + cpu / 64 * 8, 8, &word);
	error_free(err);
	return err || word >> cpu % 64 & 1;
}
