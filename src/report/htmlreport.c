// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmlreport.h"

#include <string.h>

#include "report/framekinds.h"
#include "report/htmlcrash.h"
#include "report/htmllog.h"
#include "report/htmlmemory.h"
#include "report/htmlout.h"
#include "report/htmlparts.h"
#include "report/htmltasks.h"
#include "report/htmltrace.h"

static void put_start(const struct crashreport *report, FILE *out)
{
	char title[HTMLCRASH_TITLE_BYTES];

	htmlcrash_title(report, title);
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action "
	      "'none'; "
	      "style-src ",
	      out);
	htmlout_digest(out, htmlparts_css, htmlparts_css_bytes);
	fputs("; script-src ", out);
	htmlout_digest(out, htmlparts_js, htmlparts_js_bytes);
	fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<meta name=\"generator\" content=\"" PACKAGE_STRING "\">\n<title>",
	      out);
	htmlout_text(out, report->overview.host[0] ? report->overview.host : "crash");
	fputs(": ", out);
	htmlout_text(out, title);
	fputs("</title>\n<style>", out);
	fwrite(htmlparts_css, 1, htmlparts_css_bytes, out);
	fputs("</style>\n</head>\n<body>\n", out);
}

static void put_contents(const struct crashreport *report, bool has_trace, FILE *out)
{
	fputs("<nav aria-label=\"Parts of this page\"><a href=\"#crash\">Where</a> <a href=\"#machine\">Machine</a> ",
	      out);
	if (report->machine)
		fputs("<a href=\"#cpus\">CPUs</a> ", out);
	if (has_trace)
		fputs("<a href=\"#trace\">Trace</a> ", out);
	if (report->machine)
		fputs("<a href=\"#tasks\">Tasks</a> ", out);
	fputs("<a href=\"#memory\">Memory</a> ", out);
	if (report->machine)
		fputs("<a href=\"#modules\">Modules</a> ", out);
	fputs("<a href=\"#log\">Log</a>", out);
	if (report->cause.panic[0] || report->cause.text[0])
		fputs(" <a href=\"#panic\" id=\"to-panic\">Crash in the log</a>", out);
	fputs("</nav>\n", out);
}

// A map that is of no use costs no more than itself.
static struct error *find_kinds(const struct htmlreport *page, struct framekinds *ret)
{
	const struct overview *overview = &page->report->overview;
	_cleanup_error_ struct error *unused = NULL;
	const char *map_why = page->map_why;
	char why[FRAMEKINDS_WHY_BYTES];
	struct error *err;

	if (page->map_fd >= 0) {
		err = framekinds_of_map(ret, page->map_fd,
		                        overview->crash_time_s > 0 ? (uint64_t)overview->crash_time_s : 0);
		if (!err || err->code == ERROR_NOMEM || err->code == ERROR_OS)
			return err;
		unused = err;
		map_why = unused->text;
		framekinds_deinit(ret);
	}
	err = framekinds_of_dump(ret, page->report->core);
	if (!*map_why)
		return err;
	snprintf(why, sizeof(why), "the page map is not used: %.130s%s%.150s", map_why, ret->why[0] ? "; " : "",
	         ret->why);
	memcpy(ret->why, why, sizeof(why));
	return err;
}

static struct error *put_data(const struct htmltasks *tasks, const struct framekinds *kinds,
                              const struct htmltrace *trace, FILE *out)
{
	struct json json;
	struct error *err;

	fputs("<script type=\"application/json\" id=\"data\">", out);
	json_init_page(&json, out);
	json_open_object(&json, NULL);
	if (tasks->machine)
		htmltasks_json(tasks, &json);
	err = htmlmemory_json(kinds, &json);
	if (!err)
		err = htmltrace_json(trace, &json);
	json_close(&json);
	fputs("</script>\n", out);
	return err;
}

struct error *htmlreport_write(const struct htmlreport *page, FILE *out)
{
	const struct crashreport *report = page->report;
	_cleanup_framekinds_ struct framekinds kinds = {0};
	_cleanup_htmltasks_ struct htmltasks tasks = {0};
	_cleanup_htmltrace_ struct htmltrace trace = {0};
	struct error *err = find_kinds(page, &kinds);

	if (!err && report->machine)
		err = htmltasks_init(&tasks, report->machine);
	if (!err && report->machine)
		err = htmltrace_init(&trace, report->machine);
	if (err)
		return err;
	put_start(report, out);
	htmlcrash_head(report, out);
	put_contents(report, trace.count, out);
	fputs("<main>\n", out);
	htmlcrash_stack(report, out);
	htmlcrash_machine(report, page->dump_name, out);
	if (report->machine) {
		htmlcrash_cpus(report, out);
		err = htmltrace_write(&trace, out);
		if (err)
			return err;
		htmltasks_write(&tasks, out);
	}
	htmlmemory_write(&kinds, &report->overview, out);
	if (report->machine)
		htmlcrash_modules(report, out);
	err = htmllog_write(report->core, &report->cause, out);
	if (err)
		return err;
	fputs("</main>\n<footer>Made by " PACKAGE_STRING
	      " from the dump alone. What is not told is not known.</footer>\n",
	      out);
	err = put_data(&tasks, &kinds, &trace, out);
	fputs("<script>", out);
	fwrite(htmlparts_js, 1, htmlparts_js_bytes, out);
	fputs("</script>\n</body>\n</html>\n", out);
	return err;
}
