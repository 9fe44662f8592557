// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * init: the first and only program of a guest without a root file system.
 *
 * Loads the modules in /modules in the order of their names, mounts what the planter
 * needs, and becomes it. The disk is /dev/vda, ext4; /dev/vdb is swap. "@load VADDR PADDR
 * BYTES" are the program headers that /proc/vmcore would have. Between "@balloon" and a
 * line on the console the host takes memory away.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	printf("@failed %s: %s\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void load_modules(void)
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

static void mount_at(const char *source, const char *target, const char *type)
{
	mkdir(target, 0755);
	if (mount(source, target, type, 0, NULL) < 0)
		die(target);
}

/* A disk appears some time after its driver. */
static void wait_for(const char *path)
{
	for (unsigned tries = 0; access(path, F_OK) < 0; tries++) {
		if (tries == 1000)
			die(path);
		usleep(20000);
	}
}

/* What a kernel lacks is not an error: the planter says what it could not plant. */
static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		printf("init: %s: %s\n", path, strerror(errno));
	close(fd);
}

/* What /proc/kcore has no physical address for is no memory. */
static void tell_loads(void)
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

int main(void)
{
	static char *const argv[] = {"plant", "/disk", "/tmpfs", NULL};
	char line[16];

	mount_at("proc", "/proc", "proc");
	mount_at("sys", "/sys", "sysfs");
	mount_at("dev", "/dev", "devtmpfs");
	load_modules();
	wait_for("/dev/vda");
	wait_for("/dev/vdb");
	mount_at("/dev/vda", "/disk", "ext4");
	mount_at("tmpfs", "/tmpfs", "tmpfs");
	if (swapon("/dev/vdb", 0) < 0)
		die("/dev/vdb");
	set("/proc/sys/vm/percpu_pagelist_high_fraction", "100000");
	set("/proc/sys/vm/nr_hugepages", "2");
	set("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	tell_loads();
	printf("@balloon\n");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		die("console");
	execv("/plant", argv);
	die("/plant");
	return 1;
}
