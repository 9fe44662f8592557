/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs of guests share: those that are the first and only one there, and workloads. Each is one source file, and takes of
 * these what it needs. "@load VADDR PADDR BYTES" are the program headers that /proc/vmcore would have.
 */
#ifndef GUEST_H
#define GUEST_H

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what)
{
	printf("@failed %s: %s\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static inline void load_modules(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[300];

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST && errno != ENODEV))
			die(path);
		close(fd);
	}
}

static inline void mount_at(const char *source, const char *target, const char *type)
{
	mkdir(target, 0755);
	/* The kernel has mounted /dev perhaps. */
	if (mount(source, target, type, 0, NULL) < 0 && errno != EBUSY)
		die(target);
}

/* What /proc/kcore has no physical address for is no memory. */
static inline void tell_loads(void)
{
	static Elf64_Phdr phdrs[256];
	Elf64_Ehdr ehdr;
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &ehdr, sizeof(ehdr)) != sizeof(ehdr) || ehdr.e_phnum > 256 ||
	    pread(fd, phdrs, ehdr.e_phnum * sizeof(*phdrs), (off_t)ehdr.e_phoff) < 0)
		die("/proc/kcore");
	for (int i = 0; i < ehdr.e_phnum; i++) {
		if (phdrs[i].p_type == PT_LOAD && phdrs[i].p_paddr != (Elf64_Addr)-1)
			printf("@load %llx %llx %llx\n", (unsigned long long)phdrs[i].p_vaddr,
			       (unsigned long long)phdrs[i].p_paddr, (unsigned long long)phdrs[i].p_memsz);
	}
	close(fd);
}

/* A process with an odd name that opens, writes, sleeps; it does not return. */
static inline void odd_work(const char *name, int rounds)
{
	struct timespec shortly = {0, 3000000};
	int ends[2];

	prctl(PR_SET_NAME, name);
	if (pipe(ends) < 0)
		_exit(1);
	for (int i = 0; i < rounds; i++) {
		char byte = (char)i;
		int fd = open(i % 3 ? "/proc/self/stat" : "/no such file", O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
		if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
			_exit(1);
		if (i % 10 == 0)
			nanosleep(&shortly, NULL);
		if (i % 4 == 0)
			sched_yield();
	}
	_exit(0);
}

#endif
