// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/loader.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

static char *const modules[] = {(char *)"kernel/a.ko", (char *)"kernel/b.ko", NULL};
static char root[] = "/tmp/test_loader.XXXXXX";

static bool is_told(const struct log *log, const char *words)
{
	return memmem(log->early->text, log->early->bytes, words, strlen(words)) != NULL;
}

// root has lib/modules/1.0/kernel/{a,b}.ko of a type.
static void make_root(mode_t type)
{
	static const char *const parts[] = {"lib", "lib/modules", "lib/modules/1.0", "lib/modules/1.0/kernel"};
	char path[256];

	strcpy(root + strlen(root) - 6, "XXXXXX");
	check(mkdtemp(root) != NULL);
	for (size_t i = 0; i < array_size(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, parts[i]);
		check(mkdir(path, 0700) == 0);
	}
	for (const char *name = "ab"; *name; name++) {
		snprintf(path, sizeof(path), "%s/lib/modules/1.0/kernel/%c.ko", root, *name);
		check(mknod(path, type | 0600, 0) == 0);
	}
}

static void remove_root(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -r %s", root);
	check(system(command) == 0);
}

static void missing_modules(void)
{
	struct log log;

	log_init(&log, -1);
	loader_run(
		&(struct loader_request){
			.root = "/nonexistent", .kernel_version = "1.0", .modules = modules, .is_dropping = true},
		&log);
	check(is_told(&log, "kernel/b.ko: No such file"));
	check(is_told(&log, "0 of 2 kernel modules loaded"));
	log_deinit(&log);
}

static void module_that_hangs(void)
{
	struct log log;

	// Who opens a FIFO waits for its writer.
	make_root(S_IFIFO);
	log_init(&log, -1);
	check_ok(loader_run_apart(
		&(struct loader_request){.root = root, .kernel_version = "1.0", .modules = modules, .slow_ms = 50}, 0,
		&log));
	check(is_told(&log, "a.ko takes long; going on with the next one"));
	check(is_told(&log, "b.ko takes long; going on with the next one"));
	log_deinit(&log);
	log_init(&log, -1);
	// The deadline for all has passed.
	check_ok(loader_run_apart(
		&(struct loader_request){.root = root, .kernel_version = "1.0", .modules = modules, .slow_ms = 60000},
		clock_now_ms() + 50, &log));
	check(!is_told(&log, "b.ko"));
	log_deinit(&log);
	remove_root();
}

// From now on who loads a module is killed, as for want of memory.
static void kill_loaders(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_finit_module, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = array_size(code), .filter = code};

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void killed_loader(void)
{
	struct log log;

	make_root(S_IFREG);
	kill_loaders();
	log_init(&log, -1);
	check_ok(loader_run_apart(
		&(struct loader_request){.root = root, .kernel_version = "1.0", .modules = modules, .slow_ms = 60000},
		0, &log));
	check(is_told(&log, "who loaded kernel/a.ko was killed by signal 31; once more"));
	check(is_told(&log, "kernel/a.ko is not loaded; going on with the next one"));
	check(is_told(&log, "who loaded kernel/b.ko was killed by signal 31; once more"));
	check(is_told(&log, "kernel/b.ko is not loaded; going on with the next one"));
	log_deinit(&log);
	remove_root();
}

static const struct test tests[] = {
	TEST(missing_modules),
	TEST(module_that_hangs),
	TEST(killed_loader),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
