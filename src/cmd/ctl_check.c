// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/ctl_check.h"

#include <stdio.h>

#include "base/json.h"
#include "boot/checkup.h"
#include "boot/plan.h"

static const char *const severities[] = {[FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};

static struct error *print_json(const struct findings *findings)
{
	struct json json;

	json_init(&json, stdout);
	json_open_object(&json, NULL);
	json_open_array(&json, "findings");
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		json_open_object(&json, NULL);
		json_text(&json, "name", finding->name);
		json_text(&json, "severity", severities[finding->severity]);
		json_text(&json, "text", finding->text);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
	return json_finish(&json);
}

static struct error *print_text(const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		printf("%s: %s: %s\n", severities[findings->list[i].severity], findings->list[i].name,
		       findings->list[i].text);
	if (!findings->count)
		puts("nothing was found that would make a capture fail");
	return ctl_flush("what was found");
}

static struct error *look(const struct ctl *ctl, struct findings *findings)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_plan_ struct plan plan = {0};
	struct error *err = config_load(&ctl->host, ctl->config_path, &config);

	if (err)
		return err;
	err = plan_make(&ctl->host, &config, &plan);
	if (err)
		findings_add(findings, FINDING_ERROR, "plan", "%s", err->text);
	error_free(err);
	for (size_t i = 0; i < config.warnings.count; i++)
		findings_add(findings, FINDING_WARNING, "configuration", "%s", config.warnings.list[i]);
	// What follows from the plan only.
	return plan.target.device ? checkup_run(&ctl->host, &config, &plan, findings) : NULL;
}

struct error *ctl_check(const struct ctl *ctl, int *exit_ret)
{
	_cleanup_findings_ struct findings findings = {0};
	struct error *err = look(ctl, &findings);

	if (err)
		return err;
	for (size_t i = 0; i < findings.count; i++)
		if (findings.list[i].severity == FINDING_ERROR)
			*exit_ret = EXIT_CONFIG;
	return ctl->is_json ? print_json(&findings) : print_text(&findings);
}
