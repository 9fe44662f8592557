// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/interrupts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/idtree.h"
#include "report/interrupts_facts.h"

static const char *const symbols[INTERRUPTS_SYMBOL_COUNT] = {
	// Descriptors: an xarray, since Linux v6.5 a maple tree; without CONFIG_SPARSE_IRQ an array.
	[INTERRUPTS_TREE] = "irq_desc_tree",
	[INTERRUPTS_MAPLE] = "sparse_irqs",
	[INTERRUPTS_ARRAY] = "irq_desc",
	[INTERRUPTS_NR_IRQS] = "nr_irqs",
	[INTERRUPTS_CHAINED_ACTION] = "chained_action",
	[INTERRUPTS_KSTAT] = "kstat",
	[INTERRUPTS_SOFTIRQ_NAMES] = "softirq_to_name",
	[INTERRUPTS_STAT] = "irq_stat",
	[INTERRUPTS_STAT_INFO] = "irq_stat_info",
	[INTERRUPTS_SYSTEM_VECTORS] = "system_vectors",
	[INTERRUPTS_PLATFORM_CALLBACK] = "x86_platform_ipi_callback",
	[INTERRUPTS_MCE_EXCEPTIONS] = "mce_exception_count",
	[INTERRUPTS_MCE_POLLS] = "mce_poll_count",
	[INTERRUPTS_ERRORS] = "irq_err_count",
	[INTERRUPTS_MISROUTED] = "irq_mis_count",
	// arm64: descriptors, of all CPUs or of each.
	[INTERRUPTS_IPI_DESC] = "ipi_desc",
	[INTERRUPTS_IPI_DESCS] = "pcpu_ipi_desc",
	[INTERRUPTS_IPI_TYPES] = "ipi_types",
};

static const struct btf_query members[INTERRUPTS_MEMBER_COUNT] = {
	[INTERRUPTS_DESC] = {.type = "irq_desc"},
	[INTERRUPTS_DESC_DATA] = FACTS_MEMBER("irq_desc", "irq_data"),
	[INTERRUPTS_DESC_KSTAT] = FACTS_MEMBER("irq_desc", "kstat_irqs"),
	[INTERRUPTS_DESC_ACTION] = FACTS_MEMBER("irq_desc", "action"),
	[INTERRUPTS_DESC_STATUS] = FACTS_MEMBER("irq_desc", "status_use_accessors"),
	[INTERRUPTS_DESC_NAME] = FACTS_MEMBER("irq_desc", "name"),
	[INTERRUPTS_DATA_HWIRQ] = FACTS_MEMBER("irq_data", "hwirq"),
	[INTERRUPTS_DATA_COMMON] = FACTS_MEMBER("irq_data", "common"),
	[INTERRUPTS_DATA_CHIP] = FACTS_MEMBER("irq_data", "chip"),
	[INTERRUPTS_DATA_DOMAIN] = FACTS_MEMBER("irq_data", "domain"),
	[INTERRUPTS_COMMON_STATE] = FACTS_MEMBER("irq_common_data", "state_use_accessors"),
	[INTERRUPTS_COMMON_AFFINITY] = FACTS_MEMBER("irq_common_data", "affinity"),
	[INTERRUPTS_COMMON_EFFECTIVE] = FACTS_MEMBER("irq_common_data", "effective_affinity"),
	[INTERRUPTS_CHIP_NAME] = FACTS_MEMBER("irq_chip", "name"),
	[INTERRUPTS_ACTION_NEXT] = FACTS_MEMBER("irqaction", "next"),
	[INTERRUPTS_ACTION_NAME] = FACTS_MEMBER("irqaction", "name"),
	[INTERRUPTS_CPUMASK] = {.type = "cpumask"},
	[INTERRUPTS_KERNEL_STAT_SOFTIRQS] = FACTS_MEMBER("kernel_stat", "softirqs"),
	// Bits; 0 where a kernel does not have them.
	[INTERRUPTS_HIDDEN] = FACTS_ENUMERATOR(NULL, "IRQ_HIDDEN"),
	[INTERRUPTS_LEVEL] = FACTS_ENUMERATOR(NULL, "IRQD_LEVEL"),
	[INTERRUPTS_INFO] = {.type = "irq_stat_info"},
	[INTERRUPTS_INFO_SKIP] = FACTS_MEMBER("irq_stat_info", "skip_vector"),
	[INTERRUPTS_INFO_SYMBOL] = FACTS_MEMBER("irq_stat_info", "symbol"),
	[INTERRUPTS_INFO_TEXT] = FACTS_MEMBER("irq_stat_info", "text"),
	[INTERRUPTS_INFO_COUNT] = FACTS_ENUMERATOR("irq_stat_counts", "IRQ_COUNT_MAX"),
	[INTERRUPTS_NR_IPI] = FACTS_ENUMERATOR("ipi_msg_type", "NR_IPI"),
	[INTERRUPTS_MAX_IPI] = FACTS_ENUMERATOR("ipi_msg_type", "MAX_IPI"),
};

enum {
	// include/linux/irq.h: IRQD_TRIGGER_MASK, which is what include/linux/interrupt.h calls IRQF_TRIGGER_*.
	TRIGGER_MASK = 15,
	WORD_BITS = 64,
};

static struct error *take_desc(void *context, uint64_t number, uint64_t vaddr)
{
	struct interrupts *interrupts = context;

	if (number > UINT32_MAX)
		return error_new(ERROR_BAD_DATA, "interrupt %" PRIu64, number);
	if (interrupts->count >= INTERRUPTS_MAX)
		return error_new(ERROR_BAD_DATA, "more than %d interrupts", INTERRUPTS_MAX);
	if (interrupts->count == interrupts->room) {
		size_t room = interrupts->room ? 2 * interrupts->room : 64;
		struct interrupts_place *list = reallocarray(interrupts->list, room, sizeof(*list));

		if (!list)
			return error_new(ERROR_NOMEM, "no memory for the list of interrupts");
		interrupts->list = list;
		interrupts->room = room;
	}
	interrupts->list[interrupts->count++] = (struct interrupts_place){(uint32_t)number, vaddr};
	return NULL;
}

static struct error *find_array(struct interrupts *interrupts, uint64_t vaddr)
{
	uint64_t step = facts_bytes(&interrupts->facts, INTERRUPTS_DESC), count = 0;
	struct error *err = facts_variable(&interrupts->facts, INTERRUPTS_NR_IRQS, 4, &count);

	if (!err && !step)
		err = error_new(ERROR_UNSUPPORTED, "the kernel's types have no irq_desc");
	for (uint64_t i = 0; i < count && !err; i++)
		err = take_desc(interrupts, i, vaddr + i * step);
	return err;
}

static struct error *find_all(struct interrupts *interrupts, struct kernel *kernel)
{
	const uint64_t *at = interrupts->facts.symbols;

	if (at[INTERRUPTS_MAPLE])
		return idtree_maple(kernel, at[INTERRUPTS_MAPLE], INTERRUPTS_MAX * (size_t)2, take_desc, interrupts);
	if (at[INTERRUPTS_TREE])
		return idtree_xarray(kernel, at[INTERRUPTS_TREE], INTERRUPTS_MAX * (size_t)2, take_desc, interrupts);
	if (at[INTERRUPTS_ARRAY])
		return find_array(interrupts, at[INTERRUPTS_ARRAY]);
	return error_new(ERROR_UNSUPPORTED, "%s",
	                 kernel->symbols_why[0] ? kernel->symbols_why
	                                        : "the kernel has no symbol sparse_irqs, irq_desc_tree or irq_desc");
}

struct error *interrupts_init(struct interrupts *ret, struct kernel *kernel)
{
	struct error *err;

	*ret = (struct interrupts){0};
	err = facts_init(&ret->facts, kernel, symbols, INTERRUPTS_SYMBOL_COUNT, members, INTERRUPTS_MEMBER_COUNT);
	if (err)
		return err;
	ret->cpus = calloc(kernel->cpu_count, sizeof(*ret->cpus));
	ret->counts = calloc(kernel->cpu_count, sizeof(*ret->counts));
	if (!ret->cpus || !ret->counts)
		return error_new(ERROR_NOMEM, "no memory for counts of interrupts");
	for (uint32_t cpu = 0; cpu < kernel->cpu_count; cpu++)
		if (kernel_cpu_is_in(kernel, KERNEL_CPU_ONLINE_MASK, cpu))
			ret->cpus[ret->cpu_count++] = cpu;
	err = find_all(ret, kernel);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	return NULL;
}

void interrupts_deinit(struct interrupts *interrupts)
{
	facts_deinit(&interrupts->facts);
	free(interrupts->list);
	free(interrupts->cpus);
	free(interrupts->counts);
}

// A text behind a pointer, or another one where there is none.
static struct error *read_name(const struct facts *facts, uint64_t vaddr, unsigned int member, char *text, size_t room)
{
	uint64_t name = 0;
	struct error *err = facts_get(facts, vaddr, member, &name);

	return !err && name ? vmemory_text(facts->kernel->memory, name, text, room) : err;
}

static struct error *read_chip(const struct facts *facts, uint64_t data, struct interrupts_line *line)
{
	uint64_t chip = 0, domain = 0;
	struct error *err = facts_get(facts, data, INTERRUPTS_DATA_CHIP, &chip);

	strcpy(line->chip, chip ? "-" : "None");
	if (!err && chip)
		err = read_name(facts, chip, INTERRUPTS_CHIP_NAME, line->chip, sizeof(line->chip));
	// CONFIG_IRQ_DOMAIN.
	if (!err && facts_has(facts, INTERRUPTS_DATA_DOMAIN))
		err = facts_get(facts, data, INTERRUPTS_DATA_DOMAIN, &domain);
	line->has_hardware_number = domain;
	return !err && domain ? facts_get(facts, data, INTERRUPTS_DATA_HWIRQ, &line->hardware_number) : err;
}

static struct error *read_actions(const struct facts *facts, uint64_t action, struct interrupts_line *line)
{
	struct error *err = NULL;
	size_t used = 0;

	for (unsigned int i = 0; action && !err; i++) {
		char name[INTERRUPTS_NAME_BYTES] = "";

		if (i == INTERRUPTS_ACTIONS_MAX)
			return error_new(ERROR_BAD_DATA, "the handlers of interrupt %u have no end", line->number);
		err = read_name(facts, action, INTERRUPTS_ACTION_NAME, name, sizeof(name));
		if (!err && used + strlen(name) + 3 < sizeof(line->actions))
			used += (size_t)snprintf(line->actions + used, sizeof(line->actions) - used, "%s%s",
			                         used ? ", " : "", name);
		if (!err)
			err = facts_get(facts, action, INTERRUPTS_ACTION_NEXT, &action);
	}
	return err;
}

// cpumask_var_t is the mask, or (CONFIG_CPUMASK_OFFSTACK) its address.
static struct error *find_mask(const struct facts *facts, uint64_t common, unsigned int member, uint64_t *ret)
{
	uint64_t at = facts_at(facts, common, member), bytes = facts_bytes(facts, member), word = 0;
	struct error *err;

	*ret = at;
	if (bytes != 8)
		return NULL;
	err = vmemory_uint(facts->kernel->memory, at, 8, &word);
	// A mask of at most 64 CPUs, none of which is the last but a few, is no address of the kernel's.
	if (!err && (facts_bytes(facts, INTERRUPTS_CPUMASK) > 8 || word >= facts->kernel->xlat.vaddr_min))
		*ret = word;
	return err;
}

// "0-3,8".
static void list_cpus(const uint64_t *words, uint32_t cpus, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t first = 0, end; first < cpus; first = end + 1) {
		for (end = first; end < cpus && words[end / WORD_BITS] >> end % WORD_BITS & 1;)
			end++;
		if (end == first)
			continue;
		if (used + 24 > room) {
			strcpy(text + used, "...");
			return;
		}
		used += (size_t)snprintf(text + used, room - used, end - first > 1 ? "%s%u-%u" : "%s%u",
		                         used ? "," : "", first, end - 1);
	}
}

static struct error *read_mask(const struct facts *facts, uint64_t common, unsigned int member, char *text)
{
	uint64_t words[KERNEL_CPUS_MAX / WORD_BITS] = {0}, mask = 0;
	uint32_t cpus = facts->kernel->cpu_count;
	struct error *err;

	// Not every kernel keeps both.
	if (!facts_has(facts, member))
		return NULL;
	err = find_mask(facts, common, member, &mask);
	for (uint32_t i = 0; i <= (cpus - 1) / WORD_BITS && !err && mask; i++)
		err = vmemory_uint(facts->kernel->memory, mask + 8 * (uint64_t)i, 8, &words[i]);
	if (!err)
		list_cpus(words, cpus, text, INTERRUPTS_CPUS_BYTES);
	return err;
}

static struct error *read_common(const struct facts *facts, uint64_t data, struct interrupts_line *line)
{
	static const char *const triggers[TRIGGER_MASK + 1] = {
		[1] = "rising", [2] = "falling", [3] = "both", [4] = "high", [8] = "low"};
	uint64_t common = 0, state = 0;
	struct error *err = facts_get(facts, data, INTERRUPTS_DATA_COMMON, &common);

	if (!err)
		err = facts_get(facts, common, INTERRUPTS_COMMON_STATE, &state);
	line->is_level = state & (uint64_t)facts->members[INTERRUPTS_LEVEL].value;
	// x86 says only which of the two.
	line->trigger = triggers[state & TRIGGER_MASK];
	if (!line->trigger)
		line->trigger = line->is_level ? "level" : "edge";
	if (!err)
		err = read_mask(facts, common, INTERRUPTS_COMMON_AFFINITY, line->affinity);
	if (!err)
		err = read_mask(facts, common, INTERRUPTS_COMMON_EFFECTIVE, line->effective);
	return err;
}

static struct error *read_counts(struct interrupts *interrupts, uint64_t desc, uint64_t *any_ret)
{
	struct kernel *kernel = interrupts->facts.kernel;
	uint64_t pointer = 0;
	struct error *err = facts_get(&interrupts->facts, desc, INTERRUPTS_DESC_KSTAT, &pointer);

	memset(interrupts->counts, 0, interrupts->cpu_count * sizeof(*interrupts->counts));
	for (uint32_t i = 0; i < interrupts->cpu_count && !err && pointer; i++) {
		uint64_t copy = 0, count = 0;

		// The number comes first, also where it is a member of struct irqstat (since Linux v6.10).
		err = kernel_cpu_copy(kernel, pointer, interrupts->cpus[i], &copy);
		if (!err)
			err = vmemory_uint(kernel->memory, copy, 4, &count);
		interrupts->counts[i] = (uint32_t)count;
		*any_ret |= count;
	}
	return err;
}

struct error *interrupts_read(struct interrupts *interrupts, size_t index, struct interrupts_line *ret)
{
	const struct interrupts_place *place = &interrupts->list[index];
	const struct facts *facts = &interrupts->facts;
	static const unsigned int needed[] = {INTERRUPTS_DESC_DATA};
	struct interrupts_line line = {.number = place->number, .vaddr = place->vaddr, .trigger = "edge"};
	uint64_t data = facts_at(facts, place->vaddr, INTERRUPTS_DESC_DATA), any = 0, action = 0, status = 0;
	uint64_t chained = facts->symbols[INTERRUPTS_CHAINED_ACTION];
	struct error *err = facts_need(facts, needed, array_size(needed));

	if (!err)
		err = read_counts(interrupts, place->vaddr, &any);
	if (!err)
		err = facts_get(facts, place->vaddr, INTERRUPTS_DESC_ACTION, &action);
	if (!err)
		err = facts_get(facts, place->vaddr, INTERRUPTS_DESC_STATUS, &status);
	if (!err)
		err = read_chip(facts, data, &line);
	if (!err)
		err = read_name(facts, place->vaddr, INTERRUPTS_DESC_NAME, line.flow, sizeof(line.flow));
	if (!err)
		err = read_actions(facts, action, &line);
	if (!err)
		err = read_common(facts, data, &line);
	if (err)
		return error_wrap(err, "interrupt %u", place->number);
	line.is_shown =
		!(status & (uint64_t)facts->members[INTERRUPTS_HIDDEN].value) && (any || (action && action != chained));
	*ret = line;
	return NULL;
}
