# SPDX-License-Identifier: GPL-2.0-or-later
# Made by completion/make.
complete -c mkdumprd -f
complete -c mkdumprd -l configfile -r -F -d 'read FILE in place of /etc/sysconfig/kdump'
complete -c mkdumprd -l root -r -F -d 'take DIR for /; no program is run (for tests)'
complete -c mkdumprd -l quiet -d 'print errors only'
complete -c mkdumprd -l help -d 'print this, or what a command takes'
complete -c mkdumprd -l version -d 'print the version'
complete -c mkdumprd -s f -d 'build it also if it is fresh'
