// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/htmlout.h"

#include <inttypes.h>

#include "base/sha256.h"

void htmlout_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		switch (c) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc((c >= ' ' && c < 0x7f) || c == '\n' || c == '\t' ? c : '?', out);
		}
	}
}

void htmlout_fact(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<div><dt>%s</dt><dd>", name);
	if (text && *text)
		htmlout_text(out, text);
	else
		fputs("<span class=\"no\">not known</span>", out);
	fputs("</dd></div>\n", out);
}

void htmlout_problem(FILE *out, const char *what, const char *why)
{
	if (!*why)
		return;
	fprintf(out, "<p class=\"problem\">%s: ", what);
	htmlout_text(out, why);
	fputs("</p>\n", out);
}

// RFC 4648, section 4.
static void put_base64(FILE *out, const uint8_t *bytes, size_t size_bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size_bytes; i += 3) {
		uint32_t word = (uint32_t)bytes[i] << 16;

		if (i + 1 < size_bytes)
			word |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < size_bytes)
			word |= bytes[i + 2];
		fputc(digits[word >> 18], out);
		fputc(digits[word >> 12 & 63], out);
		fputc(i + 1 < size_bytes ? digits[word >> 6 & 63] : '=', out);
		fputc(i + 2 < size_bytes ? digits[word & 63] : '=', out);
	}
}

void htmlout_digest(FILE *out, const uint8_t *bytes, size_t size_bytes)
{
	uint8_t digest[SHA256_DIGEST_BYTES];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update(&sha, bytes, size_bytes);
	sha256_final(&sha, digest);
	fputs("'sha256-", out);
	put_base64(out, digest, sizeof(digest));
	fputc('\'', out);
}

void htmlout_size(uint64_t bytes, char text[HTMLOUT_SIZE_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < array_size(units)) {
		size /= 1024;
		unit++;
	}
	snprintf(text, HTMLOUT_SIZE_BYTES, "%.*f %s", unit && size < 100 ? 1 : 0, size, units[unit]);
}

static void put_frame(FILE *out, const struct backtrace_tools *tools, const struct backtrace *trace, size_t i,
                      size_t first)
{
	const struct backtrace_frame *frame = &trace->frames[i];
	const char *class = i < first ? " class=\"h\"" : " class=\"f\"";
	struct symbols_place place;

	backtrace_place(tools, frame, &place);
	fprintf(out, "<li%s><span class=\"fn\">", first < trace->count && i <= first ? class : "");
	if (place.name[0]) {
		fputs("<b>", out);
		htmlout_text(out, place.name);
		fprintf(out, "</b><i>+%#" PRIx64, place.offset_bytes);
		if (place.size_bytes)
			fprintf(out, "/%#" PRIx64, place.size_bytes);
		fputs("</i>", out);
	} else {
		fprintf(out, "<b>%#" PRIx64 "</b>", frame->ip);
	}
	if (place.module) {
		fputs(" <span class=\"mod\">", out);
		htmlout_text(out, place.module->name);
		fputs("</span>", out);
	}
	if (i && frame->is_exact)
		fputs(" <span class=\"tag\">interrupted</span>", out);
	fprintf(out, "</span> <span class=\"ad\" title=\"stack pointer %016" PRIx64 "\">%016" PRIx64 "</span></li>\n",
	        frame->sp, frame->ip);
}

void htmlout_stack(FILE *out, const struct backtrace_tools *tools, const struct backtrace *trace, size_t first)
{
	if (trace->count) {
		fputs("<ol class=\"bt\" start=\"0\">\n", out);
		for (size_t i = 0; i < trace->count; i++)
			put_frame(out, tools, trace, i, first);
		fputs("</ol>\n", out);
	}
	if (trace->is_user)
		fprintf(out, "<p class=\"end\">in the program, at %#" PRIx64 "</p>\n", trace->user_ip);
	htmlout_problem(out, trace->count ? "further down not known" : "stack not known", trace->why);
}
