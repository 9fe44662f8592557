// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kinds: the first and only program of a guest that crashes in the way it is told.
 *
 * Loads the modules in /modules, and for a crash some instructions that say "@captured" on the serial console and stop: the
 * kernel goes the whole way of a crash with kdump, and no capture kernel boots. "@load VADDR PADDR BYTES" are the program
 * headers that /proc/vmcore would have. Behind "@ready" come lines from the console:
 *
 *   set FILE VALUE    write to a file below /proc/sys
 *   fork COUNT        use up so many process identifiers
 *   eat               take memory until there is none
 *   unload            let nothing capture
 *   exit              end, as a first program must not
 *   write FILE VALUE  write to a file, in another process: what crashes
 */
#define _GNU_SOURCE
#include <linux/kexec.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "guest.h"

enum { CAPTURE_BYTES = 4096, EAT_BYTES = 16 << 20, EAT_COUNT = 4096 };

/* Each byte to the serial port when that is ready, then nothing any more. Runs anywhere. */
__asm__(".pushsection .rodata\n"
        "capture_start:\n"
        "	cld\n"
        "	leaq text(%rip), %rsi\n"
        "	movl $text_end - text, %ecx\n"
        "next:	movw $0x3fd, %dx\n"
        "wait:	inb %dx, %al\n"
        "	testb $0x20, %al\n"
        "	jz wait\n"
        "	movw $0x3f8, %dx\n"
        "	lodsb\n"
        "	outb %al, %dx\n"
        "	loop next\n"
        "	cli\n"
        "stop:	hlt\n"
        "	jmp stop\n"
        "text:	.ascii \"\\n@captured\\n\"\n"
        "text_end:\n"
        "capture_end:\n"
        ".popsection\n");

extern const char capture_start[], capture_end[];

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		die(path);
	close(fd);
}

/* Where crashkernel= has reserved memory. */
static uint64_t reservation(void)
{
	unsigned long long start = 0;
	FILE *file = fopen("/proc/iomem", "re");
	char line[200];

	while (file && !start && fgets(line, sizeof(line), file))
		if (strstr(line, "Crash kernel"))
			start = strtoull(line, NULL, 16);
	if (!start)
		die("no reservation");
	fclose(file);
	return start;
}

static void load_capture(void)
{
	struct kexec_segment segment = {
		.buf = (void *)capture_start,
		.bufsz = (uintptr_t)capture_end - (uintptr_t)capture_start,
		.mem = (void *)reservation(),
		.memsz = CAPTURE_BYTES,
	};

	if (syscall(SYS_kexec_load, segment.mem, 1, &segment, KEXEC_ON_CRASH | KEXEC_ARCH_X86_64) < 0)
		die("kexec_load");
}

static void use_up(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			die("fork");
	}
}

/* In another process: the first one is not chosen when memory runs out, and the kernel panics when a fault is its. */
static bool is_other(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		waitpid(pid, NULL, 0);
	return !pid;
}

static void eat(void)
{
	for (int i = 0; i < EAT_COUNT; i++) {
		char *memory = mmap(NULL, EAT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory != MAP_FAILED)
			memset(memory, 0x55, EAT_BYTES);
	}
	_exit(0);
}

static void obey(char *line)
{
	char *word = strtok(line, " \n"), *first = strtok(NULL, " \n"), *value = strtok(NULL, "\n"), path[300];

	if (!word)
		return;
	if (strcmp(word, "set") == 0 && first && value) {
		snprintf(path, sizeof(path), "/proc/sys/%s", first);
		set(path, value);
	} else if (strcmp(word, "fork") == 0 && first) {
		use_up(strtol(first, NULL, 10));
	} else if (strcmp(word, "eat") == 0) {
		if (is_other())
			eat();
	} else if (strcmp(word, "unload") == 0) {
		if (syscall(SYS_kexec_load, 0, 0, NULL, KEXEC_ON_CRASH | KEXEC_ARCH_X86_64) < 0)
			die("kexec_load");
	} else if (strcmp(word, "exit") == 0) {
		_exit(3);
	} else if (strcmp(word, "write") == 0 && first && value) {
		if (is_other()) {
			set(first, value);
			_exit(0);
		}
	} else {
		errno = EINVAL;
		die(word);
	}
}

int main(void)
{
	char line[300];

	mount_at("proc", "/proc", "proc");
	mount_at("sys", "/sys", "sysfs");
	mount_at("dev", "/dev", "devtmpfs");
	load_modules();
	load_capture();
	set("/proc/sys/kernel/panic_on_oops", "1");
	tell_loads();
	printf("@ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	die("console");
	return 1;
}
