// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/jsonread.h"

#include "test.h"

enum { ROOM = 16 };

struct wanted {
	char text[ROOM], inner[ROOM], cut[5];
	struct jsonread_query queries[5];
};

static void wanted_init(struct wanted *wanted)
{
	*wanted = (struct wanted){
		.queries = {
			{.path = "text", .text = wanted->text, .room_bytes = sizeof(wanted->text)},
			{.path = "a.b.text", .text = wanted->inner, .room_bytes = sizeof(wanted->inner)},
			{.path = "cut", .text = wanted->cut, .room_bytes = sizeof(wanted->cut)},
			{.path = "number"},
			{.path = "a.number"},
		}};
}

static struct error *find(struct wanted *wanted, const char *text)
{
	wanted_init(wanted);
	return jsonread_find(text, strlen(text), wanted->queries, array_size(wanted->queries));
}

static void members(void)
{
	struct wanted wanted;

	check_ok(find(&wanted, " {\"x\":[{\"text\":\"no\"},[1,2,[]],{}],\"number\":18446744073709551615,\n\t\"text\":"
	                       "\"yes\",\"a\":{\"number\":7,"
	                       "\"b\":{\"text\":\"in\",\"number\":8}},\"cut\":\"123456\",\"text\":\"second\",\"z\":["
	                       "true,false,null,-1.5e3]} "));
	check_text(wanted.text, "yes");
	check_text(wanted.inner, "in");
	check_text(wanted.cut, "1234");
	check(wanted.queries[3].is_found && wanted.queries[3].number == UINT64_MAX);
	check(wanted.queries[4].is_found && wanted.queries[4].number == 7);
	// What is of another kind is not there; what is in an array cannot be asked for.
	check_ok(find(&wanted, "{\"text\":1,\"number\":\"1\",\"a\":[{\"number\":1}],\"cut\":null}"));
	for (size_t i = 0; i < array_size(wanted.queries); i++)
		check(!wanted.queries[i].is_found);
	// No whole numbers of 64 bits.
	check_ok(find(&wanted, "{\"number\":18446744073709551616,\"a\":{\"number\":1.0}}"));
	check(!wanted.queries[3].is_found && !wanted.queries[4].is_found);
	check_ok(find(&wanted, "\"alone\""));
	check_ok(find(&wanted, "[]"));
}

static void escapes(void)
{
	struct wanted wanted;

	check_ok(find(&wanted, "{\"te\\u0078t\":\"\\\"\\\\\\/\\n\\u00e9\\u20AC\\u0000\"}"));
	check_text(wanted.text, "\"\\/\n\xc3\xa9\xe2\x82\xac\xef\xbf\xbd");
	check_ok(find(&wanted, "{\"text\":\"\\ud83d\\ude00\"}"));
	check_text(wanted.text, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void refuses(void)
{
	static const char *const bad[] = {
		"",           " ",          "{",        "}",           "{\"a\"}",           "{\"a\":}",
		"{\"a\":1,}", "{a:1}",      "[1,]",     "[1 2]",       "{\"a\":1 \"b\":2}", "[1]]",
		"\"",         "\"\\",       "\"\\x\"",  "\"\\u12g4\"", "\"\\u12",           "tru",
		"nul",        "{\"a\":1}x", "\"\x01\"", "[}",          "{\"a\":]",
	};
	struct wanted wanted;
	char deep[100];

	for (size_t i = 0; i < array_size(bad); i++)
		check_error(find(&wanted, bad[i]), ERROR_BAD_DATA, "no JSON at offset");
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	check_error(find(&wanted, deep), ERROR_BAD_DATA, "too deep");
}

static void long_names(void)
{
	char text[400] = "{\"a\":{\"";
	struct wanted wanted;

	// A name that does not fit is not the one that its begin is.
	memset(text + strlen(text), 'n', 200);
	strcat(text, "\":{\"text\":\"no\"},\"b\":{\"text\":\"in\"}}}");
	check_ok(find(&wanted, text));
	check_text(wanted.inner, "in");
	check(!wanted.queries[0].is_found);
}

static const struct test tests[] = {
	TEST(members),
	TEST(escapes),
	TEST(refuses),
	TEST(long_names),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
