// SPDX-License-Identifier: GPL-2.0-or-later
// A document of JSON, as report.json of a dump directory may be: what is found ends in its room, and does not depend on what else is
// asked for.
#include "base/jsonread.h"
#include "fuzz.h"

enum { ROOM = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	char first[ROOM] = "", inner[ROOM] = "", again[ROOM] = "", tiny[1] = "";
	struct jsonread_query queries[] = {
		{.path = "a", .text = first, .room_bytes = sizeof(first)},
		{.path = "b.c", .text = inner, .room_bytes = sizeof(inner)},
		{.path = "a", .text = tiny, .room_bytes = sizeof(tiny)},
		{.path = "n"},
	};
	struct jsonread_query one = {.path = "a", .text = again, .room_bytes = sizeof(again)};
	// In a block of its size, so that a read behind it is seen.
	char *text = malloc(size_bytes ? size_bytes : 1);
	struct error *err;

	fuzz_require(text);
	memcpy(text, data, size_bytes);
	err = jsonread_find(text, size_bytes, queries, array_size(queries));
	if (!err) {
		fuzz_end(jsonread_find(text, size_bytes, &one, 1), 0);
		fuzz_require(one.is_found == queries[0].is_found);
		fuzz_require(!one.is_found || strcmp(first, again) == 0);
		fuzz_require(!queries[0].is_found || strlen(first) < ROOM);
		fuzz_require(!queries[1].is_found || strlen(inner) < ROOM);
		fuzz_require(!queries[2].is_found || !tiny[0]);
	}
	fuzz_end(err, FUZZ_CODE(ERROR_BAD_DATA));
	free(text);
	return 0;
}
