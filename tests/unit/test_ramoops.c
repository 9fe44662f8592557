// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/ramoops.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

enum { PADDR = 0x1200, ZONE = 512, ZONES = 4, MEMORY = 16384, HEADER = 12 };

static char path[32];
static const struct ramoops_area area = {.paddr = PADDR, .zone_bytes = ZONE, .zones = ZONES};

// Sizes are those that Linux v6.1 prints when it takes such an area (ramoops_probe()).
static void areas(void)
{
	struct ramoops_area got = {0};

	check(ramoops_parse(
		"quiet ramoops.mem_address=0x1f000000 ramoops.mem_size=0x100000 ramoops.record_size=0x10000 x\n",
		&got));
	check(got.paddr == 0x1f000000 && got.zones == 15 && got.zone_bytes == (0x100000 - 3 * 4096) / 15 / 2 * 2);
	check(ramoops_parse(
		"ramoops.mem_address=512M ramoops.mem_size=1M ramoops.record_size=70000 ramoops.console_size=0 "
		"ramoops.ftrace_size=0 ramoops.pmsg_size=0 ramoops.ecc=0",
		&got));
	check(got.paddr == 512 << 20 && got.zones == 16 && got.zone_bytes == 65536);
	check(!ramoops_parse("ramoops.mem_size=1M", &got));
	check(!ramoops_parse("ramoops.mem_address=512M ramoops.mem_size=1M ramoops.ecc=1", &got));
	check(!ramoops_parse("ramoops.mem_address=512M ramoops.mem_size=8192", &got));
	check(!ramoops_parse("ramoops.mem_address=512M ramoops.mem_size=1M ramoops.record_size=0", &got));
	check(!ramoops_parse("ramoops.mem_address=512M ramoops.mem_size=64G", &got));
	check(!ramoops_parse("xramoops.mem_address=512M xramoops.mem_size=1M", &got));
	check(!ramoops_parse("", &got));
}

static int log_of(const char *text)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

// Memory full of what it held before.
static void make_memory(void)
{
	static uint8_t old[MEMORY];
	int fd;

	strcpy(path, "/tmp/kdump-ramoops.XXXXXX");
	fd = mkstemp(path);

	memset(old, 0xa5, sizeof(old));
	check(fd >= 0 && write(fd, old, sizeof(old)) == MEMORY);
	close(fd);
}

static void peek(unsigned int zone, uint32_t header[3], char text[ZONE])
{
	int fd = open(path, O_RDONLY);

	check(pread(fd, header, HEADER, PADDR + zone * ZONE) == HEADER);
	check(pread(fd, text, ZONE - HEADER, PADDR + zone * ZONE + HEADER) == ZONE - HEADER);
	close(fd);
}

static void poke(unsigned int zone, uint32_t size)
{
	uint32_t header[3] = {0x43474244, 0, size};
	int fd = open(path, O_WRONLY);

	check(pwrite(fd, header, HEADER, PADDR + zone * ZONE) == HEADER);
	close(fd);
}

// The last lines come first; what another crash left stays, and nothing beside the area is touched.
static void in_zones_that_are_free(void)
{
	static const char first[] = "====1700000000.000000-D\nPanic#1 Part1\n";
	char log[800], text[ZONE];
	uint32_t header[3];
	unsigned int count = 0;
	uint8_t beside[2];
	int fd;

	make_memory();
	poke(1, 7);
	poke(2, 0);
	memset(log, 'x', sizeof(log) - 5);
	strcpy(log + sizeof(log) - 5, "END\n");
	fd = log_of(log);
	check_ok(ramoops_write(path, &area, fd, 1700000000, &count));
	check(count == 2);
	peek(0, header, text);
	check(header[0] == 0x43474244 && header[1] == 0 && header[2] == ZONE - HEADER);
	check(memcmp(text, first, strlen(first)) == 0 && memcmp(text + ZONE - HEADER - 4, "END\n", 4) == 0);
	peek(1, header, text);
	check(header[2] == 7 && (uint8_t)text[0] == 0xa5);
	peek(2, header, text);
	check(header[2] == strlen(log) - (ZONE - HEADER - strlen(first)) + strlen(first));
	check(memcmp(text, "====1700000000.000000-D\nPanic#1 Part2\nxx", 40) == 0);
	peek(3, header, text);
	check(header[0] == 0xa5a5a5a5);
	close(fd);
	fd = open(path, O_RDONLY);
	check(pread(fd, &beside[0], 1, PADDR - 1) == 1 && pread(fd, &beside[1], 1, PADDR + ZONE * ZONES) == 1);
	check(beside[0] == 0xa5 && beside[1] == 0xa5);
	close(fd);
	unlink(path);
}

static void no_room(void)
{
	unsigned int count = 9;
	int fd = log_of("line\n");

	make_memory();
	for (unsigned int i = 0; i < ZONES; i++)
		poke(i, 1);
	check_error(ramoops_write(path, &area, fd, 0, &count), ERROR_NOSPC, "nobody has read");
	check(count == 0);
	unlink(path);
	check_error(ramoops_write(path, &area, fd, 0, &count), ERROR_OS, path);
	close(fd);
}

static void no_log(void)
{
	unsigned int count = 9;
	int fd = log_of("");

	make_memory();
	check_error(ramoops_write(path, &area, fd, 0, &count), ERROR_OS, "empty");
	check(count == 0);
	unlink(path);
	close(fd);
}

static const struct test tests[] = {
	TEST(areas),
	TEST(in_zones_that_are_free),
	TEST(no_room),
	TEST(no_log),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
