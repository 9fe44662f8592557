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
 * Pages that the kernel gave a class, and not the planter, are found in /proc/kpageflags:
 * those of a balloon, and those that came back from swap. For them INDEX only counts. All
 * of /proc/kpageflags, read at the last moment, is in the pages of class "flags"; what other
 * files of /proc say of memory and interrupts, read right before, in those of class "told".
 *
 * Usage: plant [--no-panic] DIR-ON-DISK DIR-ON-TMPFS
 */
#define _GNU_SOURCE
#include <dirent.h>
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

enum {
	PAGE_MAX = 64 << 10,
	FEW = 64,
	FREED_BYTES = 16 << 20,
	KEYS = 24,
	KEY_SIZE = 2000,
	FLAGS_AT_ONCE = 4096,
	OFFLINE_MAX = 1024,
	TOLD_BYTES = 256 << 10
};

/* include/uapi/linux/kernel-page-flags.h */
enum { KPF_MMAP = 11, KPF_ANON = 12, KPF_SWAPCACHE = 13, KPF_SWAPBACKED = 14, KPF_OFFLINE = 23 };

static void die(const char *what)
{
	fprintf(stderr, "plant: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The number behind a word of a file; 0 if it is not there. An empty word: the first number. */
static size_t number_in(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[256];
	size_t number = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, word, strlen(word)) == 0 && sscanf(line + strlen(word), "%zu", &number) == 1)
			break;
	}
	if (file)
		fclose(file);
	return number;
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
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)address / page_size() * 8)) != 8)
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
	const size_t page_bytes = page_size();
	char *area = map((size_t)count * page_bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	/* A kernel without huge pages does not know the advice. */
	if (madvise(area, (size_t)count * page_bytes, MADV_NOHUGEPAGE) < 0 && errno != EINVAL)
		die("madvise");
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(class, "zero") == 0)
			*(volatile char *)(area + (size_t)i * page_bytes) = 0;
		else
			fill(area + (size_t)i * page_bytes, page_bytes, class, i);
		if (say)
			tell(class, i, frame_of(area + (size_t)i * page_bytes));
	}
	return area;
}

static const char PMD_SIZE_FILE[] = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
/* Where the largest transparent huge pages have half a GiB, init.c asks for smaller ones, too. */
static const size_t HUGE_MOST = 64 << 20, HUGE_SMALLER = 2 << 20;

static size_t huge_page_size(int flags)
{
	size_t bytes = flags ? number_in("/proc/meminfo", "Hugepagesize:") << 10 : number_in(PMD_SIZE_FILE, "");

	return bytes > HUGE_MOST ? HUGE_SMALLER : bytes;
}

/* Huge pages: transparent (flags 0) or from the hugetlb pool. */
static void plant_huge(const char *class, int flags)
{
	const size_t page_bytes = page_size(), huge_bytes = huge_page_size(flags);

	if (!huge_bytes) {
		printf("none %s: the kernel has none\n", class);
		return;
	}
	char *area = mmap(NULL, 2 * huge_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (area == MAP_FAILED) {
		printf("none %s: %s\n", class, strerror(errno));
		return;
	}
	char *start = (char *)(((uintptr_t)area + huge_bytes - 1) & -(uintptr_t)huge_bytes);

	if (!flags)
		madvise(start, huge_bytes, MADV_HUGEPAGE);
	for (unsigned i = 0; i < huge_bytes / page_bytes; i++)
		fill(start + (size_t)i * page_bytes, page_bytes, class, i);
	if (frame_of(start) % (huge_bytes / page_bytes) != 0) {
		printf("none %s: the area is not one huge page\n", class);
		return;
	}
	for (unsigned i = 0; i < huge_bytes / page_bytes; i++)
		tell(class, i, frame_of(start + (size_t)i * page_bytes));
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
	const size_t page_bytes = page_size();
	int fd = create(dir, class);
	static char page[PAGE_MAX];

	for (unsigned i = 0; i < FEW; i++) {
		fill(page, page_bytes, class, i);
		if (write(fd, page, page_bytes) != (ssize_t)page_bytes)
			die(class);
	}
	if (read_back) {
		if (fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
			die(class);
	}
	char *area = map(FEW * page_bytes, MAP_SHARED, fd);

	for (unsigned i = 0; i < FEW; i++) {
		(void)*(volatile char *)(area + (size_t)i * page_bytes);
		tell(class, i, frame_of(area + (size_t)i * page_bytes));
	}
	explicit_bzero(page, sizeof(page));
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
	const size_t page_bytes = page_size();
	int ends[2];
	static char page[PAGE_MAX];

	if (pipe(ends) < 0)
		die("pipe");
	for (unsigned i = 0; i < 12; i++) {
		fill(page, page_bytes, "pipe", i);
		if (write(ends[1], page, page_bytes) != (ssize_t)page_bytes)
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
	if (mprotect(hidden, FEW * page_size(), PROT_NONE) < 0)
		die("mprotect");
	fflush(stdout);
	if (write(ends[1], &done, 1) != 1)
		die("pipe");
	for (;;)
		pause();
}

/* How many of FEW pages are in memory, the swap cache included. */
static unsigned in_memory(char *area)
{
	unsigned char is_there[FEW];
	unsigned count = 0;

	if (mincore(area, FEW * page_size(), is_there) < 0)
		die("mincore");
	for (unsigned i = 0; i < FEW; i++)
		count += is_there[i] & 1;
	return count;
}

static void swap_out_and_in(void)
{
	const size_t bytes = FEW * page_size(), step = 1 << 20;
	char *area = plant_anon("swapped", FEW, false);
	size_t pressure = number_in("/proc/meminfo", "MemFree:") << 10;

	if (number_in("/proc/meminfo", "SwapTotal:") == 0)
		return;
	if (madvise(area, bytes, MADV_PAGEOUT) < 0)
		die("MADV_PAGEOUT");
	/* What was written stays in the swap cache until memory is short. */
	char *waste = map(pressure, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (size_t at = 0; at + step <= pressure && in_memory(area); at += step) {
		memset(waste + at, 1, step);
		usleep(at < pressure / 4 * 3 ? 0 : 20000);
	}
	munmap(waste, pressure);
	if (in_memory(area))
		fprintf(stderr, "plant: pages stay in the swap cache\n");
	if (madvise(area, bytes, MADV_WILLNEED) < 0)
		die("MADV_WILLNEED");
	for (unsigned tries = 0; tries < 200 && in_memory(area) < FEW; tries++)
		usleep(10000);
}

/*
 * Pages that were written to swap and are read back before anybody asks for them: in the
 * swap cache, and mapped nowhere. They belong to a child, since mlockall() would ask.
 */
static void plant_swapped(void)
{
	int ends[2];
	char byte = 0;

	fflush(stdout);
	if (pipe(ends) < 0)
		die("pipe");
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		swap_out_and_in();
		if (write(ends[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		fprintf(stderr, "plant: no pages in swap\n");
}

static bool has(uint64_t flags, int bit)
{
	return flags >> bit & 1;
}

/* /proc/kpageflags: what the kernel says of each page frame. */
struct flags {
	uint64_t *words; /* By page frame number. */
	size_t count;
};

static void read_flags(const struct flags *flags)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	size_t done = 0, size = flags->count * sizeof(*flags->words);
	ssize_t got;

	if (fd < 0)
		die("/proc/kpageflags");
	while (done < size && (got = pread(fd, (char *)flags->words + done, size - done, (off_t)done)) > 0)
		done += (size_t)got;
	close(fd);
}

/* Room for all flags; the host reads them from the dump, at the page frames that are told here. */
static struct flags make_flags(void)
{
	static uint64_t words[FLAGS_AT_ONCE];
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	struct flags flags = {0};
	ssize_t got;

	while (fd >= 0 && (got = read(fd, words, sizeof(words))) > 0)
		flags.count += (size_t)got / sizeof(*words);
	if (!flags.count)
		die("/proc/kpageflags");
	close(fd);
	unsigned pages = (unsigned)((flags.count * sizeof(*words) + page_size() - 1) / page_size());

	flags.words = plant_anon("zero", pages, false);
	for (unsigned i = 0; i < pages; i++)
		tell("flags", i, frame_of((char *)flags.words + i * page_size()));
	return flags;
}

/* Tell the pages that the kernel gave a class. */
static void tell_by_flags(const struct flags *flags)
{
	unsigned offline = 0, swapped = 0;

	read_flags(flags);
	for (size_t pfn = 0; pfn < flags->count; pfn++) {
		uint64_t word = flags->words[pfn];

		if (has(word, KPF_OFFLINE) && offline < OFFLINE_MAX)
			tell("offline", offline++, pfn);
		else if (has(word, KPF_SWAPCACHE) && has(word, KPF_SWAPBACKED) && !has(word, KPF_ANON) &&
		         !has(word, KPF_MMAP))
			tell("swapped", swapped++, pfn);
	}
}

/* What the kernel says of itself: texts, each behind a line "== PATH". */
struct told {
	char *text;
	size_t used;
};

/* Room for it; the host reads it from the dump, at the page frames that are told here. */
static struct told make_told(void)
{
	struct told told = {.text = plant_anon("zero", TOLD_BYTES / (unsigned)page_size(), false)};

	for (unsigned i = 0; i < TOLD_BYTES / page_size(); i++)
		tell("told", i, frame_of(told.text + i * page_size()));
	return told;
}

static void read_told(struct told *told, const char *path)
{
	size_t begin = told->used;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	told->used += (size_t)snprintf(told->text + told->used, TOLD_BYTES - told->used, "== %s\n", path);
	if (told->used >= TOLD_BYTES)
		die("no room for what the kernel says");
	size_t start = told->used;

	while (fd >= 0 && (got = read(fd, told->text + told->used, TOLD_BYTES - told->used)) > 0)
		told->used += (size_t)got;
	/* Threads of the kernel have no memory, and processes end. */
	if (got < 0 || told->used == start) {
		memset(told->text + begin, 0, told->used - begin);
		told->used = begin;
	}
	close(fd);
}

/* What does not change while the rest is read comes first. */
static void read_all_told(struct told *told)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/smaps_rollup", entry->d_name);
		read_told(told, path);
	}
	if (dir)
		closedir(dir);
	read_told(told, "/proc/slabinfo");
	read_told(told, "/proc/zoneinfo");
	read_told(told, "/proc/softirqs");
	read_told(told, "/proc/interrupts");
	read_told(told, "/proc/meminfo");
	read_told(told, "/proc/buddyinfo");
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
	/*
	 * One CPU: its lists of pages that are not on the LRU yet are then filled by us. The last one: where there are several
	 * it is not the one that booted.
	 */
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		die("sched_setaffinity");
	/*
	 * First, so that they share nothing that is planted here. Not where pages are large: huge ones are 32 MiB and more
	 * then, and to make room for four the kernel moves pages that were told of already.
	 */
	if (page_size() == 4096) {
		plant_process("planta", argv[1 + no_panic]);
		plant_process("plantb", argv[1 + no_panic]);
	}
	plant_swapped();
	plant_keys();
	plant_pipe();
	plant_huge("hugetlb", MAP_HUGETLB);
	plant_huge("thp", 0);
	plant_anon("anon", FEW, true);
	plant_anon("zero", FEW, true);
	plant_cache(argv[2 + no_panic], "tmpfs", false);
	plant_cache(argv[1 + no_panic], "clean", true);
	plant_cache(argv[1 + no_panic], "dirty", false);
	size_t freed_pages = FREED_BYTES / page_size();
	void *freed = plant_anon("free", (unsigned)freed_pages, true);

	/* Pushes what was planted out of the per-CPU list of pages to be put on the LRU. */
	void *filler = plant_anon("filler", 2 * FEW, false);

	if (mlockall(MCL_CURRENT) < 0)
		die("mlockall");
	struct told told = make_told();
	struct flags flags = make_flags();

	tell_by_flags(&flags);
	printf("planted\n");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	/* And this what was freed out of the list of pages that are no longer locked: these still belong to somebody. */
	if (munmap(freed, freed_pages * page_size()) < 0 || munmap(filler, 2 * FEW * page_size()) < 0)
		die("munmap");
	read_all_told(&told);
	/* Again, of the moment before the panic. */
	read_flags(&flags);
	if (!no_panic)
		panic_machine();
	pause();
	return 0;
}
