// SPDX-License-Identifier: GPL-2.0-or-later
#include "boot/checkup_image.h"

#include "boot/initrd.h"
#include "fake.h"
#include "fakearchive.h"
#include "fakeplan.h"
#include "test.h"

#define NETWORK "modules = [\"kernel/card.ko\"]; links = []; addresses = []; timeout_ms = 30000L; routes = [];"
#define PLAN_TEXT(form, notices)                                                                                       \
	FAKEPLAN(form, NETWORK, "\"kernel/a.ko\"", "\"/etc/key\"", "", "", notices, "\"/usr/bin/hook\"")

// What an image has, and what is wrong with it.
struct image {
	const char *plan;
	const char *missing; // A name; NULL: all is there.
	const char *empty, *directory; // As missing.
	const char *more, *text; // A file beside the others.
};

static void make(struct fakearchive *archive, const struct image *image)
{
	static const char *const names[] = {"init", "usr/lib/modules/6.1/kernel/a.ko",
	                                    "usr/lib/modules/6.1/kernel/card.ko", "etc/key", "usr/bin/hook"};
	const char *missing = image->missing ? image->missing : "", *empty = image->empty ? image->empty : "";

	fakearchive_link(archive, "lib", "usr/lib");
	for (size_t i = 0; i < array_size(names); i++) {
		if (image->directory && strcmp(names[i], image->directory) == 0)
			fakearchive_dir(archive, names[i]);
		else if (strcmp(names[i], missing) != 0)
			fakearchive_file(archive, names[i], 0755, strcmp(names[i], empty) == 0 ? "" : "content");
	}
	fakearchive_file(archive, INITRD_CAPTURE_PATH, 0755, "program");
	if (strcmp(missing, "etc/kdump/plan") != 0)
		fakearchive_file(archive, "etc/kdump/plan", 0600, image->plan);
	if (image->more)
		fakearchive_file(archive, image->more, 0644, image->text);
	fakearchive_end(archive);
}

// Builds an image by a dracut that makes this one, of a plan; then another plan is today's.
static void look(const struct image *image, const char *now, struct findings *findings)
{
	_cleanup_fake_ struct fake fake;
	_cleanup_plan_ struct plan plan = {0}, present = {0};
	_cleanup_fakearchive_ struct fakearchive archive = {0};
	_cleanup_free_ char *text = NULL;

	fake_init(&fake);
	check_ok(plan_parse(image->plan, "p", &plan));
	check_ok(plan_format(&plan, &text));
	check_ok(plan_parse(now, "p", &present));
	fake_file(&fake, INITRD_CAPTURE_PATH, "program");
	fake_file(&fake, "/boot/vmlinuz-6.1", "kernel");
	fake_file(&fake, "/lib/modules/6.1/kernel/a.ko", "module");
	fake_file(&fake, "/lib/modules/6.1/kernel/card.ko", "module");
	fake_file(&fake, "/lib/modules/6.1/modules.dep", "");
	fake_file(&fake, "/etc/key", "key");
	fake_file(&fake, "/usr/bin/hook", "hook");
	make(&archive, &(struct image){text, image->missing, image->empty, image->directory, image->more, image->text});
	fake.makes = "/var/lib/kdump/initrd.new";
	fake.made = archive.buf;
	fake.made_bytes = archive.size_bytes;
	fake_tick();
	check_ok(initrd_build(&fake.host, &plan));
	checkup_image(&fake.host, &present, findings);
	check(!findings->is_failed);
}

static void check_found(const struct image *image, const char *now, const char *name, const char *words)
{
	_cleanup_findings_ struct findings findings = {0};

	look(image, now, &findings);
	if (findings.count != 1)
		for (size_t i = 0; i < findings.count; i++)
			fprintf(stderr, "%s: %s\n", findings.list[i].name, findings.list[i].text);
	check(findings.count == 1);
	check_text(findings.list[0].name, name);
	if (!strstr(findings.list[0].text, words))
		check_text(findings.list[0].text, words);
}

static const char plain[] = PLAN_TEXT("minimal", ""), full[] = PLAN_TEXT("full", "");

static void a_whole_image(void)
{
	_cleanup_findings_ struct findings minimal = {0}, larger = {0};

	look(&(struct image){.plan = plain}, plain, &minimal);
	check(minimal.count == 0);
	look(&(struct image){.plan = full}, full, &larger);
	check(larger.count == 0);
}

static void each_thing_that_is_missing(void)
{
	static const struct {
		const char *name, *words;
	} things[] = {
		{"init", "the program /init is not in"},
		{"usr/lib/modules/6.1/kernel/a.ko", "the kernel module /lib/modules/6.1/kernel/a.ko is not in"},
		{"usr/lib/modules/6.1/kernel/card.ko", "the kernel module /lib/modules/6.1/kernel/card.ko is not in"},
		{"etc/key", "what a target needs, /etc/key is not in"},
		{"usr/bin/hook", "what a hook needs, /usr/bin/hook is not in"},
		{"etc/kdump/plan", "there is no plan /etc/kdump/plan"},
	};

	for (size_t i = 0; i < array_size(things); i++)
		check_found(&(struct image){.plan = plain, .missing = things[i].name}, plain, "content",
		            things[i].words);
	check_found(&(struct image){.plan = plain, .empty = "usr/lib/modules/6.1/kernel/a.ko"}, plain, "content",
	            "a.ko of the capture initramfs is empty");
	check_found(&(struct image){.plan = plain, .directory = "init"}, plain, "content", "is no file");
}

static void modules_of_another_kernel(void)
{
	check_found(&(struct image){.plan = plain, .more = "usr/lib/modules/6.2/kernel/a.ko", .text = "x"}, plain,
	            "version", "has modules of kernel 6.2, and 6.1 is what is loaded");
}

// The inputs that were written down are of the one plan, what dracut put into the image is another one.
static void a_plan_that_is_another_one(void)
{
	_cleanup_findings_ struct findings findings = {0}, unread = {0};
	_cleanup_plan_ struct plan other = {0};
	_cleanup_free_ char *text = NULL;

	check_ok(plan_parse(plain, "p", &other));
	free(other.hostname);
	other.hostname = strdup("m");
	check_ok(plan_format(&other, &text));
	look(&(struct image){.plan = plain, .more = "etc/kdump/plan", .text = text}, plain, &findings);
	check(findings.count == 1);
	check_text(findings.list[0].name, "content");
	check(strstr(findings.list[0].text, "there: hostname = \"m\";; now: hostname = \"n\";"));
	look(&(struct image){.plan = plain, .more = "etc/kdump/plan", .text = "version = 2;"}, plain, &unread);
	check(unread.count == 1);
	check(strstr(unread.list[0].text, "/etc/kdump/plan"));
}

// The name of a node led to another address when the image was made.
static void addresses_that_have_changed(void)
{
	static const char old[] = PLAN_TEXT("minimal", "\"192.0.2.1 eth0 - -\", \"192.0.2.2 eth0 - -\"");
	static const char now[] = PLAN_TEXT("minimal", "\"192.0.2.1 eth0 - -\", \"192.0.2.22 eth0 - -\"");
	_cleanup_findings_ struct findings findings = {0};

	look(&(struct image){.plan = old}, now, &findings);
	check(findings.count == 3);
	check_text(findings.list[0].name, "image");
	check_text(findings.list[1].name, "addresses");
	check(findings.list[1].severity == FINDING_ERROR && strstr(findings.list[1].text, "192.0.2.22 now"));
	check(findings.list[2].severity == FINDING_WARNING &&
	      strstr(findings.list[2].text, "had the address 192.0.2.2 "));
}

static void modules_that_modprobe_forbids(void)
{
	static const char name[] = "etc/modprobe.d/a.conf";

	check_found(&(struct image){.plan = full, .more = name, .text = "# no\nblacklist nouveau\n blacklist  a\n"},
	            full, "modules",
	            "needs kernel/a.ko, which /etc/modprobe.d/a.conf of the capture initramfs forbids");
	check_found(&(struct image){.plan = full, .more = name, .text = "install card /bin/false"}, full, "modules",
	            "needs kernel/card.ko");
}

// An x86 kernel's own words, and what is none.
static void the_version_of_the_kernel(void)
{
	_cleanup_findings_ struct findings findings = {0};
	_cleanup_fake_ struct fake fake;
	_cleanup_plan_ struct plan plan = {0};
	char kernel[0x400] = {0};

	fake_init(&fake);
	check_ok(plan_parse(plain, "p", &plan));
	memcpy(kernel + 0x202, "HdrS", 4);
	kernel[0x20f] = 1;
	memcpy(kernel + 0x300, "6.1 (somebody) #1", 17);
	check_ok(host_replace(&fake.host, "/boot/vmlinuz-6.1", kernel, sizeof(kernel), 0644));
	checkup_image(&fake.host, &plan, &findings);
	check(findings.count == 1 && strcmp(findings.list[0].name, "image") == 0);
	memcpy(kernel + 0x300, "6.10\x1b #1", 9);
	check_ok(host_replace(&fake.host, "/boot/vmlinuz-6.1", kernel, sizeof(kernel), 0644));
	checkup_image(&fake.host, &plan, &findings);
	check(findings.count == 3 && strcmp(findings.list[1].name, "version") == 0);
	check(strstr(findings.list[1].text, "/boot/vmlinuz-6.1 is kernel 6.10?, and the modules"));
	// A place behind the end.
	kernel[0x20f] = 0x7f;
	check_ok(host_replace(&fake.host, "/boot/vmlinuz-6.1", kernel, sizeof(kernel), 0644));
	checkup_image(&fake.host, &plan, &findings);
	check(findings.count == 4);
}

static const struct test tests[] = {
	TEST(a_whole_image),
	TEST(each_thing_that_is_missing),
	TEST(modules_of_another_kernel),
	TEST(a_plan_that_is_another_one),
	TEST(addresses_that_have_changed),
	TEST(modules_that_modprobe_forbids),
	TEST(the_version_of_the_kernel),
};

int main(int argc, char **argv)
{
	return test_main(tests, array_size(tests), argc, argv);
}
