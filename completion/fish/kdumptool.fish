# SPDX-License-Identifier: GPL-2.0-or-later
# Made by completion/make.
complete -c kdumptool -f
complete -c kdumptool -l configfile -r -F -d 'read FILE in place of /etc/sysconfig/kdump'
complete -c kdumptool -l root -r -F -d 'take DIR for /; no program is run (for tests)'
complete -c kdumptool -l quiet -d 'print errors only'
complete -c kdumptool -l help -d 'print this, or what a command takes'
complete -c kdumptool -l version -d 'print the version'
complete -c kdumptool -n __fish_use_subcommand -a calibrate -d 'print how much memory a capture needs, for YaST'
complete -c kdumptool -n __fish_use_subcommand -a commandline -d 'print crashkernel=..., compare, write or remove it'
complete -c kdumptool -n '__fish_seen_subcommand_from commandline' -s c -d 'compare with the running kernel'
complete -c kdumptool -n '__fish_seen_subcommand_from commandline' -s u -d 'write it into the boot loader'\''s configuration'
complete -c kdumptool -n '__fish_seen_subcommand_from commandline' -s U -d 'the same, if KDUMP_UPDATE_BOOTLOADER is set'
complete -c kdumptool -n '__fish_seen_subcommand_from commandline' -s d -d 'remove it from there'
complete -c kdumptool -n '__fish_seen_subcommand_from commandline' -s D -d 'the same of what is ours, if KDUMP_UPDATE_BOOTLOADER is set'
complete -c kdumptool -n __fish_use_subcommand -a dump_config -d 'print the configuration as it is understood, without passwords'
