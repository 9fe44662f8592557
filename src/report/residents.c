// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/residents.h"

#include <stdlib.h>
#include <string.h>

#include "report/facts.h"

enum member {
	MM_RSS_STAT,
	MM_PGTABLES,
	RSS_STAT,
	RSS_STAT_COUNT,
	TASK_RSS_STAT,
	TASK_RSS_STAT_COUNT,
	PERCPU_COUNTER,
	PERCPU_COUNTER_COUNT,
	PERCPU_COUNTER_COUNTERS,
	FIRST_KIND,
	MEMBER_COUNT = FIRST_KIND + RESIDENTS_KINDS,
};

static const struct btf_query members[MEMBER_COUNT] = {
	[MM_RSS_STAT] = FACTS_MEMBER("mm_struct", "rss_stat"),
	[MM_PGTABLES] = FACTS_MEMBER("mm_struct", "pgtables_bytes"),
	// Until Linux kernel commit f1a7941243c1 ("mm: convert mm's rss stats into percpu_counter") (in v6.2): a structure of its
	// own, and each thread has a part.
	[RSS_STAT] = {.type = "mm_rss_stat"},
	[RSS_STAT_COUNT] = FACTS_MEMBER("mm_rss_stat", "count"),
	[TASK_RSS_STAT] = FACTS_MEMBER("task_struct", "rss_stat"),
	[TASK_RSS_STAT_COUNT] = FACTS_MEMBER("task_rss_stat", "count"),
	[PERCPU_COUNTER] = {.type = "percpu_counter"},
	[PERCPU_COUNTER_COUNT] = FACTS_MEMBER("percpu_counter", "count"),
	[PERCPU_COUNTER_COUNTERS] = FACTS_MEMBER("percpu_counter", "counters"),
	// An enumeration without a name.
	[FIRST_KIND + RESIDENTS_FILE] = FACTS_ENUMERATOR(NULL, "MM_FILEPAGES"),
	[FIRST_KIND + RESIDENTS_ANON] = FACTS_ENUMERATOR(NULL, "MM_ANONPAGES"),
	[FIRST_KIND + RESIDENTS_SHMEM] = FACTS_ENUMERATOR(NULL, "MM_SHMEMPAGES"),
	[FIRST_KIND + RESIDENTS_SWAP] = FACTS_ENUMERATOR(NULL, "MM_SWAPENTS"),
};

// Counts while they are gathered: threads may have less than nothing.
struct counts {
	int64_t pages[RESIDENTS_KINDS];
};

static void add(int64_t *sum, int64_t part)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)part);
}

static struct error *read_plain(const struct facts *facts, uint64_t mm, struct counts *counts)
{
	uint64_t at = facts_at(facts, facts_at(facts, mm, MM_RSS_STAT), RSS_STAT_COUNT);
	struct error *err = NULL;

	for (unsigned int i = 0; i < RESIDENTS_KINDS && !err; i++) {
		uint64_t raw = 0;

		err = vmemory_uint(facts->kernel->memory, at + 8 * (uint64_t)facts->members[FIRST_KIND + i].value, 8,
		                   &raw);
		add(&counts->pages[i], (int64_t)raw);
	}
	return err;
}

static struct error *read_percpu(const struct facts *facts, uint64_t counter, uint64_t *steps_left, int64_t *sum)
{
	struct kernel *kernel = facts->kernel;
	uint64_t raw = 0, pointer = 0;
	struct error *err = facts_get(facts, counter, PERCPU_COUNTER_COUNT, &raw);

	add(sum, (int64_t)raw);
	if (!err)
		err = facts_get(facts, counter, PERCPU_COUNTER_COUNTERS, &pointer);
	for (uint32_t cpu = 0; cpu < kernel->cpu_count && !err && pointer; cpu++) {
		uint64_t copy = 0, part = 0;

		if (!kernel_cpu_is_in(kernel, KERNEL_CPU_POSSIBLE_MASK, cpu))
			continue;
		if (!*steps_left)
			return error_new(ERROR_BAD_DATA, "more than %d counters of CPUs", RESIDENTS_STEPS_MAX);
		--*steps_left;
		err = kernel_cpu_copy(kernel, pointer, cpu, &copy);
		if (!err)
			err = vmemory_uint(kernel->memory, copy, 4, &part);
		add(sum, facts_signed(part, 4));
	}
	return err;
}

// What the types say of the array decides which kind of counters it has.
static struct error *read_counters(const struct facts *facts, uint64_t mm, uint64_t *steps_left, struct counts *counts)
{
	uint64_t bytes = facts_bytes(facts, MM_RSS_STAT), step = facts_bytes(facts, PERCPU_COUNTER);
	unsigned int kinds[RESIDENTS_KINDS] = {FIRST_KIND, FIRST_KIND + 1, FIRST_KIND + 2, FIRST_KIND + 3};
	struct error *err = facts_need(facts, kinds, RESIDENTS_KINDS);

	if (!err && !bytes)
		err = error_new(ERROR_UNSUPPORTED, "%s",
		                facts->types_why[0] ? facts->types_why
		                                    : "the kernel's types have no mm_struct.rss_stat");
	if (err)
		return err;
	if (facts_bytes(facts, RSS_STAT) == bytes && facts_has(facts, RSS_STAT_COUNT))
		return read_plain(facts, mm, counts);
	if (!step || bytes % step || bytes / step > 64)
		return error_new(ERROR_UNSUPPORTED, "counters of processes of a kind that is not known");
	for (unsigned int i = 0; i < RESIDENTS_KINDS && !err; i++) {
		uint64_t item = (uint64_t)facts->members[FIRST_KIND + i].value;

		if (item >= bytes / step)
			return error_new(ERROR_BAD_DATA, "counter %ju of a process is behind the last one",
			                 (uintmax_t)item);
		err = read_percpu(facts, facts_at(facts, mm, MM_RSS_STAT) + item * step, steps_left, &counts->pages[i]);
	}
	return err;
}

// SPLIT_RSS_COUNTING: what a thread counted and did not yet add.
static struct error *read_thread(const struct facts *facts, uint64_t task, struct counts *counts)
{
	struct error *err = NULL;

	if (!facts_has(facts, TASK_RSS_STAT) || !facts_has(facts, TASK_RSS_STAT_COUNT))
		return NULL;
	for (unsigned int i = 0; i < RESIDENTS_KINDS && !err; i++) {
		uint64_t at = facts_at(facts, facts_at(facts, task, TASK_RSS_STAT), TASK_RSS_STAT_COUNT), raw = 0;

		if (!facts_has(facts, FIRST_KIND + i))
			continue;
		err = vmemory_uint(facts->kernel->memory, at + 4 * (uint64_t)facts->members[FIRST_KIND + i].value, 4,
		                   &raw);
		add(&counts->pages[i], facts_signed(raw, 4));
	}
	return err;
}

// A task that has an address space.
struct user {
	struct threads_task task;
	size_t order; // In the list of all tasks.
};

static int by_space(const void *a, const void *b)
{
	const struct user *first = a, *second = b;

	if (first->task.mm_vaddr != second->task.mm_vaddr)
		return first->task.mm_vaddr < second->task.mm_vaddr ? -1 : 1;
	// The first thread of a process before the others.
	if ((first->task.pid == first->task.tgid) != (second->task.pid == second->task.tgid))
		return first->task.pid == first->task.tgid ? -1 : 1;
	return first->order < second->order ? -1 : first->order > second->order;
}

static struct error *read_space(const struct facts *facts, const struct user *users, size_t count, uint64_t *steps_left,
                                struct residents_space *space)
{
	struct counts counts = {0};
	struct error *err;

	*space = (struct residents_space){
		.mm_vaddr = users->task.mm_vaddr,
		.task_vaddr = users->task.vaddr,
		.pid = users->task.pid,
		.threads = (uint32_t)count,
		.total_pages = users->task.total_pages,
	};
	memcpy(space->name, users->task.name, sizeof(space->name));
	err = read_counters(facts, space->mm_vaddr, steps_left, &counts);
	for (size_t i = 0; i < count && !err; i++)
		err = read_thread(facts, users[i].task.vaddr, &counts);
	if (!err)
		err = facts_get(facts, space->mm_vaddr, MM_PGTABLES, &space->table_bytes);
	space->is_known = !err;
	for (unsigned int i = 0; i < RESIDENTS_KINDS; i++)
		space->pages[i] = counts.pages[i] > 0 && !err ? (uint64_t)counts.pages[i] : 0;
	return error_wrap(err, "process %u", space->pid);
}

static struct error *read_users(struct kernel *kernel, const struct threads *threads, struct user **ret,
                                size_t *count_ret)
{
	_cleanup_free_ struct user *users = calloc(threads->count + 1, sizeof(*users));
	size_t count = 0;

	if (!users)
		return error_new(ERROR_NOMEM, "no memory for the list of processes");
	for (size_t i = 0; i < threads->count; i++) {
		struct error *err = threads_read(threads, kernel, threads->list[i], &users[count].task);

		// Who lists tasks says which cannot be read.
		if (!err && users[count].task.mm_vaddr) {
			users[count].order = i;
			count++;
		}
		error_free(err);
	}
	qsort(users, count, sizeof(*users), by_space);
	*ret = take_ptr(users);
	*count_ret = count;
	return NULL;
}

struct error *residents_init(struct residents *ret, struct kernel *kernel, const struct threads *threads)
{
	_cleanup_facts_ struct facts facts = {0};
	_cleanup_free_ struct user *users = NULL;
	struct error *first = NULL, *err;
	uint64_t steps_left = RESIDENTS_STEPS_MAX;
	size_t count = 0;

	*ret = (struct residents){0};
	err = facts_init(&facts, kernel, NULL, 0, members, MEMBER_COUNT);
	if (!err)
		err = read_users(kernel, threads, &users, &count);
	if (err)
		return err;
	ret->list = calloc(count + 1, sizeof(*ret->list));
	if (!ret->list)
		return error_new(ERROR_NOMEM, "no memory for the list of processes");
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && users[end].task.mm_vaddr == users[i].task.mm_vaddr;)
			end++;
		err = read_space(&facts, &users[i], end - i, &steps_left, &ret->list[ret->count++]);
		if (first)
			error_free(err);
		else
			first = err;
	}
	kernel_explain(ret->why, first);
	return NULL;
}

void residents_deinit(struct residents *residents)
{
	free(residents->list);
}

const struct residents_space *residents_find(const struct residents *residents, uint64_t mm_vaddr)
{
	size_t low = 0, high = residents->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (residents->list[middle].mm_vaddr == mm_vaddr)
			return &residents->list[middle];
		if (residents->list[middle].mm_vaddr < mm_vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint64_t residents_pages(const struct residents_space *space)
{
	return space->pages[RESIDENTS_FILE] + space->pages[RESIDENTS_ANON] + space->pages[RESIDENTS_SHMEM];
}

static int by_pages(const void *a, const void *b)
{
	const struct residents_space *first = a, *second = b;
	uint64_t pages[] = {residents_pages(first), residents_pages(second)};

	if (pages[0] != pages[1])
		return pages[0] > pages[1] ? -1 : 1;
	return first->pid < second->pid ? -1 : first->pid > second->pid;
}

void residents_sort(struct residents *residents)
{
	qsort(residents->list, residents->count, sizeof(*residents->list), by_pages);
}
