// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/sink.h"

#include <endian.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "test.h"

enum { PIECES = 64, PIECE_BYTES = 1000, DUMP_BYTES = 100000 };

static int temporary(void)
{
	int fd = memfd_create("sink", MFD_CLOEXEC);

	check(fd >= 0);
	return fd;
}

static void *write_pieces(void *arg)
{
	static _Thread_local char piece[PIECE_BYTES];
	struct sink *sink = arg;

	// From the last to the first: no order is promised.
	for (size_t i = PIECES; i-- > 0;) {
		memset(piece, 'a' + (int)(i % 26), sizeof(piece));
		check_ok(sink_write(sink, i * PIECE_BYTES, piece, sizeof(piece)));
	}
	return NULL;
}

static void check_content(const char *data)
{
	for (size_t i = 0; i < DUMP_BYTES; i++)
		check(data[i] == (i < PIECES * PIECE_BYTES ? 'a' + (char)(i / PIECE_BYTES % 26) : 0));
}

static void file(void)
{
	static char data[DUMP_BYTES];
	struct sink *sink;
	struct stat st;
	int fd = temporary();
	size_t got;

	check_ok(sink_file_create(fd, &sink));
	write_pieces(sink);
	check_ok(sink_finish(sink, DUMP_BYTES));
	sink_destroy(sink);
	check(fstat(fd, &st) == 0 && st.st_size == DUMP_BYTES);
	check_ok(io_pread(fd, data, sizeof(data), 0, &got));
	check(got == DUMP_BYTES);
	check_content(data);
	close(fd);
}

// What crash and libkdumpfile demand: a header, records that do not overlap, an end.
static size_t unpack(int fd, char *data, size_t room)
{
	uint64_t record[2];
	uint64_t header[4];
	size_t got, records = 0;
	off_t at = 4096;

	check_ok(io_pread(fd, header, sizeof(header), 0, &got));
	check(memcmp(header, "makedumpfile\0\0\0\0", 16) == 0 && be64toh(header[2]) == 1 && be64toh(header[3]) == 1);
	for (;; records++) {
		check_ok(io_pread(fd, record, sizeof(record), (uint64_t)at, &got));
		check(got == sizeof(record));
		at += (off_t)sizeof(record);
		if (record[0] == UINT64_MAX && record[1] == UINT64_MAX)
			break;
		record[0] = be64toh(record[0]);
		record[1] = be64toh(record[1]);
		check(record[1] > 0 && record[0] + record[1] <= room);
		for (size_t i = 0; i < record[1]; i++)
			check(!data[record[0] + i]);
		check_ok(io_pread(fd, data + record[0], record[1], (uint64_t)at, &got));
		check(got == record[1]);
		at += (off_t)record[1];
	}
	check(lseek(fd, 0, SEEK_END) == at);
	return records;
}

static void stream(void)
{
	static char data[DUMP_BYTES];
	struct sink *sink;
	int fd = temporary();

	check_ok(sink_stream_create(fd, &sink));
	write_pieces(sink);
	check_ok(sink_finish(sink, DUMP_BYTES));
	sink_destroy(sink);
	check(unpack(fd, data, sizeof(data)) <= PIECES + 1);
	check_content(data);
	close(fd);
}

struct share {
	struct sink *sink;
	size_t first;
};

static void *write_share(void *arg)
{
	const struct share *share = arg;
	char piece[PIECE_BYTES];

	for (size_t i = share->first; i < PIECES; i += 4) {
		memset(piece, 'a' + (int)(i % 26), sizeof(piece));
		check_ok(sink_write(share->sink, i * PIECE_BYTES, piece, sizeof(piece)));
	}
	return NULL;
}

static void many_threads(void)
{
	static char data[DUMP_BYTES];

	for (int round = 0; round < 20; round++) {
		struct share shares[4];
		pthread_t threads[4];
		struct sink *sink;
		int fd = temporary();

		check_ok(sink_stream_create(fd, &sink));
		for (size_t i = 0; i < 4; i++) {
			shares[i] = (struct share){sink, i};
			check(pthread_create(&threads[i], NULL, write_share, &shares[i]) == 0);
		}
		for (size_t i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		check_ok(sink_finish(sink, DUMP_BYTES));
		sink_destroy(sink);
		memset(data, 0, sizeof(data));
		unpack(fd, data, sizeof(data));
		check_content(data);
		close(fd);
	}
}

static void full(void)
{
	struct sink *sink;
	int fd = open("/dev/full", O_WRONLY);
	struct error *err;

	check(fd >= 0);
	err = sink_stream_create(fd, &sink);
	if (!err) {
		err = sink_write(sink, 0, "x", 1);
		sink_destroy(sink);
	}
	check_error(err, ERROR_NOSPC, "");
	check_ok(sink_file_create(fd, &sink));
	check_error(sink_write(sink, 0, "x", 1), ERROR_NOSPC, "");
	sink_destroy(sink);
	sink_destroy(NULL);
	close(fd);
}

// A small pipe is made larger, a large one stays.
static void pipes(void)
{
	for (int large_bytes = 0; large_bytes <= 1 << 20; large_bytes += 1 << 20) {
		struct sink *sink;
		int fds[2], was_bytes;

		check(pipe2(fds, O_CLOEXEC) == 0 && (!large_bytes || fcntl(fds[1], F_SETPIPE_SZ, large_bytes) > 0));
		was_bytes = fcntl(fds[1], F_GETPIPE_SZ);
		check_ok(sink_stream_create(fds[1], &sink));
		check(large_bytes ? fcntl(fds[1], F_GETPIPE_SZ) == was_bytes : fcntl(fds[1], F_GETPIPE_SZ) > was_bytes);
		sink_destroy(sink);
		close(fds[0]);
		close(fds[1]);
	}
}

// Whether the page cache has a page of the file, asked without a read: that would fetch it.
static bool is_cached(int fd, off_t offset_bytes)
{
	unsigned char is_there;
	void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, offset_bytes);

	check(page != MAP_FAILED);
	check(mincore(page, 1, &is_there) == 0);
	check(munmap(page, 1) == 0);
	return is_there & 1;
}

// Large pieces go past the page cache, small ones do not, and the file is the same.
static void direct(void)
{
	enum { LARGE = 1 << 20, SMALL_AT = 2 << 20, SMALL = 100, FILE_BYTES = SMALL_AT + 5000 };
	char *large = aligned_alloc(SINK_ALIGN_BYTES, LARGE), *data = calloc(1, FILE_BYTES + 1);
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct sink *sink;
	size_t got;

	if (fd < 0)
		test_skip("the file system here has no files without a name");
	check(large && data);
	check_ok(sink_file_create(fd, &sink));
	check(sink->align_bytes == 0);
	sink_file_set_direct(sink);
	if (!sink->align_bytes)
		test_skip("the file system here cannot write past the page cache");
	memset(large, 'x', LARGE);
	check_ok(sink_write(sink, 4096, large, LARGE));
	check(!is_cached(fd, 4096) && !is_cached(fd, LARGE));
	// Not at such an offset, of such a size, from such memory.
	check_ok(sink_write(sink, 4096 + LARGE + 1, large, 4096));
	check_ok(sink_write(sink, SMALL_AT, large, SMALL));
	check(is_cached(fd, SMALL_AT));
	check_ok(sink_write(sink, SMALL_AT - 8192, large + 1, 4096));
	check_ok(sink_finish(sink, FILE_BYTES));
	sink_destroy(sink);
	check_ok(io_pread(fd, data, FILE_BYTES + 1, 0, &got));
	check(got == FILE_BYTES);
	for (size_t i = 0; i < FILE_BYTES; i++) {
		bool is_written = (i >= 4096 && i < 4096 + LARGE) || (i > 4096 + LARGE && i <= 8192 + LARGE) ||
		                  (i >= SMALL_AT - 8192 && i < SMALL_AT - 4096) ||
		                  (i >= SMALL_AT && i < SMALL_AT + SMALL);

		check(data[i] == (is_written ? 'x' : 0));
	}
	free(large);
	free(data);
	close(fd);
}

static const struct test tests[] = {TEST(file), TEST(stream), TEST(many_threads),
                                    TEST(full), TEST(pipes),  TEST(direct)};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
