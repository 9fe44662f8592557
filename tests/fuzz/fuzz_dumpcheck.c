// SPDX-License-Identifier: GPL-2.0-or-later
// A kdump-compressed dump and its page map: opened, checked, and each frame explained. What the check counts is what is explained.
//
// An input is the size of the map, 2 bytes; the map; the dump.
#include "core/kdumpcore_check.h"
#include "dump/dumpcheck.h"
#include "dump/reasons.h"
#include "fuzz.h"

enum {
	// Frames that are asked for one by one.
	FRAMES_MAX = 1 << 12,
	// Bitmaps of a machine with much memory take time, and an input has better things to do.
	MAX_PFN = 1 << 20,
	ALLOWED = FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_UNSUPPORTED),
};

static int fill(int fd, const char *name, const uint8_t *data, size_t size_bytes)
{
	if (fd < 0)
		fd = memfd_create(name, MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size_bytes, 0) == (ssize_t)size_bytes);
	return fd;
}

static void take_run(void *context, const struct reasons_run *run)
{
	uint64_t *end = context;

	fuzz_require(run->pfn_start >= *end && run->pfn_end > run->pfn_start && run->state < PRESENCE_STATES);
	*end = run->pfn_end;
}

static void explain(const struct vmcore *core, struct pagemap_reader *map, const struct dumpcheck *found)
{
	uint64_t counts[PRESENCE_STATES] = {0}, max_pfn = vmcore_max_pfn(core), end = 0;
	struct vmreader reader;
	bool is_damaged = false;

	if (map && pagemap_reader_header(map)->max_pfn > max_pfn)
		max_pfn = pagemap_reader_header(map)->max_pfn;
	fuzz_end(reasons_walk(core, map, take_run, &end), ALLOWED);
	vmreader_init(&reader, core, VMREADER_WINDOW_DATA_BYTES);
	for (uint64_t pfn = 0; pfn < max_pfn && max_pfn <= FRAMES_MAX; pfn++) {
		struct presence presence = {.state = PRESENCE_ABSENT};
		struct error *err = presence_find(&reader, map, pfn, &presence);

		is_damaged |= err != NULL;
		fuzz_end(err, ALLOWED);
		fuzz_require(presence.state < PRESENCE_STATES && *presence_sentence(&presence));
		counts[presence.state]++;
	}
	vmreader_deinit(&reader);
	if (max_pfn > FRAMES_MAX || is_damaged)
		return;
	for (unsigned int state = 0; state < PRESENCE_STATES; state++)
		if (state != PRESENCE_NO_MEMORY && state != PRESENCE_ABSENT)
			fuzz_require(counts[state] == found->counts[state]);
}

static void check_all(const struct vmcore *core, int map_fd)
{
	static struct dumpcheck found;
	struct dumpcheck_options options = {.thread_count = 1, .map_fd = map_fd};
	struct pagemap_reader *map = NULL;
	struct kdumpcore_check tables;
	struct error *err = pagemap_reader_create(map_fd, &map);

	if (!err)
		err = presence_check_map(core, map);
	if (!err && pagemap_reader_header(map)->max_pfn > MAX_PFN)
		err = error_new(ERROR_UNSUPPORTED, "too large");
	if (err) {
		pagemap_reader_destroy(map);
		map = NULL;
		options.map_fd = -1;
	}
	fuzz_end(err, ALLOWED);
	fuzz_end(kdumpcore_check(core, &tables), FUZZ_CODE(ERROR_BAD_DATA));
	err = dumpcheck_run(core, &options, &found);
	fuzz_require(found.problem_count <= DUMPCHECK_PROBLEMS_MAX);
	if (!err)
		explain(core, map, &found);
	fuzz_end(err, FUZZ_CODE(ERROR_UNSUPPORTED));
	pagemap_reader_destroy(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static int dump_fd = -1, map_fd = -1;
	size_t map_bytes = size_bytes >= 2 ? (size_t)(data[0] | data[1] << 8) : 0;
	char path[64];
	const char *paths[] = {path};
	struct vmcore *core;
	struct error *err;

	if (size_bytes < 2 || map_bytes > size_bytes - 2)
		return 0;
	map_fd = fill(map_fd, "map", data + 2, map_bytes);
	dump_fd = fill(dump_fd, "dump", data + 2 + map_bytes, size_bytes - 2 - map_bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dump_fd);
	err = vmcore_open_set(paths, 1, &core);
	if (err) {
		fuzz_end(err, ALLOWED);
		return 0;
	}
	if (vmcore_max_pfn(core) <= MAX_PFN)
		check_all(core, map_fd);
	vmcore_close(core);
	return 0;
}
