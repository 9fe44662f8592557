// SPDX-License-Identifier: GPL-2.0-or-later
// Rows of /proc/interrupts without a number, and softirqs.
#include <elf.h>
#include <string.h>

#include "core/arch.h"
#include "core/btf_describe.h"
#include "report/interrupts.h"
#include "report/interrupts_facts.h"

// Rows of x86 (arch/x86/kernel/irq.c: arch_show_interrupts()), in its order.
static const struct machine_row {
	const char *name, *text;
	const char *member; // Of irq_cpustat_t; NULL: a variable.
	enum interrupts_symbol symbol; // That one.
	bool is_single; // Of all CPUs.
	unsigned int vector; // Not shown unless this one is in use; 0: always.
} machine_rows[] = {
	{"NMI", "Non-maskable interrupts", "__nmi_count", 0, false, 0},
	{"LOC", "Local timer interrupts", "apic_timer_irqs", 0, false, 0},
	{"SPU", "Spurious interrupts", "irq_spurious_count", 0, false, 0},
	{"PMI", "Performance monitoring interrupts", "apic_perf_irqs", 0, false, 0},
	{"IWI", "IRQ work interrupts", "apic_irq_work_irqs", 0, false, 0},
	{"RTR", "APIC ICR read retries", "icr_read_retry_count", 0, false, 0},
	{"PLT", "Platform interrupts", "x86_platform_ipis", 0, false, 0},
	{"RES", "Rescheduling interrupts", "irq_resched_count", 0, false, 0},
	{"CAL", "Function call interrupts", "irq_call_count", 0, false, 0},
	{"TLB", "TLB shootdowns", "irq_tlb_count", 0, false, 0},
	{"TRM", "Thermal event interrupts", "irq_thermal_count", 0, false, 0},
	{"THR", "Threshold APIC interrupts", "irq_threshold_count", 0, false, 0},
	{"DFR", "Deferred Error APIC interrupts", "irq_deferred_error_count", 0, false, 0},
	{"MCE", "Machine check exceptions", NULL, INTERRUPTS_MCE_EXCEPTIONS, false, 0},
	{"MCP", "Machine check polls", NULL, INTERRUPTS_MCE_POLLS, false, 0},
	{"HYP", "Hypervisor callback interrupts", "irq_hv_callback_count", 0, false, 0xf3},
	{"HRE", "Hyper-V reenlightenment interrupts", "irq_hv_reenlightenment_count", 0, false, 0xee},
	{"HVS", "Hyper-V stimer0 interrupts", "hyperv_stimer0_count", 0, false, 0xed},
	{"ERR", "", NULL, INTERRUPTS_ERRORS, true, 0},
	{"MIS", "", NULL, INTERRUPTS_MISROUTED, true, 0},
	{"PIN", "Posted-interrupt notification event", "kvm_posted_intr_ipis", 0, false, 0},
	{"NPI", "Nested posted-interrupt event", "kvm_posted_intr_nested_ipis", 0, false, 0},
	{"PIW", "Posted-interrupt wakeup event", "kvm_posted_intr_wakeup_ipis", 0, false, 0},
	{"PMN", "Posted MSI notification event", "posted_msi_notification_count", 0, false, 0},
};

enum { VECTORS = 256 };

// Where the members of irq_cpustat_t are, which is a name for a structure without one.
struct places {
	bool is_known[array_size(machine_rows)];
	uint64_t offset_bytes[array_size(machine_rows)];
	uint64_t counts_offset_bytes, counts_bytes; // Of its array; 0: it has none.
};

static void take_member(void *context, const struct btf_describe *row)
{
	struct places *places = context;

	if (row->depth != 1)
		return;
	if (strcmp(row->name, "counts") == 0) {
		places->counts_offset_bytes = row->offset_bits / 8;
		places->counts_bytes = row->size_bytes;
	}
	for (size_t i = 0; i < array_size(machine_rows); i++) {
		if (!machine_rows[i].member || strcmp(machine_rows[i].member, row->name) != 0)
			continue;
		places->is_known[i] = true;
		places->offset_bytes[i] = row->offset_bits / 8;
	}
}

// Counts of all CPUs, of what each has.
static struct error *read_counts(struct interrupts *interrupts, uint64_t vaddr)
{
	struct kernel *kernel = interrupts->facts.kernel;
	struct error *err = NULL;

	for (uint32_t i = 0; i < interrupts->cpu_count && !err; i++) {
		uint64_t copy = 0, count = 0;

		err = kernel_cpu_copy(kernel, vaddr, interrupts->cpus[i], &copy);
		if (!err)
			err = vmemory_uint(kernel->memory, copy, 4, &count);
		interrupts->counts[i] = (uint32_t)count;
	}
	return err;
}

static bool has_vector(const struct facts *facts, uint64_t vector)
{
	uint64_t vectors = facts->symbols[INTERRUPTS_SYSTEM_VECTORS], word = 0;
	struct error *err;

	if (!vectors || vector >= VECTORS)
		return false;
	err = vmemory_uint(facts->kernel->memory, vectors + vector / 64 * 8, 8, &word);
	error_free(err);
	return !err && word >> vector % 64 & 1;
}

// The platform's interrupts have a handler on few machines.
static bool has_platform(const struct facts *facts)
{
	uint64_t callback = 0;

	error_free(facts_variable(facts, INTERRUPTS_PLATFORM_CALLBACK, 8, &callback));
	return callback;
}

// Rows that a kernel does not have, or does not show.
static bool is_shown(const struct interrupts *interrupts, const struct places *places, size_t i)
{
	const struct facts *facts = &interrupts->facts;
	const struct machine_row *row = &machine_rows[i];

	if (row->member ? !places->is_known[i] : !facts->symbols[row->symbol])
		return false;
	if (strcmp(row->name, "PLT") == 0)
		return has_platform(facts);
	return !row->vector || has_vector(facts, row->vector);
}

static struct error *tell_members(struct interrupts *interrupts, const struct places *places, interrupts_each *each,
                                  void *context)
{
	const struct facts *facts = &interrupts->facts;
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(machine_rows) && !err; i++) {
		const struct machine_row *made = &machine_rows[i];
		struct interrupts_row row = {.is_single = made->is_single};
		uint64_t vaddr = 0, count = 0;

		if (!is_shown(interrupts, places, i))
			continue;
		snprintf(row.name, sizeof(row.name), "%s", made->name);
		snprintf(row.text, sizeof(row.text), "%s", made->text);
		vaddr = made->member ? facts->symbols[INTERRUPTS_STAT] + places->offset_bytes[i]
		                     : facts->symbols[made->symbol];
		if (!made->is_single) {
			err = read_counts(interrupts, vaddr);
		} else {
			err = vmemory_uint(facts->kernel->memory, vaddr, 4, &count);
			interrupts->counts[0] = (uint32_t)count;
		}
		if (!err)
			each(context, &row);
	}
	return err;
}

// The kernel's texts begin with the room in front of them, and end their line, which is not printable.
static void trim(char *text)
{
	size_t blanks = strspn(text, " "), size = strlen(text + blanks);

	memmove(text, text + blanks, size + 1);
	if (size && text[size - 1] == '?')
		text[size - 1] = '\0';
}

// Newer kernels have an array, and a table of what is in it.
static struct error *tell_counts(struct interrupts *interrupts, const struct places *places, interrupts_each *each,
                                 void *context)
{
	static const unsigned int needed[] = {INTERRUPTS_INFO, INTERRUPTS_INFO_SKIP, INTERRUPTS_INFO_SYMBOL,
	                                      INTERRUPTS_INFO_TEXT, INTERRUPTS_INFO_COUNT};
	const struct facts *facts = &interrupts->facts;
	uint64_t table = 0, stat = facts->symbols[INTERRUPTS_STAT] + places->counts_offset_bytes;
	struct error *err = facts_need(facts, needed, array_size(needed));
	uint64_t count = places->counts_bytes / 4, step = facts_bytes(facts, INTERRUPTS_INFO);

	if (!err)
		err = facts_symbol(facts, INTERRUPTS_STAT_INFO, &table);
	if (!err && facts->members[INTERRUPTS_INFO_COUNT].value < (int64_t)count)
		count = facts->members[INTERRUPTS_INFO_COUNT].value > 0
		                ? (uint64_t)facts->members[INTERRUPTS_INFO_COUNT].value
		                : 0;
	for (uint64_t i = 0; i < count && i < INTERRUPTS_ROWS_MAX && !err; i++) {
		struct interrupts_row row = {0};
		uint64_t skip = 0, name = 0, text = 0, info = table + i * step;

		err = facts_get(facts, info, INTERRUPTS_INFO_SKIP, &skip);
		if (!err)
			err = facts_get(facts, info, INTERRUPTS_INFO_SYMBOL, &name);
		if (!err)
			err = facts_get(facts, info, INTERRUPTS_INFO_TEXT, &text);
		if (err || !name || (skip && !has_vector(facts, skip)))
			continue;
		err = vmemory_text(facts->kernel->memory, name, row.name, sizeof(row.name));
		if (!err && text)
			err = vmemory_text(facts->kernel->memory, text, row.text, sizeof(row.text));
		if (!err && strcmp(row.name, "PLT") == 0 && !has_platform(facts))
			continue;
		trim(row.text);
		if (!err)
			err = read_counts(interrupts, stat + 4 * i);
		if (!err)
			each(context, &row);
	}
	return err;
}

// x86 counts in one structure of each CPU.
static struct error *tell_x86(struct interrupts *interrupts, interrupts_each *each, void *context)
{
	struct kernel *kernel = interrupts->facts.kernel;
	struct places places = {0};
	uint64_t stat = 0;
	struct error *err = facts_symbol(&interrupts->facts, INTERRUPTS_STAT, &stat);

	if (!err)
		err = btf_describe(kernel->core, &kernel->xlat, kernel->syms, &kernel->reader, "irq_cpustat_t",
		                   take_member, &places);
	if (err)
		return err;
	return places.counts_bytes ? tell_counts(interrupts, &places, each, context)
	                           : tell_members(interrupts, &places, each, context);
}

static struct error *read_ipi(struct interrupts *interrupts, uint64_t number)
{
	const struct facts *facts = &interrupts->facts;
	struct kernel *kernel = facts->kernel;
	struct error *err = NULL;

	for (uint32_t i = 0; i < interrupts->cpu_count && !err; i++) {
		uint64_t at = facts->symbols[INTERRUPTS_IPI_DESC], desc = 0, pointer = 0, copy = 0, count = 0;

		if (!at)
			err = kernel_cpu_copy(kernel, facts->symbols[INTERRUPTS_IPI_DESCS], interrupts->cpus[i], &at);
		if (!err)
			err = vmemory_uint(kernel->memory, at + 8 * number, 8, &desc);
		if (!err && desc)
			err = facts_get(facts, desc, INTERRUPTS_DESC_KSTAT, &pointer);
		if (!err && pointer)
			err = kernel_cpu_copy(kernel, pointer, interrupts->cpus[i], &copy);
		if (!err && copy)
			err = vmemory_uint(kernel->memory, copy, 4, &count);
		interrupts->counts[i] = (uint32_t)count;
	}
	return err;
}

// arm64 has descriptors for what CPUs send to each other, which are hidden (arch/arm64/kernel/smp.c).
static struct error *tell_arm64(struct interrupts *interrupts, interrupts_each *each, void *context)
{
	const struct facts *facts = &interrupts->facts;
	struct vmemory *memory = facts->kernel->memory;
	bool has_max = facts_has(facts, INTERRUPTS_MAX_IPI);
	int64_t ipis = facts->members[has_max ? INTERRUPTS_MAX_IPI : INTERRUPTS_NR_IPI].value;
	uint64_t types = 0, count = 0;
	struct interrupts_row error_row = {.name = "Err", .is_single = true};
	struct error *err = facts_symbol(facts, INTERRUPTS_IPI_TYPES, &types);

	if (!err && !facts->symbols[INTERRUPTS_IPI_DESC] && !facts->symbols[INTERRUPTS_IPI_DESCS])
		err = error_new(ERROR_UNSUPPORTED, "the kernel has no symbol ipi_desc or pcpu_ipi_desc");
	for (int64_t i = 0; i < ipis && i < INTERRUPTS_ROWS_MAX && !err; i++) {
		struct interrupts_row row = {0};
		uint64_t text = 0;

		snprintf(row.name, sizeof(row.name), "IPI%d", (int)i);
		err = vmemory_uint(memory, types + 8 * (uint64_t)i, 8, &text);
		if (!err && text)
			err = vmemory_text(memory, text, row.text, sizeof(row.text));
		if (!err)
			err = read_ipi(interrupts, (uint64_t)i);
		if (!err)
			each(context, &row);
	}
	if (!err)
		err = facts_variable(facts, INTERRUPTS_ERRORS, 4, &count);
	if (err)
		return err;
	interrupts->counts[0] = (uint32_t)count;
	each(context, &error_row);
	return NULL;
}

struct error *interrupts_machine(struct interrupts *interrupts, interrupts_each *each, void *context)
{
	switch (interrupts->facts.kernel->core->arch->elf_machine) {
	case EM_X86_64:
		return tell_x86(interrupts, each, context);
	case EM_AARCH64:
		return tell_arm64(interrupts, each, context);
	default:
		return error_new(ERROR_UNSUPPORTED, "interrupts without a number are not known on this machine");
	}
}

struct error *interrupts_soft(struct interrupts *interrupts, interrupts_each *each, void *context)
{
	static const unsigned int needed[] = {INTERRUPTS_KERNEL_STAT_SOFTIRQS};
	const struct facts *facts = &interrupts->facts;
	uint64_t kstat = 0, names = 0, count = facts_bytes(facts, INTERRUPTS_KERNEL_STAT_SOFTIRQS) / 4;
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = facts_symbol(facts, INTERRUPTS_KSTAT, &kstat);
	if (!err)
		err = facts_symbol(facts, INTERRUPTS_SOFTIRQ_NAMES, &names);
	for (uint64_t i = 0; i < count && i < INTERRUPTS_ROWS_MAX && !err; i++) {
		struct interrupts_row row = {0};
		uint64_t name = 0;

		err = vmemory_uint(facts->kernel->memory, names + 8 * i, 8, &name);
		if (!err)
			err = vmemory_text(facts->kernel->memory, name, row.name, sizeof(row.name));
		if (!err)
			err = read_counts(interrupts, facts_at(facts, kstat, INTERRUPTS_KERNEL_STAT_SOFTIRQS) + 4 * i);
		if (!err)
			each(context, &row);
	}
	return err;
}
