// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * plant: put pages with known content into every class that a dump level
 * knows, tell the host where they are, then panic the machine.
 *
 * Each planted page begins with a marker, "KDUMPLANT", its class and its index,
 * and goes on with words of a generator that is seeded by both; the host
 * computes the same page (vmlab/planted.py).  One line per page goes to standard
 * output, "page CLASS INDEX PFN"; PFN is "?" where user space cannot learn it.
 *
 * Usage: plant [--no-panic] DIR-ON-DISK DIR-ON-TMPFS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

enum { PAGE = 4096, FEW = 64, FREED = 4096, HUGE_SIZE = 2 << 20, KEYS = 24, KEY_SIZE = 2000 };

static void die(const char *what)
{
	fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* splitmix64: short, and easily written again in another language. */
static uint64_t next_word(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void fill(void *page, size_t size, const char *class, unsigned index)
{
	uint64_t state = 5381;
	uint64_t *words = page;

	for (const char *c = class; *c; c++)
		state = state * 33 + (unsigned char)*c;
	state = state * 1000003 + index;
	for (size_t i = 0; i < size / 8; i++)
		words[i] = next_word(&state);
	/* 32 bytes, padded with NUL */
	char marker[32] = "";

	snprintf(marker, sizeof(marker), "KDUMPLANT %s %u", class, index);
	memcpy(page, marker, sizeof(marker));
}

/* The page frame behind a mapped address, from /proc/self/pagemap. */
static uint64_t frame_of(const volatile void *address)
{
	static int fd = -1;
	uint64_t entry = 0;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/self/pagemap");
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / PAGE * 8)) != 8)
		die("/proc/self/pagemap");
	return entry >> 63 ? entry & ((UINT64_C(1) << 55) - 1) : 0;
}

static void tell(const char *class, unsigned index, uint64_t pfn)
{
	if (pfn)
		printf("page %s %u %llu\n", class, index, (unsigned long long)pfn);
	else
		printf("page %s %u ?\n", class, index);
}

static void *map(size_t size, int flags, int fd)
{
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (area == MAP_FAILED)
		die("mmap");
	return area;
}

/* Anonymous pages of this process; "zero" is touched but left empty. */
static void *plant_anon(const char *class, unsigned count, bool say)
{
	char *area = map((size_t)count * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (madvise(area, (size_t)count * PAGE, MADV_NOHUGEPAGE) < 0)
		die("madvise");
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(class, "zero") == 0)
			*(volatile char *)(area + (size_t)i * PAGE) = 0;
		else
			fill(area + (size_t)i * PAGE, PAGE, class, i);
		if (say)
			tell(class, i, frame_of(area + (size_t)i * PAGE));
	}
	return area;
}

/* Huge pages: transparent (flags 0) or from the hugetlb pool. */
static void plant_huge(const char *class, int flags)
{
	char *area = mmap(NULL, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (area == MAP_FAILED) {
		printf("none %s: %s\n", class, strerror(errno));
		return;
	}
	char *start = (char *)(((uintptr_t)area + HUGE_SIZE - 1) & -(uintptr_t)HUGE_SIZE);

	if (!flags)
		madvise(start, HUGE_SIZE, MADV_HUGEPAGE);
	for (unsigned i = 0; i < HUGE_SIZE / PAGE; i++)
		fill(start + (size_t)i * PAGE, PAGE, class, i);
	if (frame_of(start) % (HUGE_SIZE / PAGE) != 0) {
		printf("none %s: the area is not one huge page\n", class);
		return;
	}
	for (unsigned i = 0; i < HUGE_SIZE / PAGE; i++)
		tell(class, i, frame_of(start + (size_t)i * PAGE));
}

static int create(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die(path);
	return fd;
}

/*
 * Page cache.  A written page of ext4 carries buffers (private data); one that
 * was read back from disk does not, and one of tmpfs does not.
 */
static void plant_cache(const char *dir, const char *class, bool read_back)
{
	int fd = create(dir, class);
	char page[PAGE];

	for (unsigned i = 0; i < FEW; i++) {
		fill(page, PAGE, class, i);
		if (write(fd, page, PAGE) != PAGE)
			die(class);
	}
	if (read_back) {
		if (fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			die(class);
	}
	char *area = map(FEW * PAGE, MAP_SHARED, fd);

	for (unsigned i = 0; i < FEW; i++) {
		(void)*(volatile char *)(area + (size_t)i * PAGE);
		tell(class, i, frame_of(area + (size_t)i * PAGE));
	}
	memset(page, 0, sizeof(page));
}

/* Slab: the payload of a "user" key is one kmalloc object. */
static void plant_keys(void)
{
	char payload[KEY_SIZE];

	for (unsigned i = 0; i < KEYS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "plant%u", i);
		fill(payload, sizeof(payload), "slab", i);
		long key = syscall(SYS_add_key, "user", name, payload, sizeof(payload), -3);

		if (key < 0)
			die("add_key");
		tell("slab", i, 0);
	}
	/* The copy in this process must not be what the host finds. */
	explicit_bzero(payload, sizeof(payload));
}

/* Pages of the kernel that no list names: the buffers of a pipe. */
static void plant_pipe(void)
{
	int ends[2];
	char page[PAGE];

	if (pipe(ends) < 0)
		die("pipe");
	for (unsigned i = 0; i < 12; i++) {
		fill(page, PAGE, "pipe", i);
		if (write(ends[1], page, PAGE) != PAGE)
			die("pipe");
		tell("pipe", i, 0);
	}
	explicit_bzero(page, sizeof(page));
}

/*
 * A process of another name, with pages of its own: anonymous ones, some of
 * which nobody may touch, a huge one, and ones of a file.  Classes are named
 * after the process.  Returns when they are planted; the process stays.
 */
static void plant_process(const char *name, const char *dir)
{
	int ends[2];
	char class[64], done = 0;

	if (pipe(ends) < 0)
		die("pipe");
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		close(ends[1]);
		if (read(ends[0], &done, 1) != 1)
			die(name);
		close(ends[0]);
		return;
	}
	if (prctl(PR_SET_NAME, name) < 0)
		die("prctl");
	snprintf(class, sizeof(class), "%s_anon", name);
	plant_anon(class, FEW, true);
	snprintf(class, sizeof(class), "%s_hidden", name);
	void *hidden = plant_anon(class, FEW, true);
	snprintf(class, sizeof(class), "%s_huge", name);
	plant_huge(class, 0);
	snprintf(class, sizeof(class), "%s_file", name);
	plant_cache(dir, class, true);
	if (mlockall(MCL_CURRENT) < 0)
		die("mlockall");
	if (mprotect(hidden, FEW * PAGE, PROT_NONE) < 0)
		die("mprotect");
	fflush(stdout);
	if (write(ends[1], &done, 1) != 1)
		die("pipe");
	for (;;)
		pause();
}

static void panic_machine(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "c", 1) != 1)
		die("/proc/sysrq-trigger");
}

int main(int argc, char **argv)
{
	bool no_panic = argc > 1 && strcmp(argv[1], "--no-panic") == 0;

	if (argc - no_panic != 3) {
		fprintf(stderr, "usage: plant [--no-panic] DIR-ON-DISK DIR-ON-TMPFS\n");
		return 2;
	}
	/* One CPU: its lists of pages that are not on the LRU yet are then filled by us. */
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		die("sched_setaffinity");
	/* First, so that they share nothing that is planted here. */
	plant_process("planta", argv[1 + no_panic]);
	plant_process("plantb", argv[1 + no_panic]);
	plant_keys();
	plant_pipe();
	plant_huge("hugetlb", MAP_HUGETLB);
	plant_huge("thp", 0);
	plant_anon("anon", FEW, true);
	plant_anon("zero", FEW, true);
	plant_cache(argv[2 + no_panic], "tmpfs", false);
	plant_cache(argv[1 + no_panic], "clean", true);
	plant_cache(argv[1 + no_panic], "dirty", false);
	void *freed = plant_anon("free", FREED, true);

	/* Pushes what was planted out of the per-CPU list of pages to be put on the LRU. */
	plant_anon("filler", 2 * FEW, false);
	if (mlockall(MCL_CURRENT) < 0)
		die("mlockall");
	printf("planted\n");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	if (munmap(freed, (size_t)FREED * PAGE) < 0)
		die("munmap");
	if (!no_panic)
		panic_machine();
	pause();
	return 0;
}
