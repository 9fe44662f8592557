// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "boot/cmdline.h"
#include "boot/cpio.h"
#include "boot/modules.h"
#include "boot/text.h"

#define MIB ((uint64_t)1 << 20)
#define PROGRAM "qemu-system-x86_64"
#define DISK_PATH REHEARSAL_DIRECTORY "/disk"
#define EXTRA_PATH REHEARSAL_DIRECTORY "/initramfs.extra"
#define OUTER_PATH REHEARSAL_DIRECTORY "/initramfs"
#define MODULE_PATH REHEARSAL_DIRECTORY "/module.ko"
#define KVM_PATH "/dev/kvm"
#define PLAN_NAME "etc/kdump/plan"

enum {
	// The kernel that panics, beside its reservation: room to boot, and something to save.
	GUEST_MIB = 384,
	// Its initramfs is there packed and unpacked, and kexec makes a copy of what it loads.
	COPIES = 3,
	// Smaller ones are refused by mkfs.xfs.
	DISK_MIB = 512,
	// What a dump of an idle kernel takes at the most, if not all memory is saved.
	FILTERED_MIB = 256,
	MKFS_TIMEOUT_MS = 60 * 1000,
	UNPACK_TIMEOUT_MS = 60 * 1000,
	// Booting twice takes seconds with KVM, and under emulation on a busy machine minutes.
	KVM_TIMEOUT_MS = 5 * 60 * 1000,
	EMULATED_TIMEOUT_MS = 20 * 60 * 1000,
	OUTPUT_BYTES = 4096,
	LEVEL_MAX = 31,
};

// A disk that QEMU has, by the driver that the image may have for it. The last one: its driver is added.
static const struct disk {
	const char *module, *devices[2];
} disks[] = {
	{"virtio_blk", {"virtio-blk-pci,drive=scratch", NULL}},
	{"nvme", {"nvme,serial=kdump,drive=scratch", NULL}},
	{"ahci", {"ahci,id=ahci", "ide-hd,bus=ahci.0,drive=scratch"}},
	{"", {"virtio-blk-pci,drive=scratch", NULL}},
};

// How a file system is made with a UUID that is known before. Of the last one only eight digits are.
static const struct maker {
	const char *fstype, *words, *uuid, *package;
} makers[] = {
	{"ext4", "mkfs.ext4 -q -F", "-U", "e2fsprogs"},     {"ext3", "mkfs.ext3 -q -F", "-U", "e2fsprogs"},
	{"ext2", "mkfs.ext2 -q -F", "-U", "e2fsprogs"},     {"xfs", "mkfs.xfs -q -f -m", "uuid=", "xfsprogs"},
	{"btrfs", "mkfs.btrfs -q -f", "-U", "btrfs-progs"}, {"vfat", "mkfs.vfat", "-i", "dosfstools"},
};

static struct error *no_memory(void)
{
	return error_new(ERROR_NOMEM, "no memory for a test");
}

// As programs see a path that is ours: they are not held in the root.
static struct error *outside(const struct host *host, const char *path, char **ret)
{
	if (asprintf(ret, "%s%s", strcmp(host->root, "/") == 0 ? "" : host->root, path) < 0)
		*ret = NULL;
	return *ret ? NULL : no_memory();
}

static struct error *run(const struct host *host, struct words *argv, uint64_t timeout_ms, const char *package)
{
	struct host_command command = {
		.argv = (const char *const *)argv->list,
		.timeout_ms = timeout_ms,
		.output_max_bytes = OUTPUT_BYTES,
		.is_tied = true,
	};
	_cleanup_(host_result_deinit) struct host_result result = {0};
	struct error *err = words_check(argv);

	if (!err)
		err = host_run(host, &command, &result);
	if (error_catch_os(&err, ENOENT)) {
		return error_new(ERROR_UNSUPPORTED, "a test needs %s; install the package %s", argv->list[0], package);
	}
	if (!err && result.status != 0)
		err = error_new(ERROR_OS, "%s failed with status %d: %s", argv->list[0], result.status,
		                text_last_line(result.output));
	return err;
}

// The device may be there, and the machine a virtual one without it.
static bool has_kvm(void)
{
	_cleanup_close_ int fd = open(KVM_PATH, O_RDWR | O_CLOEXEC);
	_cleanup_close_ int vm_fd = fd < 0 ? -1 : ioctl(fd, KVM_CREATE_VM, 0);

	return vm_fd >= 0;
}

static bool has_program(const char *name)
{
	static const char *const directories[] = {"/usr/local/bin", "/usr/bin", "/usr/local/sbin",
	                                          "/usr/sbin",      "/bin",     "/sbin"};
	char path[128];

	for (size_t i = 0; i < array_size(directories); i++) {
		snprintf(path, sizeof(path), "%s/%s", directories[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static const struct maker *find_maker(const char *fstype)
{
	for (size_t i = 0; i < array_size(makers); i++)
		if (strcmp(makers[i].fstype, fstype) == 0)
			return &makers[i];
	return NULL;
}

static struct error *set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	return *text ? NULL : no_memory();
}

static struct error *clear_list(char ***list)
{
	host_names_free(*list);
	*list = calloc(1, sizeof(**list));
	return *list ? NULL : no_memory();
}

static void note(struct rehearsal *rehearsal, const char *text)
{
	words_add(&rehearsal->notes, text);
}

// A random UUID as RFC 9562 has it, and the number that a FAT has in its place.
static struct error *make_uuid(const struct maker *maker, char uuid[40], char shown[40])
{
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return error_os(errno, "random bytes");
	if (strcmp(maker->fstype, "vfat") == 0) {
		snprintf(uuid, 40, "%02X%02X%02X%02X", bytes[0], bytes[1], bytes[2], bytes[3]);
		snprintf(shown, 40, "%.4s-%.4s", uuid, uuid + 4);
		return NULL;
	}
	bytes[6] = (bytes[6] & 0x0f) | 0x40;
	bytes[8] = (bytes[8] & 0x3f) | 0x80;
	for (size_t i = 0, at = 0; i < sizeof(bytes); i++)
		at += (size_t)snprintf(uuid + at, 40 - at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
		                       bytes[i]);
	snprintf(shown, 40, "%s", uuid);
	return NULL;
}

// Sparse, and as large as all memory, which it may have to hold.
static struct error *make_disk(const struct host *host, const struct plan *plan, const struct maker *maker,
                               uint64_t memory_bytes, char **device_ret)
{
	uint64_t needed =
		plan->format == PLAN_FORMAT_RAW || plan->dump_level < LEVEL_MAX ? memory_bytes : FILTERED_MIB * MIB;
	_cleanup_words_ struct words argv = {0};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	char uuid[40], shown[40];
	struct statvfs info;
	struct error *err = make_uuid(maker, uuid, shown);

	if (!err)
		err = outside(host, DISK_PATH, &path);
	if (!err)
		err = host_open(host, DISK_PATH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd);
	if (err)
		return err;
	if (fstatvfs(fd, &info) == 0 && (uint64_t)info.f_bavail * info.f_frsize < needed)
		return error_new(ERROR_NOSPC, REHEARSAL_DIRECTORY ": a test needs %" PRIu64 " MiB there", needed / MIB);
	if (ftruncate(fd, (off_t)(memory_bytes + DISK_MIB * MIB)) < 0)
		return error_os(errno, DISK_PATH);
	words_split(&argv, maker->words);
	if (maker->uuid[strlen(maker->uuid) - 1] == '=') {
		words_addf(&argv, "%s%s", maker->uuid, uuid);
	} else {
		words_add(&argv, maker->uuid);
		words_add(&argv, uuid);
	}
	words_add(&argv, path);
	err = run(host, &argv, MKFS_TIMEOUT_MS, maker->package);
	if (!err && asprintf(device_ret, "UUID=%s", shown) < 0) {
		*device_ret = NULL;
		err = no_memory();
	}
	return err;
}

static bool has_module(char *const *list, const char *name)
{
	size_t size = strlen(name);

	for (; *list; list++) {
		const char *slash = strrchr(*list, '/'), *file = slash ? slash + 1 : *list;

		if (strncmp(file, name, size) == 0 && file[size] == '.')
			return true;
	}
	return false;
}

static const struct disk *choose_disk(const struct plan *plan)
{
	size_t last = array_size(disks) - 1;

	for (size_t i = 0; i < last; i++)
		if (has_module(plan->modules, disks[i].module))
			return &disks[i];
	return &disks[last];
}

// Drivers of the scratch disk and of its file system, behind those that the image has.
static struct error *add_modules(const struct host *host, const char *fstype, struct rehearsal *rehearsal)
{
	struct plan *plan = &rehearsal->plan;
	_cleanup_modules_ struct modules modules = {0};
	_cleanup_words_ struct words ordered = {0};
	bool is_known = true;
	size_t before;
	struct error *err = modules_open(host, plan->kernel_version, &modules);

	for (char *const *module = plan->modules; *module; module++)
		words_add(&ordered, *module);
	before = ordered.count;
	if (!err && !*choose_disk(plan)->module) {
		err = modules_add(&modules, "virtio_pci", &ordered, &is_known);
		if (!err && is_known)
			err = modules_add(&modules, "virtio_blk", &ordered, &is_known);
		if (!err && !is_known)
			err = error_new(ERROR_UNSUPPORTED,
			                "a test needs the kernel module virtio_blk, which %s has not",
			                plan->kernel_version);
	}
	if (!err)
		err = modules_add_filesystem(&modules, fstype, &ordered);
	for (size_t i = before; !err && i < ordered.count; i++)
		words_add(&rehearsal->added, ordered.list[i]);
	if (!err)
		err = words_check(&rehearsal->added);
	if (err)
		return err;
	host_names_free(plan->modules);
	plan->modules = NULL;
	return words_take(&ordered, &plan->modules);
}

// There is no network in the virtual machine, no watchdog, and nothing that a target may stand on.
static struct error *replace_parts(struct rehearsal *rehearsal)
{
	struct plan *plan = &rehearsal->plan;
	char ***lists[] = {&plan->network_modules,  &plan->network_links,        &plan->network_addresses,
	                   &plan->network_routes,   &plan->notify_routes,        &plan->watchdog_modules,
	                   &plan->hooks_transfer,   &plan->fallback.devices,     &plan->fallback.fstypes,
	                   &plan->fallback.options, &plan->fallback.directories, &plan->full_modules,
	                   &plan->full_devices,     &plan->crypt_volumes,        &plan->iscsi_sessions};
	struct error *err = NULL;

	if (plan_target_is_server(&plan->target) || *plan->network_routes ||
	    strncmp(plan->target.fstype, "nfs", 3) == 0 || strcmp(plan->target.fstype, PLAN_CIFS) == 0)
		note(rehearsal, "the server, and the network to it");
	else if (*plan->crypt_volumes)
		note(rehearsal, "the encrypted volume, its disk and its key");
	else if (plan->form == PLAN_FULL)
		note(rehearsal, "what the target stands on");
	else
		note(rehearsal, "the target's own disk and its driver");
	if (*plan->fallback.devices)
		note(rehearsal, plan->parts > 1 ? "the other targets" : "the fallback targets");
	if (*plan->notify_routes)
		note(rehearsal, "failover notices");
	if (*plan->hooks_transfer)
		note(rehearsal, "KDUMP_TRANSFER");
	if (*plan->watchdog_modules)
		note(rehearsal, "the watchdogs");
	for (size_t i = 0; !err && i < array_size(lists); i++)
		err = clear_list(lists[i]);
	plan->parts = 1;
	plan->loop_count = 0;
	plan->final_action = PLAN_POWEROFF;
	plan->failure_action = PLAN_POWEROFF;
	return err ? err : words_check(&rehearsal->notes);
}

static struct error *copy_plan(const struct plan *plan, struct plan *ret)
{
	_cleanup_free_ char *text = NULL;
	struct error *err = plan_format(plan, &text);

	return err ? err : plan_parse(text, "plan", ret);
}

static struct error *replace_target(const struct host *host, struct rehearsal *rehearsal)
{
	struct plan *plan = &rehearsal->plan;
	const struct maker *maker = find_maker(plan->target.fstype);
	_cleanup_free_ char *device = NULL;
	struct error *err = replace_parts(rehearsal);

	if (!maker) {
		maker = &makers[0];
		if (!err)
			err = set_text(&plan->target.directory, "/");
	}
	if (!err)
		err = make_disk(host, plan, maker, rehearsal->memory_bytes, &device);
	if (!err)
		err = set_text(&plan->target.device, device);
	if (!err)
		err = set_text(&plan->target.fstype, maker->fstype);
	if (!err)
		err = set_text(&plan->target.options, "");
	return err ? err : add_modules(host, maker->fstype, rehearsal);
}

// A module as it is loaded: without compression, which needs programs.
static struct error *unpack_module(const struct host *host, const struct plan *plan, const char *module, int *fd_ret)
{
	static const struct {
		const char *suffix, *words, *package;
	} rows[] = {{"", NULL, NULL},
	            {".xz", "xz -d -f", "xz-utils"},
	            {".zst", "zstd -d -q -f --rm", "zstd"},
	            {".gz", "gzip -d -f", "gzip"}};
	_cleanup_free_ char *path = NULL, *out = NULL;
	_cleanup_words_ struct words argv = {0};
	_cleanup_close_ int in_fd = -1, out_fd = -1;
	struct error *err = NULL;
	size_t row = 0;

	for (; row < array_size(rows); row++) {
		free(path);
		if (asprintf(&path, "/lib/modules/%s/%s%s", plan->kernel_version, module, rows[row].suffix) < 0) {
			path = NULL;
			return no_memory();
		}
		if (host_exists(host, path))
			break;
	}
	if (row == array_size(rows))
		return error_new(ERROR_CONFIG, "the kernel module %s is not there; run depmod", module);
	err = host_open(host, path, O_RDONLY, 0, fd_ret);
	if (err || !rows[row].words)
		return err;
	in_fd = *fd_ret;
	*fd_ret = -1;
	if (asprintf(&out, "%s%s", MODULE_PATH, rows[row].suffix) < 0) {
		out = NULL;
		return no_memory();
	}
	{
		_cleanup_free_ char *buf = NULL, *name = NULL;
		size_t size = 0;

		err = io_read_all(in_fd, 64 * MIB, &buf, &size);
		if (!err)
			err = host_replace(host, out, buf, size, 0600);
		if (!err)
			err = outside(host, out, &name);
		words_split(&argv, rows[row].words);
		if (!err)
			words_add(&argv, name);
	}
	if (!err)
		err = run(host, &argv, UNPACK_TIMEOUT_MS, rows[row].package);
	if (!err)
		err = host_open(host, MODULE_PATH, O_RDONLY, 0, &out_fd);
	if (!err)
		*fd_ret = take_fd(&out_fd);
	return err;
}

static struct error *add_directories(struct cpio *cpio, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	struct error *err = copy ? NULL : no_memory();

	for (char *slash = copy ? strchr(copy, '/') : NULL; !err && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = cpio_add(cpio, copy, S_IFDIR | 0755, NULL, 0);
		*slash = '/';
	}
	return err;
}

// /lib is a link in an initramfs of dracut's; usr/lib is a directory.
static struct error *add_module(const struct host *host, const struct plan *plan, const char *module, struct cpio *cpio)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *name = NULL;
	struct error *err = unpack_module(host, plan, module, &fd);

	if (!err && asprintf(&name, "usr/lib/modules/%s/%s", plan->kernel_version, module) < 0) {
		name = NULL;
		err = no_memory();
	}
	if (!err)
		err = add_directories(cpio, name);
	return err ? err : cpio_add_files(cpio, name, S_IFREG | 0644, &fd, 1);
}

// What follows the image: the kernel unpacks one archive over the other.
static struct error *make_extra(const struct host *host, const struct rehearsal *rehearsal)
{
	_cleanup_free_ char *text = NULL;
	struct cpio cpio = {.fd = -1};
	struct error *err = plan_format(&rehearsal->plan, &text);

	if (!err)
		err = host_open(host, EXTRA_PATH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &cpio.fd);
	if (err)
		return err;
	for (size_t i = 0; !err && i < rehearsal->added.count; i++)
		err = add_module(host, &rehearsal->plan, rehearsal->added.list[i], &cpio);
	if (!err)
		err = cpio_add(&cpio, PLAN_NAME, S_IFREG | 0600, text, strlen(text));
	if (!err)
		err = cpio_finish(&cpio);
	close(cpio.fd);
	return err;
}

static struct error *make_outer(const struct host *host, const struct plan *plan)
{
	_cleanup_close_ int init_fd = -1, kernel_fd = -1, image_fd = -1, extra_fd = -1, fd = -1;
	_cleanup_free_ char *line = NULL;
	struct cpio cpio = {0};
	struct error *err = host_open(host, REHEARSAL_INIT_PATH, O_RDONLY, 0, &init_fd);

	if (!err)
		err = host_open(host, plan->kernel_image, O_RDONLY, 0, &kernel_fd);
	if (!err)
		err = host_open(host, plan->initrd, O_RDONLY, 0, &image_fd);
	if (!err)
		err = host_open(host, EXTRA_PATH, O_RDONLY, 0, &extra_fd);
	if (!err)
		err = host_open(host, OUTER_PATH, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd);
	// The last console is the one of /init.
	if (!err && asprintf(&line, "%s console=ttyS0", plan->command_line) < 0) {
		line = NULL;
		err = no_memory();
	}
	cpio.fd = fd;
	if (!err)
		err = cpio_add_files(&cpio, "init", S_IFREG | 0755, &init_fd, 1);
	if (!err)
		err = cpio_add_files(&cpio, REHEARSAL_KERNEL_NAME, S_IFREG | 0600, &kernel_fd, 1);
	if (!err)
		err = cpio_add_files(&cpio, REHEARSAL_IMAGE_NAME, S_IFREG | 0600, (const int[]){image_fd, extra_fd}, 2);
	if (!err)
		err = cpio_add(&cpio, REHEARSAL_LINE_NAME, S_IFREG | 0600, line, strlen(line));
	return err ? err : cpio_finish(&cpio);
}

static struct error *choose_memory(const struct host *host, const struct plan *plan, struct rehearsal *rehearsal)
{
	struct stat kernel, image;
	struct error *err = host_stat(host, plan->kernel_image, &kernel);

	if (!err)
		err = host_stat(host, plan->initrd, &image);
	if (err)
		return err;
	rehearsal->memory_bytes =
		rehearsal->reserved_bytes + GUEST_MIB * MIB + COPIES * (uint64_t)(kernel.st_size + image.st_size);
	rehearsal->memory_bytes -= rehearsal->memory_bytes % MIB;
	return NULL;
}

struct error *rehearsal_prepare(const struct host *host, const struct plan *plan, struct rehearsal *rehearsal)
{
	struct error *err = NULL;

	if (!cmdline_is_x86(host))
		return error_new(ERROR_UNSUPPORTED, "a test in a virtual machine is there for x86-64 only");
	if (!has_program(PROGRAM))
		return error_new(ERROR_UNSUPPORTED,
		                 "a test needs " PROGRAM "; install the package qemu-system-x86 (Debian), "
		                 "qemu-x86 (SUSE) or qemu-kvm (Red Hat)");
	rehearsal_clean(host);
	rehearsal->is_emulated |= !has_kvm();
	err = host_mkdirs(host, REHEARSAL_DIRECTORY);
	if (!err)
		err = choose_memory(host, plan, rehearsal);
	if (!err)
		err = copy_plan(plan, &rehearsal->plan);
	if (!err)
		err = replace_target(host, rehearsal);
	if (!err)
		err = make_extra(host, rehearsal);
	return err ? err : make_outer(host, &rehearsal->plan);
}

// A path in an option of QEMU: a comma is doubled.
static void add_option(struct words *argv, const char *option, const char *before, const char *path, const char *behind)
{
	_cleanup_text_ struct text text = {0};

	text_add(&text, "%s", before);
	for (; *path; path++)
		text_add(&text, *path == ',' ? ",%c" : "%c", *path);
	text_add(&text, "%s", behind);
	words_add(argv, option);
	words_add(argv, text.buf ? text.buf : "");
	argv->is_failed |= !text.buf;
}

static struct error *make_command(const struct host *host, const struct rehearsal *rehearsal, struct words *argv)
{
	const struct disk *disk = choose_disk(&rehearsal->plan);
	const struct plan *plan = &rehearsal->plan;
	_cleanup_free_ char *kernel = NULL, *outer = NULL, *scratch = NULL, *console = NULL;
	struct error *err = outside(host, plan->kernel_image, &kernel);

	if (!err)
		err = outside(host, OUTER_PATH, &outer);
	if (!err)
		err = outside(host, DISK_PATH, &scratch);
	if (!err)
		err = outside(host, REHEARSAL_CONSOLE, &console);
	if (err)
		return err;
	words_split(argv, PROGRAM " -nodefaults -no-user-config -display none -no-reboot -machine pc -smp 1");
	// Without cmpxchg16b: the emulation of QEMU 7.2 spoils flags with it. Page tables of five levels double the time.
	words_split(argv, rehearsal->is_emulated ? "-accel tcg -cpu max,-cx16,-la57" : "-accel kvm -cpu host");
	words_add(argv, "-m");
	words_addf(argv, "%" PRIu64 "M", rehearsal->memory_bytes / MIB);
	words_add(argv, "-kernel");
	words_add(argv, kernel);
	words_add(argv, "-initrd");
	words_add(argv, outer);
	words_add(argv, "-append");
	words_addf(argv, "console=ttyS0 panic=-1 loglevel=4 no_timer_check mitigations=off crashkernel=%" PRIu64 "K",
	           rehearsal->reserved_bytes / 1024);
	add_option(argv, "-drive", "if=none,id=scratch,format=raw,cache=unsafe,file=", scratch, "");
	for (size_t i = 0; i < array_size(disk->devices) && disk->devices[i]; i++) {
		words_add(argv, "-device");
		words_add(argv, disk->devices[i]);
	}
	add_option(argv, "-chardev", "file,id=console,path=", console, "");
	words_split(argv, "-serial chardev:console");
	return words_check(argv);
}

struct error *rehearsal_run(const struct host *host, const struct rehearsal *rehearsal)
{
	_cleanup_words_ struct words argv = {0};
	struct error *err = make_command(host, rehearsal, &argv);

	if (!err)
		err = host_replace(host, REHEARSAL_CONSOLE, "", 0, 0600);
	if (!err)
		err = run(host, &argv, rehearsal->is_emulated ? EMULATED_TIMEOUT_MS : KVM_TIMEOUT_MS,
		          "qemu-system-x86");
	return err;
}

void rehearsal_clean(const struct host *host)
{
	static const char *const paths[] = {DISK_PATH,         EXTRA_PATH,         OUTER_PATH,       MODULE_PATH,
	                                    MODULE_PATH ".xz", MODULE_PATH ".zst", MODULE_PATH ".gz"};

	for (size_t i = 0; i < array_size(paths); i++)
		error_free(host_remove(host, paths[i]));
}

void rehearsal_deinit(struct rehearsal *rehearsal)
{
	plan_deinit(&rehearsal->plan);
	words_deinit(&rehearsal->added);
	words_deinit(&rehearsal->notes);
	*rehearsal = (struct rehearsal){0};
}
