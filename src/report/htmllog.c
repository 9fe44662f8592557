// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmllog.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/dmesg.h"
#include "report/htmlout.h"

enum {
	LINE_MAX_BYTES = 1 << 17, // A record has 64 KiB at most; what is longer is cut into lines.
	LEVEL_WARNING = 4,
};

// Lines as they come.
struct lines {
	FILE *out;
	const struct cause *cause;
	uint64_t skip; // Bytes at the start that are left out.
	unsigned int level;
	bool has_place; // The link to the crash has its aim.
	size_t size;
	char line[LINE_MAX_BYTES];
};

static const char panic_words[] = "Kernel panic - not syncing";

static struct error *count(void *context, const char *bytes, size_t size_bytes)
{
	uint64_t *total = context;

	(void)bytes;
	*total += size_bytes;
	return NULL;
}

static struct error *note(void *context, unsigned int level)
{
	struct lines *lines = context;

	lines->level = level;
	return NULL;
}

static void end_line(struct lines *lines)
{
	const struct cause *cause = lines->cause;
	bool is_panic, is_cause, is_aim, is_level = lines->level <= LEVEL_WARNING;

	lines->line[lines->size] = '\0';
	lines->size = 0;
	is_panic = strstr(lines->line, panic_words);
	is_cause = is_panic || (cause->text[0] && strstr(lines->line, cause->text));
	is_aim = !lines->has_place && (is_panic || (is_cause && !cause->panic[0]));
	if (is_level || is_cause) {
		fputs("<b class=\"", lines->out);
		if (is_level)
			fprintf(lines->out, "l%u", lines->level);
		fputs(is_cause ? " at\"" : "\"", lines->out);
		fputs(is_aim ? " id=\"panic\">" : ">", lines->out);
		lines->has_place |= is_aim;
	}
	htmlout_text(lines->out, lines->line);
	fputs(is_level || is_cause ? "</b>\n" : "\n", lines->out);
}

static struct error *put(void *context, const char *bytes, size_t size_bytes)
{
	struct lines *lines = context;

	for (size_t i = 0; i < size_bytes; i++) {
		if (lines->skip) {
			// Up to the end of a line.
			lines->skip -= lines->skip > 1 || bytes[i] == '\n';
			continue;
		}
		if (bytes[i] != '\n')
			lines->line[lines->size++] = bytes[i];
		if (bytes[i] == '\n' || lines->size == LINE_MAX_BYTES - 1)
			end_line(lines);
	}
	return NULL;
}

struct error *htmllog_write(const struct vmcore *core, const struct cause *cause, FILE *out)
{
	_cleanup_free_ struct lines *lines = calloc(1, sizeof(*lines));
	struct dmesg_stats stats;
	uint64_t total = 0;
	struct error *err;

	if (!lines)
		return error_new(ERROR_NOMEM, "no memory for the log");
	// Once for its size: its end is what is wanted of one that is too long.
	error_free(dmesg_tell(core, count, &total, &stats));
	lines->out = out;
	lines->cause = cause;
	lines->skip = total > HTMLLOG_BYTES_MAX ? total - HTMLLOG_BYTES_MAX : 0;
	fprintf(out, "<section id=\"log\">\n<h2>Log</h2>\n");
	if (lines->skip)
		fprintf(out, "<p class=\"problem\">its first %" PRIu64 " MiB are left out of this page</p>\n",
		        lines->skip >> 20);
	if (stats.unreadable)
		fprintf(out, "<p class=\"problem\">%" PRIu64 " records are not in the dump</p>\n", stats.unreadable);
	fputs("<div class=\"bar js\" id=\"logbar\"></div>\n"
	      "<pre id=\"logtext\" tabindex=\"0\" role=\"region\" aria-label=\"Kernel log\">\n",
	      out);
	err = dmesg_tell_levels(core, note, put, lines, &stats);
	if (lines->size)
		end_line(lines);
	fputs("</pre>\n", out);
	if (err && err->code != ERROR_NOMEM) {
		htmlout_problem(out, total ? "not known to its end" : "not known", err->text);
		error_free(err);
		err = NULL;
	}
	fputs("</section>\n", out);
	return err;
}
