// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/copy_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct error *copy_usage_hide_crash_kernel(struct vmcore *core, const char *iomem_path)
{
	_cleanup_fclose_ FILE *file = fopen(iomem_path, "re");
	struct error *err = NULL;
	char line[256];

	while (!err && file && fgets(line, sizeof(line), file)) {
		uint64_t start, last;
		char name[16];

		// There may be two: one above 4 GiB, and one below for devices. To others than root all addresses are 0.
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %15[^\n]", &start, &last, name) == 3 &&
		    strcmp(name, "Crash kernel") == 0 && start < last)
			err = vmcore_hide(core, start, last + 1);
	}
	return err;
}

void copy_usage_print(const struct copy_stats *stats, uint64_t page_bytes)
{
	const struct filter_counts *counts = &stats->counts;
	const struct {
		const char *name, *excludable, *description;
		uint64_t pages;
	} rows[] = {
		{"ZERO\t", "yes", "Pages filled with zero", counts->zero},
		{"NON_PRI_CACHE", "yes", "Cache pages without private flag", counts->classes[PAGE_CACHE]},
		{"PRI_CACHE", "yes", "Cache pages with private flag", counts->classes[PAGE_CACHE_PRIVATE]},
		{"USER\t", "yes", "User process pages", counts->classes[PAGE_USER]},
		{"FREE\t", "yes", "Free pages", counts->classes[PAGE_FREE]},
		{"KERN_DATA", "no", "Dumpable kernel data ", counts->kept - counts->zero},
	};

	printf("\nTYPE\t\tPAGES\t\t\tEXCLUDABLE\tDESCRIPTION\n"
	       "----------------------------------------------------------------------\n");
	for (size_t i = 0; i < array_size(rows); i++)
		printf("%s\t%-16" PRIu64 "\t%s\t\t%s\n", rows[i].name, rows[i].pages, rows[i].excludable,
		       rows[i].description);
	printf("\npage size:\t\t%-16" PRIu64 "\nTotal pages on system:\t%-16" PRIu64
	       "\nTotal size on system:\t%-16" PRIu64 " Byte\n",
	       page_bytes, counts->total, counts->total * page_bytes);
}
