#!/bin/sh
# Builds the case of the airlines from public facts into a new folder: keys, the case, four releases and the page.
#
#   sh examples/airlines-2021/build.sh OUT
#
# CONTRAIL names the program when it is not on the path.
set -eu
out=${1:?name the folder to write}
here=$(cd "$(dirname "$0")" && pwd)
contrail=${CONTRAIL:-contrail}
mkdir "$out"
cd "$out"

# Two people, because nothing leaves with one.
"$contrail" keys new --dir keys anna
"$contrail" keys new --dir keys ben
export CONTRAIL_KEY=keys/anna.key
"$contrail" case new --organisation 'Example CERT' --tlp clear --owner 'public record' --name airlines-2021 --why 'an example made of public facts' case
"$contrail" case add person --role liaison --organisation 'Example CERT' --why 'second pair of eyes' case keys/ben.pub

# The victim's report, known to the month; then everybody's claims, the authority's conclusion, what was decided about the name, and the dates.
"$contrail" case intake --why 'from the public record' --file "$here/intake.yaml" case
"$contrail" case add claims --tlp clear --owner 'public record' --why 'published until November 2021' case "$here"
"$contrail" case show --save-head head case

# Who did it, as far as it can be said.
"$contrail" attribute --out attribution case
"$contrail" case add attribution --tlp clear --owner 'public record' --why 'weighed' case attribution/attribution.json

# Who is told what: the victim first.
for audience in victim members authority public; do
	"$contrail" disclose draft --name "to-$audience" --plan "$here/plans/$audience.yaml" --out "drafts/$audience" --why 'an example' case 2>"$audience.difference"
	"$contrail" disclose check --why 'all of it is public' case "to-$audience" legal
	"$contrail" disclose check --why 'the trojan was removed' case "to-$audience" tip-off
	"$contrail" disclose approve --why 'read' case "to-$audience"
	"$contrail" disclose approve --key keys/ben.key --why 'read' case "to-$audience"
	"$contrail" disclose release --why 'ready' --draft "drafts/$audience" --out "released/$audience" case "to-$audience"
done
"$contrail" disclose log case
"$contrail" disclose clock --out clock case

"$contrail" case report --out case.html case
"$contrail" case verify --head head case
