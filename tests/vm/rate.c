// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rate: how fast /proc/vmcore is read, by the size of the window that is mapped or read.
 *
 * The first and only program of a capture kernel. Three uses are measured, as the copier has
 * them: looking at struct pages in order (eight bytes of each 64), copying all pages, and
 * copying one page of each window, where nearly all are dropped. One line each on the console,
 * "@rate HOW WINDOW-KIB LOOK-MIB/S COPY-MIB/S ONE-MICROSECONDS PAGE-TABLES-KIB", best of some
 * rounds; then the machine is switched off.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	STRUCT_BYTES = 64,
	PART_BYTES = 128 << 20, /* A multiple of all windows; of the largest piece of memory. */
	READ_PART_BYTES = 8 << 20, /* read() is slow. */
	ROUNDS = 6,
};

enum use { LOOK, COPY, ONE, USES };

static volatile uint64_t sink; /* What is read must be used, or the compiler leaves it out. */

static void die(const char *what)
{
	printf("@failed %s: %s\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned page_tables_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	unsigned kib = 0;

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "VmPTE: %u", &kib);
	if (file)
		fclose(file);
	return kib;
}

static void look(const uint8_t *bytes, size_t window, enum use use)
{
	static uint8_t page[PAGE];
	size_t size = use == ONE ? PAGE : window;
	uint64_t sum = 0;

	for (size_t at = 0; use != LOOK && at < size; at += PAGE) {
		memcpy(page, bytes + at, PAGE);
		sum += page[at / PAGE % PAGE];
	}
	for (size_t at = 0; use == LOOK && at < size; at += STRUCT_BYTES)
		sum += *(const uint64_t *)(bytes + at);
	sink += sum;
}

/* One way to read, and what it took. */
struct way {
	size_t window;
	bool is_mapped;
	double best[USES]; /* Seconds for all windows of the part. */
	unsigned tables_kib;
};

/* Windows that are read cost as much memory, which a capture kernel has not. */
static struct way ways[] = {
	{.window = 64 << 10, .is_mapped = true},
	{.window = 256 << 10, .is_mapped = true},
	{.window = 1 << 20, .is_mapped = true},
	{.window = 4 << 20, .is_mapped = true},
	{.window = 16 << 20, .is_mapped = true},
	{.window = 64 << 20, .is_mapped = true},
	{.window = 64 << 10},
	{.window = 256 << 10},
	{.window = 1 << 20},
	{.window = 4 << 20},
};

enum { WAYS = sizeof(ways) / sizeof(*ways) };

static size_t part_of(const struct way *way)
{
	return way->is_mapped ? PART_BYTES : READ_PART_BYTES;
}

static void pass(struct way *way, int fd, off_t start, enum use use)
{
	uint8_t *buffer = way->is_mapped ? NULL : malloc(way->window), *bytes = buffer;
	unsigned idle = page_tables_kib();
	double began = now(), seconds;

	if (!way->is_mapped && !buffer)
		die("memory");
	for (size_t at = 0; at < part_of(way); at += way->window) {
		off_t offset = start + (off_t)at;

		if (way->is_mapped) {
			bytes = mmap(NULL, way->window, PROT_READ, MAP_PRIVATE, fd, offset);
			if (bytes == MAP_FAILED)
				die("mmap");
		}
		for (size_t done = 0; buffer && done < way->window;) {
			ssize_t got = pread(fd, buffer + done, way->window - done, offset + (off_t)done);

			if (got <= 0)
				die("read");
			done += (size_t)got;
		}
		look(bytes, way->window, use);
		if (at == 0 && way->is_mapped)
			way->tables_kib = page_tables_kib() - idle;
		if (way->is_mapped)
			munmap(bytes, way->window);
	}
	seconds = now() - began;
	if (!way->best[use] || seconds < way->best[use])
		way->best[use] = seconds;
	free(buffer);
}

static void print(const struct way *way)
{
	double mib = (double)(part_of(way) >> 20), windows = (double)(part_of(way) / way->window);

	printf("@rate %s %zu %.0f %.0f %.0f %u\n", way->is_mapped ? "mmap" : "read", way->window >> 10,
	       mib / way->best[LOOK], mib / way->best[COPY], way->best[ONE] * 1e6 / windows, way->tables_kib);
}

/* Offset in the file of the largest piece of memory, at a multiple of a page. */
static off_t find_memory(int fd)
{
	static Elf64_Phdr phdrs[64];
	Elf64_Phdr best = {0};
	Elf64_Ehdr ehdr;

	if (read(fd, &ehdr, sizeof(ehdr)) != sizeof(ehdr) || ehdr.e_phnum > 64 ||
	    pread(fd, phdrs, ehdr.e_phnum * sizeof(*phdrs), (off_t)ehdr.e_phoff) < 0)
		die("/proc/vmcore");
	for (int i = 0; i < ehdr.e_phnum; i++) {
		if (phdrs[i].p_type == PT_LOAD && phdrs[i].p_filesz > best.p_filesz)
			best = phdrs[i];
	}
	if (best.p_filesz < PART_BYTES + PAGE)
		die("no piece of memory is large enough");
	return (off_t)((best.p_offset + PAGE - 1) & -(uint64_t)PAGE);
}

int main(void)
{
	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		die("/proc");
	int fd = open("/proc/vmcore", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("/proc/vmcore");
	off_t start = find_memory(fd);

	/* In turns, so that a load on the host hits all alike. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < WAYS * USES; i++)
			pass(&ways[i / USES], fd, start, i % USES);
	}
	for (unsigned i = 0; i < WAYS; i++)
		print(&ways[i]);
	printf("@done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
