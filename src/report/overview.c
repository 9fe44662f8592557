// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/overview.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/vmcoreinfo.h"

enum {
	// struct timekeeper stands behind a lock in tk_core; its time is known, so it shows where.
	TIMEKEEPER_SKIP_MAX = 128,
	// The note of the crash is written within a second; a clock that stopped is not this late.
	CLOCK_SLACK_S = 10,
};

// Documentation/admin-guide/tainted-kernels.rst. In the order of the flags.
static const struct {
	char letter;
	const char *meaning;
} taints[] = {
	{'P', "a proprietary module was loaded"},
	{'F', "a module was loaded by force"},
	{'S', "hardware that is out of its specification"},
	{'R', "a module was unloaded by force"},
	{'M', "a machine check"},
	{'B', "a bad page"},
	{'U', "asked for by a program"},
	{'D', "the kernel died before: an oops or a bug"},
	{'A', "an ACPI table was replaced"},
	{'W', "a warning"},
	{'C', "a staging driver"},
	{'I', "a firmware bug that is worked around"},
	{'O', "a module from outside the kernel"},
	{'E', "a module without a signature"},
	{'L', "a soft lockup before"},
	{'K', "live patches"},
	{'X', "set by the distribution"},
	{'T', "structures in random order"},
	{'N', "a test was run in the kernel"},
	{'J', "a debugging interface of firmware was used"},
};

const char *overview_taint_meaning(char letter)
{
	for (size_t i = 0; i < array_size(taints); i++)
		if (taints[i].letter == letter)
			return taints[i].meaning;
	return "not known here";
}

void overview_taint_letters(const struct overview *overview, uint64_t flags, char text[OVERVIEW_TAINTS_MAX + 1])
{
	size_t size = 0;

	for (unsigned int i = 0; i < OVERVIEW_TAINTS_MAX; i++)
		if (flags >> i & 1)
			text[size++] = overview->taint_letters[i] ? overview->taint_letters[i] : '?';
	text[size] = '\0';
}

static struct error *read_names(struct overview *overview, struct kernel *kernel)
{
	const struct {
		enum kernel_member member;
		char *text;
	} names[] = {
		{KERNEL_UTSNAME_NODENAME, overview->host},
		{KERNEL_UTSNAME_RELEASE, overview->release},
		{KERNEL_UTSNAME_VERSION, overview->version},
		{KERNEL_UTSNAME_MACHINE, overview->machine},
	};
	static const enum kernel_member needed[] = {
		KERNEL_UTS_NAME,        KERNEL_UTSNAME_NODENAME, KERNEL_UTSNAME_RELEASE,
		KERNEL_UTSNAME_VERSION, KERNEL_UTSNAME_MACHINE,
	};
	uint64_t vaddr;
	struct error *err = kernel_need(kernel, needed, array_size(needed));

	if (!err)
		err = kernel_symbol(kernel, KERNEL_INIT_UTS_NS, &vaddr);
	for (size_t i = 0; i < array_size(names) && !err; i++)
		err = vmemory_text(kernel->memory,
		                   kernel_at(kernel, kernel_at(kernel, vaddr, KERNEL_UTS_NAME), names[i].member),
		                   names[i].text, OVERVIEW_NAME_BYTES);
	return err;
}

// The place is where the time is that the note of the crash has.
static struct error *read_uptime(struct overview *overview, struct kernel *kernel)
{
	static const enum kernel_member needed[] = {KERNEL_TIMEKEEPER_XTIME_SEC, KERNEL_TIMEKEEPER_WALL_TO_MONOTONIC};
	uint64_t vaddr;
	struct error *err = kernel_need(kernel, needed, array_size(needed));

	if (!err && !overview->crash_time_s)
		err = error_new(ERROR_UNSUPPORTED, "VMCOREINFO has no CRASHTIME");
	if (!err)
		err = kernel_symbol(kernel, KERNEL_TK_CORE, &vaddr);
	for (uint64_t skip = 0; !err && skip < TIMEKEEPER_SKIP_MAX; skip += 8) {
		uint64_t now = 0, wall = 0, late;

		err = kernel_get(kernel, vaddr + skip, KERNEL_TIMEKEEPER_XTIME_SEC, &now);
		late = (uint64_t)overview->crash_time_s - now + CLOCK_SLACK_S;
		if (err || late > UINT64_C(2) * CLOCK_SLACK_S)
			continue;
		// struct timespec64 begins with its seconds: so many less than 0 as the clock said when the machine booted.
		err = vmemory_uint(kernel->memory, kernel_at(kernel, vaddr + skip, KERNEL_TIMEKEEPER_WALL_TO_MONOTONIC),
		                   8, &wall);
		if (!err && now + wall < now)
			overview->uptime_s = now + wall;
		return err;
	}
	return err ? err : error_new(ERROR_BAD_DATA, "the kernel's clock is not where it is looked for");
}

static void read_taints(struct overview *overview, struct kernel *kernel)
{
	uint64_t step = kernel->members[KERNEL_TAINT_FLAG].size_bytes, vaddr = kernel->symbols[KERNEL_TAINT_FLAGS];
	uint64_t letter = kernel->members[KERNEL_TAINT_FLAG_TRUE].offset_bytes;

	kernel_explain(overview->taints_why, kernel_variable(kernel, KERNEL_TAINTED_MASK, 8, &overview->taints));
	for (size_t i = 0; i < array_size(taints); i++) {
		uint64_t c = 0;

		overview->taint_letters[i] = taints[i].letter;
		if (!vaddr || !step || !kernel_has(kernel, KERNEL_TAINT_FLAG_TRUE))
			continue;
		error_free(vmemory_uint(kernel->memory, vaddr + i * step + letter, 1, &c));
		if (c >= 'A' && c <= 'Z')
			overview->taint_letters[i] = (char)c;
	}
}

struct error *overview_counter(struct kernel *kernel, enum kernel_symbol array, int64_t item, uint64_t *ret)
{
	uint64_t vaddr, value = 0;
	struct error *err = kernel_symbol(kernel, array, &vaddr);

	if (!err)
		err = vmemory_uint(kernel->memory, vaddr + 8 * (uint64_t)item, 8, &value);
	if (!err)
		*ret = (int64_t)value > 0 ? value : 0;
	return err;
}

static struct error *add_counter(struct kernel *kernel, enum kernel_symbol array, enum kernel_member item,
                                 uint64_t *sum)
{
	uint64_t value = 0;
	struct error *err = kernel_need(kernel, &item, 1);

	if (!err)
		err = overview_counter(kernel, array, kernel->members[item].value, &value);
	*sum += value;
	return err;
}

static void read_memory(struct overview *overview, struct kernel *kernel)
{
	static const struct {
		enum overview_pages pages;
		enum kernel_symbol array;
		enum kernel_member item, more;
	} counters[] = {
		{OVERVIEW_FREE, KERNEL_ZONE_STAT, KERNEL_NR_FREE_PAGES, KERNEL_MEMBER_COUNT},
		{OVERVIEW_FILE, KERNEL_NODE_STAT, KERNEL_NR_FILE_PAGES, KERNEL_MEMBER_COUNT},
		{OVERVIEW_ANON, KERNEL_NODE_STAT, KERNEL_NR_ANON_MAPPED, KERNEL_MEMBER_COUNT},
		{OVERVIEW_SHMEM, KERNEL_NODE_STAT, KERNEL_NR_SHMEM, KERNEL_MEMBER_COUNT},
		{OVERVIEW_SLAB, KERNEL_NODE_STAT, KERNEL_NR_SLAB_RECLAIMABLE, KERNEL_NR_SLAB_UNRECLAIMABLE},
		{OVERVIEW_PAGE_TABLES, KERNEL_NODE_STAT, KERNEL_NR_PAGETABLE, KERNEL_MEMBER_COUNT},
	};
	static const struct {
		enum overview_pages pages;
		enum kernel_symbol symbol;
	} variables[] = {
		{OVERVIEW_TOTAL, KERNEL_TOTALRAM_PAGES},
		{OVERVIEW_SWAP_TOTAL, KERNEL_TOTAL_SWAP_PAGES},
		{OVERVIEW_SWAP_FREE, KERNEL_NR_SWAP_PAGES},
	};
	struct error *first = NULL;

	for (size_t i = 0; i < array_size(counters) + array_size(variables); i++) {
		size_t v = i - array_size(counters);
		enum overview_pages pages = i < array_size(counters) ? counters[i].pages : variables[v].pages;
		struct error *err;

		if (pages == OVERVIEW_PAGE_TABLES && kernel_has(kernel, KERNEL_NR_PAGETABLE_OF_ZONES)) {
			err = add_counter(kernel, KERNEL_ZONE_STAT, KERNEL_NR_PAGETABLE_OF_ZONES,
			                  &overview->pages[pages].value);
		} else if (i < array_size(counters)) {
			err = add_counter(kernel, counters[i].array, counters[i].item, &overview->pages[pages].value);
			if (!err && counters[i].more != KERNEL_MEMBER_COUNT)
				err = add_counter(kernel, counters[i].array, counters[i].more,
				                  &overview->pages[pages].value);
		} else {
			err = kernel_variable(kernel, variables[v].symbol, 8, &overview->pages[pages].value);
		}
		overview->pages[pages].is_known = !err;
		if (first)
			error_free(err);
		else
			first = err;
	}
	kernel_explain(overview->memory_why, first);
}

void overview_init(struct overview *ret, struct kernel *kernel)
{
	const struct vmcoreinfo *info = &kernel->core->info;
	char text[32];

	*ret = (struct overview){.page_bytes = vmcore_page_bytes(kernel->core)};
	kernel_explain(ret->names_why, read_names(ret, kernel));
	// What the kernel's types do not tell VMCOREINFO may.
	if (!ret->release[0])
		vmcoreinfo_string(info, "OSRELEASE", ret->release, sizeof(ret->release));
	kernel_plain(ret->release);
	if (vmcoreinfo_string(info, "CRASHTIME", text, sizeof(text)))
		sscanf(text, "%" SCNd64, &ret->crash_time_s);
	kernel_explain(ret->uptime_why, read_uptime(ret, kernel));
	read_taints(ret, kernel);
	read_memory(ret, kernel);
	for (uint32_t cpu = 0; cpu < kernel->cpu_count; cpu++)
		ret->cpus += kernel_cpu_is_in(kernel, KERNEL_CPU_ONLINE_MASK, cpu);
}

struct error *overview_command_line(struct kernel *kernel, char text[OVERVIEW_COMMAND_LINE_BYTES])
{
	uint64_t vaddr = 0;
	struct error *err = kernel_variable(kernel, KERNEL_SAVED_COMMAND_LINE, 8, &vaddr);

	text[0] = '\0';
	return err ? err : vmemory_text(kernel->memory, vaddr, text, OVERVIEW_COMMAND_LINE_BYTES);
}
