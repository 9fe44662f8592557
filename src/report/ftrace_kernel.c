// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/ftrace_kernel.h"

#include <stdlib.h>
#include <string.h>

static const char *const symbol_names[FTRACE_KERNEL_SYMBOL_COUNT] = {
	[FTRACE_KERNEL_TRACE_ARRAYS] = "ftrace_trace_arrays",
	[FTRACE_KERNEL_EVENTS] = "ftrace_events",
	[FTRACE_KERNEL_COMMON_FIELDS] = "ftrace_common_fields",
	[FTRACE_KERNEL_SAVEDCMD] = "savedcmd",
	[FTRACE_KERNEL_CLOCKS] = "trace_clocks",
	[FTRACE_KERNEL_GET_ENTER_FIELDS] = "syscall_get_enter_fields",
	[FTRACE_KERNEL_BPRINTK_START] = "__start___trace_bprintk_fmt",
	[FTRACE_KERNEL_BPRINTK_STOP] = "__stop___trace_bprintk_fmt",
	[FTRACE_KERNEL_BPRINTK_MODULES] = "trace_bprintk_fmt_list",
	[FTRACE_KERNEL_TRACEPOINT_STR_START] = "__start___tracepoint_str",
	[FTRACE_KERNEL_TRACEPOINT_STR_STOP] = "__stop___tracepoint_str",
};

#define MEMBER(type_, member_)                                                                                         \
	{                                                                                                              \
		.type = (type_), .member = (member_)                                                                   \
	}
#define ENUMERATOR(name_)                                                                                              \
	{                                                                                                              \
		.member = (name_), .is_enumerator = true                                                               \
	}

static const struct btf_query member_names[FTRACE_KERNEL_MEMBER_COUNT] = {
	[FTRACE_KERNEL_ARRAY_LIST] = MEMBER("trace_array", "list"),
	[FTRACE_KERNEL_ARRAY_NAME] = MEMBER("trace_array", "name"),
	[FTRACE_KERNEL_ARRAY_BUFFER] = MEMBER("trace_array", "array_buffer"),
	[FTRACE_KERNEL_ARRAY_MAX_BUFFER] = MEMBER("trace_array", "max_buffer"),
	// The new name of max_buffer in kernels after v6.18.
	[FTRACE_KERNEL_ARRAY_SNAPSHOT_BUFFER] = MEMBER("trace_array", "snapshot_buffer"),
	[FTRACE_KERNEL_ARRAY_CLOCK] = MEMBER("trace_array", "clock_id"),
	[FTRACE_KERNEL_BUFFER_BUFFER] = MEMBER("array_buffer", "buffer"),
	[FTRACE_KERNEL_RING_CPUS] = MEMBER("trace_buffer", "cpus"),
	[FTRACE_KERNEL_RING_BUFFERS] = MEMBER("trace_buffer", "buffers"),
	// Since Linux kernel commit f9b94daa542a ("ring-buffer: Set new size of the ring buffer sub page") (in v6.8).
	[FTRACE_KERNEL_RING_ORDER] = MEMBER("trace_buffer", "subbuf_order"),
	[FTRACE_KERNEL_CPU_NR_PAGES] = MEMBER("ring_buffer_per_cpu", "nr_pages"),
	[FTRACE_KERNEL_CPU_PAGES] = MEMBER("ring_buffer_per_cpu", "pages"),
	[FTRACE_KERNEL_CPU_HEAD_PAGE] = MEMBER("ring_buffer_per_cpu", "head_page"),
	[FTRACE_KERNEL_CPU_COMMIT_PAGE] = MEMBER("ring_buffer_per_cpu", "commit_page"),
	[FTRACE_KERNEL_CPU_READER_PAGE] = MEMBER("ring_buffer_per_cpu", "reader_page"),
	[FTRACE_KERNEL_CPU_LOST_EVENTS] = MEMBER("ring_buffer_per_cpu", "lost_events"),
	[FTRACE_KERNEL_CPU_LAST_OVERRUN] = MEMBER("ring_buffer_per_cpu", "last_overrun"),
	[FTRACE_KERNEL_CPU_ENTRIES] = MEMBER("ring_buffer_per_cpu", "entries"),
	[FTRACE_KERNEL_CPU_OVERRUN] = MEMBER("ring_buffer_per_cpu", "overrun"),
	[FTRACE_KERNEL_CPU_DROPPED] = MEMBER("ring_buffer_per_cpu", "dropped_events"),
	[FTRACE_KERNEL_CPU_READ] = MEMBER("ring_buffer_per_cpu", "read"),
	[FTRACE_KERNEL_PAGE_LIST] = MEMBER("buffer_page", "list"),
	[FTRACE_KERNEL_PAGE_READ] = MEMBER("buffer_page", "read"),
	[FTRACE_KERNEL_PAGE_PAGE] = MEMBER("buffer_page", "page"),
	[FTRACE_KERNEL_DATA_COMMIT] = MEMBER("buffer_data_page", "commit"),
	[FTRACE_KERNEL_DATA_DATA] = MEMBER("buffer_data_page", "data"),
	[FTRACE_KERNEL_CALL_LIST] = MEMBER("trace_event_call", "list"),
	[FTRACE_KERNEL_CALL_CLASS] = MEMBER("trace_event_call", "class"),
	[FTRACE_KERNEL_CALL_NAME] = MEMBER("trace_event_call", "name"),
	[FTRACE_KERNEL_CALL_TP] = MEMBER("trace_event_call", "tp"),
	[FTRACE_KERNEL_CALL_EVENT] = MEMBER("trace_event_call", "event"),
	[FTRACE_KERNEL_CALL_PRINT_FMT] = MEMBER("trace_event_call", "print_fmt"),
	[FTRACE_KERNEL_CALL_DATA] = MEMBER("trace_event_call", "data"),
	[FTRACE_KERNEL_CALL_FLAGS] = MEMBER("trace_event_call", "flags"),
	[FTRACE_KERNEL_FL_TRACEPOINT] = ENUMERATOR("TRACE_EVENT_FL_TRACEPOINT"),
	// Since Linux kernel commit 3a73333fb370 ("tracing: Add TRACE_CUSTOM_EVENT() macro") (in v5.18).
	[FTRACE_KERNEL_FL_CUSTOM] = ENUMERATOR("TRACE_EVENT_FL_CUSTOM"),
	[FTRACE_KERNEL_TRACEPOINT_NAME] = MEMBER("tracepoint", "name"),
	[FTRACE_KERNEL_EVENT_TYPE] = MEMBER("trace_event", "type"),
	[FTRACE_KERNEL_CLASS_SYSTEM] = MEMBER("trace_event_class", "system"),
	[FTRACE_KERNEL_CLASS_GET_FIELDS] = MEMBER("trace_event_class", "get_fields"),
	[FTRACE_KERNEL_CLASS_FIELDS] = MEMBER("trace_event_class", "fields"),
	[FTRACE_KERNEL_SYSCALL_ENTER_FIELDS] = MEMBER("syscall_metadata", "enter_fields"),
	[FTRACE_KERNEL_FIELD_LINK] = MEMBER("ftrace_event_field", "link"),
	[FTRACE_KERNEL_FIELD_NAME] = MEMBER("ftrace_event_field", "name"),
	[FTRACE_KERNEL_FIELD_TYPE] = MEMBER("ftrace_event_field", "type"),
	[FTRACE_KERNEL_FIELD_OFFSET] = MEMBER("ftrace_event_field", "offset"),
	[FTRACE_KERNEL_FIELD_SIZE] = MEMBER("ftrace_event_field", "size"),
	[FTRACE_KERNEL_FIELD_IS_SIGNED] = MEMBER("ftrace_event_field", "is_signed"),
	// Since Linux kernel commit b6c7abd1c28a ("tracing: Fix TASK_COMM_LEN in trace event format file") (in v6.2, and in older
	// stable kernels): before, the length of an array stands in its type only.
	[FTRACE_KERNEL_FIELD_LEN] = MEMBER("ftrace_event_field", "len"),
	[FTRACE_KERNEL_CMDLINES_PIDS] = MEMBER("saved_cmdlines_buffer", "map_cmdline_to_pid"),
	[FTRACE_KERNEL_CMDLINES_NUM] = MEMBER("saved_cmdlines_buffer", "cmdline_num"),
	[FTRACE_KERNEL_CMDLINES_TEXT] = MEMBER("saved_cmdlines_buffer", "saved_cmdlines"),
	[FTRACE_KERNEL_PRINTK_LIST] = MEMBER("trace_bprintk_fmt", "list"),
	[FTRACE_KERNEL_PRINTK_FMT] = MEMBER("trace_bprintk_fmt", "fmt"),
};

struct error *ftrace_kernel_init(struct ftrace_kernel *ret, struct kernel *kernel)
{
	struct error *err;

	*ret = (struct ftrace_kernel){.kernel = kernel};
	memcpy(ret->members, member_names, sizeof(ret->members));
	err = kernel_find_symbols(kernel, symbol_names, FTRACE_KERNEL_SYMBOL_COUNT, ret->symbols);
	return err ? err : kernel_find_members(kernel, ret->members, FTRACE_KERNEL_MEMBER_COUNT);
}

bool ftrace_kernel_has(const struct ftrace_kernel *tables, enum ftrace_kernel_member which)
{
	return tables->members[which].is_found;
}

struct error *ftrace_kernel_need(const struct ftrace_kernel *tables, const enum ftrace_kernel_member *which,
                                 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct btf_query *query = &tables->members[which[i]];

		if (!query->is_found)
			return error_new(ERROR_UNSUPPORTED, "the kernel's types have no %s%s%s",
			                 query->type ? query->type : "", query->type ? "." : "", query->member);
	}
	return NULL;
}

struct error *ftrace_kernel_symbol(const struct ftrace_kernel *tables, enum ftrace_kernel_symbol which, uint64_t *ret)
{
	if (!tables->symbols[which])
		return error_new(ERROR_UNSUPPORTED, "the kernel has no symbol %s", symbol_names[which]);
	*ret = tables->symbols[which];
	return NULL;
}

uint64_t ftrace_kernel_at(const struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which)
{
	return vaddr + tables->members[which].offset_bytes;
}

struct error *ftrace_kernel_get(struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which,
                                uint64_t *ret)
{
	const struct btf_query *query = &tables->members[which];
	struct error *err = ftrace_kernel_need(tables, &which, 1);

	if (!err)
		err = vmemory_uint(tables->kernel->memory, vaddr + query->offset_bytes, query->size_bytes, ret);
	return error_wrap(err, "%s.%s", query->type, query->member);
}

struct error *ftrace_kernel_pointer(struct ftrace_kernel *tables, uint64_t vaddr, uint64_t *ret)
{
	return vmemory_uint(tables->kernel->memory, vaddr, 8, ret);
}

struct error *ftrace_kernel_lines_at(struct ftrace_kernel *tables, uint64_t vaddr, size_t most_bytes, char **ret)
{
	_cleanup_free_ char *text = calloc(1, most_bytes);
	size_t size = 0;
	char *shorter;

	if (!text)
		return error_new(ERROR_NOMEM, "no memory for a text");
	for (; size + 1 < most_bytes; size++) {
		struct error *err = vmemory_read(tables->kernel->memory, vaddr + size, text + size, 1);

		if (err)
			return err;
		if (!text[size])
			break;
		if ((text[size] < ' ' || text[size] > '~') && text[size] != '\n' && text[size] != '\t')
			text[size] = '?';
	}
	text[size] = '\0';
	shorter = realloc(text, size + 1);
	if (!shorter)
		return error_new(ERROR_NOMEM, "no memory for a text");
	text = NULL;
	*ret = shorter;
	return NULL;
}

struct error *ftrace_kernel_text(struct ftrace_kernel *tables, uint64_t vaddr, enum ftrace_kernel_member which,
                                 size_t most_bytes, char **ret)
{
	uint64_t text = 0;
	struct error *err = ftrace_kernel_get(tables, vaddr, which, &text);

	if (!err)
		err = ftrace_kernel_lines_at(tables, text, most_bytes, ret);
	if (!err)
		kernel_plain(*ret);
	return err;
}
