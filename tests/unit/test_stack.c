// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/stack.h"

#include <fcntl.h>
#include <unistd.h>

#include "fake.h"
#include "test.h"

// The places in a superblock of btrfs, v6.1 include/uapi/linux/btrfs_tree.h, as mkfs.btrfs 6.2 writes them.
enum { SUPER_OFFSET = 64 << 10, MAGIC_OFFSET = 0x40, COUNT_OFFSET = 0x88, IMAGE_BYTES = 128 << 10 };

static void write_btrfs(const struct fake *fake, const char *name, unsigned char count)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fake->root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && ftruncate(fd, IMAGE_BYTES) == 0);
	check(pwrite(fd, "_BHRfS_M", 8, SUPER_OFFSET + MAGIC_OFFSET) == 8);
	check(pwrite(fd, &count, 1, SUPER_OFFSET + COUNT_OFFSET) == 1);
	close(fd);
}

// Which devices it has is not known then.
static void btrfs_that_is_not_mounted(void)
{
	_cleanup_fake_ struct fake fake;
	struct stack stack = {0};

	fake_init(&fake);
	write_btrfs(&fake, "one", 1);
	write_btrfs(&fake, "two", 2);
	check_ok(stack_add_btrfs(&fake.host, "1234", "/one", &stack));
	check(stack.reasons.count == 0);
	check_error(stack_add_btrfs(&fake.host, "1234", "/two", &stack), ERROR_CONFIG,
	            "/two is part of a btrfs over several devices");
	check_ok(stack_add_btrfs(&fake.host, "1234", "/missing", &stack));
	stack_deinit(&stack);
}

static const struct test tests[] = {
	TEST(btrfs_that_is_not_mounted),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
