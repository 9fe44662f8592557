// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/clock.h"
#include "capture/log.h"
#include "capture/process.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

static int end_with(void *context)
{
	return *(int *)context;
}

static int die(void *context)
{
	(void)context;
	return raise(SIGKILL);
}

static int hang(void *context)
{
	(void)context;
	// A grandchild in the same group must go too: it holds a file open that is to be unmounted.
	if (fork() == 0)
		pause();
	pause();
	return 0;
}

static int leave_orphan(void *context)
{
	(void)context;
	if (fork() == 0)
		_exit(9);
	return 3;
}

static void status(void)
{
	struct process_result result;
	int wanted = 42;

	check_ok(process_run(end_with, &wanted, 0, &result));
	check(result.status == 42 && result.peak_bytes > 0);
	check_ok(process_run(die, NULL, 0, &result));
	check(result.status == 128 + SIGKILL);
	check_ok(process_run(leave_orphan, NULL, 0, &result));
	check(result.status == 3);
}

static void deadline(void)
{
	uint64_t start_ms = clock_now_ms();
	struct process_result result;

	check_error(process_run(hang, NULL, start_ms + 100, &result), ERROR_TIMEOUT, "over");
	check(clock_now_ms() - start_ms >= 100 && clock_now_ms() - start_ms < 2500);
	check(process_left_ms(0) == UINT64_MAX && process_left_ms(1) == 0);
}

static int pause_with(void *context)
{
	(void)context;
	while (pause() < 0)
		;
	return 0;
}

static int run_nested(void *context)
{
	struct process_result result;

	close(((int *)context)[0]);
	error_free(process_run(pause_with, NULL, 0, &result));
	return 0;
}

// When a part is killed, the parts that it runs itself must not go on writing.
static void nested(void)
{
	struct process_result result;
	int ends[2];
	char byte;

	check(pipe(ends) == 0);
	check_error(process_run(run_nested, ends, clock_now_ms() + 200, &result), ERROR_TIMEOUT, "over");
	close(ends[1]);
	alarm(5);
	check(read(ends[0], &byte, 1) == 0);
}

static int write_shared(void *context)
{
	*(int *)context = 7;
	return 0;
}

static void shared(void)
{
	struct process_result result;
	void *memory;

	check_ok(process_share(sizeof(int), &memory));
	check(*(int *)memory == 0);
	check_ok(process_run(write_shared, memory, 0, &result));
	check(*(int *)memory == 7);
}

static int tell(void *context)
{
	log_print(context, "from a child");
	return 0;
}

// What a process says before there is a file is in the file of the next one.
static void a_log_of_several_processes(void)
{
	int fd = memfd_create("log", 0), again = memfd_create("again", 0), in = dup(fd);
	struct process_result result;
	char text[256] = "";
	struct log log;

	log_init(&log, -1);
	check_ok(process_run(tell, &log, 0, &result));
	log_print(&log, "from the parent");
	check_ok(log_attach(&log, fd));
	check(pread(in, text, sizeof(text) - 1, 0) > 0);
	check(strstr(text, "from a child\n") && strstr(text, "from the parent\n"));
	check_ok(log_finish(&log));
	// In another file nothing stands twice.
	check_ok(log_attach(&log, again));
	check(lseek(again, 0, SEEK_END) == 0);
	log_deinit(&log);
	close(in);
}

// One that takes too long goes on, and can be ended.
static void a_process_that_is_waited_for(void)
{
	pid_t pid = 0;

	check_ok(process_start(hang, NULL, &pid));
	check(!process_wait(pid, clock_now_ms() + 10, NULL));
	check(kill(pid, 0) == 0);
	process_stop(pid, 60000);
	check(kill(pid, 0) < 0);
	kill(-pid, SIGKILL);
}

// Counts up three times, then stands still.
static int get_stuck(void *context)
{
	_Atomic uint64_t *steps = context;

	for (int i = 0; i < 3; i++) {
		const struct timespec pause = {.tv_nsec = 50000000};

		++*steps;
		nanosleep(&pause, NULL);
	}
	return hang(NULL);
}

static void a_process_that_gets_stuck(void)
{
	struct process_result result = {.status = EXIT_OK};
	void *memory = NULL;
	struct process_watch watch;

	check_ok(process_share(sizeof(_Atomic uint64_t), &memory));
	watch = (struct process_watch){.steps = memory, .stall_ms = 1500};
	check_error(process_run_watched(get_stuck, memory, clock_now_ms() + 600000, &watch, &result), ERROR_OS,
	            "nothing has moved for 1 s");
	check(*watch.steps == 3);
	check_error(process_run_watched(get_stuck, memory, clock_now_ms() + 10, &watch, &result), ERROR_TIMEOUT,
	            "its time is over");
	check_ok(process_run_watched(end_with, &(int){EXIT_OK}, 0, &watch, &result));
	check(result.status == EXIT_OK);
}

// All is well twice.
static const char *lose_it(void *context)
{
	int *asked = context;

	return ++*asked > 2 ? "it is lost" : NULL;
}

static void a_process_whose_work_is_lost(void)
{
	struct process_result result = {.status = EXIT_OK};
	int asked = 0;
	const struct process_watch watch = {.find_loss = lose_it, .context = &asked};

	check_error(process_run_watched(hang, NULL, clock_now_ms() + 600000, &watch, &result), ERROR_OS, "it is lost");
	check(asked == 3);
	check_ok(process_run_watched(end_with, &(int){EXIT_OK}, 0, &watch, &result));
	check(asked == 3);
}

static const struct test tests[] = {
	TEST(status),
	TEST(deadline),
	TEST(nested),
	TEST(shared),
	TEST(a_log_of_several_processes),
	TEST(a_process_that_is_waited_for),
	TEST(a_process_that_gets_stuck),
	TEST(a_process_whose_work_is_lost),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
