// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmlmemory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "report/htmlout.h"

// A share of the bar: its width is that of the picture in a document of this size.
enum { BAR_WIDTH = 1000, BAR_HEIGHT = 14 };

static uint64_t all_frames(const struct framekinds *kinds)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < kinds->kind_count; i++)
		if (kinds->kinds[i].code != FMT_PAGEMAP_NONE)
			sum += kinds->kinds[i].frames;
	return sum;
}

// Numbers of kinds, in the order of their uses, and of what became of them: the order of the bar and of the table.
static size_t sort_kinds(const struct framekinds *kinds, uint32_t order[FRAMEKINDS_MAX])
{
	size_t count = 0;

	for (unsigned int state = 0; state < FRAMEKINDS_STATE_COUNT; state++) {
		// What is in the dump comes first.
		unsigned int which = (state + 1) % FRAMEKINDS_STATE_COUNT;

		for (unsigned int code = 1; code < FMT_PAGEMAP_CODES; code++)
			for (uint32_t i = 0; i < kinds->kind_count; i++)
				if (kinds->kinds[i].code == code && kinds->kinds[i].state == which)
					order[count++] = i;
	}
	return count;
}

static void put_class(const struct framekinds_kind *kind, FILE *out)
{
	static const char letters[FRAMEKINDS_STATE_COUNT] = {
		[FRAMEKINDS_ABSENT] = 'a',  [FRAMEKINDS_WRITTEN] = 'w',    [FRAMEKINDS_ZERO] = 'z',
		[FRAMEKINDS_PENDING] = 'p', [FRAMEKINDS_UNREADABLE] = 'u',
	};

	fprintf(out, "c%u %c", kind->code, letters[kind->state]);
}

static void put_bar(const struct framekinds *kinds, const uint32_t *order, size_t count, uint64_t total, FILE *out)
{
	uint64_t done = 0;

	fprintf(out,
	        "<svg class=\"share\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
	        "aria-label=\"Shares of the memory; the table below has the numbers\">",
	        BAR_WIDTH, BAR_HEIGHT);
	for (size_t i = 0; i < count; i++) {
		const struct framekinds_kind *kind = &kinds->kinds[order[i]];
		double x = (double)done * BAR_WIDTH / (double)total;
		double width = (double)kind->frames * BAR_WIDTH / (double)total;

		fputs("<rect class=\"", out);
		put_class(kind, out);
		fprintf(out, "\" x=\"%.2f\" width=\"%.2f\" height=\"%d\"/>", x, width, BAR_HEIGHT);
		done += kind->frames;
	}
	fputs("</svg>\n", out);
}

static void put_legend(const struct framekinds *kinds, const uint32_t *order, size_t count, uint64_t total, FILE *out)
{
	fputs("<div class=\"scroll\"><table class=\"legend\" id=\"legend\"><thead><tr><th scope=\"col\">Use</th>"
	      "<th scope=\"col\">In the dump?</th><th scope=\"col\" class=\"num\">Frames</th>"
	      "<th scope=\"col\" class=\"num\">Size</th><th scope=\"col\" "
	      "class=\"num\">Share</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < count; i++) {
		const struct framekinds_kind *kind = &kinds->kinds[order[i]];
		char size[HTMLOUT_SIZE_BYTES];

		htmlout_size(kind->frames * kinds->page_bytes, size);
		fprintf(out, "<tr data-k=\"%u\"><td><span class=\"sw ", order[i]);
		put_class(kind, out);
		fprintf(out, "\"></span>%s</td><td>%s</td><td class=\"num\">%" PRIu64 "</td>",
		        framekinds_use(kind->code), framekinds_fate(kind->state), kind->frames);
		fprintf(out, "<td class=\"num\">%s</td><td class=\"num\">%.1f %%</td></tr>\n", size,
		        (double)kind->frames * 100 / (double)total);
	}
	fputs("</tbody></table></div>\n", out);
}

static void put_source(const struct framekinds *kinds, FILE *out)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} bits[] = {{1, "zeros"},
	            {2, "page cache"},
	            {4, "page cache with private data"},
	            {8, "processes"},
	            {16, "free pages"}};
	bool has_any = false;

	fprintf(out, "<p class=\"note\">%s",
	        kinds->is_of_map ? "By the page map that was written with the dump."
	                         : "By the kernel’s struct pages, as far as they are in the dump, and by which pages "
	                           "the dump has.");
	if (kinds->is_level_known) {
		fprintf(out, " Dump level %u: ", kinds->dump_level);
		for (size_t i = 0; i < array_size(bits); i++) {
			if (!(kinds->dump_level & bits[i].bit))
				continue;
			fprintf(out, "%s%s", has_any ? ", " : "", bits[i].name);
			has_any = true;
		}
		fputs(has_any ? " were to be left out." : "nothing was to be left out.", out);
	}
	if (kinds->granule_frames > 1) {
		char size[HTMLOUT_SIZE_BYTES];

		htmlout_size(kinds->granule_frames * kinds->page_bytes, size);
		fprintf(out,
		        " The picture is coarse: each block of %s is drawn as what one of its frames is, "
		        "so that larger areas have their shares. The table is exact.",
		        size);
	}
	fputs("</p>\n", out);
	htmlout_problem(out, "not all is known", kinds->why);
}

static void put_frames(const struct framekinds *kinds, FILE *out)
{
	uint64_t total = all_frames(kinds), kept = 0;
	uint32_t order[FRAMEKINDS_MAX];
	size_t count = sort_kinds(kinds, order);
	char all[HTMLOUT_SIZE_BYTES], part[HTMLOUT_SIZE_BYTES];

	if (!total) {
		htmlout_problem(out, "page frames are not known", kinds->why[0] ? kinds->why : "the dump has none");
		return;
	}
	for (size_t i = 0; i < kinds->kind_count; i++)
		if (kinds->kinds[i].state == FRAMEKINDS_WRITTEN || kinds->kinds[i].state == FRAMEKINDS_ZERO)
			kept += kinds->kinds[i].frames;
	htmlout_size(total * kinds->page_bytes, all);
	htmlout_size(kept * kinds->page_bytes, part);
	fprintf(out, "<p><b>%s</b> of memory, <b>%s</b> of it in the dump.</p>\n", all, part);
	put_bar(kinds, order, count, total, out);
	fputs("<div class=\"js\" id=\"memory-picture\"></div>\n", out);
	put_legend(kinds, order, count, total, out);
	put_source(kinds, out);
}

static void put_counters(const struct overview *overview, FILE *out)
{
	static const char *const names[OVERVIEW_PAGES_COUNT] = {
		[OVERVIEW_TOTAL] = "In all",
		[OVERVIEW_FREE] = "Free",
		[OVERVIEW_FILE] = "Of files",
		[OVERVIEW_ANON] = "Of processes",
		[OVERVIEW_SHMEM] = "Shared",
		[OVERVIEW_SLAB] = "Slab",
		[OVERVIEW_PAGE_TABLES] = "Page tables",
		[OVERVIEW_SWAP_TOTAL] = "Swap",
		[OVERVIEW_SWAP_FREE] = "Swap free",
	};

	fputs("<h3>By the kernel’s counters</h3>\n<dl class=\"tiles\">\n", out);
	for (size_t i = 0; i < OVERVIEW_PAGES_COUNT; i++) {
		char size[HTMLOUT_SIZE_BYTES];

		if (!overview->pages[i].is_known)
			continue;
		htmlout_size(overview->pages[i].value * overview->page_bytes, size);
		htmlout_fact(out, names[i], size);
	}
	fputs("</dl>\n", out);
	htmlout_problem(out, "not all are known", overview->memory_why);
}

void htmlmemory_write(const struct framekinds *kinds, const struct overview *overview, FILE *out)
{
	fputs("<section id=\"memory\">\n<h2>Memory</h2>\n", out);
	put_counters(overview, out);
	fputs("<h3>Page frames</h3>\n", out);
	if (kinds)
		put_frames(kinds, out);
	else
		fputs("<p class=\"no\">left out of this page</p>\n", out);
	fputs("</section>\n", out);
}

static char letter(uint32_t kind)
{
	return (char)(kind < 26 ? 'A' + (int)kind : 'a' + (int)kind - 26);
}

struct error *htmlmemory_json(const struct framekinds *kinds, struct json *json)
{
	_cleanup_free_ char *runs = NULL;
	size_t size;
	FILE *out = open_memstream(&runs, &size);
	bool is_bad;

	if (!out)
		return error_new(ERROR_NOMEM, "no memory for the picture of the memory");
	for (size_t i = 0; i < kinds->run_count; i++) {
		fputc(letter(kinds->runs[i].kind), out);
		if (kinds->runs[i].frames != 1)
			fprintf(out, "%" PRIu64, kinds->runs[i].frames);
	}
	is_bad = ferror(out);
	if (fclose(out) != 0 || is_bad)
		return error_new(ERROR_NOMEM, "no memory for the picture of the memory");
	json_open_object(json, "memory");
	json_number(json, "page_bytes", kinds->page_bytes);
	json_number(json, "granule", kinds->granule_frames);
	json_open_array(json, "kinds");
	for (size_t i = 0; i < kinds->kind_count; i++) {
		json_open_object(json, NULL);
		json_number(json, "code", kinds->kinds[i].code);
		json_number(json, "state", kinds->kinds[i].state);
		json_text(json, "use", framekinds_use(kinds->kinds[i].code));
		json_text(json, "fate", framekinds_fate(kinds->kinds[i].state));
		json_close(json);
	}
	json_close(json);
	json_text(json, "runs", runs);
	json_close(json);
	return NULL;
}
