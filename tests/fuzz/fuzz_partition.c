// SPDX-License-Identifier: GPL-2.0-or-later
// A raw partition whose headers are the input, with sums that are right: what is read is possible, and is written as it was read.
#include <signal.h>
#include <sys/resource.h>

#include "base/io.h"
#include "capture/extract.h"
#include "capture/partition.h"
#include "fuzz.h"

enum {
	// As in capture/partition_format.h.
	SUM = 312,
	SUM_END = 344,
	FILES = 2048,
	FILES_BYTES = 2048,
	BLOCK = 4096,
	SIZE = 6 << 20,
	LIMIT = 5 << 20,
	// A stream may tell of places that are far away.
	LARGEST_BYTES = 1 << 20,
	CODES = FUZZ_CODE(ERROR_OS) | FUZZ_CODE(ERROR_BAD_DATA) | FUZZ_CODE(ERROR_NOSPC),
};

static void make_sum(uint8_t block[BLOCK])
{
	struct sha256 sha;

	memset(block + SUM, 0, SHA256_DIGEST_BYTES);
	sha256_init(&sha);
	sha256_update(&sha, block, BLOCK);
	sha256_final(&sha, block + SUM);
}

static void look_at(const struct partition_record *record)
{
	uint8_t block[BLOCK];
	struct partition_record again;

	fuzz_require(record->count <= PARTITION_FILES_MAX && *record->name && !strchr(record->name, '/'));
	for (size_t i = 0; i < record->count; i++) {
		const struct partition_file *file = &record->files[i];

		fuzz_require(*file->name && *file->name != '.' && !strchr(file->name, '/'));
		fuzz_require(partition_file(record, file->name) == file);
		fuzz_require(file->offset_bytes >= PARTITION_HEAD_BYTES && file->offset_bytes <= LIMIT &&
		             file->size_bytes <= LIMIT - file->offset_bytes);
	}
	partition_format(record, block);
	fuzz_require(partition_parse(block, record->offset_bytes, LIMIT, &again));
	fuzz_require(again.count == record->count && strcmp(again.name, record->name) == 0 &&
	             again.generation == record->generation);
}

// Takes all dumps out; what is there afterwards is at most one of each name.
static void take_out(struct partition *partition)
{
	struct host *host = fuzz_host();
	struct partition_record record;
	struct extract_result result;
	struct error *err;
	bool is_found;
	int dir_fd;

	fuzz_end(host_mkdirs(host, "/crash"), 0);
	fuzz_end(host_open(host, "/crash", O_RDONLY | O_DIRECTORY, 0, &dir_fd), 0);
	fuzz_end(partition_next(partition, NULL, &record, &is_found), 0);
	for (int i = 0; is_found; i++) {
		fuzz_require(i < SIZE / PARTITION_ALIGN_BYTES);
		look_at(&record);
		err = extract_run(partition, &record, dir_fd, &result);
		fuzz_require(err || record.taken == PARTITION_TAKEN);
		fuzz_end(err, CODES);
		fuzz_end(partition_next(partition, &record, &record, &is_found), 0);
	}
	close(dir_fd);
	fuzz_end(partition_trim(partition), 0);
}

// Directories of files.
static void remove_all(const char *path)
{
	_cleanup_(host_names_freep) char **names = NULL;

	fuzz_end(host_list(fuzz_host(), path, &names), 0);
	for (char **name = names; *name; name++) {
		char inner[512];

		snprintf(inner, sizeof(inner), "%s/%s", path, *name);
		if (unlinkat(fuzz_host()->root_fd, inner + 1, 0) == 0)
			continue;
		remove_all(inner);
		fuzz_require(unlinkat(fuzz_host()->root_fd, inner + 1, AT_REMOVEDIR) == 0);
	}
}

// Some bytes of the input.
static void put(int fd, uint64_t offset_bytes, const uint8_t *data, size_t size_bytes, size_t from, size_t most_bytes)
{
	size_t left = size_bytes > from ? size_bytes - from : 0;

	fuzz_end(io_pwrite(fd, data + (left ? from : 0), left < most_bytes ? left : most_bytes, offset_bytes), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const struct rlimit limit = {.rlim_cur = 64 << 20, .rlim_max = 64 << 20};
	int fd = memfd_create("partition", MFD_CLOEXEC);
	struct partition partition;
	uint8_t block[BLOCK];
	size_t got;

	signal(SIGXFSZ, SIG_IGN);
	fuzz_require(setrlimit(RLIMIT_FSIZE, &limit) == 0 && fd >= 0 && ftruncate(fd, SIZE) == 0);
	// The first header without its zeros, and what lies where the first file usually does.
	put(fd, 0, data, size_bytes, 0, SUM_END);
	put(fd, FILES, data, size_bytes, SUM_END, FILES_BYTES);
	put(fd, PARTITION_HEAD_BYTES, data, size_bytes, SUM_END + FILES_BYTES, LARGEST_BYTES);
	fuzz_end(io_pread(fd, block, sizeof(block), 0, &got), 0);
	make_sum(block);
	fuzz_end(io_pwrite(fd, block, sizeof(block), 0), 0);
	fuzz_end(partition_init(fd, &partition), 0);
	take_out(&partition);
	remove_all("/crash");
	partition_deinit(&partition);
	close(fd);
	return 0;
}
