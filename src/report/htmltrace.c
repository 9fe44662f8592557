// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmltrace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/ftrace_reader.h"
#include "report/ftrace_text.h"
#include "report/htmlout.h"

// Times that are tried, in nanoseconds before the last event; 0: all there is.
static const uint64_t spans[] = {UINT64_C(2000000000), UINT64_C(60000000000), 0};

enum {
	ENOUGH = 500, // Events of a time that is long enough.
	NS_PER_S = 1000000000,
};

// Names are told once, then by their numbers.
struct names {
	char **list;
	size_t count;
};

static bool has_pages(const struct ftrace_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->cpu_count; i++)
		if (buffer->cpus[i].page_count)
			return true;
	return false;
}

static struct error *count_events(const struct htmltrace *trace, uint64_t first, uint64_t *ret)
{
	_cleanup_(ftrace_reader_destroyp) struct ftrace_reader *reader = NULL;
	struct ftrace_reader_event event;
	struct error *err = ftrace_reader_create(trace->ftrace, trace->buffer, first, &reader);

	*ret = 0;
	while (!err && ftrace_reader_next(reader, &event))
		++*ret;
	return err;
}

// The last seconds, or more where little happened in them.
static struct error *choose_time(struct htmltrace *trace)
{
	struct error *err = NULL;

	for (size_t i = 0; i < array_size(spans) && !err && trace->count < ENOUGH; i++) {
		bool is_all = !spans[i] || !trace->buffer->is_ns || spans[i] > trace->last;

		trace->first = is_all ? 0 : trace->last - spans[i];
		err = count_events(trace, trace->first, &trace->count);
		if (is_all)
			break;
	}
	if (trace->count > HTMLTRACE_EVENTS_MAX)
		trace->skip = trace->count - HTMLTRACE_EVENTS_MAX;
	return err;
}

struct error *htmltrace_init(struct htmltrace *ret, struct machine *machine)
{
	struct error *err;

	*ret = (struct htmltrace){0};
	err = ftrace_open(machine, &ret->ftrace);
	if (err && err->code == ERROR_NOMEM)
		return err;
	kernel_explain(ret->why, err);
	for (size_t i = 0; ret->ftrace && i < ret->ftrace->buffers.count; i++) {
		const struct ftrace_buffer *buffer = &ret->ftrace->buffers.list[i];
		uint64_t last;

		if (!has_pages(buffer) || !ftrace_reader_last(ret->ftrace, buffer, &last))
			continue;
		if (ret->buffer) {
			ret->others++;
			continue;
		}
		// The main one, if it has events.
		ret->buffer = buffer;
		ret->last = last;
	}
	return ret->buffer ? choose_time(ret) : NULL;
}

void htmltrace_deinit(struct htmltrace *trace)
{
	ftrace_close(trace->ftrace);
	trace->ftrace = NULL;
}

static void message_of(const struct htmltrace *trace, const struct ftrace_reader_event *event,
                       char text[HTMLTRACE_MESSAGE_BYTES])
{
	FILE *out;

	// A stream that is full fails to take more, and what it has ends in NUL.
	memset(text, 0, HTMLTRACE_MESSAGE_BYTES);
	out = fmemopen(text, HTMLTRACE_MESSAGE_BYTES, "w");
	if (!out)
		return;
	ftrace_text_message(trace->ftrace, event, out);
	fclose(out);
	text[HTMLTRACE_MESSAGE_BYTES - 1] = '\0';
}

static void put_line(const struct htmltrace *trace, const struct ftrace_reader_event *event, FILE *out)
{
	char message[HTMLTRACE_MESSAGE_BYTES];

	message_of(trace, event, message);
	if (trace->buffer->is_ns)
		fprintf(out, "%5" PRIu64 ".%06" PRIu64, event->timestamp / NS_PER_S,
		        event->timestamp % NS_PER_S / 1000);
	else
		fprintf(out, "%12" PRIu64, event->timestamp);
	fprintf(out, "  CPU %-3u ", event->cpu);
	htmlout_text(out, event->task);
	fprintf(out, "-%u  <b>", event->pid);
	htmlout_text(out, event->format ? event->format->name : "(unknown)");
	fputs("</b>: ", out);
	htmlout_text(out, message);
	fputc('\n', out);
}

struct error *htmltrace_write(const struct htmltrace *trace, FILE *out)
{
	_cleanup_(ftrace_reader_destroyp) struct ftrace_reader *reader = NULL;
	struct ftrace_reader_event event;
	uint64_t number = 0;
	struct error *err;

	if (!trace->buffer || !trace->count)
		return NULL;
	err = ftrace_reader_create(trace->ftrace, trace->buffer, trace->first, &reader);
	if (err)
		return err;
	fprintf(out, "<section id=\"trace\">\n<h2>Trace <span class=\"n\">%" PRIu64 "</span></h2>\n",
	        trace->count - trace->skip);
	fputs("<p class=\"note\">The last events of the kernel’s tracing", out);
	if (trace->buffer->name[0]) {
		fputs(", instance ", out);
		htmlout_text(out, trace->buffer->name);
	}
	if (trace->buffer->clock[0]) {
		fputs(", clock ", out);
		htmlout_text(out, trace->buffer->clock);
	}
	fprintf(out, ". %sAll of them: <span class=\"mono\">kdump-inspect trace</span>.</p>\n",
	        trace->others ? "Other instances have events, too. " : "");
	fputs("<div class=\"js\" id=\"timeline\"></div>\n<pre class=\"trace\">\n", out);
	while (ftrace_reader_next(reader, &event)) {
		// No script runs, or it is on paper: the end of it.
		if (number++ + HTMLTRACE_LINES_MAX >= trace->count)
			put_line(trace, &event, out);
	}
	fputs("</pre>\n</section>\n", out);
	return NULL;
}

static void names_deinit(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

// Number of a name. Neighbours have few different ones: the last ones are looked at first. What is beyond the room is the last one.
static struct error *number_of(struct names *names, const char *name, size_t *ret)
{
	for (size_t i = names->count; i > 0; i--) {
		*ret = i - 1;
		if (strcmp(names->list[i - 1], name) == 0)
			return NULL;
	}
	*ret = names->count - !!names->count;
	if (names->count == HTMLTRACE_NAMES_MAX)
		return NULL;
	if (!names->list)
		names->list = calloc(HTMLTRACE_NAMES_MAX, sizeof(*names->list));
	if (!names->list || !(names->list[names->count] = strdup(name)))
		return error_new(ERROR_NOMEM, "no memory for names of a trace");
	*ret = names->count++;
	return NULL;
}

static void put_names(struct json *json, const char *name, const struct names *names)
{
	json_open_array(json, name);
	for (size_t i = 0; i < names->count; i++)
		json_text(json, NULL, names->list[i]);
	json_close(json);
}

static struct error *put_event(const struct htmltrace *trace, const struct ftrace_reader_event *event,
                               struct names *tasks, struct names *events, struct json *json)
{
	char message[HTMLTRACE_MESSAGE_BYTES];
	size_t task = 0, name = 0;
	struct error *err = number_of(tasks, event->task, &task);

	if (!err)
		err = number_of(events, event->format ? event->format->name : "(unknown)", &name);
	if (err)
		return err;
	message_of(trace, event, message);
	json_open_array(json, NULL);
	json_number(json, NULL, event->timestamp < trace->last ? trace->last - event->timestamp : 0);
	json_number(json, NULL, event->cpu);
	json_number(json, NULL, event->pid);
	json_number(json, NULL, task);
	json_number(json, NULL, name);
	json_text(json, NULL, message);
	json_close(json);
	return NULL;
}

struct error *htmltrace_json(const struct htmltrace *trace, struct json *json)
{
	_cleanup_(ftrace_reader_destroyp) struct ftrace_reader *reader = NULL;
	_cleanup_(names_deinit) struct names tasks = {0}, events = {0};
	struct ftrace_reader_event event;
	uint64_t number = 0;
	struct error *err;

	if (!trace->buffer || !trace->count)
		return NULL;
	err = ftrace_reader_create(trace->ftrace, trace->buffer, trace->first, &reader);
	if (err)
		return err;
	json_open_object(json, "trace");
	json_number(json, "last", trace->last);
	json_bool(json, "ns", trace->buffer->is_ns);
	json_open_array(json, "events");
	while (!err && ftrace_reader_next(reader, &event))
		if (number++ >= trace->skip)
			err = put_event(trace, &event, &tasks, &events, json);
	json_close(json);
	put_names(json, "tasks", &tasks);
	put_names(json, "names", &events);
	json_close(json);
	return err;
}
