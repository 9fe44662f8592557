// SPDX-License-Identifier: GPL-2.0-or-later
// Not a parser: a target that is wrong in all the ways that a run must notice.
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	char *copy = calloc(1, size_bytes + 1);
	volatile char taken = 0;
	volatile int number = INT32_MAX;

	fuzz_require(copy);
	if (size_bytes >= 2 && data[0] == 'K' && data[1] == 'D')
		taken = copy[size_bytes + 1];
	if (size_bytes >= 2 && data[0] == 'U' && data[1] == 'B')
		number += data[1];
	while (size_bytes >= 2 && data[0] == 'L' && data[1] == 'O')
		taken = 1;
	fuzz_require(size_bytes < 2 || data[0] != 'R' || data[1] != 'Q');
	if (size_bytes < 2 || data[0] != 'M' || data[1] != 'L')
		free(copy);
	(void)taken;
	(void)number;
	return 0;
}
