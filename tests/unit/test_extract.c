// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/extract.h"

#include <fcntl.h>

#include "capture/seal.h"
#include "fake.h"
#include "fakepartition.h"

struct machine {
	struct fake fake;
	struct partition partition;
	struct partition_record record;
	int dir_fd;
};

static void machine_init(struct machine *ret)
{
	fake_init(&ret->fake);
	check_ok(host_mkdirs(&ret->fake.host, "/crash"));
	check_ok(host_open(&ret->fake.host, "/crash", O_RDONLY | O_DIRECTORY, 0, &ret->dir_fd));
	fakepartition_init(&ret->partition, FAKEPARTITION_BYTES);
	check_ok(partition_create(&ret->partition, FAKEPARTITION_NAME, &ret->record));
}

static void machine_deinit(struct machine *machine)
{
	fakepartition_deinit(&machine->partition);
	close(machine->dir_fd);
	fake_deinit(&machine->fake);
}

static void sum_text(const void *buf, size_t size_bytes, char ret[65])
{
	uint8_t digest[32];
	struct sha256 sha;

	sha256_init(&sha);
	sha256_update(&sha, buf, size_bytes);
	sha256_final(&sha, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

// The memory "12345678", of which the second half came first, and one byte twice. Gives the sum of the stream.
static void put_memory(struct machine *machine, bool is_cut)
{
	struct sink *sink, *stream;

	check_ok(partition_sink_create(&machine->partition, &machine->record, "vmcore.flat", &sink));
	check_ok(sink_stream_create_upon(sink, &stream));
	check_ok(sink_write(stream, 4, "5678", 4));
	check_ok(sink_write(stream, 0, "x234", 4));
	if (!is_cut) {
		check_ok(sink_write(stream, 0, "1", 1));
		check_ok(sink_finish(stream, 8));
	}
	sink_destroy(stream);
}

static void put_manifest(struct machine *machine)
{
	char plan[65], flat[65], text[300];
	const struct partition_file *file = partition_file(&machine->record, "vmcore.flat");

	sum_text("the plan", 8, plan);
	for (size_t i = 0; i < 32; i++)
		snprintf(flat + 2 * i, 3, "%02x", file->sum[i]);
	snprintf(text, sizeof(text), "%s  plan\n%s  vmcore.flat\n", plan, flat);
	fakepartition_put(&machine->partition, &machine->record, SEAL_MANIFEST, text);
}

static void put_whole(struct machine *machine)
{
	fakepartition_put(&machine->partition, &machine->record, "plan", "the plan");
	put_memory(machine, false);
	put_manifest(machine);
	machine->record.state = PARTITION_COMPLETE;
	check_ok(partition_write(&machine->partition, &machine->record));
}

static void check_file(struct machine *machine, const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	check_ok(host_read(&machine->fake.host, path, 4096, &text, NULL));
	check_text(text, wanted);
}

static size_t count_names(struct machine *machine)
{
	_cleanup_(host_names_freep) char **names = NULL;
	size_t count = 0;

	check_ok(host_list(&machine->fake.host, "/crash", &names));
	while (names[count])
		count++;
	return count;
}

static void check_whole(struct machine *machine)
{
	char plan[65], vmcore[65], manifest[300];

	sum_text("the plan", 8, plan);
	sum_text("12345678", 8, vmcore);
	snprintf(manifest, sizeof(manifest), "%s  plan\n%s  vmcore\n", plan, vmcore);
	check_file(machine, "/crash/" FAKEPARTITION_NAME "/plan", "the plan");
	check_file(machine, "/crash/" FAKEPARTITION_NAME "/vmcore", "12345678");
	check_file(machine, "/crash/" FAKEPARTITION_NAME "/manifest.sha256", manifest);
	check(!host_exists(&machine->fake.host, "/crash/" FAKEPARTITION_NAME "/vmcore.flat"));
	check(count_names(machine) == 1);
}

static void is_taken(struct machine *machine)
{
	struct partition_record found;

	check_ok(partition_find(&machine->partition, FAKEPARTITION_NAME, &found));
	check(found.taken == PARTITION_TAKEN);
}

static void whole(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.name, FAKEPARTITION_NAME);
	check(result.is_whole && !result.is_old && !*result.problem);
	check_whole(&machine);
	is_taken(&machine);
	machine_deinit(&machine);
}

// Cut short at any place: the next try has the same end.
static void again(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	// While files are written.
	fake_file(&machine.fake, "/crash/." FAKEPARTITION_NAME ".taking/plan", "half");
	fake_file(&machine.fake, "/crash/." FAKEPARTITION_NAME ".taking/vmcore", "half");
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_whole(&machine);
	// Behind the name, before the partition knows.
	machine.record.taken = PARTITION_TAKING_WHOLE;
	check_ok(partition_write(&machine.partition, &machine.record));
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check(result.is_old && result.is_whole);
	check_whole(&machine);
	is_taken(&machine);
	// Before the name.
	machine.record.taken = PARTITION_TAKING_PART;
	check_ok(partition_write(&machine.partition, &machine.record));
	check(renameat(machine.dir_fd, FAKEPARTITION_NAME, machine.dir_fd, "." FAKEPARTITION_NAME ".taking") == 0);
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.name, FAKEPARTITION_NAME ".incomplete");
	check_file(&machine, "/crash/" FAKEPARTITION_NAME ".incomplete/vmcore", "12345678");
	is_taken(&machine);
	machine_deinit(&machine);
}

static void incomplete(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	fakepartition_put(&machine.partition, &machine.record, "plan", "the plan");
	put_memory(&machine, true);
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.name, FAKEPARTITION_NAME ".incomplete");
	check(!result.is_whole && !*result.problem);
	check_file(&machine, "/crash/" FAKEPARTITION_NAME ".incomplete/plan", "the plan");
	check_file(&machine, "/crash/" FAKEPARTITION_NAME ".incomplete/vmcore", "x2345678");
	is_taken(&machine);
	machine_deinit(&machine);
}

static void damaged(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	check_ok(io_pwrite(machine.partition.fd, "X", 1, partition_file(&machine.record, "plan")->offset_bytes));
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.name, FAKEPARTITION_NAME ".incomplete");
	check_text(result.problem, "plan: its checksum is wrong");
	check(!result.is_whole);
	check_file(&machine, "/crash/" FAKEPARTITION_NAME ".incomplete/plan", "Xhe plan");
	check_file(&machine, "/crash/" FAKEPARTITION_NAME ".incomplete/vmcore", "12345678");
	is_taken(&machine);
	machine_deinit(&machine);
}

// The place, beyond what any file has, or the length of its first record.
static void damaged_stream(void)
{
	for (unsigned int at = 0; at <= 8; at += 8) {
		struct machine machine;
		struct extract_result result;

		machine_init(&machine);
		put_whole(&machine);
		check_ok(io_pwrite(machine.partition.fd, at ? "\xff" : "\x3f", 1,
		                   partition_file(&machine.record, "vmcore.flat")->offset_bytes + 4096 + at));
		check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
		check(!result.is_whole && strncmp(result.problem, "vmcore.flat: ", 13) == 0);
		is_taken(&machine);
		machine_deinit(&machine);
	}
}

static void missing_file(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	check_ok(partition_remove(&machine.partition, &machine.record, "vmcore.flat"));
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.problem, "vmcore.flat: it is in the manifest, and not there");
	machine_deinit(&machine);
}

// The header and the manifest do not agree, whoever is right.
static void other_manifest(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	fakepartition_put(&machine.partition, &machine.record, "plan", "another plan");
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.problem, "plan: it is not what the manifest says");
	check_text(result.name, FAKEPARTITION_NAME ".incomplete");
	machine_deinit(&machine);
}

static void encrypted(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	fakepartition_put(&machine.partition, &machine.record, "vmcore.flat.age", "secret");
	machine.record.state = PARTITION_COMPLETE;
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check(result.is_whole);
	check_file(&machine, "/crash/" FAKEPARTITION_NAME "/vmcore.flat.age", "secret");
	machine_deinit(&machine);
}

// Another target had this crash too: both dumps stay, the second under a name that nobody has.
static void name_is_taken(void)
{
	static const char next[] = "/crash/" FAKEPARTITION_NEXT_NAME "/vmcore";
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	fake_file(&machine.fake, "/crash/" FAKEPARTITION_NAME "/plan", "another");
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.name, FAKEPARTITION_NEXT_NAME);
	check_file(&machine, "/crash/" FAKEPARTITION_NAME "/plan", "another");
	check_file(&machine, next, "12345678");
	check(dumpdir_host_size(result.name) == dumpdir_host_size(FAKEPARTITION_NAME));
	is_taken(&machine);
	machine_deinit(&machine);
}

// The directory of dumps is another one now, or somebody removed what was in it: the dump is still on the partition.
static void directory_is_gone(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	put_whole(&machine);
	machine.record.taken = PARTITION_TAKING_WHOLE;
	check_ok(partition_write(&machine.partition, &machine.record));
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check(!result.is_old && result.is_whole);
	check_whole(&machine);
	is_taken(&machine);
	machine_deinit(&machine);
}

// Blocks that the disk does not give are zeros, and what is behind them is there.
static void unreadable_blocks(void)
{
	static const char plan[] = "the plan";
	struct machine machine;
	struct extract_result result;
	_cleanup_free_ char *text = NULL;
	size_t size_bytes = 0;

	machine_init(&machine);
	fakepartition_put(&machine.partition, &machine.record, "plan", plan);
	fakepartition_put(&machine.partition, &machine.record, "log", "words");
	machine.record.files[1].size_bytes = 8192;
	machine.record.state = PARTITION_COMPLETE;
	check(ftruncate(machine.partition.fd, (off_t)machine.record.files[1].offset_bytes + 4096) == 0);
	check_ok(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result));
	check_text(result.problem, "log: 4096 bytes could not be read and are zeros");
	check_text(result.name, FAKEPARTITION_NAME ".incomplete");
	check_ok(host_read(&machine.fake.host, "/crash/" FAKEPARTITION_NAME ".incomplete/log", 1 << 20, &text,
	                   &size_bytes));
	check(size_bytes == 8192 && strcmp(text, "words") == 0);
	machine_deinit(&machine);
}

// More than any file system here has.
static void no_room(void)
{
	struct machine machine;
	struct extract_result result;

	machine_init(&machine);
	fakepartition_put(&machine.partition, &machine.record, "plan", "the plan");
	machine.record.files[0].size_bytes = UINT64_MAX >> 2;
	check_error(extract_run(&machine.partition, &machine.record, machine.dir_fd, &result), ERROR_NOSPC,
	            "it needs ");
	check(machine.record.taken == PARTITION_KEPT && count_names(&machine) == 0);
	machine_deinit(&machine);
}

static const struct test tests[] = {
	TEST(whole),          TEST(again),        TEST(incomplete),        TEST(damaged),
	TEST(damaged_stream), TEST(missing_file), TEST(other_manifest),    TEST(encrypted),
	TEST(name_is_taken),  TEST(no_room),      TEST(directory_is_gone), TEST(unreadable_blocks),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
