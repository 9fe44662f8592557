// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include "test.h"

// A document in memory.
struct document {
	char *text;
	size_t size_bytes;
	FILE *stream;
	struct json json;
};

static void document_init(struct document *document)
{
	document->stream = open_memstream(&document->text, &document->size_bytes);
	check(document->stream);
	json_init(&document->json, document->stream);
}

static void document_end(struct document *document, const char *wanted)
{
	check_ok(json_finish(&document->json));
	check_text(document->text, wanted);
	fclose(document->stream);
	free(document->text);
}

static void nests(void)
{
	struct document document;
	struct json *json = &document.json;

	document_init(&document);
	json_open_object(json, NULL);
	json_number(json, "none", 0);
	json_number(json, "most", UINT64_MAX);
	json_open_array(json, "list");
	json_text(json, NULL, "a");
	json_open_object(json, NULL);
	json_bool(json, "yes", true);
	json_bool(json, "no", false);
	json_close(json);
	json_open_array(json, NULL);
	json_close(json);
	json_close(json);
	json_open_object(json, "empty");
	json_close(json);
	json_text(json, "nothing", NULL);
	json_close(json);
	document_end(&document, "{\n"
	                        "  \"none\": 0,\n"
	                        "  \"most\": 18446744073709551615,\n"
	                        "  \"list\": [\n"
	                        "    \"a\",\n"
	                        "    {\n"
	                        "      \"yes\": true,\n"
	                        "      \"no\": false\n"
	                        "    },\n"
	                        "    []\n"
	                        "  ],\n"
	                        "  \"empty\": {},\n"
	                        "  \"nothing\": null\n"
	                        "}\n");
}

static void escapes(void)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"", "\"\"\n"},
		{"a\"b\\c/d", "\"a\\\"b\\\\c/d\"\n"},
		{"\n\t\r\x01\x1f\x7f", "\"\\n\\u0009\\u000d\\u0001\\u001f\\u007f\"\n"},
		{"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"\n"},
		// Not UTF-8: a lone byte, a sequence that is cut short, one that is too long, a surrogate, beyond the end.
		{"x\xff", "\"x\\ufffd\"\n"},
		{"\xe2\x82", "\"\\ufffd\\ufffd\"\n"},
		{"\xc0\xaf", "\"\\ufffd\\ufffd\"\n"},
		{"\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"\n"},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n"},
		{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n"},
		{"\xf0\x80\x80\xafz", "\"\\ufffd\\ufffd\\ufffd\\ufffdz\"\n"},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		struct document document;

		document_init(&document);
		json_text(&document.json, NULL, rows[i].text);
		document_end(&document, rows[i].wanted);
	}
}

// In a page no byte may be what the page's parser looks for.
static void stands_in_a_page(void)
{
	struct document document;
	struct json *json = &document.json;

	document_init(&document);
	json_init_page(json, document.stream);
	json_open_object(json, NULL);
	json_text(json, "<!--", "</script><script>&amp;");
	json_open_array(json, "list");
	json_number(json, NULL, 1);
	json_number(json, NULL, 2);
	json_close(json);
	json_close(json);
	document_end(&document,
	             "{\"\\u003c!--\":\"\\u003c/script\\u003e\\u003cscript\\u003e\\u0026amp;\",\"list\":[1,2]}\n");
}

static void a_full_disk_is_told(void)
{
	_cleanup_fclose_ FILE *full = fopen("/dev/full", "we");
	struct json json;

	check(full);
	json_init(&json, full);
	json_text(&json, NULL, "x");
	check_error(json_finish(&json), ERROR_NOSPC, "No space");
}

static const struct test tests[] = {
	TEST(nests),
	TEST(escapes),
	TEST(stands_in_a_page),
	TEST(a_full_disk_is_told),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
