// SPDX-License-Identifier: GPL-2.0-or-later
// What is chosen follows from what was learnt: the times are told here and not measured.
#include "dump/methods.h"

#include "test.h"

enum { PAGE = 4096, CPUS = 2 };

static void init(struct methods *methods, unsigned int cpu_count, unsigned int sink_count)
{
	methods_init(methods, NULL, cpu_count, sink_count, PAGE);
	if (methods->count < 3)
		test_skip("methods to choose from are not built in");
}

// So many nanoseconds for each byte that goes out.
static void learn_sink(struct methods *methods, double byte_ns)
{
	methods->sink_bytes = 1 << 30;
	methods->sink_ns = byte_ns * (1 << 30);
}

static const char *chosen(struct methods *methods)
{
	return methods->list[methods_choose(methods)]->name;
}

static void a_fast_target_gets_pages_as_they_are(void)
{
	struct methods methods;

	init(&methods, CPUS, 1);
	learn_sink(&methods, 0.01);
	check_text(chosen(&methods), "none");
	methods_deinit(&methods);
}

static void a_slow_target_gets_the_densest(void)
{
	struct methods methods;

	init(&methods, CPUS, 1);
	// 5 MB/s.
	learn_sink(&methods, 200);
	check(methods_choose(&methods) == methods.count - 1);
	methods_deinit(&methods);
}

// The slower the target, the denser; the more CPUs, the denser; two targets are as one of twice the speed.
static void denser_where_there_is_time(void)
{
	size_t last = 0, changes = 0;

	for (double byte_ns = 0.01; byte_ns < 1000; byte_ns *= 1.1) {
		struct methods one, many, two;
		size_t index;

		init(&one, 1, 1);
		init(&many, 8, 1);
		init(&two, 1, 2);
		learn_sink(&one, byte_ns);
		learn_sink(&many, byte_ns);
		learn_sink(&two, 2 * byte_ns);
		index = methods_choose(&one);
		check(index >= last && methods_choose(&many) >= index && methods_choose(&two) == index);
		changes += index != last;
		last = index;
		methods_deinit(&one);
		methods_deinit(&many);
		methods_deinit(&two);
	}
	check(changes > 1);
}

static void what_was_learnt_counts(void)
{
	struct methods methods;
	size_t densest;

	init(&methods, 1, 1);
	densest = methods.count - 1;
	learn_sink(&methods, 200);
	check(methods_choose(&methods) == densest);
	// It turns out to be very slow, and then good again.
	for (int i = 0; i < 20; i++)
		methods_note(&methods, densest, 1024, UINT64_C(1024) * 100000000, UINT64_C(1024) * 800);
	check(methods_choose(&methods) != densest);
	for (int i = 0; i < 50; i++)
		methods_note(&methods, densest, 1024, UINT64_C(1024) * 10000, UINT64_C(1024) * 800);
	check(methods_choose(&methods) == densest);
	// Pages that do not compress: there is no use in trying.
	for (size_t index = 1; index < methods.count; index++)
		for (int i = 0; i < 50; i++)
			methods_note(&methods, index, 1024, UINT64_C(1024) * 100000, UINT64_C(1024) * PAGE);
	learn_sink(&methods, 1);
	check_text(chosen(&methods), "none");
	methods_note(&methods, 0, 0, UINT64_MAX, UINT64_MAX);
	check_text(chosen(&methods), "none");
	methods_deinit(&methods);
}

// A write of 1 MiB that took so long; the thread waited so often meanwhile.
static void write_once(struct methods *methods, struct methods_sink *sink, uint64_t took_ns, long waits,
                       struct methods_span *sum)
{
	struct methods_span begin = methods_write_begin(methods, sink);

	begin.wall_ns -= took_ns;
	begin.waits -= waits;
	sink->since_ns -= took_ns;
	methods_write_end(methods, sink, &begin, 1 << 20, sum);
}

// What a target did long ago is forgotten.
static void a_target_that_gets_slow(void)
{
	struct methods_sink sink = {0};
	struct methods methods;

	init(&methods, CPUS, 1);
	learn_sink(&methods, 0.01);
	for (int i = 0; i < 20; i++) {
		struct methods_span sum = {0};

		write_once(&methods, &sink, 500000000, 1, &sum);
		check(sum.waits >= 1 && sum.wall_ns >= 500000000);
	}
	check(methods_choose(&methods) == methods.count - 1);
	check(methods.sink_ns <= 300000000 && methods.sink_ns / methods.sink_bytes > 100);
	methods_deinit(&methods);
}

// The reader of a pipe may be about to start when the first write waits for it.
static void the_first_write_does_not_decide(void)
{
	struct methods_sink sink = {0};
	struct methods_span sum = {0};
	struct methods methods;

	init(&methods, CPUS, 1);
	write_once(&methods, &sink, 2000000, 1, &sum);
	check_text(chosen(&methods), "none");
	write_once(&methods, &sink, 50000000, 1, &sum);
	check(methods_choose(&methods) > 0);
	methods_deinit(&methods);
}

// Two threads that wait for the same target do not make it half as fast.
static void writes_at_a_time_count_once(void)
{
	struct methods_sink sink = {0};
	struct methods_span first, second, sum = {0};
	struct methods methods;

	init(&methods, CPUS, 1);
	first = methods_write_begin(&methods, &sink);
	second = methods_write_begin(&methods, &sink);
	first.wall_ns -= 100000000;
	second.wall_ns -= 100000000;
	sink.since_ns -= 100000000;
	first.waits--;
	second.waits--;
	methods_write_end(&methods, &sink, &first, 1 << 20, &sum);
	methods_write_end(&methods, &sink, &second, 1 << 20, &sum);
	check(!sink.writers);
	check(sum.wall_ns >= 200000000);
	check(methods.sink_ns >= 100000000 && methods.sink_ns < 190000000);
	check(methods.sink_bytes > 2e6);
	methods_deinit(&methods);
}

// While our threads use all CPUs, who reads at the other end gets none: it must not look slow, but may turn out to be fast.
static void a_busy_machine_is_no_slow_target(void)
{
	struct methods_sink sink = {0};
	struct methods_span sum = {0};
	struct methods methods;

	init(&methods, CPUS, 1);
	learn_sink(&methods, 0.1);
	methods.passed_ns = 15000000;
	methods.busy_ns = methods.passed_ns * CPUS;
	write_once(&methods, &sink, 50000000, 1, &sum);
	check(methods.sink_bytes < (1 << 30) + 1);
	check_text(chosen(&methods), "none");
	learn_sink(&methods, 100);
	write_once(&methods, &sink, 1000, 1, &sum);
	check(methods.sink_ns < 100.0 * methods.sink_bytes);
	methods_deinit(&methods);
}

// A thread whose CPU was taken away did not wait for the target.
static void a_lost_cpu_is_no_slow_target(void)
{
	struct methods_sink sink = {0};
	struct methods_span sum = {0};
	struct methods methods;

	init(&methods, CPUS, 1);
	write_once(&methods, &sink, UINT64_C(500000000), 0, &sum);
	check(methods.sink_ns < 400000000);
	methods_deinit(&methods);
}

// The fewer CPUs are free, the lighter; time in which a thread waited tells nothing of them.
static void others_need_cpus_too(void)
{
	size_t last = 0;

	for (unsigned int percent = 5; percent <= 100; percent += 5) {
		const struct methods_span span = {.cpu_ns = percent * 1000000, .wall_ns = 100000000};
		const struct methods_span waited = {.cpu_ns = 1, .wall_ns = 100000000, .waits = 1};
		struct methods methods;
		size_t index;

		init(&methods, 8, 1);
		learn_sink(&methods, 1);
		methods_note_run(&methods, &span);
		methods_note_run(&methods, &waited);
		index = methods_choose(&methods);
		check(index >= last);
		check(percent > 5 || index == 0);
		last = index;
		methods_deinit(&methods);
	}
	check(last > 0);
}

static void one_method_is_no_choice(void)
{
	const struct compressor *none;
	struct methods_sink sink = {0};
	struct methods_span sum = {0};
	struct methods methods;

	check_ok(compressor_find("none", &none));
	methods_init(&methods, none, CPUS, 1, PAGE);
	check(methods.count == 1 && methods_choose(&methods) == 0 && methods_threads(&methods) == CPUS);
	write_once(&methods, &sink, 1000, 1, &sum);
	check(!sum.wall_ns && methods.sink_bytes < 1);
	methods_deinit(&methods);
	// Nothing but none is built in: the choice is as good as none.
	methods_init(&methods, NULL, 0, 1, PAGE);
	methods.count = 1;
	check_text(chosen(&methods), "none");
	check(methods_threads(&methods) == 1);
	methods_deinit(&methods);
	init(&methods, CPUS, 1);
	check(methods_threads(&methods) == CPUS + 1);
	methods_deinit(&methods);
}

static const struct test tests[] = {
	TEST(a_fast_target_gets_pages_as_they_are),
	TEST(a_slow_target_gets_the_densest),
	TEST(denser_where_there_is_time),
	TEST(what_was_learnt_counts),
	TEST(a_target_that_gets_slow),
	TEST(the_first_write_does_not_decide),
	TEST(writes_at_a_time_count_once),
	TEST(a_busy_machine_is_no_slow_target),
	TEST(a_lost_cpu_is_no_slow_target),
	TEST(others_need_cpus_too),
	TEST(one_method_is_no_choice),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
