// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A crashed kernel that explains itself: its symbols, its types and its memory, opened once for all that is reported of it.
 *
 * Knows which symbols and members of structures a report needs, in two tables, and not what they mean. No debugging information is
 * needed: what the kernel's own memory does not tell is missing, and each part of a report says so for itself.
 */
#ifndef REPORT_KERNEL_H
#define REPORT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/btf.h"
#include "core/kallsyms.h"
#include "core/vmcore.h"
#include "core/vmemory.h"
#include "core/xlat.h"

/** Most CPUs that are looked at (Linux arch/x86/Kconfig: NR_CPUS, at most 8192). */
enum { KERNEL_CPUS_MAX = 8192 };

/** Room for a text of what is not known, with its NUL. */
enum { KERNEL_WHY_BYTES = 200 };

/** Symbols: their names are in kernel.c, in this order. */
enum kernel_symbol {
	KERNEL_STEXT,
	KERNEL_ETEXT,
	KERNEL_BTF_START,
	KERNEL_BTF_STOP,
	KERNEL_INIT_TASK,
	KERNEL_RUNQUEUES,
	KERNEL_PER_CPU_OFFSET,
	KERNEL_NR_CPU_IDS,
	KERNEL_CPU_POSSIBLE_MASK,
	KERNEL_CPU_ONLINE_MASK,
	KERNEL_PANIC_CPU,
	KERNEL_CRASH_NOTES,
	KERNEL_TAINTED_MASK,
	KERNEL_TAINT_FLAGS,
	KERNEL_MODULES,
	KERNEL_ORC_IP_START,
	KERNEL_ORC_IP_STOP,
	KERNEL_ORC_START,
	KERNEL_ORC_HEADER,
	KERNEL_ZONE_STAT,
	KERNEL_NODE_STAT,
	KERNEL_TOTALRAM_PAGES,
	KERNEL_NR_SWAP_PAGES,
	KERNEL_TOTAL_SWAP_PAGES,
	KERNEL_INIT_UTS_NS,
	KERNEL_SAVED_COMMAND_LINE,
	KERNEL_TK_CORE,
	KERNEL_RET_FROM_FORK,
	KERNEL_RET_FROM_FORK_ASM,
	KERNEL_SCHED_TEXT_START,
	KERNEL_SCHED_TEXT_END,
	KERNEL_SYMBOL_COUNT,
};

/** Members of structures, and enumerators: their names are in kernel.c, in this order. */
enum kernel_member {
	KERNEL_TASK,
	KERNEL_TASK___STATE,
	KERNEL_TASK_STATE,
	KERNEL_TASK_STACK,
	KERNEL_TASK_FLAGS,
	KERNEL_TASK_TASKS,
	KERNEL_TASK_MM,
	KERNEL_TASK_EXIT_STATE,
	KERNEL_TASK_PID,
	KERNEL_TASK_TGID,
	KERNEL_TASK_THREAD_NODE,
	KERNEL_TASK_COMM,
	KERNEL_TASK_SIGNAL,
	KERNEL_TASK_THREAD,
	KERNEL_TASK_CPU,
	KERNEL_TASK_PARENT,
	KERNEL_SIGNAL_THREAD_HEAD,
	KERNEL_THREAD_SP,
	KERNEL_THREAD_INFO_CPU,
	KERNEL_FRAME,
	KERNEL_FRAME_BP,
	KERNEL_FRAME_RET_ADDR,
	KERNEL_THREAD_CPU_CONTEXT,
	KERNEL_CPU_CONTEXT_FP,
	KERNEL_CPU_CONTEXT_SP,
	KERNEL_CPU_CONTEXT_PC,
	KERNEL_PT_REGS,
	KERNEL_PT_REGS_STACKFRAME,
	KERNEL_FRAME_META_TYPE,
	KERNEL_RQ_CURR,
	KERNEL_RQ_IDLE,
	KERNEL_MM_PGD,
	KERNEL_MM_TOTAL_VM,
	KERNEL_MODULE_LIST,
	KERNEL_MODULE_NAME,
	KERNEL_MODULE_TAINTS,
	KERNEL_MODULE_CORE_LAYOUT,
	KERNEL_MODULE_INIT_LAYOUT,
	KERNEL_MODULE_MEM,
	KERNEL_MODULE_ARCH,
	KERNEL_MODULE_KALLSYMS,
	KERNEL_MODULE_LAYOUT_BASE,
	KERNEL_MODULE_LAYOUT_SIZE,
	KERNEL_MODULE_MEMORY,
	KERNEL_MODULE_MEMORY_BASE,
	KERNEL_MODULE_MEMORY_SIZE,
	KERNEL_MODULE_NUM_ORCS,
	KERNEL_MODULE_ORC_UNWIND,
	KERNEL_MODULE_ORC_UNWIND_IP,
	KERNEL_KALLSYMS_SYMTAB,
	KERNEL_KALLSYMS_NUM_SYMTAB,
	KERNEL_KALLSYMS_STRTAB,
	KERNEL_ORC_ENTRY,
	KERNEL_ORC_ENTRY_SIGNAL,
	KERNEL_ORC_ENTRY_END,
	KERNEL_TAINT_FLAG,
	KERNEL_TAINT_FLAG_TRUE,
	KERNEL_TIMEKEEPER_XTIME_SEC,
	KERNEL_TIMEKEEPER_WALL_TO_MONOTONIC,
	KERNEL_UTS_NAME,
	KERNEL_UTSNAME_NODENAME,
	KERNEL_UTSNAME_RELEASE,
	KERNEL_UTSNAME_VERSION,
	KERNEL_UTSNAME_MACHINE,
	KERNEL_NR_FREE_PAGES,
	KERNEL_NR_FILE_PAGES,
	KERNEL_NR_ANON_MAPPED,
	KERNEL_NR_SHMEM,
	KERNEL_NR_SLAB_RECLAIMABLE,
	KERNEL_NR_SLAB_UNRECLAIMABLE,
	KERNEL_NR_PAGETABLE,
	KERNEL_NR_PAGETABLE_OF_ZONES,
	KERNEL_MEMBER_COUNT,
};

/** The kernel. Owned by one thread. */
struct kernel {
	const struct vmcore *core;
	struct xlat xlat;
	struct vmreader reader;
	struct vmemory *memory;
	struct kallsyms *syms; /**< NULL: there are none, symbols_why says why. */
	uint64_t symbols[KERNEL_SYMBOL_COUNT]; /**< Their addresses; 0: not there. */
	struct btf_query members[KERNEL_MEMBER_COUNT];
	uint32_t cpu_count; /**< CPUs that may be: numbers are below. At least 1. */
	char symbols_why[KERNEL_WHY_BYTES]; /**< Why there are no symbols; "": there are. */
	char types_why[KERNEL_WHY_BYTES]; /**< The same of types. */
};

/**
 * Open the kernel of a dump. That symbols or types are missing is no error: see symbols_why and types_why.
 *
 * @param[in] core The dump; borrowed.
 * @param[out] ret The kernel; kernel_close() it before the dump is closed.
 * @return NULL; ERROR_NOMEM; ERROR_BAD_DATA, ERROR_UNSUPPORTED (its page tables are not known; nothing can be told).
 */
struct error *kernel_open(const struct vmcore *core, struct kernel **ret) must_check;

/** Close. @param[in] kernel May be NULL. */
void kernel_close(struct kernel *kernel);

/** Guard form of kernel_close(). @param[in] kernel Address of the variable. */
static inline void kernel_closep(struct kernel **kernel)
{
	kernel_close(*kernel);
}

/** Make a text of the dump's printable: a terminal that shows it takes no orders from the crashed machine. @param[in,out] text What is no printable ASCII becomes "?". */
void kernel_plain(char *text);

/** Keep an error as the reason why something is not known. @param[out] why Text. @param[in] err Freed. May be NULL: "". */
void kernel_explain(char why[KERNEL_WHY_BYTES], struct error *err);

/**
 * Look up symbols by a table of the caller's, in one pass.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] names Their names.
 * @param[in] count Their number.
 * @param[out] ret Their addresses; 0: not there. Also on error, as far as they were found.
 * @return NULL; ERROR_UNSUPPORTED (there are no symbols); ERROR_NOMEM; as kallsyms_lookup().
 */
struct error *kernel_find_symbols(struct kernel *kernel, const char *const *names, size_t count,
                                  uint64_t *ret) must_check;

/** The same of members and enumerators. @param[in,out] kernel The kernel. @param[in,out] queries They. @param[in] count Their number. @return NULL; ERROR_UNSUPPORTED (there are no types); as btf_lookup(). */
struct error *kernel_find_members(struct kernel *kernel, struct btf_query *queries, size_t count) must_check;

/** Whether the kernel has a symbol. @param[in] kernel The kernel. @param[in] which Which. @return See there. */
bool kernel_has_symbol(const struct kernel *kernel, enum kernel_symbol which);

/** Whether the kernel has a member. @param[in] kernel The kernel. @param[in] which Which. @return See there. */
bool kernel_has(const struct kernel *kernel, enum kernel_member which);

/**
 * That all of some members are there.
 *
 * @param[in] kernel The kernel.
 * @param[in] which Members.
 * @param[in] count Their number.
 * @return NULL; ERROR_UNSUPPORTED: the text names the first that is not, or says why there are no types.
 */
struct error *kernel_need(const struct kernel *kernel, const enum kernel_member *which, size_t count) must_check;

/** Address of a symbol. @param[in] kernel The kernel. @param[in] which Which. @param[out] ret Its address. @return NULL; ERROR_UNSUPPORTED: it is not there; the text names it. */
struct error *kernel_symbol(const struct kernel *kernel, enum kernel_symbol which, uint64_t *ret) must_check;

/** Address of a member. @param[in] kernel The kernel. @param[in] vaddr Of the structure. @param[in] which A member that is there. @return See there. */
uint64_t kernel_at(const struct kernel *kernel, uint64_t vaddr, enum kernel_member which);

/**
 * Read a member that is a number or an address.
 *
 * @param[in,out] kernel The kernel.
 * @param[in] vaddr Of the structure.
 * @param[in] which Which.
 * @param[out] ret Its value.
 * @return NULL; ERROR_UNSUPPORTED (it is not there, or is no number); as vmemory_uint().
 */
struct error *kernel_get(struct kernel *kernel, uint64_t vaddr, enum kernel_member which, uint64_t *ret) must_check;

/** Read a variable of 8 bytes, or of its size. @param[in,out] kernel The kernel. @param[in] which Its symbol. @param[in] size_bytes Its size. @param[out] ret Its value. @return NULL; as kernel_symbol(), vmemory_uint(). */
struct error *kernel_variable(struct kernel *kernel, enum kernel_symbol which, size_t size_bytes,
                              uint64_t *ret) must_check;

/** Address of a CPU's own copy of a variable. @param[in,out] kernel The kernel. @param[in] which Its symbol. @param[in] cpu Number of the CPU. @param[out] ret See there. @return NULL; as kernel_symbol(), vmemory_uint(). */
struct error *kernel_per_cpu(struct kernel *kernel, enum kernel_symbol which, uint32_t cpu, uint64_t *ret) must_check;

/** Address of a CPU's own copy of what a pointer of the kernel's (__percpu) means. @param[in,out] kernel The kernel. @param[in] vaddr The pointer. @param[in] cpu Number of the CPU. @param[out] ret See there. @return NULL; as kernel_symbol(), vmemory_uint(). */
struct error *kernel_cpu_copy(struct kernel *kernel, uint64_t vaddr, uint32_t cpu, uint64_t *ret) must_check;

/** Whether a CPU is in a mask of CPUs. @param[in,out] kernel The kernel. @param[in] which Symbol of the mask. @param[in] cpu Number of the CPU. @return true too if the mask cannot be read. */
bool kernel_cpu_is_in(struct kernel *kernel, enum kernel_symbol which, uint32_t cpu);

#endif
