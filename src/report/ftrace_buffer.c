// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "report/ftrace_page.h"

enum {
	// Marks in the lower bits of a pointer to a page: it is the head, or is being made it (RB_PAGE_HEAD, RB_PAGE_UPDATE).
	LIST_FLAGS = 3,
	// trace_clocks[]: {func, name, in_ns}; a variable's type is in no BTF.
	CLOCK_BYTES = 24,
	CLOCK_NAME = 8,
	CLOCK_IN_NS = 16,
	CLOCKS_MAX = 64,
};

// One CPU's ring.
struct ring {
	struct ftrace_kernel *tables;
	uint64_t vaddr; // Its struct ring_buffer_per_cpu.
	uint64_t nr_pages;
	uint64_t reader, commit;
	uint64_t *steps_left; // Lists of damaged memory lead in circles, for each of thousands of CPUs.
	size_t room; // Of the list of pages.
	struct ftrace_buffer_cpu *cpu;
};

// struct list_head is the first member, but nobody promised.
static uint64_t page_of(const struct ring *ring, uint64_t link)
{
	return (link & ~(uint64_t)LIST_FLAGS) - ftrace_kernel_at(ring->tables, 0, FTRACE_KERNEL_PAGE_LIST);
}

static struct error *next_page(const struct ring *ring, uint64_t page, uint64_t *ret)
{
	uint64_t link = 0;
	struct error *err;

	if (!*ring->steps_left)
		return error_new(ERROR_BAD_DATA, "there are too many pages");
	(*ring->steps_left)--;
	err = ftrace_kernel_pointer(ring->tables, ftrace_kernel_at(ring->tables, page, FTRACE_KERNEL_PAGE_LIST), &link);
	if (!err)
		*ret = page_of(ring, link);
	return err;
}

// Whether the pointer to a page has the mark of the head: head_page may lag behind.
static struct error *is_head(const struct ring *ring, uint64_t page, bool *ret)
{
	uint64_t list = ftrace_kernel_at(ring->tables, page, FTRACE_KERNEL_PAGE_LIST), before = 0, link = 0;
	struct error *err = ftrace_kernel_pointer(ring->tables, list + 8, &before);

	if (!err)
		err = ftrace_kernel_pointer(ring->tables, before & ~(uint64_t)LIST_FLAGS, &link);
	if (!err)
		*ret = (link & ~(uint64_t)LIST_FLAGS) == list && link & LIST_FLAGS;
	return err;
}

static struct error *find_head(const struct ring *ring, uint64_t *ret)
{
	uint64_t start = 0, page;
	struct error *err = ftrace_kernel_get(ring->tables, ring->vaddr, FTRACE_KERNEL_CPU_HEAD_PAGE, &start);

	page = start;
	for (uint64_t i = 0; !err && i <= ring->nr_pages; i++) {
		bool is_found = false;

		err = is_head(ring, page, &is_found);
		if (!err && is_found) {
			*ret = page;
			return NULL;
		}
		if (!err)
			err = next_page(ring, page, &page);
	}
	if (err)
		return err;
	return error_new(ERROR_BAD_DATA, "no page of the ring is its head");
}

// Address of a page's bytes, and how many of these were written.
static struct error *look_at_page(const struct ring *ring, uint64_t page, uint64_t *data_ret, size_t *written_ret)
{
	uint64_t data = 0, commit = 0;
	struct error *err = ftrace_kernel_get(ring->tables, page, FTRACE_KERNEL_PAGE_PAGE, &data);

	if (!err)
		err = ftrace_kernel_pointer(ring->tables,
		                            ftrace_kernel_at(ring->tables, data, FTRACE_KERNEL_DATA_COMMIT), &commit);
	*data_ret = data;
	*written_ret = (size_t)(commit & FTRACE_PAGE_COMMIT_MASK);
	return err;
}

static struct error *add_page(struct ring *ring, uint64_t data)
{
	struct ftrace_buffer_cpu *cpu = ring->cpu;

	if (cpu->page_count == ring->room) {
		size_t room = ring->room ? ring->room * 2 : 16;
		uint64_t *pages = reallocarray(cpu->pages, room, sizeof(*pages));

		if (!pages)
			return error_new(ERROR_NOMEM, "no memory for a list of pages");
		cpu->pages = pages;
		ring->room = room;
	}
	cpu->pages[cpu->page_count++] = data;
	return NULL;
}

// The page that was taken out of the ring for the reader.
static struct error *take_reader(struct ring *ring)
{
	uint64_t data = 0, read = 0;
	size_t written = 0;
	struct error *err = look_at_page(ring, ring->reader, &data, &written);

	if (!err)
		err = ftrace_kernel_get(ring->tables, ring->reader, FTRACE_KERNEL_PAGE_READ, &read);
	if (err || read >= written)
		return err;
	ring->cpu->read_bytes = (size_t)read;
	if (!read)
		err = ftrace_kernel_get(ring->tables, ring->vaddr, FTRACE_KERNEL_CPU_LOST_EVENTS,
		                        &ring->cpu->first_lost);
	return err ? err : add_page(ring, data);
}

static struct error *take_ring(struct ring *ring)
{
	uint64_t page = 0, data = 0, overrun = ring->cpu->overrun, last = 0;
	size_t written = 0;
	struct error *err = find_head(ring, &page);

	if (!err)
		err = ftrace_kernel_get(ring->tables, ring->vaddr, FTRACE_KERNEL_CPU_LAST_OVERRUN, &last);
	ring->cpu->lost_page = ring->cpu->page_count;
	ring->cpu->lost = overrun > last ? overrun - last : 0;
	for (uint64_t i = 0; !err && i <= ring->nr_pages; i++) {
		err = look_at_page(ring, page, &data, &written);
		if (!err && written)
			err = add_page(ring, data);
		if (!err && page == ring->commit)
			return NULL;
		if (!err)
			err = next_page(ring, page, &page);
	}
	return err ? err : error_new(ERROR_BAD_DATA, "the ring does not lead to the page that is written");
}

static struct error *read_ring(struct ring *ring)
{
	static const enum ftrace_kernel_member counters[] = {FTRACE_KERNEL_CPU_ENTRIES, FTRACE_KERNEL_CPU_OVERRUN,
	                                                     FTRACE_KERNEL_CPU_READ};
	struct ftrace_kernel *tables = ring->tables;
	struct ftrace_buffer_cpu *cpu = ring->cpu;
	uint64_t *const values[] = {&cpu->entries, &cpu->overrun, &cpu->read};
	struct error *err = ftrace_kernel_get(tables, ring->vaddr, FTRACE_KERNEL_CPU_NR_PAGES, &ring->nr_pages);

	for (size_t i = 0; i < array_size(counters) && !err; i++)
		err = ftrace_kernel_get(tables, ring->vaddr, counters[i], values[i]);
	if (!err && ftrace_kernel_has(tables, FTRACE_KERNEL_CPU_DROPPED))
		err = ftrace_kernel_get(tables, ring->vaddr, FTRACE_KERNEL_CPU_DROPPED, &cpu->dropped);
	if (!err)
		err = ftrace_kernel_get(tables, ring->vaddr, FTRACE_KERNEL_CPU_READER_PAGE, &ring->reader);
	if (!err)
		err = ftrace_kernel_get(tables, ring->vaddr, FTRACE_KERNEL_CPU_COMMIT_PAGE, &ring->commit);
	if (!err)
		err = take_reader(ring);
	// Where the reader has caught up with the writer there is nothing else.
	if (!err && ring->reader != ring->commit)
		err = take_ring(ring);
	return err;
}

static struct error *read_cpus(struct ftrace_buffer *buffer, struct ftrace_kernel *tables, uint64_t vaddr,
                               uint64_t *steps_left)
{
	uint64_t count = tables->kernel->cpu_count, rings = 0, order = 0;
	struct error *err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_RING_BUFFERS, &rings);

	// Where it is not told, the list has room for all CPUs there may be.
	if (!err && ftrace_kernel_has(tables, FTRACE_KERNEL_RING_CPUS))
		err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_RING_CPUS, &count);
	if (!err && ftrace_kernel_has(tables, FTRACE_KERNEL_RING_ORDER))
		err = ftrace_kernel_get(tables, vaddr, FTRACE_KERNEL_RING_ORDER, &order);
	if (!err && (!count || count > KERNEL_CPUS_MAX || order > FTRACE_BUFFER_ORDER_MAX))
		err = error_new(ERROR_BAD_DATA, "a ring buffer of %ju CPUs, of pages of order %ju", (uintmax_t)count,
		                (uintmax_t)order);
	if (!err && count > *steps_left / FTRACE_BUFFER_CPU_STEPS)
		err = error_new(ERROR_BAD_DATA, "there are too many buffers");
	if (err)
		return err;
	*steps_left -= count * FTRACE_BUFFER_CPU_STEPS;
	buffer->page_bytes = (size_t)vmcore_page_bytes(tables->kernel->core) << order;
	buffer->cpus = calloc((size_t)count, sizeof(*buffer->cpus));
	if (!buffer->cpus)
		return error_new(ERROR_NOMEM, "no memory for %ju CPUs", (uintmax_t)count);
	buffer->cpu_count = (uint32_t)count;
	for (uint32_t i = 0; i < buffer->cpu_count; i++) {
		struct ring ring = {.tables = tables, .cpu = &buffer->cpus[i], .steps_left = steps_left};

		err = ftrace_kernel_pointer(tables, rings + 8 * (uint64_t)i, &ring.vaddr);
		// A CPU that has never been there has none.
		if (!err && ring.vaddr)
			err = read_ring(&ring);
		if (err && err->code == ERROR_NOMEM)
			return err;
		kernel_explain(ring.cpu->why, err);
	}
	return NULL;
}

static struct error *read_clock(struct ftrace_buffer *buffer, struct ftrace_kernel *tables, uint64_t array)
{
	uint64_t number = 0, clocks = 0, name = 0, is_ns = 0;
	struct error *err = ftrace_kernel_get(tables, array, FTRACE_KERNEL_ARRAY_CLOCK, &number);

	if (!err)
		err = ftrace_kernel_symbol(tables, FTRACE_KERNEL_CLOCKS, &clocks);
	if (!err && number >= CLOCKS_MAX)
		err = error_new(ERROR_BAD_DATA, "clock %ju", (uintmax_t)number);
	if (!err)
		err = ftrace_kernel_pointer(tables, clocks + number * CLOCK_BYTES + CLOCK_NAME, &name);
	if (!err)
		err = vmemory_uint(tables->kernel->memory, clocks + number * CLOCK_BYTES + CLOCK_IN_NS, 4, &is_ns);
	if (!err)
		err = vmemory_text(tables->kernel->memory, name, buffer->clock, sizeof(buffer->clock));
	if (!err)
		buffer->is_ns = is_ns;
	return err;
}

static struct ftrace_buffer *add_buffer(struct ftrace_buffer_list *buffers)
{
	struct ftrace_buffer *list = reallocarray(buffers->list, buffers->count + 1, sizeof(*list));

	if (!list)
		return NULL;
	buffers->list = list;
	list[buffers->count] = (struct ftrace_buffer){.is_ns = true};
	return &list[buffers->count++];
}

static bool has_records(const struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->cpu_count; i++)
		if (buffer->cpus[i].page_count || buffer->cpus[i].why[0])
			return true;
	return false;
}

static void deinit(struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->cpu_count; i++)
		free(buffer->cpus[i].pages);
	free(buffer->cpus);
}

// A buffer of an instance; the one that snapshots are taken in is told of only if there is one.
static struct error *read_buffer(struct ftrace_buffer_list *buffers, struct ftrace_kernel *tables, uint64_t array,
                                 enum ftrace_kernel_member member)
{
	bool is_snapshot = member != FTRACE_KERNEL_ARRAY_BUFFER;
	struct ftrace_buffer *buffer;
	uint64_t ring = 0, name = 0;
	struct error *err = ftrace_kernel_pointer(
		tables, ftrace_kernel_at(tables, ftrace_kernel_at(tables, array, member), FTRACE_KERNEL_BUFFER_BUFFER),
		&ring);

	if (is_snapshot && (err || !ring)) {
		error_free(err);
		return NULL;
	}
	buffer = add_buffer(buffers);
	if (!buffer) {
		error_free(err);
		return error_new(ERROR_NOMEM, "no memory for a list of buffers");
	}
	if (!err)
		err = ftrace_kernel_get(tables, array, FTRACE_KERNEL_ARRAY_NAME, &name);
	if (!err && name)
		err = vmemory_text(tables->kernel->memory, name, buffer->name,
		                   sizeof(buffer->name) - sizeof(":snapshot"));
	if (is_snapshot)
		strcat(buffer->name, ":snapshot");
	if (!err)
		err = read_clock(buffer, tables, array);
	if (!err)
		err = read_cpus(buffer, tables, ring, &buffers->steps_left);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(buffer->why, err);
	if (is_snapshot && !has_records(buffer) && !buffer->why[0])
		deinit(&buffers->list[--buffers->count]);
	return NULL;
}

static struct error *walk(struct ftrace_buffer_list *buffers, struct ftrace_kernel *tables)
{
	static const enum ftrace_kernel_member snapshots[] = {FTRACE_KERNEL_ARRAY_MAX_BUFFER,
	                                                      FTRACE_KERNEL_ARRAY_SNAPSHOT_BUFFER};
	uint64_t head = tables->symbols[FTRACE_KERNEL_TRACE_ARRAYS], link = 0;
	struct error *err = ftrace_kernel_pointer(tables, head, &link);

	while (!err && link != head) {
		uint64_t array = link - ftrace_kernel_at(tables, 0, FTRACE_KERNEL_ARRAY_LIST);

		if (buffers->count >= FTRACE_BUFFER_MAX)
			return error_new(ERROR_BAD_DATA, "only the first %d buffers", FTRACE_BUFFER_MAX);
		err = read_buffer(buffers, tables, array, FTRACE_KERNEL_ARRAY_BUFFER);
		for (size_t i = 0; i < array_size(snapshots) && !err; i++)
			if (ftrace_kernel_has(tables, snapshots[i]))
				err = read_buffer(buffers, tables, array, snapshots[i]);
		if (!err)
			err = ftrace_kernel_pointer(tables, link, &link);
	}
	return err;
}

// Instances are added at the front of the kernel's list: the main one, which has no name, is its last.
static void main_first(struct ftrace_buffer_list *buffers)
{
	for (size_t i = 1; i < buffers->count; i++) {
		struct ftrace_buffer main = buffers->list[i];

		if (main.name[0])
			continue;
		memmove(buffers->list + 1, buffers->list, i * sizeof(main));
		buffers->list[0] = main;
		return;
	}
}

struct error *ftrace_buffer_list_init(struct ftrace_buffer_list *ret, struct ftrace_kernel *tables)
{
	static const enum ftrace_kernel_member needed[] = {FTRACE_KERNEL_ARRAY_LIST,   FTRACE_KERNEL_ARRAY_NAME,
	                                                   FTRACE_KERNEL_ARRAY_BUFFER, FTRACE_KERNEL_BUFFER_BUFFER,
	                                                   FTRACE_KERNEL_PAGE_LIST,    FTRACE_KERNEL_PAGE_PAGE,
	                                                   FTRACE_KERNEL_DATA_COMMIT,  FTRACE_KERNEL_RING_BUFFERS};
	uint64_t head;
	struct error *err;

	*ret = (struct ftrace_buffer_list){.steps_left = FTRACE_BUFFER_STEPS_MAX};
	err = ftrace_kernel_symbol(tables, FTRACE_KERNEL_TRACE_ARRAYS, &head);
	if (!err)
		err = ftrace_kernel_need(tables, needed, array_size(needed));
	if (err)
		return error_wrap(err, "tracing");
	err = walk(ret, tables);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	main_first(ret);
	return NULL;
}

void ftrace_buffer_list_deinit(struct ftrace_buffer_list *buffers)
{
	for (size_t i = 0; i < buffers->count; i++)
		deinit(&buffers->list[i]);
	free(buffers->list);
}
