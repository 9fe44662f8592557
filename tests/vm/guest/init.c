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
#include <sys/swap.h>

#include "guest.h"

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
	set("/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/enabled", "madvise");
	tell_loads();
	printf("@balloon\n");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		die("console");
	execv("/plant", argv);
	die("/plant");
	return 1;
}
