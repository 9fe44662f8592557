// SPDX-License-Identifier: GPL-2.0-or-later
// Storms of events: each is noted at once, few loads serve all, and none is lost.
#include "boot/hotplug.h"

#include <sys/wait.h>

#include "fake.h"
#include "test.h"

enum { EVENTS = 1000, PROCESSES = 8 };

struct loader {
	struct fake *fake;
	size_t loads, firsts;
	unsigned int storm; // Events while the first load runs.
	size_t failures; // So many of the first loads fail.
};

static bool request(const struct fake *fake)
{
	bool is_first = false;

	check_ok(hotplug_request(&fake->host, &is_first));
	return is_first;
}

static struct error *load(void *context)
{
	struct loader *loader = context;

	loader->loads++;
	for (unsigned int i = 0; i < loader->storm; i++)
		loader->firsts += request(loader->fake);
	loader->storm = 0;
	return loader->loads <= loader->failures ? error_new(ERROR_OS, "load %zu failed", loader->loads) : NULL;
}

static struct error *serve(struct loader *loader)
{
	struct hotplug_work work = {.run = load, .context = loader};

	return hotplug_serve(&loader->fake->host, &work);
}

static void a_storm_before_the_service_is_one_load(void)
{
	_cleanup_fake_ struct fake fake;
	struct loader loader = {.fake = &fake};

	fake_init(&fake);
	for (int i = 0; i < EVENTS; i++)
		check(request(&fake) == (i == 0));
	check_ok(serve(&loader));
	check(loader.loads == 1);
	// Nothing is left, so that the next one starts a service again.
	check_ok(serve(&loader));
	check(loader.loads == 1);
	check(request(&fake));
	check_ok(serve(&loader));
	check(loader.loads == 2);
}

static void a_storm_while_it_loads_is_one_more(void)
{
	_cleanup_fake_ struct fake fake;
	struct loader loader = {.fake = &fake, .storm = EVENTS};

	fake_init(&fake);
	check(request(&fake));
	check_ok(serve(&loader));
	check(loader.loads == 2 && loader.firsts == 0);
}

static void a_load_that_fails_is_not_tried_again_without_a_request(void)
{
	_cleanup_fake_ struct fake fake;
	struct loader loader = {.fake = &fake, .failures = 1};

	fake_init(&fake);
	check(request(&fake));
	check_error(serve(&loader), ERROR_OS, "load 1 failed");
	check(request(&fake));
	check_ok(serve(&loader));
	check(loader.loads == 2);
}

static void one_that_was_requested_meanwhile_is(void)
{
	_cleanup_fake_ struct fake fake;
	struct loader loader = {.fake = &fake, .failures = 1, .storm = 1};

	fake_init(&fake);
	check(request(&fake));
	check_ok(serve(&loader));
	check(loader.loads == 2);
}

// Real processes: of those that are the first each serves, as the unit does.
static void many_at_once(void)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_free_ char *text = NULL;
	unsigned long requested = 0, done = 0, claimed = 1;
	int loads = 0;

	fake_init(&fake);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct loader loader = {.fake = &fake};

			for (int j = 0; j < EVENTS / PROCESSES; j++)
				if (request(&fake))
					check_ok(serve(&loader));
			_exit((int)(loader.loads < 200 ? loader.loads : 200));
		}
		check(pid > 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = 0;

		check(wait(&status) > 0 && WIFEXITED(status));
		loads += WEXITSTATUS(status);
	}
	check(loads >= 1);
	// Whoever was last: there is no request that nobody has served, and nobody is thought to serve.
	check_ok(host_read(&fake.host, HOTPLUG_PATH, 256, &text, NULL));
	check(sscanf(text, "%lu %lu %lu", &requested, &done, &claimed) == 3);
	check(requested == EVENTS && done == EVENTS && claimed == 0);
}

// The service was killed: after a while another one is started.
static void a_service_that_was_lost_is_replaced(void)
{
	_cleanup_fake_ struct fake fake;
	struct loader loader = {.fake = &fake};

	fake_init(&fake);
	check(request(&fake));
	check(!request(&fake));
	// Claimed when the machine was booted.
	fake_file(&fake, HOTPLUG_PATH, "2 0 1\n");
	check(request(&fake));
	check_ok(serve(&loader));
	check(loader.loads == 1);
}

static const struct test tests[] = {
	TEST(a_storm_before_the_service_is_one_load),
	TEST(a_storm_while_it_loads_is_one_more),
	TEST(a_load_that_fails_is_not_tried_again_without_a_request),
	TEST(one_that_was_requested_meanwhile_is),
	TEST(many_at_once),
	TEST(a_service_that_was_lost_is_replaced),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
