// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 *
 * A small machine whose tracing was in use, in a fakecore: ring buffers page by page, events and their formats, names of tasks.
 *
 * What is in the pages is written down by the test, record by record, as Linux include/linux/ring_buffer.h has it.
 */
#ifndef FAKETRACE_H
#define FAKETRACE_H

#include "fakebtf.h"
#include "fakecore.h"
#include "fakecrash.h"
#include "fakesyms.h"

enum {
	FAKETRACE_BYTES = 4 << 20,
	FAKETRACE_TEXT = 0x100000,
	FAKETRACE_VARIABLES = 0x140000, // 0x40 bytes each.
	FAKETRACE_OBJECTS = 0x150000,
	FAKETRACE_PAGES = 0x200000,
	FAKETRACE_SYMBOLS = 0x300000,
	FAKETRACE_BTF = 0x340000,
	FAKETRACE_PAGE_BYTES = 4096,
	FAKETRACE_CPUS = 2,
	// Numbers of events.
	FAKETRACE_PRINT = 5,
	FAKETRACE_SWITCH = 300,
	FAKETRACE_OPENED = 301,
	FAKETRACE_ENTER = 302,
};

/** Variables. */
enum faketrace_variable {
	FAKETRACE_ARRAYS,
	FAKETRACE_EVENTS,
	FAKETRACE_COMMON,
	FAKETRACE_SAVEDCMD,
	FAKETRACE_CLOCKS,
	FAKETRACE_CLOCKS_MORE, // Two clocks take 48 bytes.
	FAKETRACE_NR_CPU_IDS,
	FAKETRACE_BPRINTK_START,
	FAKETRACE_BPRINTK_STOP,
	FAKETRACE_VARIABLE_COUNT,
};

/** The machine while it is made. */
struct faketrace {
	struct fakecore fake;
	uint64_t next_object, next_page; // Physical addresses.
	uint64_t rings[4][FAKETRACE_CPUS]; // struct ring_buffer_per_cpu of each buffer.
	uint64_t arrays[4]; // struct trace_array.
	unsigned int array_count;
};

static inline uint64_t faketrace_variable(enum faketrace_variable which)
{
	return fakecore_image + FAKETRACE_VARIABLES + (uint64_t)which * 0x40;
}

/** The function "mark_write" is here. */
static inline uint64_t faketrace_function(void)
{
	return fakecore_image + FAKETRACE_TEXT + 0x100;
}

static inline uint64_t faketrace_alloc(struct faketrace *made, uint64_t size_bytes)
{
	uint64_t paddr = made->next_object;

	made->next_object += (size_bytes + 15) / 16 * 16;
	check(made->next_object <= FAKETRACE_PAGES);
	return fakecore_image + paddr;
}

static inline void faketrace_put(struct faketrace *made, uint64_t vaddr, uint64_t value, size_t size_bytes)
{
	fakecrash_put(&made->fake, vaddr, value, size_bytes);
}

static inline uint64_t faketrace_text(struct faketrace *made, const char *text)
{
	uint64_t vaddr = faketrace_alloc(made, strlen(text) + 1);

	strcpy((char *)made->fake.memory + (vaddr - fakecore_image), text);
	return vaddr;
}

/** Add to the front of a list. */
static inline void faketrace_link(struct faketrace *made, uint64_t head, uint64_t item)
{
	uint64_t first;

	memcpy(&first, made->fake.memory + (head - fakecore_image), 8);
	faketrace_put(made, item, first, 8);
	faketrace_put(made, item + 8, head, 8);
	faketrace_put(made, first + 8, item, 8);
	faketrace_put(made, head, item, 8);
}

static inline void faketrace_list(struct faketrace *made, uint64_t head)
{
	faketrace_put(made, head, head, 8);
	faketrace_put(made, head + 8, head, 8);
}

static const struct fakecrash_struct faketrace_structs[] = {
	{"trace_array", 0x100, {{"list", 0, 16}, {"name", 16, 8}, {"array_buffer", 24, 32}, {"clock_id", 0x80, 4}}},
	{"array_buffer", 32, {{"tr", 0, 8}, {"buffer", 8, 8}}},
	{"trace_buffer", 64, {{"flags", 0, 4}, {"cpus", 4, 4}, {"buffers", 16, 8}, {"subbuf_order", 24, 4}}},
	{"ring_buffer_per_cpu",
         256,
         {{"nr_pages", 8, 8},
          {"pages", 16, 8},
          {"head_page", 24, 8},
          {"commit_page", 32, 8},
          {"reader_page", 40, 8},
          {"lost_events", 48, 8},
          {"last_overrun", 56, 8},
          {"entries", 64, 8},
          {"overrun", 72, 8},
          {"dropped_events", 80, 8},
          {"read", 88, 8}}},
	{"buffer_page", 64, {{"list", 0, 16}, {"read", 24, 4}, {"page", 56, 8}}},
	{"buffer_data_page", 16, {{"time_stamp", 0, 8}, {"commit", 8, 8}, {"data", 16, 1}}},
	{"trace_event_call",
         128,
         {{"list", 0, 16},
          {"class", 16, 8},
          {"name", 24, 8},
          {"tp", 24, 8},
          {"event", 32, 48},
          {"print_fmt", 80, 8},
          {"data", 88, 8},
          {"flags", 96, 4}}},
	{"tracepoint", 16, {{"name", 0, 8}}},
	{"trace_event", 48, {{"type", 32, 4}}},
	{"trace_event_class", 64, {{"system", 0, 8}, {"get_fields", 8, 8}, {"fields", 16, 16}}},
	{"syscall_metadata", 32, {{"enter_fields", 16, 16}}},
	{"ftrace_event_field",
         64,
         {{"link", 0, 16},
          {"name", 16, 8},
          {"type", 24, 8},
          {"offset", 32, 4},
          {"size", 36, 4},
          {"is_signed", 40, 4},
          {"len", 44, 4}}},
	{"saved_cmdlines_buffer", 32, {{"map_cmdline_to_pid", 0, 8}, {"cmdline_num", 8, 4}, {"saved_cmdlines", 16, 8}}},
};

static inline void faketrace_types(struct fakebtf *btf)
{
	uint32_t ints[9] = {0}, types[FAKECRASH_MEMBERS_MAX], words[4];

	fakebtf_init(btf);
	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2)
		ints[bytes] = fakebtf_int(btf, bytes == 8 ? "long" : bytes == 4 ? "int" : "small", bytes);
	for (size_t i = 0; i < array_size(faketrace_structs); i++) {
		const struct fakecrash_struct *made = &faketrace_structs[i];
		uint32_t count = 0;

		for (; count < FAKECRASH_MEMBERS_MAX && made->members[count].name; count++)
			types[count] = fakecrash_type(btf, ints, made->members[count].bytes);
		fakebtf_type(btf, made->name, 4, false, count, made->bytes);
		for (uint32_t m = 0; m < count; m++)
			fakebtf_member(btf, made->members[m].name, types[m], 8 * made->members[m].offset);
	}
	fakebtf_type(btf, NULL, 6, false, 2, 4);
	words[0] = fakebtf_name(btf, "TRACE_EVENT_FL_TRACEPOINT");
	words[1] = 16;
	words[2] = fakebtf_name(btf, "TRACE_EVENT_FL_CUSTOM");
	words[3] = 64;
	fakebtf_words(btf, words, 4);
}

static inline void faketrace_symbols(struct fakecore *fake, uint64_t btf_bytes)
{
	static const char *const variables[FAKETRACE_VARIABLE_COUNT] = {
		"ftrace_trace_arrays",
		"ftrace_events",
		"ftrace_common_fields",
		"savedcmd",
		"trace_clocks",
		"",
		"nr_cpu_ids",
		"__start___trace_bprintk_fmt",
		"__stop___trace_bprintk_fmt",
	};
	struct fakesym list[FAKETRACE_VARIABLE_COUNT + 8];
	struct fakesyms syms = {
		.list = list, .encoding = FAKESYMS_ABSOLUTE_PERCPU, .marker_bytes = 4, .paddr = FAKETRACE_SYMBOLS};
	size_t count = 0;

	list[count++] = (struct fakesym){'T', "_stext", fakecore_image + FAKETRACE_TEXT};
	list[count++] = (struct fakesym){'t', "mark_write", faketrace_function()};
	list[count++] = (struct fakesym){'t', "syscall_get_enter_fields", faketrace_function() + 0x100};
	list[count++] = (struct fakesym){'T', "_etext", faketrace_function() + 0x200};
	for (unsigned int i = 0; i < FAKETRACE_VARIABLE_COUNT; i++)
		if (variables[i][0])
			list[count++] = (struct fakesym){'d', variables[i], faketrace_variable(i)};
	list[count++] = (struct fakesym){'r', "__start_BTF", fakecore_image + FAKETRACE_BTF};
	list[count++] = (struct fakesym){'r', "__stop_BTF", fakecore_image + FAKETRACE_BTF + btf_bytes};
	syms.count = count;
	fakesyms_write(fake, &syms);
}

// The first field that is added is the last one of the kernel's list.
static inline void faketrace_field(struct faketrace *made, uint64_t head, const char *type, const char *name,
                                   uint32_t offset, uint32_t size_bytes, bool is_signed, uint32_t length)
{
	uint64_t field = faketrace_alloc(made, 64);

	faketrace_put(made, field + 16, faketrace_text(made, name), 8);
	faketrace_put(made, field + 24, faketrace_text(made, type), 8);
	faketrace_put(made, field + 32, offset, 4);
	faketrace_put(made, field + 36, size_bytes, 4);
	// The second bit is another flag of newer kernels.
	faketrace_put(made, field + 40, (uint64_t)is_signed | 2, 4);
	faketrace_put(made, field + 44, length, 4);
	faketrace_link(made, head, field);
}

/** Add an event; returns the list of its fields. */
static inline uint64_t faketrace_event(struct faketrace *made, const char *system, const char *name, uint32_t id,
                                       const char *print_fmt)
{
	uint64_t call = faketrace_alloc(made, 128), class = faketrace_alloc(made, 64),
		 point = faketrace_alloc(made, 16);
	bool is_call = strcmp(system, "syscalls") == 0, is_point = strcmp(system, "sched") == 0;
	uint64_t text = faketrace_text(made, name), data = faketrace_alloc(made, 32);
	uint64_t head = is_call ? data + 16 : class + 16;

	faketrace_put(made, call + 16, class, 8);
	faketrace_put(made, point, text, 8);
	faketrace_put(made, call + 24, is_point ? point : text, 8);
	faketrace_put(made, call + 64, id, 4);
	faketrace_put(made, call + 80, faketrace_text(made, print_fmt), 8);
	faketrace_put(made, call + 88, data, 8);
	faketrace_put(made, call + 96, is_point ? 16 : 64, 4);
	faketrace_put(made, class, faketrace_text(made, system), 8);
	faketrace_put(made, class + 8, is_call ? faketrace_function() + 0x100 : 0, 8);
	faketrace_list(made, head);
	faketrace_link(made, faketrace_variable(FAKETRACE_EVENTS), call);
	return head;
}

static inline void faketrace_events(struct faketrace *made)
{
	uint64_t head = faketrace_variable(FAKETRACE_COMMON);

	faketrace_list(made, head);
	faketrace_list(made, faketrace_variable(FAKETRACE_EVENTS));
	faketrace_field(made, head, "unsigned short", "common_type", 0, 2, false, 0);
	faketrace_field(made, head, "unsigned char", "common_flags", 2, 1, false, 0);
	faketrace_field(made, head, "unsigned char", "common_preempt_count", 3, 1, false, 0);
	faketrace_field(made, head, "int", "common_pid", 4, 4, true, 0);
	head = faketrace_event(made, "ftrace", "print", FAKETRACE_PRINT, "\"%ps: %s\", (void *)REC->ip, REC->buf");
	faketrace_field(made, head, "unsigned long", "ip", 8, 8, false, 0);
	faketrace_field(made, head, "char[]", "buf", 16, 0, false, 0);
	head = faketrace_event(
		made, "sched", "switched", FAKETRACE_SWITCH,
		"\"next=%s state=%s%s prio=%d\", REC->comm, REC->state & 0x0f ? __print_flags(REC->state & "
		"0x0f, \"|\", { 0x1, \"S\" }, { 0x2, \"D\" }) : \"R\", REC->state & 0x10 ? \"+\" : \"\", "
		"REC->prio");
	faketrace_field(made, head, "char[16]", "comm", 8, 16, false, 16);
	faketrace_field(made, head, "long", "state", 24, 8, true, 0);
	faketrace_field(made, head, "int", "prio", 32, 4, true, 0);
	head = faketrace_event(
		made, "lab", "opened", FAKETRACE_OPENED,
		"\"name=\\\"%s\\\" how=%s\", __get_str(name), __print_symbolic(REC->how, { 1, \"read\" }, { 2, "
		"\"write\" }, { TRACE_EVENT_FL_CUSTOM, \"append\" })");
	faketrace_field(made, head, "__data_loc char[]", "name", 8, 4, false, 0);
	faketrace_field(made, head, "u32", "how", 12, 4, false, 0);
	head = faketrace_event(made, "syscalls", "sys_enter_close", FAKETRACE_ENTER,
	                       "\"fd: 0x%08lx\", ((unsigned long)(REC->fd))");
	faketrace_field(made, head, "int", "__syscall_nr", 8, 4, true, 0);
	faketrace_field(made, head, "unsigned int", "fd", 16, 8, false, 0);
}

static inline void faketrace_names(struct faketrace *made)
{
	static const char *const clocks[] = {"local", "counter"};
	uint64_t saved = faketrace_alloc(made, 32), pids = faketrace_alloc(made, 16), texts = faketrace_alloc(made, 64);
	uint64_t texts_paddr = texts - fakecore_image;

	faketrace_put(made, faketrace_variable(FAKETRACE_SAVEDCMD), saved, 8);
	faketrace_put(made, saved, pids, 8);
	faketrace_put(made, saved + 8, 3, 4);
	faketrace_put(made, saved + 16, texts, 8);
	faketrace_put(made, pids, 500, 4);
	faketrace_put(made, pids + 4, 77, 4);
	faketrace_put(made, pids + 8, UINT32_MAX, 4);
	strcpy((char *)made->fake.memory + texts_paddr, "worker");
	strcpy((char *)made->fake.memory + texts_paddr + 16, "odd \x1b[1m");
	for (uint64_t i = 0; i < array_size(clocks); i++) {
		uint64_t clock = faketrace_variable(FAKETRACE_CLOCKS) + 24 * i;

		faketrace_put(made, clock + 8, faketrace_text(made, clocks[i]), 8);
		faketrace_put(made, clock + 16, i == 0, 4);
	}
	faketrace_put(made, faketrace_variable(FAKETRACE_NR_CPU_IDS), FAKETRACE_CPUS, 4);
	faketrace_put(made, faketrace_variable(FAKETRACE_BPRINTK_START), faketrace_text(made, "half\t%d\n"), 8);
}

/** Add an instance, with a ring for each CPU; NULL: the main one. Returns its number. */
static inline unsigned int faketrace_instance(struct faketrace *made, const char *name, unsigned int clock)
{
	uint64_t array = faketrace_alloc(made, 0x100), buffer = faketrace_alloc(made, 64),
		 list = faketrace_alloc(made, 16);
	unsigned int number = made->array_count++;

	made->arrays[number] = array;
	faketrace_put(made, array + 16, name ? faketrace_text(made, name) : 0, 8);
	faketrace_put(made, array + 32, buffer, 8);
	faketrace_put(made, array + 0x80, clock, 4);
	faketrace_put(made, buffer + 4, FAKETRACE_CPUS, 4);
	faketrace_put(made, buffer + 16, list, 8);
	faketrace_link(made, faketrace_variable(FAKETRACE_ARRAYS), array);
	for (uint64_t cpu = 0; cpu < FAKETRACE_CPUS; cpu++) {
		made->rings[number][cpu] = faketrace_alloc(made, 256);
		faketrace_put(made, list + 8 * cpu, made->rings[number][cpu], 8);
	}
	return number;
}

/** A page that is being written. */
struct faketrace_page {
	uint64_t vaddr; // struct buffer_page.
	uint8_t *bytes;
	uint32_t used; // Of the data.
};

static inline struct faketrace_page faketrace_page(struct faketrace *made, uint64_t timestamp)
{
	struct faketrace_page page = {.vaddr = faketrace_alloc(made, 64)};
	uint64_t paddr = made->next_page;

	made->next_page += FAKETRACE_PAGE_BYTES;
	page.bytes = made->fake.memory + paddr;
	faketrace_put(made, page.vaddr + 56, fakecore_image + paddr, 8);
	memcpy(page.bytes, &timestamp, 8);
	return page;
}

static inline void faketrace_commit(struct faketrace_page *page)
{
	uint64_t commit = page->used;

	memcpy(page->bytes + 8, &commit, 8);
}

static inline void faketrace_word(struct faketrace_page *page, uint32_t word)
{
	memcpy(page->bytes + 16 + page->used, &word, 4);
	page->used += 4;
	faketrace_commit(page);
}

/** A record: its data, in whole words. */
static inline void faketrace_record(struct faketrace_page *page, uint32_t delta, const void *data, uint32_t size_bytes)
{
	uint32_t words = (size_bytes + 3) / 4;

	if (words > 28) {
		faketrace_word(page, delta << 5);
		faketrace_word(page, words * 4 + 4);
	} else {
		faketrace_word(page, delta << 5 | words);
	}
	memcpy(page->bytes + 16 + page->used, data, size_bytes);
	page->used += words * 4;
	faketrace_commit(page);
}

/** A marker's record. */
static inline void faketrace_mark(struct faketrace_page *page, uint32_t delta, uint32_t pid, const char *text)
{
	uint8_t data[512] = {FAKETRACE_PRINT};
	uint64_t ip = faketrace_function() + 0x40;
	uint32_t size = 16 + (uint32_t)strlen(text) + 1;

	memcpy(data + 4, &pid, 4);
	memcpy(data + 8, &ip, 8);
	strcpy((char *)data + 16, text);
	faketrace_record(page, delta, data, size);
}

/** Make a ring of pages, and a reader page beside it. head, commit: numbers of pages of the ring. */
static inline void faketrace_ring(struct faketrace *made, uint64_t ring, const struct faketrace_page *reader,
                                  const struct faketrace_page *pages, uint64_t count, uint64_t head, uint64_t commit)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t next = (i + 1) % count;

		// RB_PAGE_HEAD.
		faketrace_put(made, pages[i].vaddr, pages[next].vaddr | (next == head), 8);
		faketrace_put(made, pages[next].vaddr + 8, pages[i].vaddr, 8);
	}
	faketrace_put(made, ring + 8, count, 8);
	faketrace_put(made, ring + 16, pages[0].vaddr, 8);
	// The kernel looks for the head from here: this is not always it.
	faketrace_put(made, ring + 24, pages[0].vaddr, 8);
	faketrace_put(made, ring + 32, pages[commit].vaddr, 8);
	faketrace_put(made, ring + 40, reader->vaddr, 8);
}

/** Make the machine, without rings. Add instances, then fakecore_open(). */
static inline void faketrace_make(struct faketrace *made)
{
	static struct fakebtf btf;

	*made = (struct faketrace){.next_object = FAKETRACE_OBJECTS, .next_page = FAKETRACE_PAGES};
	fakecore_init(&made->fake, FAKETRACE_BYTES);
	fakecore_info(&made->fake, "SYMBOL(_stext)=%jx\n", (uintmax_t)(fakecore_image + FAKETRACE_TEXT));
	faketrace_types(&btf);
	fakebtf_put(&btf, &made->fake, FAKETRACE_BTF);
	faketrace_symbols(&made->fake, fakebtf_bytes(&btf));
	faketrace_list(made, faketrace_variable(FAKETRACE_ARRAYS));
	faketrace_events(made);
	faketrace_names(made);
}

#endif
