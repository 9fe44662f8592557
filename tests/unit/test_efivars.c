// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/efivars.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#define GUID "cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0"

static char directory[] = "/tmp/kdump-efivars.XXXXXX";

static int log_of(size_t size_bytes)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	for (size_t i = 0; i < size_bytes; i++)
		check(write(fd, &"0123456789\n"[i % 11], 1) == 1);
	return fd;
}

// What is in a variable, without its attributes; it is removed.
static size_t take(unsigned int part, char ret[2048])
{
	char path[256], buf[2048];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/dump-type0-%u-1-1700000000-D-" GUID, directory, part);
	fd = open(path, O_RDONLY);
	check(fd >= 0);
	size = read(fd, buf, sizeof(buf));
	check(size > 4 && memcmp(buf, "\7\0\0\0", 4) == 0);
	memcpy(ret, buf + 4, (size_t)size - 4);
	ret[size - 4] = '\0';
	close(fd);
	check(unlink(path) == 0);
	return (size_t)size - 4;
}

// The last lines come first, each byte once.
static void in_parts(void)
{
	static const char first_line[] = "Panic#1 Part1\n";
	enum { BYTES = 2500 };
	unsigned int count = 0;
	char text[2048], whole[BYTES + 1];
	size_t at = BYTES;

	check_ok(efivars_write(directory, log_of(BYTES), 1700000000, &count));
	check(count == 3);
	for (unsigned int part = 1; part <= 3; part++) {
		size_t size = take(part, text), head = strlen(first_line);

		check(size <= 1024 && size > head && text[head - 2] == (char)('0' + part));
		at -= size - head;
		memcpy(whole + at, text + head, size - head);
	}
	check(at == 0);
	for (size_t i = 0; i < BYTES; i++)
		check(whole[i] == "0123456789\n"[i % 11]);
}

static void a_long_log(void)
{
	unsigned int count = 0;
	char text[2048];

	check_ok(efivars_write(directory, log_of(100000), 1700000000, &count));
	check(count == 10);
	while (count)
		check(take(count--, text) == 1024);
}

static void nowhere(void)
{
	unsigned int count = 0;

	check_error(efivars_write("/nonexistent", log_of(100), 1, &count), ERROR_OS, "dump-type0-1-1-1-D-" GUID);
	check_error(efivars_write(directory, log_of(0), 1, &count), ERROR_OS, "empty");
}

static const struct test tests[] = {
	TEST(in_parts),
	TEST(a_long_log),
	TEST(nowhere),
};

int main(int argc, char **argv)
{
	int status;

	check(mkdtemp(directory) != NULL);
	status = test_main(tests, array_size(tests), argc, argv);
	check(rmdir(directory) == 0);
	return status;
}
