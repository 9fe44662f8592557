// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's tracing had: as text, or as a file for trace-cmd; what LTTng had: as traces for babeltrace2.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "boot/text.h"
#include "cmd/inspect_commands.h"
#include "cmd/inspect_dump.h"
#include "cmd/inspect_lttng.h"
#include "cmd/inspect_output.h"
#include "report/ftrace.h"
#include "report/ftrace_reader.h"
#include "report/ftrace_text.h"
#include "report/tracedat.h"

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, EVENTS_MAX = 64 };

// What is asked for.
struct request {
	const char *output; // NULL: text.
	const char *ctf; // A directory, of what LTTng had; NULL: of ftrace.
	const char *partial; // A trace of LTTng's on a disk; NULL: none.
	const char *instance; // NULL: all.
	const char *events[EVENTS_MAX]; // NAME, or SYSTEM:NAME.
	size_t event_count;
	uint64_t last_ns; // 0: all.
	uint64_t pid;
	bool has_pid, is_forced;
};

// What is printed, and how much of it.
struct printer {
	const struct request *request;
	struct ftrace *ftrace;
	bool is_json;
	struct json json;
	uint64_t damaged;
	uint64_t shown, hidden; // Events, by what is asked for.
	size_t headings;
};

// "2s", "500ms", "10us", "1.5s"; a number alone is in seconds.
static struct error *parse_time(const char *word, uint64_t *ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", NS_PER_S},    {"s", NS_PER_S}, {"ms", 1e6},
	             {"us", NS_PER_US}, {"ns", 1},       {"m", 60.0 * NS_PER_S}};
	double number;
	char *end;

	errno = 0;
	number = strtod(word, &end);
	for (size_t i = 0; i < array_size(units) && isdigit((unsigned char)word[0]) && !errno; i++) {
		if (strcmp(end, units[i].unit) != 0 || !(number * units[i].ns >= 1) || number * units[i].ns > 9e18)
			continue;
		*ret = (uint64_t)(number * units[i].ns);
		return NULL;
	}
	return error_new(ERROR_USAGE, "--last: \"%s\" is no time: 2s, 500ms, 10us", word);
}

static struct error *take_option(struct request *request, const char *name, const char *value)
{
	if (strcmp(name, "-o") == 0 || strcmp(name, "--output") == 0) {
		request->output = value;
		return NULL;
	}
	if (strcmp(name, "--instance") == 0) {
		request->instance = value;
		return NULL;
	}
	if (strcmp(name, "--ctf") == 0) {
		request->ctf = value;
		return NULL;
	}
	if (strcmp(name, "--append-to") == 0) {
		request->partial = value;
		return NULL;
	}
	if (strcmp(name, "--last") == 0)
		return parse_time(value, &request->last_ns);
	if (strcmp(name, "--pid") == 0) {
		request->has_pid = true;
		return inspect_dump_number(value, name, UINT32_MAX, &request->pid);
	}
	if (request->event_count >= EVENTS_MAX)
		return error_new(ERROR_USAGE, "--event: at most %d", EVENTS_MAX);
	request->events[request->event_count++] = value;
	return NULL;
}

// Words that do not go together.
static struct error *check(const struct request *request)
{
	bool is_filtered = request->has_pid || request->event_count || request->last_ns || request->instance;

	if (request->output && is_filtered)
		return error_new(ERROR_USAGE, "trace -o writes all there is: trace-cmd report has filters of its own");
	if (request->ctf && is_filtered)
		return error_new(ERROR_USAGE, "trace --ctf writes all there is: babeltrace2 has filters of its own");
	if (request->ctf && (request->output || request->is_forced))
		return error_new(ERROR_USAGE, "trace --ctf makes a new directory: neither -o nor --force goes with it");
	if (request->partial && !request->ctf)
		return error_new(ERROR_USAGE, "trace --append-to needs --ctf, the directory to write");
	return NULL;
}

// Takes our own options out of the words; the others are those of all commands.
static struct error *parse(int *argc, char **argv, struct request *request)
{
	static const char *const names[] = {"-o",    "--output", "--instance", "--last",
	                                    "--pid", "--event",  "--ctf",      "--append-to"};
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		bool is_ours = false;

		for (size_t n = 0; n < array_size(names); n++)
			is_ours |= strcmp(argv[i], names[n]) == 0;
		if (strcmp(argv[i], "--force") == 0) {
			request->is_forced = true;
		} else if (is_ours && i + 1 >= *argc) {
			return error_new(ERROR_USAGE, "%s: a value is missing", argv[i]);
		} else if (is_ours) {
			struct error *err = take_option(request, argv[i], argv[i + 1]);

			if (err)
				return err;
			i++;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	argv[kept] = NULL;
	return check(request);
}

// Whether a format is that of NAME, SYSTEM:NAME or SYSTEM:.
static bool is_named(const struct ftrace_format *format, const char *asked)
{
	const char *colon = strchr(asked, ':');
	const char *name = colon ? colon + 1 : asked;
	size_t system_size = colon ? (size_t)(colon - asked) : 0;

	if (strcmp(name, format->name) != 0 && !(colon && !*name))
		return false;
	return !colon || (strlen(format->system) == system_size && strncmp(format->system, asked, system_size) == 0);
}

static bool is_wanted(const struct request *request, const struct ftrace_reader_event *event)
{
	bool is_found = !request->event_count;

	if (request->has_pid && event->pid != request->pid)
		return false;
	for (size_t i = 0; i < request->event_count && !is_found && event->format; i++)
		is_found = is_named(event->format, request->events[i]);
	return is_found;
}

static struct error *no_such_event(const struct ftrace_format_list *formats, const char *asked)
{
	_cleanup_free_ const char **names = calloc(formats->count + 1, sizeof(*names));
	const char *colon = strchr(asked, ':'), *nearest;

	if (!names)
		return error_new(ERROR_NOMEM, "no memory for names of events");
	for (size_t i = 0; i < formats->count; i++)
		names[i] = formats->list[i].name;
	nearest = text_nearest(colon ? colon + 1 : asked, names);
	return error_new(ERROR_USAGE, "the kernel has no event \"%s\"%s%s%s", asked, nearest ? "; did you mean " : "",
	                 nearest ? nearest : "", nearest ? "?" : "");
}

// Where some formats cannot be read, one of them may be that of a name.
static struct error *check_events(const struct ftrace_format_list *formats, const struct request *request)
{
	struct error *err = NULL;

	for (size_t i = 0; i < request->event_count && !formats->unreadable && !formats->why[0] && !err; i++) {
		bool is_found = false;

		for (size_t j = 0; j < formats->count && !is_found; j++)
			is_found = is_named(&formats->list[j], request->events[i]);
		if (!is_found)
			err = no_such_event(formats, request->events[i]);
	}
	return err;
}

static void print_lost(const struct ftrace_reader_event *event)
{
	if (event->lost == FTRACE_READER_SOME)
		printf("CPU:%u [LOST EVENTS]\n", event->cpu);
	else if (event->lost)
		printf("CPU:%u [LOST %" PRIu64 " EVENTS]\n", event->cpu, event->lost);
}

static void print_text(struct printer *printer, const struct ftrace_reader_event *event)
{
	char flags[5], when[40];

	if (event->buffer->is_ns)
		snprintf(when, sizeof(when), "%5" PRIu64 ".%09" PRIu64, event->timestamp / NS_PER_S,
		         event->timestamp % NS_PER_S);
	else
		snprintf(when, sizeof(when), "%" PRIu64, event->timestamp);
	ftrace_text_flags(event, flags);
	printf("%16s-%-7u [%03u] %s %s: %s: ", event->task, event->pid, event->cpu, flags, when,
	       event->format ? event->format->name : "unknown");
	ftrace_text_message(printer->ftrace, event, stdout);
	putchar('\n');
}

static void print_json(struct printer *printer, const struct ftrace_reader_event *event)
{
	struct json *json = &printer->json;

	json_open_object(json, NULL);
	json_text(json, "instance", event->buffer->name);
	json_number(json, "timestamp", event->timestamp);
	json_number(json, "cpu", event->cpu);
	json_number(json, "pid", event->pid);
	json_text(json, "task", event->task);
	json_text(json, "system", event->format ? event->format->system : NULL);
	json_text(json, "name", event->format ? event->format->name : NULL);
	json_number(json, "flags", event->flags);
	json_number(json, "preempt_count", event->preempt_count);
	if (event->lost == FTRACE_READER_SOME)
		json_text(json, "lost", "some");
	else if (event->lost)
		json_number(json, "lost", event->lost);
	json_open_object(json, "fields");
	ftrace_text_json(printer->ftrace, event, json);
	json_close(json);
	json_close(json);
}

// Since when events of a buffer are wanted: before the last one of all buffers with its clock.
static uint64_t since(struct printer *printer, const struct ftrace_buffer *buffer)
{
	uint64_t last = 0, one;

	if (!printer->request->last_ns)
		return 0;
	for (size_t i = 0; i < printer->ftrace->buffers.count; i++) {
		const struct ftrace_buffer *other = &printer->ftrace->buffers.list[i];

		if (strcmp(other->clock, buffer->clock) == 0 && ftrace_reader_last(printer->ftrace, other, &one) &&
		    one > last)
			last = one;
	}
	return last > printer->request->last_ns ? last - printer->request->last_ns : 0;
}

static void print_heading(struct printer *printer, const struct ftrace_buffer *buffer)
{
	uint64_t entries = 0, overrun = 0, read = 0;

	for (uint32_t i = 0; i < buffer->cpu_count; i++) {
		entries += buffer->cpus[i].entries;
		overrun += buffer->cpus[i].overrun;
		read += buffer->cpus[i].read;
	}
	if (printer->headings++)
		putchar('\n');
	printf("# instance: %s  clock: %s  events: %" PRIu64 " written, %" PRIu64 " overwritten, %" PRIu64
	       " read before\n",
	       buffer->name[0] ? buffer->name : "(main)", buffer->clock, entries, overrun, read);
}

static struct error *print_buffer(struct printer *printer, const struct ftrace_buffer *buffer)
{
	_cleanup_(ftrace_reader_destroyp) struct ftrace_reader *reader = NULL;
	struct ftrace_reader_event event;
	struct error *err;

	if (printer->request->last_ns && !buffer->is_ns)
		return error_new(ERROR_UNSUPPORTED, "--last: the clock %s of instance \"%s\" does not count time",
		                 buffer->clock, buffer->name);
	err = ftrace_reader_create(printer->ftrace, buffer, since(printer, buffer), &reader);
	if (err)
		return err;
	while (ftrace_reader_next(reader, &event)) {
		if (!is_wanted(printer->request, &event)) {
			printer->hidden++;
			continue;
		}
		printer->shown++;
		if (printer->is_json) {
			print_json(printer, &event);
		} else {
			print_lost(&event);
			print_text(printer, &event);
		}
		if (ferror(stdout))
			break;
	}
	printer->damaged += ftrace_reader_damaged(reader);
	return NULL;
}

static bool has_pages(const struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->cpu_count; i++)
		if (buffer->cpus[i].page_count)
			return true;
	return false;
}

// What cannot be read of a buffer. Gives how much that is.
static uint64_t tell_unreadable(const struct ftrace_buffer *buffer)
{
	const char *name = buffer->name[0] ? buffer->name : "(main)";
	uint64_t count = !!buffer->why[0];

	if (buffer->why[0])
		fprintf(stderr, "kdump-inspect: instance %s: %s\n", name, buffer->why);
	for (uint32_t i = 0; i < buffer->cpu_count; i++) {
		if (!buffer->cpus[i].why[0])
			continue;
		fprintf(stderr, "kdump-inspect: instance %s, CPU %u: %s\n", name, i, buffer->cpus[i].why);
		count++;
	}
	return count;
}

static struct error *tell_problems(const struct ftrace *ftrace, uint64_t damaged_pages)
{
	const struct ftrace_buffer_list *buffers = &ftrace->buffers;
	uint64_t unreadable = 0;

	for (size_t i = 0; i < buffers->count; i++)
		unreadable += tell_unreadable(&buffers->list[i]);
	if (ftrace->formats.unreadable || ftrace->formats.why[0])
		fprintf(stderr, "kdump-inspect: formats of %zu events cannot be read%s%s\n", ftrace->formats.unreadable,
		        ftrace->formats.why[0] ? "; there may be more: " : "", ftrace->formats.why);
	if (buffers->why[0])
		return error_new(ERROR_BAD_DATA, "there may be more instances: %s", buffers->why);
	if (damaged_pages || unreadable)
		return error_new(ERROR_BAD_DATA,
		                 "%" PRIu64 " pages are damaged, %" PRIu64 " buffers of CPUs cannot be read",
		                 damaged_pages, unreadable);
	return NULL;
}

static struct error *print_all(struct printer *printer)
{
	const struct ftrace_buffer_list *buffers = &printer->ftrace->buffers;
	const char *wanted = printer->request->instance;
	struct error *err = NULL;
	bool is_found = !wanted;

	for (size_t i = 0; i < buffers->count && !err; i++) {
		const struct ftrace_buffer *buffer = &buffers->list[i];

		if (wanted && strcmp(wanted, buffer->name) != 0)
			continue;
		is_found = true;
		if (!has_pages(buffer))
			continue;
		if (!printer->is_json)
			print_heading(printer, buffer);
		err = print_buffer(printer, buffer);
	}
	return is_found || err ? err : error_new(ERROR_USAGE, "there is no instance \"%s\"", wanted);
}

static struct error *print(const struct inspect_dump *dump, const struct request *request, struct ftrace *ftrace)
{
	struct printer printer = {.request = request, .ftrace = ftrace, .is_json = dump->is_json};
	struct error *err, *late;

	json_init(&printer.json, stdout);
	if (dump->is_json) {
		json_open_object(&printer.json, NULL);
		json_open_array(&printer.json, "events");
	}
	err = print_all(&printer);
	if (dump->is_json) {
		json_close(&printer.json);
		json_number(&printer.json, "damaged_pages", printer.damaged);
		json_text(&printer.json, "problem", ftrace->buffers.why[0] ? ftrace->buffers.why : NULL);
		json_close(&printer.json);
		late = json_finish(&printer.json);
		err = err ? (error_free(late), err) : late;
	}
	if (!err && !printer.shown)
		fprintf(stderr, "kdump-inspect: %s\n",
		        printer.hidden || request->last_ns ? "no event is as asked for" : "no event was recorded");
	return err ? err : tell_problems(ftrace, printer.damaged);
}

static struct error *write_file(const struct request *request, struct ftrace *ftrace)
{
	_cleanup_inspect_output_ struct inspect_output output = INSPECT_OUTPUT_NONE;
	_cleanup_fclose_ FILE *out = NULL;
	struct tracedat_stats stats = {0};
	struct error *err = inspect_output_open(request->output, request->is_forced, &output);
	int fd;

	if (err)
		return err;
	fd = dup(output.fd);
	out = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!out)
		return error_os(errno, "%s", request->output);
	err = tracedat_write(ftrace, out, &stats);
	if (!err && fsync(output.fd) < 0)
		err = error_os(errno, "fsync");
	if (!err)
		err = inspect_output_finish(&output);
	if (err)
		return error_wrap(err, "%s", request->output);
	printf("%s: %" PRIu64 " bytes, %" PRIu64 " pages of %" PRIu64 " buffers\n", request->output, stats.bytes,
	       stats.pages, stats.buffers);
	if (stats.other_clocks)
		fprintf(stderr,
		        "kdump-inspect: the clocks of %" PRIu64 " instances have another unit than that of the main "
		        "one, which trace-cmd does not know of\n",
		        stats.other_clocks);
	return tell_problems(ftrace, stats.damaged_pages);
}

struct error *inspect_commands_trace(int argc, char **argv)
{
	_cleanup_inspect_dump_ struct inspect_dump dump = {0};
	_cleanup_(ftrace_closep) struct ftrace *ftrace = NULL;
	struct request request = {0};
	struct error *err = parse(&argc, argv, &request);

	if (!err)
		err = inspect_dump_open(argc, argv, 0, 0, &dump);
	if (!err)
		err = inspect_dump_machine(&dump);
	if (!err && request.ctf)
		return inspect_lttng_write(&dump, request.ctf, request.partial);
	if (!err)
		err = error_wrap(ftrace_open(dump.machine, &ftrace), "%s", dump.path);
	if (!err)
		err = check_events(&ftrace->formats, &request);
	if (!err)
		err = request.output ? write_file(&request, ftrace) : print(&dump, &request, ftrace);
	// The machine is closed behind what borrows it.
	ftrace_close(take_ptr(ftrace));
	return err;
}
