// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tracing: traces a small workload, writes down what the kernel itself says of it, and panics.
 *
 * Takes the place of plant.c behind init.c. The main buffer has events of all kinds, instances have what one buffer cannot have:
 * "func" the function tracer and so little room that most is overwritten, "mono" another clock and a probe, "part" a reader that
 * took some of it. All is stopped before it is read: what is on the disk is what is in the memory.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "guest.h"

#define TRACING "/sys/kernel/tracing"

static const char *const instances[] = {"func", "mono", "part"};

/* Of an instance, or of the main buffer: NULL. */
static const char *path_of(const char *instance, const char *name)
{
	static char path[600];

	if (instance)
		snprintf(path, sizeof(path), TRACING "/instances/%s/%s", instance, name);
	else
		snprintf(path, sizeof(path), TRACING "/%s", name);
	return path;
}

static int try_set(const char *instance, const char *name, const char *value)
{
	const char *path = path_of(instance, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_TRUNC), is_set;

	if (fd < 0)
		return 0;
	is_set = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return is_set;
}

static void set(const char *instance, const char *name, const char *value)
{
	if (!try_set(instance, name, value))
		die(path_of(instance, name));
}

/* Append a file's text to one on the disk. */
static void copy(const char *source, FILE *target)
{
	static char buf[65536];
	int fd = open(source, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		die(source);
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)got, target);
	if (got < 0)
		die(source);
	close(fd);
}

static FILE *create(const char *disk, const char *instance, const char *name)
{
	char path[300];
	FILE *file;

	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	snprintf(path, sizeof(path), "%s/said/%s-%s", disk, instance ? instance : "main", name);
	file = fopen(path, "w");
	if (!file)
		die(path);
	return file;
}

static void save(const char *disk, const char *instance, const char *name)
{
	FILE *file = create(disk, instance, name);

	copy(path_of(instance, name), file);
	if (fclose(file))
		die(name);
}

static void save_formats(const char *disk)
{
	FILE *file = create(disk, NULL, "formats");
	struct dirent **systems, **events;
	int system_count = scandir(TRACING "/events", &systems, NULL, alphasort);

	for (int i = 0; i < system_count; i++) {
		char folder[400], path[800];
		int event_count;

		snprintf(folder, sizeof(folder), TRACING "/events/%s", systems[i]->d_name);
		event_count = systems[i]->d_name[0] == '.' ? 0 : scandir(folder, &events, NULL, alphasort);
		for (int k = 0; k < event_count; k++) {
			snprintf(path, sizeof(path), "%s/%s/format", folder, events[k]->d_name);
			if (events[k]->d_name[0] == '.' || access(path, F_OK) < 0)
				continue;
			fprintf(file, "@%s/%s\n", systems[i]->d_name, events[k]->d_name);
			copy(path, file);
		}
	}
	if (fclose(file))
		die("formats");
}

static void save_stats(const char *disk, const char *instance)
{
	FILE *file = create(disk, instance, "stats");
	long count = sysconf(_SC_NPROCESSORS_CONF);

	for (long cpu = 0; cpu < count; cpu++) {
		char name[64];

		snprintf(name, sizeof(name), "per_cpu/cpu%ld/stats", cpu);
		fprintf(file, "cpu: %ld\n", cpu);
		copy(path_of(instance, name), file);
	}
	if (fclose(file))
		die("stats");
}

static void mark(const char *instance, const char *format, int number)
{
	char text[100];

	snprintf(text, sizeof(text), format, number);
	set(instance, "trace_marker", text);
}

static void work(int number)
{
	char name[16];

	snprintf(name, sizeof(name), "odd-%d [%d] x", number, number);
	odd_work(name, 60);
}

static void run_workload(void)
{
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (pid == 0)
			work(i);
		for (int k = 0; k < 20; k++) {
			mark(NULL, "main marker %d", i * 20 + k);
			mark("mono", "mono marker %d", i * 20 + k);
			mark("part", "part marker %d of those that are partly read", i * 20 + k);
		}
		if (i % 2)
			waitpid(pid, NULL, 0);
	}
	while (wait(NULL) > 0)
		;
}

static void prepare(void)
{
	if (mount("tracefs", TRACING, "tracefs", 0, NULL) < 0)
		die("tracefs");
	set(NULL, "tracing_on", "0");
	for (size_t i = 0; i < 3; i++) {
		char path[100];

		snprintf(path, sizeof(path), TRACING "/instances/%s", instances[i]);
		if (mkdir(path, 0755) < 0)
			die(path);
		set(instances[i], "tracing_on", "0");
	}
	set(NULL, "buffer_size_kb", "4096");
	set(NULL, "events/sched/enable", "1");
	set(NULL, "events/irq/enable", "1");
	set(NULL, "events/timer/enable", "1");
	set(NULL, "events/syscalls/enable", "1");
	set(NULL, "events/raw_syscalls/enable", "1");
	set(NULL, "events/kmem/kmem_cache_alloc/enable", "1");
	set("func", "buffer_size_kb", "16");
	set("func", "set_ftrace_filter", "vfs_*");
	set("func", "current_tracer", "function");
	set("mono", "trace_clock", "mono");
	set(NULL, "kprobe_events", "p:lab/opened do_sys_openat2 dfd=$arg1:s32 name=+0($arg2):ustring");
	set("mono", "events/lab/opened/enable", "1");
	set("part", "events/sched/sched_switch/enable", "1");
}

/* A reader takes some events and goes. */
static void take_some(const char *disk)
{
	FILE *file = create(disk, "part", "taken");
	int fd = open(path_of("part", "trace_pipe"), O_RDONLY | O_CLOEXEC);
	char buf[3000];
	ssize_t got = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (got <= 0)
		die("trace_pipe");
	fwrite(buf, 1, (size_t)got, file);
	close(fd);
	if (fclose(file))
		die("taken");
}

int main(int argc, char **argv)
{
	const char *disk = argc > 1 ? argv[1] : "";
	char said[300];
	int trigger;

	snprintf(said, sizeof(said), "%s/said", disk);
	if (mkdir(said, 0755) < 0)
		die(said);
	prepare();
	set(NULL, "tracing_on", "1");
	for (size_t i = 0; i < 3; i++)
		set(instances[i], "tracing_on", "1");
	run_workload();
	set(NULL, "tracing_on", "0");
	for (size_t i = 0; i < 3; i++)
		set(instances[i], "tracing_on", "0");
	take_some(disk);
	save_formats(disk);
	save(disk, NULL, "printk_formats");
	save(disk, NULL, "saved_cmdlines");
	save(disk, NULL, "events/header_page");
	save(disk, NULL, "events/header_event");
	for (int i = -1; i < 3; i++) {
		const char *instance = i < 0 ? NULL : instances[i];

		save(disk, instance, "trace");
		save(disk, instance, "trace_clock");
		save_stats(disk, instance);
	}
	sync();
	if (umount(disk) < 0)
		die("umount");
	printf("planted\n");
	fflush(stdout);
	trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (trigger < 0 || write(trigger, "c", 1) < 0)
		die("sysrq-trigger");
	return 1;
}
