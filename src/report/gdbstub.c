// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/gdbstub.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/gdbregs.h"

enum {
	MEMORY_BYTES = GDBWIRE_PACKET_BYTES / 2, // Of one answer.
	// A page is there as a whole or is not.
	PAGE_BYTES = 4096,
	// What transfers have in front: "m" or "l". Bytes may double when they are put into a frame, which is the reader's matter.
	TRANSFER_BYTES = GDBWIRE_PACKET_BYTES - 1,
	// Threads in an answer, by their numbers.
	THREADS_PER_ANSWER = 256,
};

// A text that gdb reads in pieces.
struct document {
	char *text;
	size_t size_bytes;
};

struct gdbstub {
	const struct machine *machine;
	struct gdbthreads threads;
	struct gdbregs regs;
	const struct gdbthreads_thread *current; // Whose registers are asked for.
	size_t next_thread; // Of the list that is being told.
	struct document target, tasks;
	struct gdbregs_values values; // Of current, if are_values.
	bool are_values;
};

static struct error *make_document(struct document *ret, const struct gdbstub *stub, bool is_target)
{
	FILE *out = open_memstream(&ret->text, &ret->size_bytes);

	if (!out)
		return error_new(ERROR_NOMEM, "out of memory");
	if (is_target)
		gdbregs_describe(&stub->regs, out);
	else
		gdbthreads_describe(&stub->threads, out);
	return fclose(out) ? error_new(ERROR_NOMEM, "no memory for the list of threads") : NULL;
}

struct error *gdbstub_create(const struct machine *machine, struct gdbstub **ret)
{
	_cleanup_(gdbstub_destroyp) struct gdbstub *stub = calloc(1, sizeof(*stub));
	struct error *err;

	if (!stub)
		return error_new(ERROR_NOMEM, "out of memory");
	stub->machine = machine;
	gdbregs_init(&stub->regs, machine->kernel);
	err = gdbthreads_init(&stub->threads, machine);
	if (!err)
		err = make_document(&stub->target, stub, true);
	if (!err)
		err = make_document(&stub->tasks, stub, false);
	if (err)
		return err;
	stub->current = stub->threads.list;
	*ret = take_ptr(stub);
	return NULL;
}

void gdbstub_destroy(struct gdbstub *stub)
{
	if (!stub)
		return;
	gdbthreads_deinit(&stub->threads);
	free(stub->target.text);
	free(stub->tasks.text);
	free(stub);
}

const struct gdbthreads *gdbstub_threads(const struct gdbstub *stub)
{
	return &stub->threads;
}

const char *gdbstub_architecture(const struct gdbstub *stub)
{
	return stub->regs.machine ? stub->regs.machine->architecture : NULL;
}

static void printf_format(2, 3) say(struct gdbstub_answer *answer, const char *fmt, ...)
{
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf((char *)answer->text, sizeof(answer->text), fmt, args);
	va_end(args);
	answer->size_bytes = size > 0 && (size_t)size < sizeof(answer->text) ? (size_t)size : 0;
}

// EFAULT, or no such thing.
static void fail(struct gdbstub_answer *answer)
{
	say(answer, "E14");
}

static void refuse(struct gdbstub_answer *answer)
{
	say(answer, "E.a dump cannot be changed");
}

// A number and what must be behind it; "" is the end.
static bool take_number(const char **at, const char *behind, uint64_t *ret)
{
	size_t size = strlen(behind);

	if (!gdbwire_number(at, ret) || (size ? strncmp(*at, behind, size) != 0 : **at != '\0'))
		return false;
	*at += size;
	return true;
}

// 0 is any, -1 all of them: the one that is asked already.
static bool take_thread(const struct gdbstub *stub, const char *at, const struct gdbthreads_thread **ret)
{
	uint64_t id;

	*ret = stub->current;
	if (strcmp(at, "-1") == 0 || strcmp(at, "0") == 0)
		return true;
	if (!take_number(&at, "", &id))
		return false;
	*ret = gdbthreads_find(&stub->threads, id);
	return *ret;
}

static void select_thread(struct gdbstub *stub, const char *at, struct gdbstub_answer *answer)
{
	const struct gdbthreads_thread *thread;

	// "g" for what is looked at; others are for what would run.
	if (!at[0] || !take_thread(stub, at + 1, &thread)) {
		fail(answer);
		return;
	}
	if (at[0] == 'g' && thread != stub->current) {
		stub->current = thread;
		stub->are_values = false;
	}
	say(answer, "OK");
}

static void tell_registers(struct gdbstub *stub, size_t first, size_t count, struct gdbstub_answer *answer)
{
	const struct gdbthreads_thread *thread = stub->current;
	struct kernel *kernel = stub->machine->kernel;

	if (!stub->are_values && thread->is_active)
		gdbregs_of_cpu(&stub->regs, kernel, thread->cpu, &stub->values);
	else if (!stub->are_values)
		gdbregs_of_task(&stub->regs, kernel, thread->task_vaddr, &stub->values);
	// gdb does not stay connected if it cannot know where the thread is that stopped.
	if (thread == stub->threads.list)
		gdbregs_need_ip(&stub->regs, &stub->values);
	stub->are_values = true;
	answer->size_bytes =
		gdbregs_digits(&stub->regs, &stub->values, kernel->core->is_big_endian, first, count, answer->text);
	if (!answer->size_bytes)
		fail(answer);
}

static void tell_register(struct gdbstub *stub, const char *at, struct gdbstub_answer *answer)
{
	uint64_t which;

	if (take_number(&at, "", &which) && which < GDBREGS_MAX)
		tell_registers(stub, (size_t)which, 1, answer);
	else
		fail(answer);
}

// As much as there is; nothing is an error.
static void tell_memory(struct gdbstub *stub, const char *at, struct gdbstub_answer *answer)
{
	struct vmemory *memory = stub->machine->kernel->memory;
	uint8_t bytes[PAGE_BYTES];
	uint64_t vaddr, size, done = 0;

	if (!take_number(&at, ",", &vaddr) || !take_number(&at, "", &size)) {
		fail(answer);
		return;
	}
	size = size < MEMORY_BYTES ? size : MEMORY_BYTES;
	// None is behind the last address.
	if (vaddr && size > 0 - vaddr)
		size = 0 - vaddr;
	while (done < size) {
		uint64_t part = PAGE_BYTES - (vaddr + done) % PAGE_BYTES;
		struct error *err;

		part = part < size - done ? part : size - done;
		err = vmemory_read(memory, vaddr + done, bytes, (size_t)part);
		error_free(err);
		if (err)
			break;
		gdbwire_hex(bytes, (size_t)part, answer->text + 2 * done);
		done += part;
	}
	answer->size_bytes = 2 * (size_t)done;
	if (!done && size)
		fail(answer);
}

// Numbers of some threads; "l" is the end.
static void tell_threads(struct gdbstub *stub, struct gdbstub_answer *answer)
{
	const struct gdbthreads *threads = &stub->threads;
	size_t size = 0;

	if (stub->next_thread == threads->count) {
		say(answer, "l");
		return;
	}
	for (size_t i = 0; i < THREADS_PER_ANSWER && stub->next_thread < threads->count; i++, stub->next_thread++)
		size += (size_t)snprintf((char *)answer->text + size, sizeof(answer->text) - size, "%c%" PRIx32,
		                         i ? ',' : 'm', threads->list[stub->next_thread].id);
	answer->size_bytes = size;
}

static void tell_thread(const struct gdbstub *stub, const char *at, struct gdbstub_answer *answer)
{
	const struct gdbthreads_thread *thread;
	char text[GDBTHREADS_TEXT_BYTES], whole[GDBTHREADS_TEXT_BYTES + TASKS_NAME_BYTES + 2];

	if (!take_thread(stub, at, &thread)) {
		fail(answer);
		return;
	}
	gdbthreads_text(thread, text);
	snprintf(whole, sizeof(whole), "%s: %s", thread->name, text);
	answer->size_bytes = 2 * strlen(whole);
	gdbwire_hex((const uint8_t *)whole, strlen(whole), answer->text);
}

static void tell_piece(const struct document *document, const char *at, struct gdbstub_answer *answer)
{
	uint64_t offset, size;

	if (!take_number(&at, ",", &offset) || !take_number(&at, "", &size) || offset > document->size_bytes) {
		fail(answer);
		return;
	}
	size = size < TRANSFER_BYTES ? size : TRANSFER_BYTES;
	answer->text[0] = offset + size < document->size_bytes ? 'm' : 'l';
	if (size > document->size_bytes - offset)
		size = document->size_bytes - offset;
	memcpy(answer->text + 1, document->text + offset, (size_t)size);
	answer->size_bytes = 1 + (size_t)size;
}

static void take_command(const char *at, struct gdbstub_answer *answer)
{
	size_t size = gdbwire_bytes(at, answer->text, sizeof(answer->text) - 1);

	if (size == SIZE_MAX || memchr(answer->text, '\0', size)) {
		fail(answer);
		return;
	}
	answer->text[size] = '\0';
	answer->size_bytes = size;
	answer->next = GDBSTUB_COMMAND;
}

// What is behind a word that a request begins with; NULL: it does not.
static const char *behind(const char *request, const char *word)
{
	size_t size = strlen(word);

	return strncmp(request, word, size) == 0 ? request + size : NULL;
}

static void answer_query(struct gdbstub *stub, const char *request, struct gdbstub_answer *answer)
{
	const char *at;

	if (behind(request, "qSupported")) {
		// Acknowledgements stay: with them gdb drops what is left of an output that its user no longer wants to see.
		say(answer, "PacketSize=%x;qXfer:features:read+;qXfer:threads:read+", GDBWIRE_PACKET_BYTES);
	} else if ((at = behind(request, "qXfer:features:read:target.xml:"))) {
		tell_piece(&stub->target, at, answer);
	} else if ((at = behind(request, "qXfer:threads:read::"))) {
		tell_piece(&stub->tasks, at, answer);
	} else if (behind(request, "qXfer:features:read:")) {
		fail(answer);
	} else if (strcmp(request, "qfThreadInfo") == 0) {
		stub->next_thread = 0;
		tell_threads(stub, answer);
	} else if (strcmp(request, "qsThreadInfo") == 0) {
		tell_threads(stub, answer);
	} else if ((at = behind(request, "qThreadExtraInfo,"))) {
		tell_thread(stub, at, answer);
	} else if ((at = behind(request, "qRcmd,"))) {
		take_command(at, answer);
	} else if (strcmp(request, "qC") == 0) {
		say(answer, "QC%" PRIx32, stub->current->id);
	} else if (behind(request, "qAttached")) {
		// Then gdb leaves by detaching.
		say(answer, "1");
	}
}

// Of a stop that no stepping makes gdb expect: it does not try again.
static void tell_stop(const struct gdbstub *stub, bool is_refusal, struct gdbstub_answer *answer)
{
	const struct gdbthreads_thread *thread = is_refusal ? stub->current : stub->threads.list;

	say(answer, "T%02xthread:%" PRIx32 ";", is_refusal ? 2 : 5, thread->id);
	if (is_refusal)
		answer->next = GDBSTUB_REFUSAL;
}

void gdbstub_answer(struct gdbstub *stub, const uint8_t *request, size_t size_bytes, struct gdbstub_answer *ret)
{
	const char *text = (const char *)request;
	const struct gdbthreads_thread *thread;

	ret->next = GDBSTUB_ANSWER;
	ret->size_bytes = 0;
	switch (size_bytes ? text[0] : '\0') {
	case '?':
		tell_stop(stub, false, ret);
		break;
	case 'g':
		tell_registers(stub, 0, GDBREGS_MAX, ret);
		break;
	case 'p':
		tell_register(stub, text + 1, ret);
		break;
	case 'm':
		tell_memory(stub, text + 1, ret);
		break;
	case 'H':
		select_thread(stub, text + 1, ret);
		break;
	case 'T':
		if (take_thread(stub, text + 1, &thread))
			say(ret, "OK");
		else
			fail(ret);
		break;
	case 'c':
	case 'C':
	case 's':
	case 'S':
		tell_stop(stub, true, ret);
		break;
	case 'G':
	case 'P':
	case 'M':
	case 'X':
	case 'Z':
	case 'z':
		refuse(ret);
		break;
	case 'D':
		say(ret, "OK");
		ret->next = GDBSTUB_LAST;
		break;
	case 'k':
		ret->next = GDBSTUB_END;
		break;
	case 'q':
		answer_query(stub, text, ret);
		break;
	case 'Q':
		if (strcmp(text, "QStartNoAckMode") == 0) {
			say(ret, "OK");
			ret->next = GDBSTUB_ACKS_END;
		}
		break;
	default:
		break;
	}
}

void gdbstub_output(const char *output, size_t size_bytes, struct gdbstub_answer *ret)
{
	ret->next = GDBSTUB_ANSWER;
	ret->text[0] = 'O';
	gdbwire_hex((const uint8_t *)output, size_bytes, ret->text + 1);
	ret->size_bytes = 1 + 2 * size_bytes;
}
